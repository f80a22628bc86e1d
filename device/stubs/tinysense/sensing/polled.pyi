"""Chips without a FIFO: one sample whenever the board's clock says that one is due."""

# Written by device/files.py.
from .driver import Driver
from typing import Any

class Polled(Driver):
    """Base of drivers that are asked for each frame.

    A subclass calls _describe(), then _start_polling(), and has
    ``_sample(buf)``, which writes one frame and returns True, or False where
    the chip has none yet; it raises OSError for a failed transfer.
    Frames that were due and not asked for in time are ``dropped``.
    """
    measured_mhz: Any
    def read_into(self, buf: bytearray) -> int: ...

def store(buf: bytearray, at: int, value: int) -> None:
    """An int16 into buf[at : at + 2], saturated, in the machine's byte order."""
