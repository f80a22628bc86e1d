"""APDS-9960: light in four colours, and proximity. I2C, polled; the gesture engine stays off.

Pages are those of Avago's data sheet AV02-4191EN (November 2015).
"""

from ..errors import DriverError
from ..sensing.bus import I2C_OPTIONS, POWER_OPTIONS, open_bus, registers
from ..sensing.polled import Polled, store

ADDRESS = 0x39  # the only one
ENABLE = 0x80  # enable register
ATIME = 0x81  # ADC integration time: 256 - cycles of 2.78 ms
PPULSE = 0x8E  # proximity pulse count: length in bits 7:6, count - 1 in 5:0
CONTROL = 0x8F  # LDRIVE in bits 7:6, PGAIN in 3:2, AGAIN in 1:0
ID = 0x92  # page 25
STATUS = 0x93  # page 25
CDATAL = 0x94  # page 25: clear, red, green, blue, low byte first
PDATA = 0x9C  # proximity data

PON, AEN, PEN = 0x01, 0x02, 0x04  # ENABLE bits 0, 1, 2
AVALID, PVALID = 0x01, 0x02  # STATUS bits 0, 1; reading the data clears them
PULSES_8_OF_8_US = 0x40 | 7  # PPULSE
PGAIN_4X = 2 << 2  # with eight pulses and 100 mA a grey card at 100 mm gives 120 of 255 (page 4)
GAINS = (1, 4, 16, 64)  # by AGAIN
IDENTITIES = (0xAB, 0xA8, 0x9C)  # the first is the data sheet's; modules with the others are sold
CYCLE_US = 2780
_PROXIMITY_US = 2000  # of a period, for eight pulses, their measurement and the way to the next
_SETTLE_MS = 7  # from PON until a cycle begins

OPTIONS = I2C_OPTIONS + POWER_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), ""),
    ("rate_mhz", int, 0, (0, 100000), "millihertz, 0: as the model wants, else 10 Hz"),
    ("gain", int, 4, (1, 64), "of light: 1, 4, 16 or 64"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "APDS9960":
    """The driver on a bus of this board; open options are filled in from the model."""
    return APDS9960(open_bus(options, "apds9960"),
                    options["rate_mhz"] or (sensor.rate_mhz if sensor else 10000),
                    options["gain"], options["address"])


class APDS9960(Polled):
    """``APDS9960(i2c, rate_mhz=10000)``: frames of clear, red, green, blue, proximity.

    Light is integrated for as much of the period as there is; it comes in counts of one
    cycle of 2.78 ms at gain 1 (no lux: that depends on the window over the chip), so
    that rates and gains compare with each other. Proximity: per cent of its range.
    """

    def __init__(self, bus: "I2C | I2CRegisters", rate_mhz: int = 10000, gain: int = 4,
                 address: int = ADDRESS, now: "Callable[[], int] | None" = None):
        if gain not in GAINS:
            raise DriverError(22, "APDS9960: expected a gain of 1, 4, 16 or 64, got %r" % gain)
        if not 10 <= rate_mhz <= 100000:
            raise DriverError(22, "APDS9960: expected a rate of 0.01 to 100 Hz, got %r mHz"
                              % rate_mhz)
        self.bus = registers(bus, address)
        self.cycles: int = min(256, (1000000000 // rate_mhz - _PROXIMITY_US) // CYCLE_US)
        light = 65536 / (self.cycles * gain)
        self._describe(rate_mhz, ("clear", "red", "green", "blue", "proximity"),
                       ("none",) * 4 + ("%",), (light,) * 4 + (25600 / 255,))
        self._raw = bytearray(9)  # with proximity, which follows at once
        self._known(ID, IDENTITIES, "check which chip is wired there")
        self._configure(gain)
        self._start_polling(now)

    def _configure(self, gain):
        from .. import ticks

        self._set((
            (ENABLE, 0), (ATIME, 256 - self.cycles), (PPULSE, PULSES_8_OF_8_US),
            (CONTROL, PGAIN_4X | GAINS.index(gain)), (ENABLE, PON)))
        ticks.sleep_ms(_SETTLE_MS)
        self._set(((ENABLE, PON | AEN | PEN),))

    def _sample(self, buf):
        if self.bus.read(STATUS) & (AVALID | PVALID) != AVALID | PVALID:
            return False
        raw = self._raw
        self.bus.read_into(CDATAL, raw)
        for i in range(4):
            store(buf, 2 * i, (raw[2 * i + 1] << 8 | raw[2 * i]) >> 1)
        store(buf, 8, raw[8] << 7)
        return True

    def close(self) -> None:
        """Stops reading and puts the chip to sleep; the bus stays the caller's."""
        if self.done:
            return
        self.done = True
        self._asleep((ENABLE, 0))
