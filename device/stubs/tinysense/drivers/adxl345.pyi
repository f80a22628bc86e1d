"""ADXL345: accelerometer over I2C or SPI, by FIFO.

Pages are those of Analog Devices' data sheet ADXL345, revision E; registers
without one: register map and definitions, pages 23 to 28. Not confirmed on a
real chip yet. 3200 and 1600 Hz want SPI at 2 MHz, 800 Hz wants I2C at 400 kHz
(pages 15 to 18).
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
DEVID: int
OFSX: int
OFSY: int
OFSZ: int
THRESH_ACT: int
ACT_INACT_CTL: int
BW_RATE: int
POWER_CTL: int
INT_ENABLE: int
INT_MAP: int
INT_SOURCE: int
DATA_FORMAT: int
DATAX0: int
FIFO_CTL: int
FIFO_STATUS: int
LOW_POWER: int
MEASURE: int
ACTIVITY: int
WATERMARK: int
SELF_TEST: int
FULL_RES: int
BYPASS: int
STREAM: int
ENTRIES: int
ACT_AC_XYZ: int
SEVERAL: int
FIFO_FRAMES: int
FIFO_POP_US: int
RATES_MHZ: Any
RANGES_G: tuple[Any, ...]
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> ADXL345:
    """The driver on a bus of this board; open options are filled in from the model."""

class ADXL345(Fifo):
    """``ADXL345(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    The chip samples at 3200 Hz / 2^n: ``rate_mhz`` becomes the nearest of
    these. ``pin``: its INT1, which then fires when a batch waits.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 100000, range_g: int = 4, address: int = ..., batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...
    def selftest(self) -> dict[str, Any]:
        """Moves the mass by a force; how far, in g by axis. The chip must lie still for 1 s."""
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Samples at 12.5 Hz for 34 uA, page 14; INT1 rises when x, y or z changes by so much."""
