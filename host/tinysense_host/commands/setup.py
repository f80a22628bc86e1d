"""tinysense setup."""

from __future__ import annotations

from typing import Annotated

import typer

from tinysense_host.commands.options import Board, Port, TransportName
from tinysense_host.commands.screen import console, err
from tinysense_host.device import Device, connect
from tinysense_host.setup_board import SetupResult, set_up

__all__ = ["setup", "setup_and_tell"]


def setup_and_tell(device: Device, native: bool = False) -> SetupResult:
    """Sets a board up and prints what was done."""
    with err.status("looking at the board") as status:
        done = set_up(device, lambda path: status.update(f"writing {path}"), native)
    package = ("frozen into the firmware" if done.frozen else
               f"{len(done.written)} files written, {done.unchanged} unchanged"
               + (", compiled" if done.compiled else ""))
    core = f"native module {done.native}" if done.native else "built into the firmware"
    console.print(f"tinysense {done.version} is on {device.port}: {package}; "
                  f"core {core}, {done.kernels} kernels, abi {done.abi}")
    return done


def setup(
    port: Port = None,
    board: Board = None,
    native: Annotated[bool, typer.Option(
        "--native", help="Put the native module there even where the core is built in.")] = False,
    transport: TransportName = None,
) -> None:
    """Put the package tinysense on a board, and the native core where its firmware lacks it.

    Writes only what changed.
    """
    with connect(port, board, transport) as device:
        setup_and_tell(device, native)
