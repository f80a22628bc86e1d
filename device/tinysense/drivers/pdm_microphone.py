"""PDM microphones: MP34DT05, MP34DT06, SPM1423, MSM261; decimated by the core.

MicroPython has no PDM (1.25). The bits come by the PIO and a DMA on RP2040
and RP2350, else at the clock of an I2S bus, or of an SPI bus while it reads.
"""

import sys

from ..errors import DriverError
from ..sensing.bus import POWER_OPTIONS, power_on
from ..sensing.microphone import (
    LSB_FIRST,
    MICROPHONE_OPTIONS,
    MSB_FIRST,
    WORDS,
    Bits,
    Microphone,
    wanted_rate,
)
from ..sensing.timebase import Timebase

# Clock in Hz, from and to, of the mode for normal use: MP34DT05-A and MP34DT06J, "Acoustic and
# electrical specifications"; SPM1423HM4H-B, "Microphone state table"; MSM261D3526H1CPM,
# "Electrical characteristics" (its upper limit taken as low as the others').
PARTS = {
    "mp34dt05": (1200000, 3250000),
    "mp34dt06": (1200000, 3250000),
    "spm1423": (1000000, 3250000),
    "msm261": (1000000, 3250000),
}
DECIMATIONS = (256, 128, 64)  # bits a frame; the more, the less noise and the more work

OPTIONS = (
    ("part", str, "mp34dt05", tuple(sorted(PARTS)), "which microphone"),
    ("source", str, "", ("", "pio", "i2s", "spi"), "what fetches the bits; empty: pio on rp2, "
     "else i2s"),
    ("clk", (int, str), None, (0, 255), "pin of the clock"),
    ("data", (int, str), None, (0, 255), "pin of the data"),
    ("channel", str, "left", ("left", "right"), "as the pin L/R says: low is left, whose bits come "
     "while the clock is low"),
    ("decimation", int, 0, (0, 256), "bits a frame: 64, 128 or 256; 0: the fewest that the "
     "microphone's clock allows"),
    ("state_machine", int, 0, (0, 11), "pio: number of the state machine"),
    ("bus", int, 0, (0, 7), "i2s, spi: bus of the board"),
    ("ws", (int, str), -1, (-1, 255), "i2s: a pin for the word select, which stays unconnected; "
     "-1: the one after clk"),
) + MICROPHONE_OPTIONS + POWER_OPTIONS


def build(options: dict, sensor: "Sensor | None" = None) -> "PDMMicrophone":
    power_on(options["power_pin"], "pdm_microphone")
    return PDMMicrophone(options, wanted_rate(options, sensor, "pdm_microphone"))


def decimation_for(part: str, rate_mhz: int, wanted: int = 0) -> int:
    """Bits a frame that keep the clock where the part works; DriverError where none does."""
    low, high = PARTS[part]
    fitting = [n for n in DECIMATIONS if low <= rate_mhz // 1000 * n <= high]
    if wanted and wanted in fitting:
        return wanted
    if wanted or not fitting:
        raise DriverError(22, "pdm_microphone: expected a decimation for which the clock of %s "
                          "is %d to %d Hz at %d frames a second: %s, got %d"
                          % (part, low, high, rate_mhz // 1000,
                             " or ".join([str(n) for n in fitting]) or "none is", wanted))
    return fitting[-1]


class PDMMicrophone(Microphone):
    """``PDMMicrophone({"clk": 2, "data": 3})``: what is left out has OPTIONS' defaults.

    ``now``, ``platform``: a clock and a port for tests.
    """

    def __init__(self, options: dict, rate_mhz: int = 16000000,
                 now: "Callable[[], int] | None" = None, platform: str = sys.platform):
        from ..config import check
        from ..sensing import bits

        options = check(OPTIONS, options, "pdm_microphone")
        self.decimation: int = decimation_for(options["part"], rate_mhz, options["decimation"])
        rate_hz, kind = rate_mhz // 1000, options["source"]
        kind = kind or ("pio" if platform == "rp2" else "i2s")
        timebase = Timebase(rate_mhz, now)
        if kind == "pio":
            source, order = bits.pio_bits(options, rate_hz, self.decimation, now), LSB_FIRST
        elif options["channel"] == "right":
            raise DriverError(22, "pdm_microphone: expected channel left from %s, which reads at "
                              "the rising edge: tie L/R (SEL) low" % kind)
        elif kind == "i2s":
            source = bits.i2s_bits(options, rate_hz, self.decimation, timebase.clock, now, platform)
            order = WORDS
        else:
            source, order = bits.SpiBits(options, rate_hz, self.decimation, now), MSB_FIRST
        decoder = Bits(rate_mhz, self.decimation, order, 4, options["dc"], options["gain_db"])
        super().__init__(source, decoder, rate_mhz, options["settle_ms"], timebase,
                         options["buffer_ms"])
