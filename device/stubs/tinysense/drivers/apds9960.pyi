"""APDS-9960: light in four colours, and proximity. I2C, polled; the gesture engine stays off.

Pages are those of Avago's data sheet AV02-4191EN (November 2015).
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters
from ..sensing.polled import Polled
from ..types import I2C
from collections.abc import Callable
from typing import Any

ADDRESS: int
ENABLE: int
ATIME: int
PPULSE: int
CONTROL: int
ID: int
STATUS: int
CDATAL: int
PDATA: int
PON: int
AEN: int
PEN: int
AVALID: int
PVALID: int
PULSES_8_OF_8_US: Any
PGAIN_4X: Any
GAINS: tuple[Any, ...]
IDENTITIES: tuple[Any, ...]
CYCLE_US: int
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> APDS9960:
    """The driver on a bus of this board; open options are filled in from the model."""

class APDS9960(Polled):
    """``APDS9960(i2c, rate_mhz=10000)``: frames of clear, red, green, blue, proximity.

    Light is integrated for as much of the period as there is; it comes in counts of one
    cycle of 2.78 ms at gain 1 (no lux: that depends on the window over the chip), so
    that rates and gains compare with each other. Proximity: per cent of its range.
    """
    bus: Any
    cycles: int
    done: bool
    def __init__(self, bus: I2C | I2CRegisters, rate_mhz: int = 10000, gain: int = 4, address: int = ..., now: Callable[[], int] | None = None) -> None: ...
    def close(self) -> None:
        """Stops reading and puts the chip to sleep; the bus stays the caller's."""
