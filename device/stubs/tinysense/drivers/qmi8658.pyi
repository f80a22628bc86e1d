"""QMI8658A and QMI8658C: accelerometer and gyroscope over I2C or SPI, by a FIFO behind a command.

Sections are those of QST's data sheet 13-52-25, QMI8658A, revision A.

While its FIFO is read, the chip throws samples away (section 8.7). So it is
read between two of them: a read begins only where it ends before the next sample is due,
and waits for that sample where it would not. Where not even one frame can be read
in time, as at 896.8 Hz over I2C, what is lost is counted.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters, SPIRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
WHO_AM_I: int
CTRL1: int
CTRL2: int
CTRL3: int
CTRL7: int
CTRL8: int
CTRL9: int
CAL1_L: int
CAL1_H: int
FIFO_WTM_TH: int
FIFO_CTRL: int
FIFO_SMPL_CNT: int
FIFO_DATA: int
STATUSINT: int
TIMESTAMP_L: int
DVX_L: int
RESET: int
INTERFACE: int
INT2_EN: int
INT1_EN: int
FIFO_ON_INT1: int
SELF_TEST: int
ACCEL_EN: int
GYRO_EN: int
DRDY_DIS: int
HANDSHAKE_STATUSINT: int
ACK: int
RST_FIFO: int
REQ_FIFO: int
WRITE_WOM: int
BYPASS: int
STREAM_128: int
CMD_DONE: int
TEST_DONE: int
SOFT_RESET: int
ODR_21_HZ: int
ODR_250_HZ: int
FRAMES: int
ACCEL_RANGES_G: tuple[Any, ...]
GYRO_RANGES_DPS: tuple[Any, ...]
RATES_MHZ: tuple[Any, ...]
RATES_6D_MHZ: tuple[Any, ...]
SELFTEST_G: int
SELFTEST_DPS: int
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> QMI8658:
    """The driver on a bus of this board; open options are filled in from the model."""

class QMI8658(Fifo):
    """``QMI8658(i2c, rate_mhz=125000, range_g=4)``: frames of x, y, z in g.

    With ``gyro`` frames are six: accelerometer in g, gyroscope in deg/s, and
    the rates others. ``rate_mhz`` becomes the nearest of the chip's. ``pin``: its INT1 or
    INT2, as ``int_line`` says, which then tells that a batch waits.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 125000, range_g: int = 4, gyro: bool = False, address: int = ..., gyro_dps: int = 2048, batch_ms: int = 40, pin: Pin | None = None, int_line: int = 2, now: Callable[[], int] | None = None) -> None: ...
    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read: 8 bytes, little-endian us."""
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Samples at 21 Hz with little power; the interrupt changes its level when moved.

        ``threshold_mg``: 1 to 255, how much an axis must change from one sample to the next.
        """
    def selftest(self) -> dict[str, Any]:
        """What a force inside moves all six axes by, in g and deg/s; takes a second.

        DriverError where an axis moves less than the data sheet asks. Frames of
        that time count as dropped.
        """
