"""PDM microphones: MP34DT05, MP34DT06, SPM1423, MSM261; decimated by the core.

MicroPython has no PDM (1.25). The bits come by the PIO and a DMA on RP2040
and RP2350, else at the clock of an I2S bus, or of an SPI bus while it reads.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.microphone import Microphone
from collections.abc import Callable
from typing import Any

PARTS: dict[str, Any]
DECIMATIONS: tuple[Any, ...]
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> PDMMicrophone: ...

def decimation_for(part: str, rate_mhz: int, wanted: int = 0) -> int:
    """Bits a frame that keep the clock where the part works; DriverError where none does."""

class PDMMicrophone(Microphone):
    """``PDMMicrophone({"clk": 2, "data": 3})``: what is left out has OPTIONS' defaults.

    ``now``, ``platform``: a clock and a port for tests.
    """
    decimation: int
    def __init__(self, options: dict[str, Any], rate_mhz: int = 16000000, now: Callable[[], int] | None = None, platform: str = ...) -> None: ...
