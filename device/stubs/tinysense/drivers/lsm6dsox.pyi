"""LSM6DSOX and LSM6DSO: accelerometer and gyroscope over I2C or SPI, by FIFO of tagged words.

Registers are those of section 9 of ST's data sheet DS12814, revision 4. Not for the
LSM6DSO32, which answers with the same identity and has twice the range.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.lsm6 import LSM6
from typing import Any

FIFO_CTRL1: int
FIFO_CTRL2: int
FIFO_CTRL3: int
FIFO_CTRL4: int
CTRL9_XL: int
FIFO_STATUS1: int
FIFO_STATUS2: int
TAP_CFG0: int
TAP_CFG2: int
FIFO_DATA_OUT_TAG: int
BYPASS: int
CONTINUOUS: int
OVERRUN: int
I3C_OFF: int
LIR: int
INTERRUPTS_ENABLE: int
TAG_GYRO: int
TAG_ACCEL: int
WORD: int
WORDS: int
RATES_MHZ: tuple[Any, ...]

def build(options: dict[str, Any], sensor: Sensor | None = None) -> LSM6DSOX:
    """The driver on a bus of this board; open options are filled in from the model."""

class LSM6DSOX(LSM6):
    """``LSM6DSOX(i2c, rate_mhz=104000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s.
    ``rate_mhz`` becomes the nearest of the chip's. ``pin``: its INT1, which
    then tells that a batch waits.
    """
    chip: str
    rates: Any
    gyro_rates: Any
