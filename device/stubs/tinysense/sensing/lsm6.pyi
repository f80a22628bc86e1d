"""What ST's LSM6 chips share: settings, self-test and wake-up of LSM6DSOX, LSM6DS3 and kin.

Registers are those of section 9 of the data sheets: LSM6DSOX DS12814, revision 4;
LSM6DS3 DocID026899, revision 7, whose pages stand here ("DS3"); LSM6DSL
DocID028475, revision 7 ("DSL"), which has the map and the identity of the LSM6DS3TR-C.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..types import I2C, Pin
from .fifo import Fifo
from collections.abc import Callable
from typing import Any

ADDRESS: int
INT1_CTRL: int
WHO_AM_I: int
CTRL1_XL: int
CTRL2_G: int
CTRL3_C: int
CTRL5_C: int
CTRL6_C: int
WAKE_UP_SRC: int
STATUS_REG: int
OUTX_L_G: int
OUTX_L_XL: int
WAKE_UP_THS: int
WAKE_UP_DUR: int
MD1_CFG: int
SW_RESET: int
IF_INC: int
BDU: int
INT1_FTH: int
XL_HM_MODE: int
XLDA: int
GDA: int
ST_XL_POSITIVE: int
ST_G_POSITIVE: int
INT1_WU: int
WAKE_THS_W: int
ODR_52_HZ: int
ODR_208_HZ: int
ACCEL_RANGES_G: tuple[Any, ...]
ACCEL_FS: tuple[Any, ...]
ACCEL_MG: tuple[Any, ...]
GYRO_RANGES_DPS: tuple[Any, ...]
GYRO_FS: tuple[Any, ...]
GYRO_MDPS: tuple[Any, ...]
SELFTEST_DPS: tuple[Any, ...]
OPTIONS: Any

def built(kind: type, options: dict[str, Any], sensor: Sensor | None) -> LSM6:
    """The driver on a bus of this board; open options are filled in from the model."""

def holding(ranges: tuple[Any, ...], milli: tuple[Any, ...], wanted: float) -> int:
    """The smallest of the ranges that holds ``wanted``; 32768 counts are more than its name."""

class LSM6(Fifo):
    """Base of their drivers. A subclass has

    ids, selftest_g, wake_parts     WHO_AM_I; self-test limits; the finest fraction of
                                    full scale that WAKE_UP_THS can count in
    _kind(identity)                 sets chip, rates (mHz, of code 1 and up), gyro_rates
    _begin(batch_ms, pin, now)      _start_fifo(), and what it needs itself
    _fifo_rows(), _wake_rows()      settings of its own, (register, value)
    _stop()                         empties the FIFO and leaves it off
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 104000, range_g: int = 4, gyro: bool = False, address: int = ..., who_am_i: int = 0, gyro_dps: int = 2000, batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until the chip is moved: then INT1 goes high and stays so until resume().

        ``threshold_mg``: how much an axis must change from one sample to the next, 52 a second.
        """
    def selftest(self) -> dict[str, Any]:
        """Responses of all six axes to the chip's self-test, in g and deg/s; takes a second.

        The chip must lie still. DriverError where one is out of the data sheet's
        limits. Frames of that time count as dropped.
        """
