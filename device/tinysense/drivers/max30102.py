"""MAX30102: reflected red and infrared light for heart rate (PPG). I2C, by FIFO.

Sections are those of Maxim's data sheet 19-7740, revision 1.
"""

from ..errors import DriverError
from ..sensing.bus import (
    I2C_OPTIONS,
    INTERRUPT_OPTIONS,
    POWER_OPTIONS,
    interrupt_pin,
    open_bus,
    registers,
)
from ..sensing.driver import fitting, wanted_range
from ..sensing.fifo import FIFO_OPTIONS, OVERFLOW, Fifo

ADDRESS = 0x57  # the only one
INT_STATUS_1 = 0x00  # Interrupt Status; reading clears it, and the pin
INT_ENABLE_1 = 0x02  # Interrupt Enable
FIFO_WR_PTR = 0x04  # FIFO: then OVF_COUNTER and FIFO_RD_PTR
OVF_COUNTER = 0x05
FIFO_RD_PTR = 0x06
FIFO_DATA = 0x07  # page 15: three bytes a channel, 18 bits
FIFO_CONFIG = 0x08  # SMP_AVE in bits 7:5, FIFO_ROLLOVER_EN 4, FIFO_A_FULL 3:0
MODE_CONFIG = 0x09  # SHDN in bit 7, RESET 6, MODE 2:0
SPO2_CONFIG = 0x0A  # SPO2_ADC_RGE in bits 6:5, SPO2_SR 4:2, LED_PW 1:0
LED1_PA, LED2_PA = 0x0C, 0x0D  # red, infrared: 0.2 mA a step
PART_ID = 0xFF

IDENTITY = 0x15
A_FULL = 0x80  # INT_STATUS_1, INT_ENABLE_1 bit 7
SHDN, RESET, SPO2_MODE = 0x80, 0x40, 0x03  # MODE_CONFIG: both LEDs
ROLLOVER = 0x10  # the newest overwrite the oldest
A_FULL_AT_17 = 0x0F  # the interrupt's lowest level: 15 places free
DEPTH, SAMPLE_BYTES = 32, 6
POINTERS = DEPTH - 1
RANGES_NA = (2048, 4096, 8192, 16384)  # by SPO2_ADC_RGE: photocurrent
RATES = (50, 100, 200, 400, 800, 1000, 1600)  # Hz, by SPO2_SR
PULSES = (3, 3, 3, 3, 2, 1, 0)  # LED_PW: the longest that the rate leaves room for (table 11)
AVERAGES = 6  # 1, 2, 4 .. 32 samples for one, by SMP_AVE
_RESET_MS = 10
_NANO = 1e-9

