"""The raw REPL's dialogue: how a program's output and its end look on the link.

A program's answer is `output 04 traceback 04 >`. Between the two 04 stands
the traceback, empty when all went well.
"""

from __future__ import annotations

import re
import time
from typing import Protocol

from tinysense_host.link.transport import (
    BoardError,
    DamagedError,
    LinkError,
    Over,
    Sink,
    never,
)

__all__ = ["BANNER", "Line", "enter", "expect", "follow", "restarted"]

BANNER = b"raw REPL; CTRL-B to exit\r\n>"

# The end of a program, at the end of what came so far.
_END = re.compile(rb"\x04([^\x04]*)\x04>\Z")
# The friendly prompt after a boot: the board restarted under us.
_REBOOTED = re.compile(rb"MicroPython v[^\x04]*Type \"help\(\)\" for more information\.\r\n>>> \Z")

QUIET_S = 0.1           # no byte for so long: what came is whole
LATE_S = 0.5            # what a slow board was asked for before has come by then
RESTART_S = 15.0        # a soft reset, boot.py and all
KEEP_BYTES = 16384      # of the text of a stream, enough for any traceback


class Line(Protocol):
    """A serial line: reads return b"" when nothing came in time."""

    port: str

    def some(self, wait: float) -> bytes:
        """What has come, b"" if nothing does within `wait` seconds."""

    def unread(self, data: bytes) -> None:
        """Puts bytes back to be read next."""

    def write(self, data: bytes) -> int:
        """Writes all of data."""


def enter(line: Line, attempts: int = 3, wait: float = 2.0) -> None:
    """Interrupts whatever runs and reaches the raw REPL; its `>` stays unread."""
    came = b""
    for attempt in range(attempts):
        if attempt:
            # Alone: a board that is a process of this computer takes no signal amid a read of
            # many bytes when bytes come with it.
            line.write(b"\x03")
            _drain(line, QUIET_S, limit=1.0)
        line.write(b"\r\x03\x03")
        _drain(line, QUIET_S, limit=1.0)
        line.write(b"\x03\r\x01")     # Ctrl-C again: the enquiry before may stand in the line
        came = _until(line, BANNER, wait) or came
        if came.endswith(BANNER):
            if attempt:         # the answer to the attempt before may come yet
                _drain(line, LATE_S, limit=wait)
            line.unread(b">")
            return
    what = f"answered {came[-60:]!r}" if came else "answered nothing"
    raise LinkError(
        f"no MicroPython prompt on {line.port}: sent Ctrl-C and Ctrl-A {attempts} times, the "
        f"device {what} in {attempts * wait:.0f} s",
        "check that it runs MicroPython and that this is its port; press its reset button")


def _drain(line: Line, quiet: float, limit: float) -> bytes:
    """Reads until nothing comes for `quiet` seconds, `limit` seconds at most."""
    end, came = time.monotonic() + limit, b""
    while time.monotonic() < end:
        data = line.some(quiet)
        if not data:
            break
        came = (came + data)[-KEEP_BYTES:]
    return came


def _until(line: Line, ending: bytes, wait: float) -> bytes:
    """Reads until `ending` is the end of what came, `wait` seconds at most."""
    end, came = time.monotonic() + wait, b""
    while not came.endswith(ending) and time.monotonic() < end:
        came = (came + line.some(0.05))[-KEEP_BYTES:]
    return came


def follow(line: Line, sink: Sink, silence: float, overall: float | None = None,
           rest: float | None = None, confirm: float = 0.0, over: Over = never) -> bytes:
    """Reads a program's output to its end and returns the last of its text.

    silence, overall: seconds after which LinkError is raised; rest: of silence once text has
    come, then DamagedError. confirm: seconds
    of quiet that an end must be followed by, where output may hold any byte;
    over: tells that only text can come any more, so no quiet is needed.
    Raises BoardError with the traceback if the program raised.
    """
    text = bytearray()
    begin = last = time.monotonic()
    while True:
        data = line.some(QUIET_S)
        now = time.monotonic()
        if data:
            last = now
        text += sink(data)
        found = _END.search(text)
        if found and (now - last >= confirm or over()):
            line.unread(b">")
            output = bytes(text[:found.start()])
            if found[1]:
                raise BoardError(found[1].decode("utf-8", "replace"), output)
            return output
        _refuse_reset(line, text)
        said = f"; last it said {bytes(text[-60:])!r}" if text else ""
        if rest is not None and text and now - last >= rest:
            raise DamagedError(f"the answer of the board on {line.port} has had no end for "
                               f"{rest:g} s{said}", "check the cable, then try again")
        if now - last >= silence:
            raise LinkError(f"the board on {line.port} was silent for {silence:g} s{said}",
                            "press its reset button and try again")
        if overall is not None and now - begin >= overall:
            raise LinkError(f"the board on {line.port} was not done after {overall:g} s{said}",
                            "press its reset button and try again")
        if confirm:
            del text[:-KEEP_BYTES]


def _refuse_reset(line: Line, text: bytearray) -> None:
    """Raises LinkError where the text ends in a prompt that only a restart brings."""
    in_raw = text.endswith(BANNER)
    if in_raw:
        line.unread(b">")
    if in_raw or _REBOOTED.search(text[-KEEP_BYTES:]):
        raise LinkError(f"the board on {line.port} reset in the middle",
                        "check its power supply and free RAM, then try again")


def restarted(line: Line, wait: float) -> None:
    """Waits for the raw REPL to come back after a soft reset; its `>` stays unread."""
    end, came = time.monotonic() + wait, b""
    while not came.endswith(BANNER):
        _refuse_reset(line, bytearray(came))
        if time.monotonic() >= end:
            raise LinkError(f"the board on {line.port} did not come back from a soft reset in "
                            f"{wait:g} s; it said {came[-60:]!r}", "press its reset button")
        came = (came + line.some(0.05))[-KEEP_BYTES:]
    line.unread(b">")


def expect(line: Line, ending: bytes, wait: float) -> None:
    """Reads up to and with `ending`, or raises LinkError."""
    end, came = time.monotonic() + wait, b""
    while ending not in came:
        if time.monotonic() >= end:
            raise LinkError(f"the board on {line.port} answered {came[-60:]!r} within {wait:g} s, "
                            f"expected {ending!r}", "press its reset button and try again")
        came += line.some(0.05)
    line.unread(came[came.index(ending) + len(ending):])
