"""LIS3DH, and LIS2DH12 beside it (same registers, same identity): accelerometer by FIFO.

I2C or SPI. Pages are those of ST's data sheet LIS3DH, DocID17530 revision 2;
LIS2DH12: DocID025056. Not confirmed on a real chip yet. Its FIFO keeps the upper
10 bits of each number (page 19), whatever the mode.
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
CTRL_REG1: int
CTRL_REG2: int
CTRL_REG3: int
CTRL_REG4: int
CTRL_REG5: int
CTRL_REG6: int
REFERENCE: int
OUT_X_L: int
FIFO_CTRL_REG: int
FIFO_SRC_REG: int
INT1_CFG: int
INT1_SRC: int
INT1_THS: int
INT1_DURATION: int
ACT_THS: int
LP_EN: int
XYZ_EN: int
HP_IA1: int
I1_IA1: int
I1_WTM: int
BDU: int
HR: int
SELF_TEST_0: int
FIFO_EN: int
LIR_INT1: int
BYPASS: int
STREAM: int
OVRN: int
FSS: int
XYZ_HIGH: int
SEVERAL_I2C: int
SEVERAL_SPI: int
FIFO_FRAMES: int
RATES_MHZ: tuple[Any, ...]
RANGES_G: tuple[Any, ...]
FULL_SCALES_G: tuple[Any, ...]
THRESHOLD_STEPS_MG: tuple[Any, ...]
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> LIS3DH:
    """The driver on a bus of this board; open options are filled in from the model."""

class LIS3DH(Fifo):
    """``LIS3DH(i2c, rate_mhz=100000, range_g=4)``: frames of x, y, z in g.

    ``rate_mhz`` becomes the nearest of 1, 10, 25, 50, 100, 200, 400, 1344 Hz.
    ``high_resolution``: ST's mode of 12 bits, which filters more: signals up to a
    ninth of the rate instead of half of it (page 16). ``pin``: its INT1,
    which then fires when a batch waits.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters | SPIRegisters, rate_mhz: int = 100000, range_g: int = 4, high_resolution: bool = False, address: int = ..., batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...
    def selftest(self) -> dict[str, Any]:
        """Moves the mass by a force; how far, in g by axis. The chip must lie still for 1 s."""
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Samples at 25 Hz for 4 uA (page 17); INT1 rises when an axis changes by so much."""
