"""tinysense rollback."""

from __future__ import annotations

from typing import Annotated

import typer

from tinysense_host.commands.options import All, Board, Interrupt, Ports, TransportName
from tinysense_host.commands.screen import console, plain
from tinysense_host.commands.several import on_boards
from tinysense_host.deploy.slots import ask, checked_name
from tinysense_host.device import Device

__all__ = ["rollback"]


def rollback(
    name: Annotated[str, typer.Argument(help="The model; else the current one.")] = "",
    port: Ports = None,
    every: All = False,
    board: Board = None,
    interrupt: Interrupt = False,
    transport: TransportName = None,
) -> None:
    """Go back to the file that a model had before, which is still on the board.

    Once more brings the later one back. It runs from the board's next start on.
    """
    def work(device: Device) -> None:
        told = ask(device, "rollback", name=checked_name(name) if name else "")
        console.print(plain(f"{told.get('name')} went back from slot {told.get('from')} to slot "
                            f"{told.get('to')}, sha256 {str(told.get('sha256'))[:12]}; it runs "
                            "from the next start on"), markup=False)

    on_boards(work, port, board, transport, every, interrupt)
