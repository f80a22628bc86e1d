"""`tinysense import`: recordings of other formats into a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tinysense.channels import spoken

from ..dataset import Dataset
from ..importers import FORMATS, Arrived, Facts, import_into
from ..sound.remarks import said
from .options import finite
from .screen import console, counting, err, plain

__all__ = ["import_"]

_ROWS = 50  # recordings that are shown one by one


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset's folder.")] = Path("data"),
    format: Annotated[
        str, typer.Option(help=f"{', '.join(FORMATS)}; by default the suffix says it.")
    ] = "",
    rate: Annotated[float | None, typer.Option(
        min=0.001, max=1e6, callback=finite,
        help="Samples per second, in Hz; sound is resampled to it, to 16000 else.")] = None,
    units: Annotated[str | None, typer.Option(
        help="Units: g, mg, m/s2, dps, ..; for each channel: g,g,g,dps,dps,dps.")] = None,
    label: Annotated[str, typer.Option(help="Label of everything in these files; "
                                         "else a clip's is the name of its folder.")] = "",
    person: Annotated[str, typer.Option(help="Who moved the board, or speaks.")] = "",
    session: Annotated[str, typer.Option(help="The session; by default the file's name.")] = "",
) -> None:
    """Bring recordings of other formats into a dataset: all of them, or none if one is bad."""
    facts = Facts(rate, units, label, person, session)
    with counting("reading") as progress:
        found = import_into(Dataset(out), paths, facts, format, progress)
    console.print(_table(found) if len(found) <= _ROWS else _summary(found))
    frames = sum(item.frames for item in found)
    console.print(f"{len(found)} recordings, {frames} frames -> {out}", highlight=False)
    for line in said((item.id, remark) for item in found for remark in item.remarks):
        err.print(plain(line), markup=False)


def _table(found: list[Arrived]) -> Table:
    table = Table("recording", "frames", "Hz", "units", "person", "labels", "gaps", "skipped",
                  "note")  # fmt: skip
    for item in found:
        labels = sorted({x.label for x in item.labels})
        table.add_row(*map(Text, (
            item.id, str(item.frames), f"{item.rate_mhz / 1000:g}", spoken(item.units),
            plain(item.person), plain(f"{len(item.labels)} {' '.join(labels)}".strip()),
            str(item.gaps), _skipped(item), plain(item.note),
        )))  # fmt: skip
    return table


def _summary(found: list[Arrived]) -> Table:
    """A row for each label: nobody reads thousands of recordings."""
    table = Table("label", "recordings", "seconds", "people")
    groups: dict[str, list[Arrived]] = {}
    for item in found:
        groups.setdefault(" ".join(sorted({x.label for x in item.labels})), []).append(item)
    for label, items in sorted(groups.items()):
        seconds = sum(1000 * item.frames / item.rate_mhz for item in items)
        people = len({item.person for item in items} - {""})
        row = plain(label) or "-", str(len(items)), f"{seconds:.1f}", str(people)
        table.add_row(*map(Text, row))
    return table


def _skipped(item: Arrived) -> str:
    """Lines that held no numbers, blocks that are damaged."""
    lines, blocks = item.skipped_lines, item.damaged_blocks
    said = [f"{lines} lines"] * bool(lines) + [f"{blocks} blocks"] * bool(blocks)
    return ", ".join(said) or "0"
