"""machine.I2S as a microphone's source: never blocks, and its silent overruns are counted.

Of its three modes (MicroPython's documentation of machine.I2S) the one made
for asyncio gives what is there and returns; it is switched on by the first
poll. The blocking mode waits, and the callback mode wants a new buffer at
each call from the scheduler.

All ports take whole frames, two slots of 32 bits, whatever is asked of them
(extmod/machine_i2s.c and the ports' machine_i2s.c, MicroPython 1.25). What
they do where nobody reads differs:

    rp2, stm32, mimxrt   a ring of ibuf bytes; 16 frames (half of the DMA's
                         256 bytes) that find no room are not taken
    esp32                ibuf / 2048 DMA buffers of 256 frames, at least two; one
                         is being filled, and a full queue gives up its oldest
                         (ESP-IDF, i2s_common.c); of the one that is being read,
                         what is left may be newer than it should be by then
"""

# Written by device/files.py.
from ..sensing.timebase import DeviceClock
from collections.abc import Callable
from typing import Any

SLOT_BYTES: int
FRAME_BYTES: int
RING_BLOCK: int
DMA_BLOCK: int
I2S_OPTIONS: tuple[Any, ...]

def geometry(frames: int, platform: str) -> tuple[Any, ...]:
    """(ibuf, block, capacity, oldest lost) of a buffer for so many frames on a port."""

class I2SStream:
    """``I2SStream(options, rate_hz, ...)``: words of a bus of this board.

    ``both``: of both slots, else of the left one. ``ratio``: bus frames to one
    of the microphone (PDM). ``clock``: a DeviceClock.
    """
    frame_bytes: int
    most: int
    raw: bytearray
    at: int
    lost: int
    back_us: int
    def __init__(self, options: dict[str, Any], rate_hz: int, both: bool, ratio: int, buffer_ms: int, clock: DeviceClock, name: str, now: Callable[[], int] | None = None, platform: str = ...) -> None: ...
    def read(self, want: int) -> int:
        """Frames that wait, none from behind a hole."""
    def close(self) -> None: ...
