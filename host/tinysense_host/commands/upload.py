"""tinysense upload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.options import Board, Port, TransportName
from tinysense_host.commands.screen import console, err, size, transfer
from tinysense_host.commands.setup import setup_and_tell
from tinysense_host.device import connect
from tinysense_host.upload import UploadResult, read_model
from tinysense_host.upload import upload as upload_model

__all__ = ["upload"]


def _tell(done: UploadResult) -> None:
    how = "was there already" if done.skipped else "uploaded"
    core = "" if done.target == "portable" else f"packed for {done.target}, "
    console.print(f"{done.name} {how}: {done.path}, {core}{done.file_bytes} bytes, arena "
                  f"{done.arena_bytes} bytes; free before: RAM {size(done.info.ram_free)}, "
                  f"largest block {size(done.info.ram_largest)}")
    if done.golden_count:
        console.print(f"{done.golden_equal}/{done.golden_count} golden outputs equal on the board")
    if done.note:
        err.print(f"not compared with the configured driver {done.driver!r}: {done.note}")
    elif done.driver:
        console.print(f"fits the configured driver {done.driver!r}")


def upload(
    model: Annotated[Path, typer.Argument(help="The .tsm file.")],
    port: Port = None,
    board: Board = None,
    to: Annotated[str | None, typer.Option(
        "--to", help="Path on the board; else the one in its config.")] = None,
    setup: Annotated[bool, typer.Option(
        "--setup", help="Put the package there first (tinysense setup).")] = False,
    verify: Annotated[bool, typer.Option(
        "--verify", help="Refuse a model that holds no golden vectors to try.")] = False,
    transport: TransportName = None,
) -> None:
    """Pack a model for a board's core, check it against the board, put it there, and try it out.

    Needed and free flash, RAM and largest block are compared before anything
    is sent. The file takes its name only after the board has loaded it, its
    golden vectors came out equal, and the configured driver fits.
    """
    if verify:
        read_model(model, golden=True)      # before anything is sent
    with connect(port, board, transport) as device:
        if setup:
            setup_and_tell(device, model=read_model(model))
        with transfer(f"uploading {model.name}") as progress:
            done = upload_model(device, model, to, progress)
        _tell(done)
