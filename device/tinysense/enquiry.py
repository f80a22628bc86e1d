"""Answers a computer that asks what runs, without stopping it.

A computer that connects sends Ctrl-A and ENQ (bytes 1 and 5) before anything else. The
REPL's prompt answers the one; what runs in a run() answers the other, with ACK (byte 6)
and one line of JSON. So a recorder goes on while somebody looks at it.
"""

import sys

from .ticks import ticks_diff, ticks_ms

_ENQ = 5
_EVERY_MS = 100
_MOST_BYTES = 32  # taken at once: a flood on the line must not hold up what runs


class Enquiry:
    """``Enquiry(recorder.told)``; run() calls poll(), a loop of one's own may, beside step().

    ``told``: a function that gives a dict. ``driver``: one that says ``takes_stdin`` is
    left alone. poll() looks ten times a second, allocates nothing unless a byte is there,
    and takes what comes: not for programs that read standard input themselves. Does
    nothing where standard input can't be asked, and not on CPython, where it is
    somebody's terminal.
    """

    def __init__(self, told: "Callable[[], dict]", driver: "Driver | None" = None):
        self._told = told
        self._last = ticks_ms()
        self._byte = bytearray(1)
        self._input = getattr(sys.stdin, "buffer", sys.stdin)
        self._poller = None if getattr(driver, "takes_stdin", False) else _poller()

    def poll(self) -> None:
        """Answers, if somebody has asked."""
        now = ticks_ms()
        if self._poller is None or ticks_diff(now, self._last) < _EVERY_MS:
            return
        self._last = now
        try:
            if self._asked():
                self._answer()
        except Exception:
            pass  # whoever asked asks again; what runs must not suffer

    def _asked(self):
        asked = False
        for _ in range(_MOST_BYTES):
            for _ in self._poller.ipoll(0):
                break
            else:
                break
            if not self._input.readinto(self._byte):
                self._poller = None  # its end: nobody will ask
                break
            asked = asked or self._byte[0] == _ENQ
        return asked

    def _answer(self):
        import json

        told = self._told()
        told["id"] = board_id()
        print("\n\x06" + json.dumps(told))


def board_id() -> str:
    """machine.unique_id in hexadecimal, "" where there is none."""
    try:
        from machine import unique_id

        return "".join("%02x" % b for b in unique_id())
    except (ImportError, AttributeError):
        return ""


def _poller():
    try:
        import select

        poller = select.poll()
        poller.register(sys.stdin, select.POLLIN)
        poller.ipoll(0)  # not on CPython; the first one takes its memory
        return poller
    except (ImportError, AttributeError, OSError, ValueError, TypeError):
        return None
