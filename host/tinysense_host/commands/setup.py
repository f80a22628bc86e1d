"""tinysense setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tinysense_host.commands.options import All, Board, Interrupt, Ports, TransportName
from tinysense_host.commands.screen import console, err
from tinysense_host.commands.several import on_boards
from tinysense_host.deploy.setup_board import SetupResult, set_up
from tinysense_host.deploy.wiring import wire_up
from tinysense_host.device import Device

if TYPE_CHECKING:
    from tinysense_host.modelfile import ModelFile

__all__ = ["setup", "setup_and_tell"]


def _package(done: SetupResult) -> str:
    if done.frozen:
        return "frozen into the firmware"
    compiled = ", compiled" if done.compiled else ""
    if not (done.written or done.removed):
        return "unchanged" + compiled
    removed = f", {len(done.removed)} removed" if done.removed else ""
    return f"{len(done.written)} files written, {done.unchanged} unchanged{removed}{compiled}"


def setup_and_tell(device: Device, native: bool = False, profile: str | None = None,
                   model: ModelFile | None = None, thorough: bool = False) -> SetupResult:
    """Sets a board up, its first config too (see wiring.py), and prints what was done."""
    with err.status("looking at the board") as status:
        done = set_up(device, lambda path: status.update(f"writing {path}"), native, model,
                      thorough)
    package = _package(done)
    core = f"native module {done.native}" if done.native else "built into the firmware"
    console.print(f"tinysense {done.version} is on {device.port}: {package}; "
                  f"core {core}, {done.kernels} kernels, abi {done.abi}")
    if profile or not done.configured:
        for note in wire_up(device, done.machine, profile).notes:
            err.print(note, markup=False)
    return done


def setup(
    port: Ports = None,
    every: All = False,
    board: Board = None,
    interrupt: Interrupt = False,
    native: Annotated[bool, typer.Option(
        "--native", help="Put the native module there even where the core is built in.")] = False,
    thorough: Annotated[bool, typer.Option(
        "--thorough", help="Compare every file, whatever the board's stamp says.")] = False,
    profile: Annotated[str | None, typer.Option(
        "--profile", help="Board whose wiring it gets; else the one its firmware names.")] = None,
    transport: TransportName = None,
) -> None:
    """Put the package tinysense on a board, and the native core where its firmware lacks it.

    Writes only what changed, and removes what is no longer part of the package; a board
    that a setup of the same version left whole is asked once. A board without a config
    gets one with the wiring (sensor's driver, pins and axes, LED) of its profile; a config
    that is there stays.
    """
    def work(device: Device) -> None:
        setup_and_tell(device, native, profile, thorough=thorough)

    on_boards(work, port, board, transport, every, interrupt)