OPTIONS = I2C_OPTIONS + INTERRUPT_OPTIONS + POWER_OPTIONS + FIFO_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), ""),
    ("rate_mhz", int, 0, (0, 1600000), "millihertz, 0: as the model wants, else 100 Hz"),
    ("range_na", int, 0, (0, 16384), "2048, 4096, 8192 or 16384, 0: as the model wants"),
    ("led_ua", int, 6400, (200, 51000), "current of both LEDs, microamperes"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "MAX30102":
    """The driver on a bus of this board; open options are filled in from the model."""
    return MAX30102(
        open_bus(options, "max30102"),
        options["rate_mhz"] or (sensor.rate_mhz if sensor else 100000),
        options["range_na"] or fitting(RANGES_NA, wanted_range(sensor, "A", 4096e-9) * 1e9),
        options["led_ua"], options["address"], options["batch_ms"], interrupt_pin(options))


class MAX30102(Fifo):
    """``MAX30102(i2c, rate_mhz=100000)``: frames of red and infrared photocurrent, in A.

    The chip measures 50 to 1600 times a second and averages up to 32:
    ``rate_mhz`` becomes the nearest of these rates. Of its 18 bits the upper 15 are
    kept, so a count is range / 32768. ``pin``: its INT, which fires at 17 frames.
    """

    def __init__(self, bus: "I2C | I2CRegisters", rate_mhz: int = 100000, range_na: int = 4096,
                 led_ua: int = 6400, address: int = ADDRESS, batch_ms: int = 40,
                 pin: "Pin | None" = None, now: "Callable[[], int] | None" = None):
        if range_na not in RANGES_NA or not 200 <= led_ua <= 51000:
            raise DriverError(22, "MAX30102: expected a range of 2048, 4096, 8192 or 16384 nA and "
                              "an LED current of 200 to 51000 uA, got %r, %r" % (range_na, led_ua))
        if not 1500 <= rate_mhz <= 1650000:
            raise DriverError(22, "MAX30102: expected a rate of 1.5625 to 1600 Hz, got %r mHz"
                              % rate_mhz)
        self.bus = registers(bus, address)
        rate, average = setting_of(rate_mhz)
        self._describe(RATES[rate] * 1000 >> average, ("red", "ir"), "A", range_na * _NANO)
        self._settings = (
            (FIFO_CONFIG, average << 5 | ROLLOVER | A_FULL_AT_17),
            (SPO2_CONFIG, RANGES_NA.index(range_na) << 5 | rate << 2 | PULSES[rate]),
            (LED1_PA, led_ua // 200), (LED2_PA, led_ua // 200), (INT_ENABLE_1, A_FULL),
            (MODE_CONFIG, SPO2_MODE))
        self._at = 0  # the chip's read pointer, as it should be
        self._pointers = bytearray(3)
        self._known(PART_ID, (IDENTITY,), "check which chip is wired there")
        self._configure()
        # With its pin there is one level, so the batch is as large as it can be.
        self._start_fifo(SAMPLE_BYTES, DEPTH, batch_ms if pin is None else 100000, pin, now,
                         active_low=True)
        self._begin()

    def _configure(self):
        from .. import ticks

        self._set(((MODE_CONFIG, RESET),))
        ticks.sleep_ms(_RESET_MS)
        self._set(self._settings)

    def _level(self):
        if self._torn:
            # What a failed burst took is still there: the data sheet lets the pointer go back.
            self.bus.write(FIFO_RD_PTR, self._at)
        filled = self.bus.read(INT_STATUS_1) & A_FULL
        pointers = self._pointers
        self.bus.read_into(FIFO_WR_PTR, pointers)
        if pointers[1]:
            # Where the read pointer stands after that the data sheet does not say.
            return OVERFLOW
        level = pointers[0] - self._at & POINTERS
        return DEPTH if level == 0 and filled else level

    def _fetch(self, n, buf):
        raw = self._bursts[n]
        self.bus.burst(FIFO_DATA, raw)
        self._at = self._at + n & POINTERS
        for i in range(2 * n):
            at = 3 * i
            buf[2 * i] = (raw[at + 1] << 5 | raw[at + 2] >> 3) & 0xFF
            buf[2 * i + 1] = (raw[at] & 3) << 5 | raw[at + 1] >> 3

    def _restart(self):
        self.bus.write(FIFO_WR_PTR, 0)
        self.bus.write(OVF_COUNTER, 0)
        self.bus.write(FIFO_RD_PTR, 0)
        self._at = 0
        self.bus.read(INT_STATUS_1)  # what was told before

    def _sleep(self):
        self._asleep((MODE_CONFIG, SHDN))


def setting_of(rate_mhz: int) -> tuple:
    """(SPO2_SR, SMP_AVE) of the nearest rate; of equals that in which the LEDs shine least."""
    best, off = None, 0
    for average in range(AVERAGES):
        for rate in range(4 if average else len(RATES)):  # averaging wants the full 18 bits
            distance = abs((RATES[rate] * 1000 >> average) - rate_mhz)
            if best is None or distance < off:
                best, off = (rate, average), distance
    return best
