"""RP2040, RP2350: two DMA channels that fill a ring for ever, and how much of it is new.

Sections of the RP2040 data sheet; the RP2350 has the same registers.
"""

# Written by device/files.py.
from collections.abc import Callable
from typing import Any

DMA_BASE: int
CHANNEL_BYTES: int
AL2_WRITE_ADDR_TRIG: int
TREQ_PERMANENT: int
HALF_WORD: int
WORD: int

class DmaRing:
    """``DmaRing(fifo, dreq, 4, 4, 16000, 100)``: what a peripheral's FIFO gives, for ever.

    ``fifo``: an object with the buffer protocol, or an address; ``dreq``: what
    paces it; ``item_bytes``: 2 or 4; ``items``: transfers to one frame.

    One channel fills the ring; when it is through it starts the other, which
    does nothing but write the ring's address into the first and so start it
    again. How often that has happened the board's clock knows, and where
    it is the channel itself: ``lost`` is exact as long as the clock is right to
    half a ring, and somebody reads every eight minutes.
    """
    frame_bytes: int
    raw: bytearray
    most: Any
    at: int
    lost: int
    back_us: int
    stop: Any
    def __init__(self, fifo: object, dreq: int, item_bytes: int, items: int, rate_hz: int, buffer_ms: int, now: Callable[[], int] | None = None) -> None: ...
    def read(self, want: int) -> int:
        """Frames that wait, up to the end of the ring; the oldest are lost where too many do."""
    def close(self) -> None: ...
