"""HX711: force, by load cells. Two pins; the chip says when a conversion is ready.

Pages are those of Avia Semiconductor's data sheet of the HX711.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.fifo import Fifo
from ..types import Pin
from collections.abc import Callable
from typing import Any

BITS: int
PULSES: dict[str, Any]
GAINS: tuple[Any, ...]
RESET_US: int
SETTLING: int
TARE_SHIFT: int
PATIENCE: int
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> HX711:
    """The driver on two pins of this board."""

class HX711(Fifo):
    """``HX711(Pin(2, Pin.OUT), Pin(3, Pin.IN))``: frames of force.

    ``counts_per_unit``: 24-bit counts of one kg or N (``units``), which weighing
    something known tells. ``tare()`` makes what is on the scale now zero.
    Lost conversions are told once the chip's own rate is known, after 256.
    """
    offset: int
    def __init__(self, sck: Pin, dout: Pin, rate_mhz: int = 10000, gain: int = 128, shift: int = 8, offset: int = 0, counts_per_unit: int = 0, units: str = 'kg', now: Callable[[], int] | None = None) -> None: ...
    def tare(self) -> None:
        """The mean of the next eight readings becomes zero; ``offset`` has it then."""
    def read_into(self, buf: bytearray) -> int:
        """A frame where a conversion waits; 0 else."""
