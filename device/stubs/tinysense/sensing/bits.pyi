"""Sources of a PDM microphone's bits: the PIO of an RP2040 or RP2350, I2S, SPI."""

# Written by device/files.py.
from ..sensing.timebase import DeviceClock
from .i2s import I2SStream
from .rp2_dma import DmaRing
from collections.abc import Callable
from typing import Any

PIO_RX_DREQ: int

def pio_bits(options: dict[str, Any], rate_hz: int, decimation: int, now: Callable[[], int] | None = None) -> DmaRing:
    """Bits clocked by a state machine, the first one lowest in each word."""

def i2s_bits(options: dict[str, Any], rate_hz: int, decimation: int, clock: DeviceClock, now: Callable[[], int] | None = None, platform: str = ...) -> I2SStream:
    """Bits at the clock of an I2S bus: both slots together are 64 of them, without a gap."""

class SpiBits:
    """Bits that an SPI bus clocks in while it reads. That takes as long as the sound lasts.

    So this source waits in read(), as no other does, and what sounds between two reads
    is lost, and counted. For recordings of a known length.
    """
    frame_bytes: int
    most: Any
    raw: bytearray
    at: int
    lost: int
    back_us: int
    def __init__(self, options: dict[str, Any], rate_hz: int, decimation: int, now: Callable[[], int] | None = None) -> None: ...
    def read(self, want: int) -> int:
        """Clocks in ``want`` frames."""
    def close(self) -> None: ...
