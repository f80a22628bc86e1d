"""`tinysense simulate`: recordings of people who do not exist."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ..dataset import Dataset
from ..errors import TinysenseError
from ..exporters import FORMATS, export_recordings
from ..simulate import LABELS, Sensor, simulate_into
from .screen import console

__all__ = ["simulate"]


def simulate(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for dataset or files.")],
    people: Annotated[int, typer.Option(help="How many people.")] = 6,
    per_label: Annotated[int, typer.Option(help="Tries per person and label.")] = 20,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 1,
    rate: Annotated[float, typer.Option(help="Sample rate in Hz.")] = 25.0,
    full_scale: Annotated[float, typer.Option("--range", help="Range of the sensor in g.")] = 4.0,
    format: Annotated[str, typer.Option(help=f"dataset, {', '.join(FORMATS)}.")] = "dataset",
) -> None:
    """Make labelled recordings with the motion simulator; the seed decides everything."""
    if format != "dataset" and format not in FORMATS:
        raise TinysenseError(
            f"no format {format!r}", f"choose from dataset, {', '.join(FORMATS)}"
        )
    if rate <= 0 or full_scale <= 0:
        raise TinysenseError("rate and range must be above 0")
    sensor = Sensor(rate_hz=rate, full_scale_g=full_scale)
    if format == "dataset":
        count = simulate_into(Dataset(out), people, per_label, seed, sensor)
    else:
        with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
            made = Dataset(folder)
            count = simulate_into(made, people, per_label, seed, sensor)
            export_recordings(list(made.recordings()), made.labels(), out, format)
    console.print(
        f"{count} recordings of {people} people: {', '.join(LABELS)} -> {out}", highlight=False
    )
