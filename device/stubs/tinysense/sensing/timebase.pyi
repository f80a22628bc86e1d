"""Time of frames by the board's clock: 64 bits, in C, without allocation."""

# Written by device/files.py.
from collections.abc import Callable
from typing import Any

class DeviceClock:
    """Microseconds since the board started. ``now``: a clock for tests instead of the board's."""
    state: bytearray
    def __init__(self, now: Callable[[], int] | None = None) -> None: ...
    def read(self) -> None:
        """Takes the time, for what is asked next. Every six days at least."""
    def stamp(self, out: bytearray, at: int = 0) -> None:
        """The time now into out[at : at + 8], little-endian microseconds."""

def device_clock() -> DeviceClock:
    """The board's clock, the same for all: times of one start compare with each other."""

class Timebase:
    """When frames were sampled, and how fast the sensor's clock really runs.

    A driver says how many frames have been sampled by now, lost ones
    included; from that follow the rate (``measured_mhz``), the time of each frame,
    and frames that must be missing.
    """
    clock: Any
    def __init__(self, rate_mhz: int, now: Callable[[], int] | None = None) -> None: ...
    @property
    def measured_mhz(self) -> int:
        """The true rate by the board's clock; 0 until half a second and 256 frames have passed."""
    def mark(self, n: int, back_us: int = 0, width_us: int = 0, exact: bool = True) -> int:
        """``n`` more frames had been sampled ``back_us`` before now, lost ones counted.

        ``exact``: and the next one had not, ``width_us`` earlier (the time
        that looking took). Returns how many more must have been sampled, which are lost.
        """
    def behind(self) -> int:
        """Frames sampled since the last mark, by the clock alone."""
    def stamp(self, back: int, out: bytearray, at: int = 0) -> None:
        """Time of the frame ``back`` frames before the newest: 8 bytes, little-endian us."""
