"""LSM6DS3, LSM6DS3TR-C and LSM6DSL: accelerometer and gyroscope over I2C or SPI, by FIFO.

The FIFO holds words of two bytes without marks: gyroscope x, y, z, accelerometer x, y, z,
over and over. Pages are those of ST's data sheet of the LSM6DS3, DocID026899,
revision 7; "DSL": of the LSM6DSL, DocID028475, revision 7, which answers as the LSM6DS3TR-C.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.lsm6 import LSM6
from typing import Any

FIFO_CTRL1: int
FIFO_CTRL2: int
FIFO_CTRL3: int
FIFO_CTRL5: int
FIFO_STATUS1: int
FIFO_DATA_OUT_L: int
TAP_CFG: int
BYPASS: int
CONTINUOUS: int
NO_DECIMATION_GYRO: int
NO_DECIMATION_XL: int
OVER_RUN: int
LIR: int
SLOPE_FDS: int
INTERRUPTS_ENABLE: int
RATES_MHZ: tuple[Any, ...]
RATES_DSL_MHZ: Any
GYRO_RATES: int
WORDS: int
WORDS_DSL: int

def build(options: dict[str, Any], sensor: Sensor | None = None) -> LSM6DS3:
    """The driver on a bus of this board; open options are filled in from the model."""

class LSM6DS3(LSM6):
    """``LSM6DS3(i2c, rate_mhz=104000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s.
    ``rate_mhz`` becomes the nearest of the chip's. ``pin``: its INT1, which
    then tells that a batch waits.
    """
    chip: Any
    rates: Any
    gyro_rates: Any
