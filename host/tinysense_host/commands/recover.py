"""tinysense recover."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.recordings import left_out, recording_table
from tinysense_host.commands.screen import console, err, plain
from tinysense_host.dataset import Dataset
from tinysense_host.field.recover import recover as recover_recordings

__all__ = ["recover"]


def recover(
    source: Annotated[Path, typer.Argument(
        metavar="IMAGE_OR_FILE", help="A .tsr, a folder of them, or an image of flash or card.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset's folder.")] = Path("data"),
    person: Annotated[str, typer.Option("--person", help="Who wore or moved the board.")] = "",
    session: Annotated[str, typer.Option(
        "--session", help="Name of the sitting; else each recording its own.")] = "",
) -> None:
    """Take every block of recordings that is whole out of damaged files or raw images.

    A littlefs image (a dump of a board's flash) is mounted where that can be
    done; else, and in any other image, blocks are looked for one by one,
    deleted ones too.
    """
    done = recover_recordings(source, Dataset(out), person, session)
    console.print(recording_table(done.recordings))
    where = f", {done.outside} of them in no file" if done.outside else ""
    console.print(f"{done.blocks} whole blocks{where}, {done.damaged} damaged; "
                  f"{sum(bool(r.recording) for r in done.recordings)} new recordings -> {out}")
    for note in (*map(plain, done.notes), *left_out(done.recordings)):
        err.print(note, markup=False)
