"""`tinysense import`: recordings of other formats into a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ..dataset import Dataset
from ..importers import FORMATS, Facts, Imported, import_into
from .options import finite
from .screen import console

__all__ = ["import_"]


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset's folder.")] = Path("data"),
    format: Annotated[
        str, typer.Option(help=f"{', '.join(FORMATS)}; by default the suffix says it.")
    ] = "",
    rate: Annotated[float | None, typer.Option(
        min=0.001, max=1e6, callback=finite, help="Samples per second, in Hz.")] = None,
    units: Annotated[str | None, typer.Option(help="Units: g, mg, m/s2, dps, ..")] = None,
    label: Annotated[str, typer.Option(help="Label of everything in these files.")] = "",
    person: Annotated[str, typer.Option(help="Who moved the board.")] = "",
    session: Annotated[str, typer.Option(help="The session; by default the file's name.")] = "",
) -> None:
    """Bring recordings of other formats into a dataset: all of them, or none if one is bad."""
    facts = Facts(rate, units, label, person, session)
    found = import_into(Dataset(out), paths, facts, format)
    console.print(_table(found))
    frames = sum(len(item.recording.frames) for item in found)
    console.print(f"{len(found)} recordings, {frames} frames -> {out}", highlight=False)


def _table(found: list[Imported]) -> Table:
    table = Table("recording", "frames", "Hz", "units", "person", "labels", "gaps", "lines skipped")
    for item in found:
        r = item.recording
        labels = sorted({x.label for x in item.labels})
        table.add_row(
            r.id, str(len(r.frames)), f"{r.rate_mhz / 1000:g}", r.units, r.person,
            f"{len(item.labels)} {' '.join(labels)}".strip(), str(len(r.gaps)),
            str(item.skipped_lines),
        )  # fmt: skip
    return table
