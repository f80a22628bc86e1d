"""Answers a computer that asks what runs, without stopping it.

A computer that connects sends Ctrl-A and ENQ (bytes 1 and 5) before anything else. The
REPL's prompt answers the one; what runs in a run() answers the other, with ACK (byte 6)
and one line of JSON. So a recorder goes on while somebody looks at it.
"""

# Written by device/files.py.
from .types import Driver
from collections.abc import Callable
from typing import Any

class Enquiry:
    """``Enquiry(recorder.told)``; run() calls poll(), a loop of one's own may, beside step().

    ``told``: a function that gives a dict. ``driver``: one that says ``takes_stdin`` is
    left alone. poll() looks ten times a second, allocates nothing unless a byte is there,
    and takes what comes: not for programs that read standard input themselves. Does
    nothing where standard input can't be asked, and not on CPython, where it is
    somebody's terminal.
    """
    def __init__(self, told: Callable[[], dict[str, Any]], driver: Driver | None = None) -> None: ...
    def poll(self) -> None:
        """Answers, if somebody has asked."""

def board_id() -> str:
    """machine.unique_id in hexadecimal, "" where there is none."""
