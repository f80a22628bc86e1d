"""`tinysense import`: recordings of other formats into a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tinysense.channels import spoken

from ..dataset import Dataset
from ..importers import FORMATS, Facts, Imported, import_into
from .options import finite
from .screen import console, plain

__all__ = ["import_"]


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset's folder.")] = Path("data"),
    format: Annotated[
        str, typer.Option(help=f"{', '.join(FORMATS)}; by default the suffix says it.")
    ] = "",
    rate: Annotated[float | None, typer.Option(
        min=0.001, max=1e6, callback=finite, help="Samples per second, in Hz.")] = None,
    units: Annotated[str | None, typer.Option(
        help="Units: g, mg, m/s2, dps, ..; for each channel: g,g,g,dps,dps,dps.")] = None,
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
    table = Table("recording", "frames", "Hz", "units", "person", "labels", "gaps", "skipped",
                  "note")  # fmt: skip
    for item in found:
        r = item.recording
        labels = sorted({x.label for x in item.labels})
        table.add_row(*map(Text, (
            r.id, str(len(r.frames)), f"{r.rate_mhz / 1000:g}", spoken(r.units), plain(r.person),
            plain(f"{len(item.labels)} {' '.join(labels)}".strip()), str(len(r.gaps)),
            _skipped(item), plain(str(r.source.get("note", ""))),
        )))  # fmt: skip
    return table


def _skipped(item: Imported) -> str:
    """Lines that held no numbers, blocks that are damaged."""
    lines, blocks = item.skipped_lines, item.damaged_blocks
    said = [f"{lines} lines"] * bool(lines) + [f"{blocks} blocks"] * bool(blocks)
    return ", ".join(said) or "0"
