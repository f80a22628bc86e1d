"""ICM20948: accelerometer and gyroscope over I2C or SPI, by FIFO. Its magnetometer is left out.

Sections are those of InvenSense's data sheet DS-000189, revision 1.3. Not confirmed on a
real chip yet. The magnetometer is a chip of its own (AK09916) behind the first, with
samples at other times, so that its numbers do not fit into the same frames.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
REG_BANK_SEL: int
WHO_AM_I: int
USER_CTRL: int
LP_CONFIG: int
PWR_MGMT_1: int
PWR_MGMT_2: int
INT_PIN_CFG: int
INT_ENABLE: int
INT_ENABLE_1: int
INT_ENABLE_2: int
INT_STATUS: int
INT_STATUS_2: int
ACCEL_XOUT_H: int
FIFO_EN_1: int
FIFO_EN_2: int
FIFO_RST: int
FIFO_MODE: int
FIFO_COUNTH: int
FIFO_R_W: int
SELF_TEST_X_GYRO: int
SELF_TEST_X_ACCEL: int
GYRO_SMPLRT_DIV: int
GYRO_CONFIG_1: int
GYRO_CONFIG_2: int
ODR_ALIGN_EN: int
ACCEL_SMPLRT_DIV_1: int
ACCEL_INTEL_CTRL: int
ACCEL_WOM_THR: int
ACCEL_CONFIG: int
ACCEL_CONFIG_2: int
DEVICE_RESET: int
SLEEP: int
LP_EN: int
CLKSEL_AUTO: int
DISABLE_GYRO: int
ACCEL_CYCLE: int
FIFO_ENABLE: int
I2C_IF_DIS: int
ACCEL_FIFO: int
GYRO_FIFO: int
FIFO_RESET: int
RAW_DATA_RDY: int
FIFO_OVERFLOW: int
WOM_INT: int
LATCH: int
FCHOICE: int
GYRO_SELF_TEST: int
ACCEL_SELF_TEST: int
INTEL_COMPARE: int
SAMPLE_CLOCK_MHZ: int
FIFO_BYTES: int
RANGES_G: tuple[Any, ...]
RANGES_DPS: tuple[Any, ...]
DLPF_HZ: tuple[Any, ...]
THRESHOLD_STEP_MG: int
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> ICM20948:
    """The driver on a bus of this board; open options are filled in from the model."""

class ICM20948(Fifo):
    """``ICM20948(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s. The
    chip samples at 1125 Hz / n: ``rate_mhz`` becomes the nearest of these.
    ``pin``: its INT1, which then fires for every frame: the data sheet has
    an interrupt at a watermark, but nowhere to set it.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 100000, range_g: int = 4, gyro: bool = False, address: int = ..., gyro_dps: int = 2000, batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...
    def selftest(self) -> dict[str, Any]:
        """Responses of all six axes to the chip's self-test, in g and deg/s; takes half a second.

        The chip must lie still. DriverError where one is not what the factory measured.
        Frames of that time count as lost.
        """
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until it is moved: then INT1 goes high and stays so until resume().

        Moved: by 4 to 1020 mg between two samples, 20 times a second.
        """

def filter_setting(rate_mhz: int) -> int:
    """DLPFCFG: the widest filter that stays below half the rate, else the narrowest."""
