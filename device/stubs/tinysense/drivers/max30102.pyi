"""MAX30102: reflected red and infrared light for heart rate (PPG). I2C, by FIFO.

Sections are those of Maxim's data sheet 19-7740, revision 1.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.bus import I2CRegisters
from ..sensing.fifo import Fifo
from ..types import I2C, Pin
from collections.abc import Callable
from typing import Any

ADDRESS: int
INT_STATUS_1: int
INT_ENABLE_1: int
FIFO_WR_PTR: int
OVF_COUNTER: int
FIFO_RD_PTR: int
FIFO_DATA: int
FIFO_CONFIG: int
MODE_CONFIG: int
SPO2_CONFIG: int
LED1_PA: int
LED2_PA: int
PART_ID: int
IDENTITY: int
A_FULL: int
SHDN: int
RESET: int
SPO2_MODE: int
ROLLOVER: int
A_FULL_AT_17: int
DEPTH: int
SAMPLE_BYTES: int
POINTERS: Any
RANGES_NA: tuple[Any, ...]
RATES: tuple[Any, ...]
PULSES: tuple[Any, ...]
AVERAGES: int
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> MAX30102:
    """The driver on a bus of this board; open options are filled in from the model."""

class MAX30102(Fifo):
    """``MAX30102(i2c, rate_mhz=100000)``: frames of red and infrared photocurrent, in A.

    The chip measures 50 to 1600 times a second and averages up to 32:
    ``rate_mhz`` becomes the nearest of these rates. Of its 18 bits the upper 15 are
    kept, so a count is range / 32768. ``pin``: its INT, which fires at 17 frames.
    """
    bus: Any
    def __init__(self, bus: I2C | I2CRegisters, rate_mhz: int = 100000, range_na: int = 4096, led_ua: int = 6400, address: int = ..., batch_ms: int = 40, pin: Pin | None = None, now: Callable[[], int] | None = None) -> None: ...

def setting_of(rate_mhz: int) -> tuple[Any, ...]:
    """(SPO2_SR, SMP_AVE) of the nearest rate; of equals that in which the LEDs shine least."""
