"""MPU6050, and MPU6500, 9250, 9255, 6886 beside it: accelerometer and gyroscope over I2C, by FIFO.

Pages are those of InvenSense's register map RM-MPU-6000A, revision 4.2; "3.2": its
revision 3.2, which still described the high-pass filter; "9250": RM-MPU-9250A-00,
revision 1.6; "6886": MPU6886 data sheet DS-000193, revision 1.1.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
SELF_TEST_X_GYRO: int
SELF_TEST_X: int
SMPLRT_DIV: int
CONFIG: int
GYRO_CONFIG: int
ACCEL_CONFIG: int
ACCEL_CONFIG_2: int
LP_ACCEL_ODR: int
MOT_THR: int
MOT_DUR: int
ACCEL_WOM_X_THR: int
FIFO_EN: int
INT_PIN_CFG: int
INT_ENABLE: int
INT_STATUS: int
ACCEL_XOUT_H: int
SELF_TEST_X_GYRO_6886: int
ACCEL_INTEL_CTRL: int
USER_CTRL: int
PWR_MGMT_1: int
PWR_MGMT_2: int
FIFO_COUNT_H: int
FIFO_R_W: int
WHO_AM_I: int
DEVICE_RESET: int
SLEEP: int
CYCLE: int
STBY_GYRO: int
LP_WAKE_20_HZ: int
CLKSEL_GYRO_X: int
FIFO_ENABLE: int
FIFO_RESET: int
GYRO_FIFO: int
ACCEL_FIFO: int
GYRO_FIFO_6886: int
FIFO_OFLOW: int
DATA_RDY: int
MOT_EN: int
WOM_EN_6886: int
LATCH_INT_EN: int
XYZ_SELF_TEST: int
HPF_HOLD: int
INTEL_COMPARE: int
LP_ODR_31_HZ: int
SAMPLE_CLOCK_MHZ: int
CHIPS: dict[str, Any]
ACCEL_RANGES_G: tuple[Any, ...]
GYRO_RANGES_DPS: tuple[Any, ...]
DLPF_HZ: tuple[Any, ...]
THRESHOLD_STEP_MG_6050: int
THRESHOLD_STEP_MG: int
TRIM_TOLERANCE: float
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> MPU6050:
    """The driver on a bus of this board; open options are filled in from the model."""

class MPU6050(Fifo):
    """``MPU6050(i2c, rate_mhz=25000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s. The
    chip samples at 1 kHz / n: ``rate_mhz`` becomes the nearest of these.
    ``pin``: its INT, which then fires for every frame (no watermark).
    """
    bus: Any
    chip: Any
    def __init__(self, bus: I2C | I2CRegisters, rate_mhz: int = 100000, range_g: int = 4, gyro: bool = False, address: int = ..., who_am_i: int = 0, gyro_dps: int = 2000, batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...
    def selftest(self) -> dict[str, Any]:
        """Responses of all six axes to the chip's self-test, in g and deg/s; takes half a second.

        The chip must lie still. DriverError where one is not what the factory measured.
        Frames of that time count as lost.
        """
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until the chip is moved: then INT goes high and stays so until resume().

        6050: 32 to 8160 mg away from the sample at this moment, looked at 20 times a
        second. Others: 4 to 1020 mg between two samples, 31 times a second (6886: 20).
        """

def trim_limits(codes: bytearray) -> list[Any]:
    """(lowest, highest) responses of a 6050 in g and deg/s, pages 9 to 12.

    ``codes``: SELF_TEST_X, Y, Z, A. Axes whose factory left no code (0) must reach what
    InvenSense's motion driver asks of those: 0.3 to 0.95 g, 10 to 105 deg/s.
    """

def filter_setting(rate_mhz: int) -> int:
    """DLPF_CFG: the widest filter that stays below half the rate, else the narrowest."""
