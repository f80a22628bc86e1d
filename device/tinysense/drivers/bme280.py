"""BME280: temperature, humidity, pressure; BMP280, which has no humidity. I2C or SPI, polled.

Pages are those of Bosch's data sheet BST-BME280-DS002, revision 1.6. The arithmetic is
that of sections 4.2.3 and 8.2 (32 bits), to the bit, in steps that need no more
than the 30 bits of a board's small integers.
"""

from ..errors import DriverError
from ..sensing.bus import I2C_OPTIONS, POWER_OPTIONS, SPI_OPTIONS, open_bus, registers
from ..sensing.polled import Polled, store

ADDRESS = 0x76  # SDO low; 0x77 with SDO high (section 6.2)
CALIBRATION = 0x88  # T1..T3, P1..P9, one byte unused, H1: 26 bytes (page 24)
CALIBRATION_H = 0xE1  # H2..H6: 7 bytes (page 24)
ID = 0xD0  # page 27
CTRL_HUM = 0xF2  # page 27: osrs_h in bits 2:0; valid after a write to CTRL_MEAS
STATUS = 0xF3  # page 28
CTRL_MEAS = 0xF4  # page 29: osrs_t in bits 7:5, osrs_p in 4:2, mode in 1:0
DATA = 0xF7  # page 31: pressure and temperature, 20 bits each, then humidity, 16

MEASURING = 0x08  # STATUS bit 3
SLEEP, FORCED = 0, 1  # CTRL_MEAS bits 1:0: one measurement, then sleep again (page 15)
OVERSAMPLING = (1, 2, 4, 8, 16)  # by osrs - 1 (page 28)
_BME280, _BMP280 = 0x60, 0x58
CHIPS = {_BME280: "BME280", _BMP280: "BMP280"}
ABSOLUTE_PA, RELATIVE_PA = 131072, 32768  # full scales: 4 Pa and 1 Pa a count
_AXES, _UNITS = ("temperature", "humidity", "pressure"), ("degC", "%RH", "Pa")
_TEMPERATURE_C, _HUMIDITY = 327.68, 128  # 1/100 degC and 1/256 %RH a count

