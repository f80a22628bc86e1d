"""Microphones on I2S: INMP441, ICS43434, SPH0645; through machine.I2S.

All three speak the Philips format with 32 clocks a slot and send 24 bits, the
sign first, then let the line float; with L/R (SEL) low in the left slot.
"""

import sys

from ..errors import DriverError
from ..sensing.bus import POWER_OPTIONS, power_on
from ..sensing.i2s import I2S_OPTIONS, I2SStream
from ..sensing.microphone import MICROPHONE_OPTIONS, Microphone, Words, wanted_rate
from ..sensing.timebase import Timebase

# Rates in Hz, from and to; the clock is 64 times that.
# INMP441: DS-INMP441-00 revision 1.1, table 3. ICS-43434: DS-000069, the two modes of its clock
# (between them it has none). SPH0645LM4H-B: revision C, table 2, 1.024 to 4.096 MHz.
PARTS = {
    "inmp441": ((7800, 50000),),
    "ics43434": ((6250, 18750), (23000, 51600)),
    "sph0645": ((16000, 64000),),
}

OPTIONS = (
    ("part", str, "inmp441", tuple(sorted(PARTS)), "which microphone"),
    ("channel", str, "left", ("left", "right"), "slot, as the pin L/R says: low is left"),
    ("late_bit", int, -1, (-1, 1), "1: words come with the sign bit missing; -1: as known of the "
     "part and the board"),
) + I2S_OPTIONS + MICROPHONE_OPTIONS + POWER_OPTIONS


def build(options: dict, sensor: "Sensor | None" = None) -> "I2SMicrophone":
    power_on(options["power_pin"], "i2s_microphone")
    return I2SMicrophone(options, wanted_rate(options, sensor, "i2s_microphone"))


def late_bit(part: str, platform: str) -> bool:
    """SPH0645 puts its bits out at the rising edge, at which ESP32 reads: each is seen one clock
    early, and the sign is lost. The bit after it is the same unless the sound is above
    half of full scale."""
    return part == "sph0645" and platform == "esp32"


def _check_rate(part, rate_hz):
    if not any([low <= rate_hz <= high for low, high in PARTS[part]]):
        ranges = " or ".join(["%d to %d Hz" % row for row in PARTS[part]])
        raise DriverError(22, "i2s_microphone: expected a rate that %s has, %s, got %d Hz: set "
                          "rate_mhz" % (part, ranges, rate_hz))


class I2SMicrophone(Microphone):
    """``I2SMicrophone({"sck": 16, "ws": 17, "sd": 18})``: what is left out has OPTIONS' defaults.

    ``now``, ``platform``: a clock and a port for tests.
    """

    def __init__(self, options: dict, rate_mhz: int = 16000000,
                 now: "Callable[[], int] | None" = None, platform: str = sys.platform):
        from ..config import check

        options = check(OPTIONS, options, "i2s_microphone")
        part, right = options["part"], options["channel"] == "right"
        _check_rate(part, rate_mhz // 1000)
        late = late_bit(part, platform) if options["late_bit"] < 0 else options["late_bit"]
        timebase = Timebase(rate_mhz, now)
        source = I2SStream(options, rate_mhz // 1000, right, 1, options["buffer_ms"],
                           timebase.clock, "i2s_microphone", now, platform)
        words = Words(rate_mhz, 4, 2 if right else 1, 1 if right else 0, -1 if late else 0, False,
                      options["dc"], options["gain_db"])
        super().__init__(source, words, rate_mhz, options["settle_ms"], timebase,
                         options["buffer_ms"])
