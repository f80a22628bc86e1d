"""`tinysense simulate`: recordings of people who do not exist."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ..dataset import Dataset
from ..errors import TinysenseError
from ..exporters import FORMATS, export_recordings
from ..simulate import LABELS, RANGES_DPS, RANGES_G, RATES_HZ, Sensor, simulate_into
from .options import finite
from .screen import console

__all__ = ["simulate"]


def simulate(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for dataset or files.")],
    people: Annotated[int, typer.Option(min=1, max=1000, help="How many people.")] = 6,
    per_label: Annotated[
        int, typer.Option(min=1, max=10_000, help="Tries per person and label.")
    ] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other people.")] = 1,
    rate: Annotated[
        float,
        typer.Option(min=RATES_HZ[0], max=RATES_HZ[1], callback=finite, help="Sample rate in Hz."),
    ] = 25.0,
    full_scale: Annotated[
        float,
        typer.Option("--range", min=RANGES_G[0], max=RANGES_G[1], callback=finite,
                     help="Range of the sensor in g."),
    ] = 4.0,
    gyro: Annotated[
        float,
        typer.Option(min=0.0, max=RANGES_DPS[1], callback=finite,
                     help="Range of a gyroscope in deg/s, six channels then; 0: none."),
    ] = 0.0,
    format: Annotated[str, typer.Option(help=f"dataset, {', '.join(FORMATS)}.")] = "dataset",
) -> None:
    """Make labelled recordings with the motion simulator; the seed decides everything."""
    if format != "dataset" and format not in FORMATS:
        raise TinysenseError(
            f"no format {format!r}", f"choose from dataset, {', '.join(FORMATS)}"
        )
    sensor = Sensor(rate_hz=rate, full_scale_g=full_scale, full_scale_dps=gyro)
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
