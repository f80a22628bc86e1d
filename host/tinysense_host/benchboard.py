"""A board to try models on: connected, and given the core where its firmware lacks it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tinysense_host.corefiles import target_numbers
from tinysense_host.deploy.setup_board import set_up
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError

__all__ = ["open_board", "target_of"]


@contextlib.contextmanager
def open_board(
    board: str | None = None,
    port: str | None = None,
    transport: str | None = None,
    *,
    icount: bool = False,
) -> Iterator[Device]:
    """The board with an empty heap and the core ready to import.

    ``icount``: start the virtual board anew, counting instructions; one that
    runs already may not count.
    """
    with contextlib.ExitStack() as stack:
        if icount and board is not None:
            from tinysense_host.boards import load_board
            from tinysense_host.emulator import Emulator

            counts = load_board(board).emulator is not None
            emulator = stack.enter_context(Emulator(board, icount=counts))
            board, port = None, str(emulator.port)
        device = stack.enter_context(connect(port, board, transport))
        device.soft_reset()
        if device.info().core != "built in":
            set_up(device)  # all ops: any model may come; a small module is replaced
        yield device


def target_of(device: Device) -> str:
    """Name of the target (device/core/targets.def) whose packed models the board's core runs."""
    said = device.exec("import _tinysense\nprint(_tinysense.target())").strip()
    for name, number in target_numbers().items():
        if said == str(number):
            return name
    raise TinysenseError(f"the board's core names its target {said[:20]!r}",
                         "Update tinysense on this computer or on the board")
