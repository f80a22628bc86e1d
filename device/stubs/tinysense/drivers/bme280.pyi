"""BME280: temperature, humidity, pressure; BMP280, which has no humidity. I2C or SPI, polled.

Pages are those of Bosch's data sheet BST-BME280-DS002, revision 1.6. The arithmetic is
that of sections 4.2.3 and 8.2 (32 bits), to the bit, in steps that need no more
than the 30 bits of a board's small integers.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..sensing.polled import Polled
from ..types import I2C
from collections.abc import Callable
from typing import Any

ADDRESS: int
CALIBRATION: int
CALIBRATION_H: int
ID: int
CTRL_HUM: int
STATUS: int
CTRL_MEAS: int
DATA: int
MEASURING: int
SLEEP: int
FORCED: int
OVERSAMPLING: tuple[Any, ...]
CHIPS: Any
ABSOLUTE_PA: int
RELATIVE_PA: int
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> BME280:
    """The driver on a bus of this board; open options are filled in from the model."""

class BME280(Polled):
    """``BME280(i2c, rate_mhz=1000)``: frames of temperature, humidity, pressure.

    Each frame is a measurement of its own, begun when it is due.
    """
    bus: Any
    chip: str
    done: bool
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 1000, humidity: bool = True, reference_pa: int = 0, oversampling: int = 1, address: int = ..., now: Callable[[], int] | None = None) -> None: ...
    def close(self) -> None:
        """Stops reading; the chip sleeps between measurements as it is."""

def signed(value: int, bits: int) -> int:
    """A two's complement number of so many bits."""

def scaled(a: int, b: int, shift: int) -> int:
    """a * b >> shift, exactly, where a * b would need more than 30 bits."""
