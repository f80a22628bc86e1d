"""tinysense upload."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.options import All, Board, Interrupt, Ports, TransportName
from tinysense_host.commands.screen import console, err, plain, size, transfer
from tinysense_host.commands.setup import setup_and_tell
from tinysense_host.commands.several import on_boards
from tinysense_host.deploy.board_package import check_package
from tinysense_host.deploy.upload import TRIAL, UploadResult, read_model
from tinysense_host.deploy.upload import upload as upload_model
from tinysense_host.device import Device

__all__ = ["upload"]


def _tell(done: UploadResult) -> None:
    how = "was there already" if done.skipped else "uploaded"
    core = "" if done.target == "portable" else f"packed for {done.target}, "
    rest = "" if done.info is None else (
        f", arena {done.arena_bytes} bytes; free before: RAM {size(done.info.ram_free)}, "
        f"largest block {size(done.info.ram_largest)}")
    console.print(f"{done.name} {how}: {done.path}, {core}{done.file_bytes} bytes{rest}",
                  markup=False)
    if done.golden_count:
        console.print(f"{done.golden_equal}/{done.golden_count} golden outputs equal on the board")
    if done.note:
        err.print(f"not compared with the configured driver {done.driver!r}: {plain(done.note)}",
                  markup=False)
    elif done.driver:
        console.print(f"fits the configured driver {done.driver!r}", markup=False)
    if done.on_trial:
        console.print(f"on trial for {done.on_trial} windows: if it fails, or the board restarts "
                      "again and again before, the one before runs again")
    if done.runs:
        err.print(f"the board's config names another model, {plain(done.runs)!r}: "
                  "tinysense sync --set model=", markup=False)


def upload(
    model: Annotated[Path, typer.Argument(help="The .tsm file.")],
    port: Ports = None,
    every: All = False,
    board: Board = None,
    interrupt: Interrupt = False,
    name: Annotated[str | None, typer.Option(
        "--name", help="Name of the model on the board; else its own.")] = None,
    to: Annotated[str | None, typer.Option(
        "--to", help="Path of a plain file on the board instead: without a second slot.")] = None,
    trial: Annotated[int, typer.Option(
        "--trial", min=0, max=1_000_000,
        help="Windows until the one before is no longer gone back to by itself.")] = TRIAL,
    setup: Annotated[bool, typer.Option(
        "--setup", help="Put the package there first (tinysense setup).")] = False,
    verify: Annotated[bool, typer.Option(
        "--verify", help="Refuse a model that holds no golden vectors to try.")] = False,
    transport: TransportName = None,
) -> None:
    """Pack a model for a board's core, check it against the board, put it there, and try it out.

    Firmware, flash, RAM, largest block, and the sensor's rate, range and axes are
    compared before anything is sent. The model runs from the next start on, after the
    board has loaded it, its golden vectors came out equal, and the configured driver
    fits. The one before stays beside it: tinysense rollback.
    """
    if verify:
        read_model(model, golden=True)      # before anything is sent

    def work(device: Device) -> None:
        changed = setup and bool(setup_and_tell(device, model=read_model(model)).written)
        if not setup:
            check_package(device)
        with transfer(f"uploading {model.name}") as progress:
            done = upload_model(device, model, to, progress, name=name, windows=trial,
                                trust=not changed)
        _tell(done)

    on_boards(work, port, board, transport, every, interrupt)
