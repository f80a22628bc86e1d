"""Chips with a FIFO: bursts, losses by overflow and by faults, true rate and times."""

# Written by device/files.py.
from ..types import Buffer
from .driver import Driver
from .interrupt import Interrupt
from .timebase import Timebase
from typing import Any

FIFO_OPTIONS: tuple[Any, ...]
CHUNK_FRAMES: int
OVERFLOW: int

class Fifo(Driver):
    """Base of drivers of chips that keep frames until they are read.

    A subclass calls _describe(), then _start_fifo(), and has

        _level() -> frames that wait in the chip, or OVERFLOW where it overflowed
                         or holds half a frame: then all of it is given up
        _fetch(n, buf)   reads n frames (at most CHUNK_FRAMES) from there into buf,
                         with burst(), since reading takes them away; where
                         each needs a transfer, returns how many came before one failed
        _restart()       empties the FIFO; what was in it is lost
        _sleep()         puts the chip to sleep, for close(); lets no OSError out

    and raises OSError for failed transfers from the first three. A chip that
    overwrites its oldest frames and stays in step need not say OVERFLOW: what
    is missing is found by the clock.

    How many frames must have been sampled follows from the measured rate
    (sensing/timebase.py), so ``dropped`` is exact after an overflow, and after bursts
    that failed when the chip had given up part of them. While the rate
    is not known (256 frames, half a second), it is the nominal one's, and a FIFO
    that is full counts as one that overflowed.
    """
    capacity: Any
    watermark: int
    timebase: Timebase
    interrupt: Interrupt
    done: bool
    @property
    def measured_mhz(self) -> int:
        """The chip's true rate by the board's clock, 0 while unknown."""
    def read_into(self, buf: bytearray) -> int:
        """Frames from the chip's FIFO; 0 where fewer wait than a batch.

        A failed transfer is counted in ``errors``; 50 reads in a row that
        fail raise DriverError.
        """
    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read: 8 bytes, little-endian us."""
    def close(self) -> None:
        """Stops reading and puts the chip to sleep; the bus stays the caller's."""
    def resume(self) -> None:
        """Samples again after wake_on_motion(). What was not sampled meanwhile counts as lost."""

def unpacked(raw: Buffer, n: int, layout: bytes, buf: bytearray) -> None:
    """n frames of a FIFO's bytes into buf, as ``layout`` says (see layout_of)."""

def layout_of(stride: int, offsets: tuple[Any, ...], big_endian: bool = False, shift: int = 0) -> bytes:
    """How a frame lies in the FIFO: bytes of it, where each channel begins, left shift."""
