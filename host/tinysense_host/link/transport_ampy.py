"""Boards where mpremote fails (old firmware, CircuitPython): adafruit-ampy opens them.

ampy knows only the plain raw REPL, which is slower and has no flow control:
the last resort. Its own file calls (32 bytes and a reset each) are not used.
"""

from __future__ import annotations

import contextlib
import time

from ampy.pyboard import Pyboard, PyboardError

from tinysense_host.link import raw_repl
from tinysense_host.link.ports import opening
from tinysense_host.link.raw_transport import RawReplTransport
from tinysense_host.link.serial_line import ANSWER_S, SerialLine
from tinysense_host.link.transport import LinkError

__all__ = ["AmpyTransport"]

PIECE_BYTES = 128   # a board without flow control takes no more at once
PAUSE_S = 0.01


class AmpyTransport(RawReplTransport):
    """A board behind ampy's Pyboard."""

    def __init__(self, port: str, baudrate: int = 115200, interrupt: bool = True) -> None:
        with opening(port, PyboardError):
            self._pyboard = Pyboard(port, baudrate)
            line = SerialLine(self._pyboard.serial, port)
        super().__init__(port, line)
        self._arrive(interrupt)

    def _start(self, code: str) -> None:
        raw_repl.expect(self._line, b">", ANSWER_S)
        data = code.encode()
        for i in range(0, len(data), PIECE_BYTES):
            self._line.write(data[i:i + PIECE_BYTES])
            time.sleep(PAUSE_S)
        self._line.write(b"\x04")
        raw_repl.expect(self._line, b"OK", ANSWER_S)

    def close(self) -> None:
        """See Transport.close."""
        with contextlib.suppress(LinkError, OSError):
            self._break_off()
            self._line.write(b"\r\x02")
        self._release()

    def _release(self) -> None:
        """Frees the port; RTS falls before DTR, else the circuit of ESP boards resets them."""
        with contextlib.suppress(OSError):
            self._pyboard.serial.rts = False
            self._pyboard.serial.dtr = False
        with contextlib.suppress(OSError):
            self._pyboard.close()
