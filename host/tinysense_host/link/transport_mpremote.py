"""The one file that touches mpremote, whose API moves between versions.

Used of it: opening the port, its quirks with DTR and RTS, and raw-paste with
flow control. Reading and files are ours: mpremote reads byte by byte with
10 ms naps, and writes files in place without a check.
"""

from __future__ import annotations

import contextlib
import os

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from tinysense_host.link import network
from tinysense_host.link.ports import opening
from tinysense_host.link.raw_transport import RawReplTransport
from tinysense_host.link.serial_line import ANSWER_S, SerialLine
from tinysense_host.link.transport import DamagedError, LinkError

__all__ = ["MpremoteTransport", "lacking"]

_START_S = 10.0         # a board takes the beginning of a program within this,
_SLOWEST_BYTES_S = 500  # and the rest no slower


def lacking() -> list[str]:
    """What this file calls of mpremote and the installed one has not."""
    need = ("exec_raw_no_follow", "exit_raw_repl", "close")
    return [name for name in need if not hasattr(SerialTransport, name)]


class MpremoteTransport(RawReplTransport):
    """A board behind mpremote's SerialTransport: a serial port or a URL of pyserial's."""

    def __init__(self, port: str, baudrate: int = 115200, interrupt: bool = True) -> None:
        network.register()
        with opening(port, TransportError):
            real = port if "://" in port else os.path.realpath(port)
            self._mp = SerialTransport(real, baudrate, wait=0, exclusive=True, timeout=ANSWER_S)
            line = SerialLine(self._mp.serial, port)
        super().__init__(port, line)
        self._bounded = line.bounded
        self._mp.serial = line
        self._mp.is_pty = False         # its reads from a pty expect a blocking port
        self._arrive(interrupt)

    def _start(self, code: str) -> None:
        try:
            with self._bounded(_START_S + len(code) / _SLOWEST_BYTES_S):
                self._mp.exec_raw_no_follow(code)
        except TransportError as e:
            raise DamagedError(f"the board on {self.port} did not take the program: {e}",
                               "press its reset button and try again") from e

    def close(self) -> None:
        """See Transport.close."""
        with contextlib.suppress(LinkError, OSError):
            self._break_off()
            self._mp.exit_raw_repl()
        self._release()

    def _release(self) -> None:
        """Frees the port; RTS falls before DTR, else the circuit of ESP boards resets them."""
        with contextlib.suppress(OSError):
            self._mp.close()