OPTIONS = I2C_OPTIONS + SPI_OPTIONS + POWER_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "118, or 119 with SDO high"),
    ("rate_mhz", int, 0, (0, 107000), "millihertz, 0: as the model wants, else 1 Hz"),
    ("humidity", bool, True, None, "three channels where the chip measures humidity"),
    ("oversampling", int, 1, (1, 16), "1, 2, 4, 8 or 16 measurements for one"),
    ("reference_pa", int, 0, (0, 120000), "pressure as the difference from this, 1 Pa a count; "
     "0: as it is, 4 Pa a count"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "BME280":
    """The driver on a bus of this board; open options are filled in from the model."""
    return BME280(open_bus(options, "bme280"),
                  options["rate_mhz"] or (sensor.rate_mhz if sensor else 1000),
                  options["humidity"], options["reference_pa"], options["oversampling"],
                  options["address"])


class BME280(Polled):
    """``BME280(i2c, rate_mhz=1000)``: frames of temperature, humidity, pressure.

    Each frame is a measurement of its own, begun when it is due.
    """

    def __init__(self, bus: "I2C | I2CRegisters | SPIRegisters", rate_mhz: int = 1000,
                 humidity: bool = True, reference_pa: int = 0, oversampling: int = 1,
                 address: int = ADDRESS, now: "Callable[[], int] | None" = None):
        if oversampling not in OVERSAMPLING or not 0 <= reference_pa <= 120000:
            raise DriverError(22, "BME280: expected oversampling of 1, 2, 4, 8 or 16 and a "
                              "reference of 0 to 120000 Pa, got %r, %r"
                              % (oversampling, reference_pa))
        takes_us = 1250 + 3 * 2300 * oversampling + 2 * 575  # at most: section 9.1
        if not 10 <= rate_mhz <= 1000000000 // takes_us:
            raise DriverError(22, "BME280: expected a rate of 0.01 to %d Hz with oversampling %d, "
                              "got %r mHz" % (1000000 // takes_us, oversampling, rate_mhz))
        self.bus = registers(bus, address)
        identity = self._known(ID, (_BME280, _BMP280), "check the address")
        self.chip: str = CHIPS[identity]
        self._humid = humidity and identity == _BME280
        self._reference = reference_pa
        full = (_TEMPERATURE_C, _HUMIDITY, RELATIVE_PA if reference_pa else ABSOLUTE_PA)
        self._describe(rate_mhz, self._without(_AXES), self._without(_UNITS), self._without(full))
        setting = OVERSAMPLING.index(oversampling) + 1
        self._hum, self._meas = setting if self._humid else 0, setting << 5 | setting << 2
        self._raw = bytearray(8 if self._humid else 6)
        self._measuring = False
        self._calibrate()
        self._start_polling(now)

    def _without(self, values):
        return values if self._humid else (values[0], values[2])

    def _calibrate(self):
        first, more = bytearray(26), bytearray(7)
        try:
            self.bus.read_into(CALIBRATION, first)
            if self._humid:
                self.bus.read_into(CALIBRATION_H, more)
            self.bus.write(CTRL_MEAS, self._meas | SLEEP)
        except OSError as e:
            raise DriverError(e.errno, "%s at %s: its calibration cannot be read: check wires and "
                              "power" % (self.chip, self.bus.name))
        words = [first[i] | first[i + 1] << 8 for i in range(0, 24, 2)]
        self._t1, self._p1 = words[0], words[3]
        self._t2, self._t3 = [signed(word, 16) for word in words[1:3]]
        (self._p2, self._p3, self._p4, self._p5, self._p6, self._p7, self._p8,
         self._p9) = [signed(word, 16) for word in words[4:]]
        self._h1, self._h2, self._h3 = first[25], signed(more[0] | more[1] << 8, 16), more[2]
        self._h4 = signed(more[3], 8) << 4 | more[4] & 0x0F
        self._h5 = signed(more[5], 8) << 4 | more[4] >> 4
        self._h6 = signed(more[6], 8)
        if self._t1 == 0 or self._p1 == 0:
            raise DriverError(19, "%s at %s: expected calibration values, got zeros: power it off "
                              "and on" % (self.chip, self.bus.name))

    def _sample(self, buf):
        raw = self._raw
        if not self._measuring:
            # Both each time: a chip that lost its settings in a dip of its power gets them back.
            if self._humid:
                self.bus.write(CTRL_HUM, self._hum)
            self.bus.write(CTRL_MEAS, self._meas | FORCED)
            self._measuring = True
            return False
        self._measuring = False
        if self.bus.read(STATUS) & MEASURING:
            self._measuring = True
            return False
        self.bus.read_into(DATA, raw)
        fine = self._fine(raw[3] << 12 | raw[4] << 4 | raw[5] >> 4)
        store(buf, 0, fine * 5 + 128 >> 8)
        pressure = self._pressure(fine, raw[0] << 12 | raw[1] << 4 | raw[2] >> 4)
        if self._humid:
            store(buf, 2, self._humidity(fine, raw[6] << 8 | raw[7]) + 8192 >> 14)
        store(buf, 4 if self._humid else 2,
              pressure - self._reference if self._reference else pressure + 2 >> 2)
        return True

    def _fine(self, adc):
        """t_fine: 1/5120 degC."""
        d = (adc >> 4) - self._t1
        return scaled((adc >> 3) - (self._t1 << 1), self._t2, 11) \
            + scaled(scaled(d, d, 12), self._t3, 14)

    def _pressure(self, fine, adc):
        """Pa. Two products of section 8.2 are put together from their upper and lower bits."""
        x = (fine >> 1) - 64000
        q = x >> 2
        squared = scaled(q, q, 11)
        low = (squared & 16383) * self._p6 + (x & 8191) * self._p5 * 2
        offset = (squared >> 14) * self._p6 + (x >> 13) * self._p5 + (low >> 14) + (self._p4 << 4)
        low = scaled(scaled(q, q, 13), self._p3, 3) + ((x & 511) * self._p2 >> 1)
        slope = (low >> 8) + (x >> 9) * self._p2 >> 10
        divisor = self._p1 + (slope * self._p1 >> 15)
        d = max(0, 1048576 - adc - offset)
        if divisor <= 0:
            return 0
        if d < 687195:  # 2^31 / 3125
            p = d // divisor * 6250 + d % divisor * 6250 // divisor
        else:
            p = (d // divisor * 3125 + d % divisor * 3125 // divisor) * 2
        p = min(p, 131071)
        return p + (((self._p9 * ((p >> 3) * (p >> 3) >> 13) >> 12)
                     + ((p >> 2) * self._p8 >> 13) + self._p7) >> 4)

    def _humidity(self, fine, adc):
        """%RH, 22 bits below the point."""
        v = fine - 76800
        a = adc - (self._h4 << 6) + (16384 - self._h5 * v >> 14) >> 1
        slope = scaled(v * self._h6 >> 10, (v * self._h3 >> 11) + 32768, 10) + 2097152
        b = (slope >> 14) * self._h2 + ((slope & 16383) * self._h2 + 8192 >> 14)
        if a <= 0 or b <= 0:
            return 0
        h = min(a, (1 << 29) // b) * b  # beyond that it is 100 % whatever follows
        h -= ((h >> 15) * (h >> 15) >> 7) * self._h1 >> 4
        return min(max(h, 0), 419430400)

    def close(self) -> None:
        """Stops reading; the chip sleeps between measurements as it is."""
        if not self.done:
            self.done = True
            self.bus.power_off()


def signed(value: int, bits: int) -> int:
    """A two's complement number of so many bits."""
    return value - (1 << bits) if value >> (bits - 1) else value


def scaled(a: int, b: int, shift: int) -> int:
    """a * b >> shift, exactly, where a * b would need more than 30 bits."""
    return (a >> shift) * b + ((a & (1 << shift) - 1) * b >> shift)
