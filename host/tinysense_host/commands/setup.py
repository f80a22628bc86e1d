"""tinysense setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tinysense_host.commands.options import Board, Port, TransportName
from tinysense_host.commands.screen import console, err
from tinysense_host.device import Device, connect
from tinysense_host.setup_board import SetupResult, set_up
from tinysense_host.wiring import wire_up

if TYPE_CHECKING:
    from tinysense_host.modelfile import ModelFile

__all__ = ["setup", "setup_and_tell"]


def setup_and_tell(device: Device, native: bool = False, profile: str | None = None,
                   model: ModelFile | None = None) -> SetupResult:
    """Sets a board up, its first config too (see wiring.py), and prints what was done."""
    with err.status("looking at the board") as status:
        done = set_up(device, lambda path: status.update(f"writing {path}"), native, model)
    package = ("frozen into the firmware" if done.frozen else
               f"{len(done.written)} files written, {done.unchanged} unchanged"
               + (", compiled" if done.compiled else ""))
    core = f"native module {done.native}" if done.native else "built into the firmware"
    console.print(f"tinysense {done.version} is on {device.port}: {package}; "
                  f"core {core}, {done.kernels} kernels, abi {done.abi}")
    for note in wire_up(device, done.machine, profile).notes:
        err.print(note, markup=False)
    return done


def setup(
    port: Port = None,
    board: Board = None,
    native: Annotated[bool, typer.Option(
        "--native", help="Put the native module there even where the core is built in.")] = False,
    profile: Annotated[str | None, typer.Option(
        "--profile", help="Board whose wiring it gets; else the one its firmware names.")] = None,
    transport: TransportName = None,
) -> None:
    """Put the package tinysense on a board, and the native core where its firmware lacks it.

    Writes only what changed. A board without a config gets one with the wiring
    (sensor's driver, pins and axes, LED) of its profile; a config that is there stays.
    """
    with connect(port, board, transport) as device:
        setup_and_tell(device, native, profile)
