"""Microphones with an amplifier, MAX4466 and such, on an analog input.

On RP2040 and RP2350 the converter runs by itself, at an exact rate, and a DMA
takes what it gives. Elsewhere a timer's interrupt reads it: good for slow
sounds, and how regular that is the driver measures (``jitter_us``).
"""

import sys

from ..sensing.microphone import MICROPHONE_OPTIONS, Microphone, Words, wanted_rate
from ..sensing.timebase import Timebase

OPTIONS = (
    ("pin", (int, str), None, (0, 255), "analog pin"),
    ("source", str, "", ("", "dma", "timer"), "what reads the converter; empty: dma on rp2, else "
     "timer"),
    ("timer", int, -1, (-1, 15), "timer: number, -1: a virtual one"),
) + MICROPHONE_OPTIONS


def build(options: dict, sensor: "Sensor | None" = None) -> "ADCMicrophone":
    return ADCMicrophone(options, wanted_rate(options, sensor, "adc_microphone"))


class ADCMicrophone(Microphone):
    """``ADCMicrophone({"pin": 26})``: what is left out has OPTIONS' defaults.

    The middle of the converter's range is zero; the high pass takes the rest.
    ``now``, ``platform``: a clock and a port for tests.
    """

    def __init__(self, options: dict, rate_mhz: int = 16000000,
                 now: "Callable[[], int] | None" = None, platform: str = sys.platform):
        from ..config import check
        from ..sensing import analog

        options = check(OPTIONS, options, "adc_microphone")
        kind = options["source"] or ("dma" if platform == "rp2" else "timer")
        make = analog.free_running if kind == "dma" else analog.TimedReads
        source = make(options, rate_mhz // 1000, now)
        words = Words(rate_mhz, 2, 1, 0, analog.SHIFTS[kind], True, options["dc"],
                      options["gain_db"])
        super().__init__(source, words, rate_mhz, options["settle_ms"], Timebase(rate_mhz, now),
                         options["buffer_ms"])

    @property
    def jitter_us(self) -> int:
        """By how much the longest time between two samples was off so far; 0 by DMA."""
        return getattr(self._source, "jitter_us", 0)
