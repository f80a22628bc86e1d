"""A serial port whose reads and writes always end."""

from __future__ import annotations

import contextlib
import importlib
import select
import time
from collections.abc import Iterator
from typing import Any

from tinysense_host.link.transport import LinkError

__all__ = ["ANSWER_S", "PORT_ERRORS", "SerialLine"]

ANSWER_S = 5.0      # firmware answers a control byte within this
# What pyserial raises where a port goes away: termios.error is no OSError, and not on Windows.
PORT_ERRORS: tuple[type[Exception], ...] = (OSError,)
with contextlib.suppress(ImportError):
    PORT_ERRORS += (importlib.import_module("termios").error,)


@contextlib.contextmanager
def _named(port: str) -> Iterator[None]:
    """pyserial's errors as LinkErrors that name the port."""
    try:
        yield
    except PORT_ERRORS as e:
        raise LinkError(f"lost the board on {port}: it was unplugged, or it reset",
                        "wait for the port to come back and try again") from e


class SerialLine:
    """pyserial's port `serial`, in the shape that mpremote and ampy use."""

    def __init__(self, serial: Any, port: str) -> None:
        self._serial = serial
        self.port = port
        self._held = bytearray()
        self._heard = time.monotonic()
        self._until: float | None = None
        # Bytes that may be sent before the board has read them; None where it holds them back.
        self.burst_bytes: int | None = getattr(serial, "burst_bytes", None)
        serial.timeout = 0
        serial.write_timeout = ANSWER_S
        self._fd: int | None = None
        with contextlib.suppress(AttributeError, OSError):
            self._fd = serial.fileno()      # not on Windows, nor of some of pyserial's URLs

    def _fill(self, wait: float) -> None:
        """Takes what has come; waits for the first byte `wait` seconds at most."""
        with _named(self.port):
            if self._serial.in_waiting:     # also what a port holds that took more than was read
                pass
            elif self._fd is None:
                time.sleep(min(wait, 0.005))
            elif not select.select([self._fd], [], [], wait)[0]:
                return
            came = self._serial.read(4096)
        if came:
            self._held += came
            self._heard = time.monotonic()

    @contextlib.contextmanager
    def bounded(self, seconds: float) -> Iterator[None]:
        """Inside, inWaiting() fails after so long: mpremote reads on while a board talks."""
        self._until = time.monotonic() + seconds
        try:
            yield
        finally:
            self._until = None

    def some(self, wait: float) -> bytes:
        """What has come, b"" if nothing does within `wait` seconds."""
        end = time.monotonic() + wait
        while not self._held:
            left = end - time.monotonic()
            self._fill(max(left, 0.0))
            if left <= 0:
                break
        data = bytes(self._held)
        self._held.clear()
        return data

    def unread(self, data: bytes) -> None:
        """Puts bytes back to be read next."""
        self._held[:0] = data

    def inWaiting(self) -> int:  # noqa: N802 - the name the libraries call
        """Bytes ready to read."""
        now = time.monotonic()
        if self._until is not None and now >= self._until:
            did = "does not stop talking" if now - self._heard < 1 else \
                f"was silent for {now - self._heard:.0f} s"
            raise LinkError(f"the board on {self.port} {did}",
                            "press its reset button and try again")
        if not self._held:
            self._fill(0.0)
        return len(self._held)

    def read(self, size: int = 1) -> bytes:
        """Exactly `size` bytes, or LinkError after ANSWER_S."""
        end = time.monotonic() + ANSWER_S
        while len(self._held) < size:
            if time.monotonic() >= end:
                raise LinkError(f"the board on {self.port} was silent for {ANSWER_S:g} s",
                                "press its reset button and try again")
            self._fill(0.05)
        data = bytes(self._held[:size])
        del self._held[:size]
        return data

    def write(self, data: bytes) -> int:
        """Writes all of data, or LinkError after ANSWER_S."""
        with _named(self.port):
            return int(self._serial.write(data) or 0)

    def reopen(self, wait: float) -> bool:
        """Connects once more where a soft reset ends a connection, as WebREPL's; else False.

        LinkError where that takes longer than `wait` seconds.
        """
        if not hasattr(self._serial, "reopen"):
            return False
        self._held.clear()
        with _named(self.port):
            self._serial.reopen(wait)
            self._fd = self._serial.fileno()
        return True

    def close(self) -> None:
        """Frees the port."""
        self._serial.close()

    def __setattr__(self, name: str, value: Any) -> None:
        # The libraries lower these lines before closing; they belong to the port.
        if name in ("rts", "dtr"):
            setattr(self._serial, name, value)
        else:
            object.__setattr__(self, name, value)
