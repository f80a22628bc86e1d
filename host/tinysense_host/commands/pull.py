"""tinysense pull."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.options import All, Board, Interrupt, Ports, TransportName
from tinysense_host.commands.recordings import left_out, recording_table
from tinysense_host.commands.screen import console, err, plain, size, transfer
from tinysense_host.commands.several import on_boards
from tinysense_host.dataset import Dataset
from tinysense_host.device import Device
from tinysense_host.field.fetching import names_shown
from tinysense_host.field.pull import Pulled, restart
from tinysense_host.field.pull import pull as pull_recordings

__all__ = ["pull"]


def _tell(done: Pulled, out: Path) -> None:
    if done.recordings:
        console.print(recording_table(done.recordings))
    new = f"{done.new} segments ({size(done.new_bytes)}) came"
    console.print(f"{new}, {done.known} were here already; "
                  f"{sum(bool(r.recording) for r in done.recordings)} new recordings -> {out}")
    if done.deleted:
        console.print(f"{len(done.deleted)} segments deleted on the board")
    for name, why in done.kept:
        console.print(f"{name} stays on the board: {plain(why)}", markup=False)
    for note in (*map(plain, done.notes), *left_out(done.recordings)):
        err.print(note, markup=False)
    if done.refused:
        err.print(f"in {done.folder}, no names of segments, left alone: "
                  f"{names_shown(done.refused)}", markup=False)


def _tell_recorder(device: Device, done: Pulled, restarted: bool) -> None:
    """The board was recording: connecting interrupted it."""
    device.stopped = None       # what became of it is said here
    if done.recording is None:
        return
    label = f" {plain(done.recording)!r}" if done.recording else ""
    how = ("it was restarted to go on" if restarted else
           "it goes on when it starts anew: press its reset button, or pull with --restart")
    err.print(f"the board was recording{label}, and connecting stopped that; {how}", markup=False)


def pull(
    out: Annotated[Path, typer.Option("--out", "-o", help="The dataset's folder.")] = Path("data"),
    folder: Annotated[str | None, typer.Option(
        "--folder", help="The recorder's folder on the board, else as its config says; "
        "/near: near misses.")] = None,
    delete: Annotated[bool, typer.Option(
        "--delete", help="Delete on the board what is here, checked and stored.")] = False,
    raw: Annotated[Path | None, typer.Option(
        "--raw", help="Folder for segments as they came; else OUT/raw.")] = None,
    again: Annotated[bool, typer.Option(
        "--restart", help="Restart the board afterwards, so that it records on.")] = False,
    person: Annotated[str, typer.Option("--person", help="Who wore or moved the board.")] = "",
    session: Annotated[str, typer.Option(
        "--session", help="Name of the sitting; else each recording its own.")] = "",
    port: Ports = None,
    every: All = False,
    board: Board = None,
    interrupt: Interrupt = False,
    transport: TransportName = None,
) -> None:
    """Take what a field recorder has recorded into a dataset: only what is new.

    The board is told the time first, so that its recordings get theirs. Every
    block is checked; what is lost or damaged is shown. After a break run it
    again: it goes on where it was. A board that records is stopped for it only
    with --interrupt, or with --restart.
    """
    dataset = Dataset(out)

    def work(device: Device) -> None:
        with transfer("pulling") as progress:
            done = pull_recordings(device, folder, dataset, raw or out / "raw", delete=delete,
                                   person=person, session=session, progress=progress)
        _tell(done, out)
        if again:
            restart(device)
        _tell_recorder(device, done, again)

    # In turn: boards share the dataset and the folder of segments.
    on_boards(work, port, board, transport, every, interrupt or again, in_turn=True)
