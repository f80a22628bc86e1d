"""Watching a board that comes and goes: after a break its port is waited for, and it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tinysense_host.deploy.board_package import check_package
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.enquiry import LoggerRunsError
from tinysense_host.link.ports import candidates
from tinysense_host.link.session import Playback, Traffic, Watched, load_model, watch
from tinysense_host.link.transport import LinkError
from tinysense_host.link.wire import Hello, Message, Status
from tinysense_host.naming import is_name, same_port

__all__ = ["Board", "keep_watching"]

RETRY_S = 1.0       # between two tries to reach a board that is gone


def _serial_number(port: str) -> str:
    return next((c.serial_number for c in candidates() if same_port(c.port, port)), "")


@dataclass
class Board:
    """How a board is reached: as connect(); once it was, by its serial number, if it has one."""

    port: str | None
    board: str | None = None
    kind: str | None = None
    interrupt: bool | None = None
    _found: str = field(default="", init=False)
    _serial: str = field(default="", init=False)

    def open(self) -> Device:
        """Connects. A port that was found once is not swapped for another board's."""
        port = self.port if self.board or not self._found else self._where()
        device = connect(port, self.board, self.kind, self.interrupt)
        if not self._found:
            self._found = device.port
            self._serial = "" if self.board else _serial_number(device.port)
        return device

    def _where(self) -> str:
        """The port of the board with that number: another one, maybe, than before."""
        if self.port and is_name(self.port):
            return self.port        # names are looked up anew each time
        if not self._serial:
            return self._found
        ports = [c.port for c in candidates() if c.serial_number == self._serial]
        if not ports:
            raise TinysenseError(f"no port has the board with serial number {self._serial}",
                                 "check its cable and power")
        return self._found if self._found in ports else ports[0]


class _Progress:
    """How much of a connection's time went by, from its counters."""

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self._on_message = on_message
        self.heard = False      # in any connection so far
        self._rate_mhz = 0
        self.seconds = 0.0

    def __call__(self, message: Message) -> None:
        if isinstance(message, Hello):
            self.heard, self._rate_mhz, self.seconds = True, message.rate_mhz, 0.0
        elif isinstance(message, Status) and self._rate_mhz:
            self.seconds = (message.frames + message.lost) * 1000 / self._rate_mhz
        self._on_message(message)


def keep_watching(board: Board, seconds: float | None = None, *,
                  on_message: Callable[[Message], None], on_break: Callable[[str], None],
                  on_open: Callable[[Device], str] = lambda _: "", once: bool = False,
                  playback: Playback | None = None, scores: bool = True, inputs: bool = False,
                  traffic: Traffic | None = None) -> Watched:
    """watch(), again and again until it ends by itself; the model is loaded each time.

    on_open: told the board before each watch; returns what is asked of its signal. on_break:
    told why, first when the link breaks, then at each try in vain. once: the first break is
    raised. A first connection that fails is raised always; so is what the board refuses.
    """
    progress = _Progress(on_message)
    left = seconds
    device = board.open()
    while True:
        try:
            with device:
                check_package(device)
                load_model(device)
                return watch(device, left, on_message=progress, playback=playback, scores=scores,
                             signal=on_open(device), inputs=inputs, traffic=traffic)
        except LinkError as e:
            if once or playback is not None or not progress.heard:
                raise
            on_break(str(e))
        if left is not None:
            left = max(0.0, left - progress.seconds)
            progress.seconds = 0.0
        device = _awaited(board, on_break)


def _awaited(board: Board, on_break: Callable[[str], None]) -> Device:
    while True:
        try:
            return board.open()
        except LoggerRunsError:
            raise       # waiting does not change that
        except TinysenseError as e:
            on_break(str(e))
        time.sleep(RETRY_S)
