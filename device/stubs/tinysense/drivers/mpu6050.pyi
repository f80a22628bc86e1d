"""MPU6050: accelerometer, and gyroscope if asked, over I2C; polled by the sample clock.

Pages are those of InvenSense's register map RM-MPU-6000A, revision 4.2.
"""

# Written by device/files.py.
from collections.abc import Callable
from typing import Any
from ..types import I2C
from ..features import Sensor

ADDRESS: int
SMPLRT_DIV: int
CONFIG: int
GYRO_CONFIG: int
ACCEL_CONFIG: int
ACCEL_XOUT_H: int
PWR_MGMT_1: int
WHO_AM_I: int
DEVICE_RESET: int
CLKSEL_GYRO_X: int
WHO_AM_I_MPU6050: int
SAMPLE_CLOCK_MHZ: int
ACCEL_RANGES_G: tuple[Any, ...]
GYRO_RANGES_DPS: tuple[Any, ...]
DLPF_HZ: tuple[Any, ...]
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any], sensor: Sensor | None = None) -> MPU6050:
    """The driver on a bus of this board; open options are filled in from the model."""

def fitting_range(full_scale: float) -> int:
    """The smallest range, in g, that holds full_scale; the largest where none does."""

class MPU6050:
    """``MPU6050(i2c, rate_mhz=25000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six raw counts (units "none", full_scale 32768):
    accelerometer of +-range_g, then gyroscope of +-``gyro_dps``.

    Each read_into() takes the sample that the chip holds when one is due by
    the board's clock; the ones that were due before it are ``dropped``. A
    failed transfer is counted in ``errors``; 50 in a row raise DriverError.
    """
    rate_mhz: int
    channels: Any
    axes: Any
    units: Any
    full_scale: Any
    scale: Any
    dropped: int
    errors: int
    last_error: int
    done: bool
    def __init__(self, i2c: I2C, rate_mhz: int = 100000, range_g: int = 4, gyro: bool = False, address: int = ..., who_am_i: int = ..., gyro_dps: int = 2000, now: Callable[[], int] | None = None) -> None: ...
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None:
        """Stops reading; the bus stays the caller's."""

def filter_setting(rate_mhz: int) -> int:
    """DLPF_CFG: the widest filter that stays below half the rate, else the narrowest."""
