"""Chips without a FIFO: one sample whenever the board's clock says that one is due."""

from .clock import Clock
from .driver import Driver


class Polled(Driver):
    """Base of drivers that are asked for each frame.

    A subclass calls _describe(), then _start_polling(), and has
    ``_sample(buf)``, which writes one frame and returns True, or False where
    the chip has none yet; it raises OSError for a failed transfer.
    Frames that were due and not asked for in time are ``dropped``.
    """

    def _start_polling(self, now=None):
        self._clock = Clock(self.rate_mhz, now)
        self.measured_mhz = self.rate_mhz  # frames are taken by the board's own clock
        self._owed = 0  # frames due

    def read_into(self, buf: bytearray) -> int:
        if self.done:
            return 0
        self._owed += self._clock.due()
        if self._owed == 0:
            return 0
        due, self._owed = self._owed, 0
        try:
            there = self._sample(buf)
        except OSError as e:
            self.dropped += due
            self._failed(e)
            return 0
        self._in_a_row = 0
        if not there:
            self._owed = due
            return 0
        self.dropped += due - 1
        return 1


def store(buf: bytearray, at: int, value: int) -> None:
    """An int16 into buf[at : at + 2], saturated, in the machine's byte order."""
    value = 32767 if value > 32767 else -32768 if value < -32768 else value
    buf[at] = value & 0xFF
    buf[at + 1] = value >> 8 & 0xFF
