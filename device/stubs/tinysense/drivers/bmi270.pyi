"""BMI270: accelerometer and gyroscope over I2C or SPI, by FIFO.

Registers are those of Bosch's data sheet BST-BMI270-DS000-05, revision 1.3, section
"Register map". Not confirmed on a real chip yet. Frames are raw: what
Bosch's library subtracts from the gyroscope's x for its cross-axis sensitivity is left in.

The chip measures only once it has been given a program of 8192 bytes, at each start.
Bosch publishes it; it is not part of this package. It comes from micropython-lib's module
bmi270 where that is installed or frozen in, or from a file that config_file names. Bosch's
program of 328 bytes (maximum FIFO) will do too, but cannot wake on motion.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
CHIP_ID: int
DATA_8: int
INT_STATUS_0: int
INTERNAL_STATUS: int
FIFO_LENGTH_0: int
FIFO_DATA: int
FEAT_PAGE: int
FEATURES: int
ACC_CONF: int
ACC_RANGE: int
GYR_CONF: int
GYR_RANGE: int
FIFO_DOWNS: int
FIFO_WTM_0: int
FIFO_CONFIG_0: int
FIFO_CONFIG_1: int
INT1_IO_CTRL: int
INT_LATCH: int
INT1_MAP_FEAT: int
INT_MAP_DATA: int
INIT_CTRL: int
INIT_ADDR_0: int
INIT_ADDR_1: int
INIT_DATA: int
ACC_SELF_TEST: int
PWR_CONF: int
PWR_CTRL: int
CMD: int
SOFT_RESET: int
FIFO_FLUSH: int
ADV_POWER_SAVE: int
GYR_EN: int
ACC_EN: int
ACC_PERFORMANCE: int
ACC_SAVING: int
GYR_PERFORMANCE: int
FILTERED: int
FIFO_ACC: int
FIFO_GYR: int
INT_ACTIVE_HIGH: int
FWM_INT1: int
ANY_MOTION_OUT: int
ANY_MOTION_PAGE: int
ANY_MOTION_AT: int
ANY_MOTION_XYZ: int
ANY_MOTION_EN: int
SELF_TEST_UP: int
SELF_TEST_DOWN: int
INIT_OK: int
PROGRAM_BYTES: int
SMALL_PROGRAM_BYTES: int
FIFO_BYTES: int
LARGE_FIFO_BYTES: int
RATES_MHZ: Any
RANGES_G: tuple[Any, ...]
RANGES_DPS: tuple[Any, ...]
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> BMI270:
    """The driver on a bus of this board; open options are filled in from the model."""

class BMI270(Fifo):
    """``BMI270(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s. The chip samples at
    12.5 Hz x 2^n (with gyro from 25 Hz on): ``rate_mhz`` becomes the nearest of these.
    ``pin``: its INT1, which then fires when a batch waits.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 100000, range_g: int = 4, gyro: bool = False, address: int = ..., gyro_dps: int = 2000, batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None, config_file: str = '') -> None: ...
    def selftest(self) -> dict[str, Any]:
        """How far a force moves the accelerometer's masses, in g; takes 0.2 s, lying still.

        DriverError where one moves too little. The gyroscope's own test gives no
        numbers and is left out. Frames of that time count as lost.
        """
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until it is moved for 40 ms: then INT1 goes high and stays until resume().

        Looked at 50 times a second, 1 to 999 mg away from when it lay still.
        """
