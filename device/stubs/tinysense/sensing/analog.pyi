"""Sources of an analog converter's words: RP2040 and RP2350 by DMA, any board by a timer.

Sections of the RP2040 data sheet; the RP2350 has the same registers elsewhere.
"""

# Written by device/files.py.
from ..types import array
from .rp2_dma import DmaRing
from collections.abc import Callable
from typing import Any

CS: int
FCS: int
FIFO: int
DIV: int
CS_EN: int
CS_START_MANY: int
CS_AINSEL_LSB: int
FCS_EN: int
FCS_DREQ_EN: int
FCS_THRESH_LSB: int
FIFO_DEPTH: int
ADC_CLOCK_HZ: int
FIRST_PIN: int
CHIPS: dict[str, Any]
SHIFTS: dict[str, Any]

def free_running(options: dict[str, Any], rate_hz: int, now: Callable[[], int] | None = None) -> DmaRing:
    """The converter at its own pace, into a DMA's ring."""

class TimedReads:
    """A timer's interrupt reads the converter into a ring.

    Interrupts that did not come are lost frames, counted by the time
    between those that did. ``jitter_us``: the most by which that time was off.
    """
    frame_bytes: int
    most: Any
    raw: array[int]
    at: int
    back_us: int
    lost: int
    jitter_us: int
    def __init__(self, options: dict[str, Any], rate_hz: int, now: Callable[[], int] | None = None) -> None: ...
    def read(self, want: int) -> int:
        """Frames that wait, up to the end of the ring and none from behind a hole."""
    def close(self) -> None: ...
