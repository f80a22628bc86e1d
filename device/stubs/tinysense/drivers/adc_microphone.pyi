"""Microphones with an amplifier, MAX4466 and such, on an analog input.

On RP2040 and RP2350 the converter runs by itself, at an exact rate, and a DMA
takes what it gives. Elsewhere a timer's interrupt reads it: good for slow
sounds, and how regular that is the driver measures (``jitter_us``).
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.microphone import Microphone
from collections.abc import Callable
from typing import Any

OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> ADCMicrophone: ...

class ADCMicrophone(Microphone):
    """``ADCMicrophone({"pin": 26})``: what is left out has OPTIONS' defaults.

    The middle of the converter's range is zero; the high pass takes the rest.
    ``now``, ``platform``: a clock and a port for tests.
    """
    def __init__(self, options: dict[str, Any], rate_mhz: int = 16000000, now: Callable[[], int] | None = None, platform: str = ...) -> None: ...
    @property
    def jitter_us(self) -> int:
        """By how much the longest time between two samples was off so far; 0 by DMA."""
