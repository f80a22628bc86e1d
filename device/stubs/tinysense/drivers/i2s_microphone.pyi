"""Microphones on I2S: INMP441, ICS43434, SPH0645; through machine.I2S.

All three speak the Philips format with 32 clocks a slot and send 24 bits, the
sign first, then let the line float; with L/R (SEL) low in the left slot.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.microphone import Microphone
from collections.abc import Callable
from typing import Any

PARTS: dict[str, Any]
OPTIONS: Any

def build(options: dict[str, Any], sensor: Sensor | None = None) -> I2SMicrophone: ...

def late_bit(part: str, platform: str) -> bool:
    """SPH0645 puts its bits out at the rising edge, at which ESP32 reads: each is seen one clock
    early, and the sign is lost. The bit after it is the same unless the sound is above
    half of full scale.
    """

class I2SMicrophone(Microphone):
    """``I2SMicrophone({"sck": 16, "ws": 17, "sd": 18})``: what is left out has OPTIONS' defaults.

    ``now``, ``platform``: a clock and a port for tests.
    """
    def __init__(self, options: dict[str, Any], rate_mhz: int = 16000000, now: Callable[[], int] | None = None, platform: str = ...) -> None: ...
