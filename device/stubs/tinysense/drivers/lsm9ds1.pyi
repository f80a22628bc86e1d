"""LSM9DS1: accelerometer and gyroscope over I2C or SPI, by FIFO.

Pages are those of ST's data sheet LSM9DS1, DocID025715 revision 2. Not confirmed
on a real chip yet. Its magnetometer is a chip of its own, without a FIFO, at
0x1C or 0x1E; this driver leaves it alone, and asleep as it is after power-on.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
INT_GEN_CFG_XL: int
INT_GEN_THS_X_XL: int
INT_GEN_DUR_XL: int
INT1_CTRL: int
WHO_AM_I: int
CTRL_REG1_G: int
OUT_X_G: int
CTRL_REG4: int
CTRL_REG6_XL: int
CTRL_REG7_XL: int
CTRL_REG8: int
CTRL_REG9: int
CTRL_REG10: int
INT_GEN_SRC_XL: int
OUT_X_XL: int
FIFO_CTRL: int
FIFO_SRC: int
INT1_IG_XL: int
INT1_FTH: int
GYRO_XYZ: int
LIR_XL1: int
HPIS1: int
BDU: int
IF_ADD_INC: int
SW_RESET: int
FIFO_EN: int
ST_G: int
ST_XL: int
BYPASS: int
CONTINUOUS: int
FSS: int
XYZ_HIGH: int
FIFO_FRAMES: int
RATES_MHZ: tuple[Any, ...]
RATES_GYRO_MHZ: tuple[Any, ...]
RANGES_G: int
FULL_SCALES_G: tuple[Any, ...]
RANGES_DPS: int
FULL_SCALES_DPS: tuple[Any, ...]
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> LSM9DS1:
    """The driver on a bus of this board; open options are filled in from the model."""

class LSM9DS1(Fifo):
    """``LSM9DS1(i2c, rate_mhz=119000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s.
    ``rate_mhz`` becomes the nearest of 10 (14.9 with the gyroscope), 50 (59.5),
    119, 238, 476, 952 Hz. ``pin``: its INT1, which then fires when a batch waits.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 119000, range_g: int = 4, gyro: bool = False, address: int = ..., gyro_dps: int = 2000, batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...
    def selftest(self) -> dict[str, Any]:
        """Moves the masses by a force; how far, in g and deg/s by axis.

        The chip must lie still for 2 s. The gyroscope is tested where the driver uses it.
        """
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Accelerometer alone, at 50 Hz; INT1 rises when an axis changes by so much."""
