"""BME280 by its registers (BST-BME280-DS002, revision 1.6), the numbers written anew here so that a
wrong constant in the driver shows; the formulas are the data sheet's with big integers."""

from chips.chip import Chip

# T1 T2 T3 P1 .. P9: the worked example of the BMP280's data sheet (BST-BMP280-DS001, section 3.12)
EXAMPLE = (27504, 26435, -1000, 36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
HUMIDITY = (75, 370, 0, 313, 50, 30)  # H1 .. H6 as such chips have them
_MEASURING = 0x08
_COUNTS = (0, 1, 2, 4, 8, 16, 16, 16)  # by osrs


class BME280(Chip):
    """``raws``: (temperature, pressure, humidity) readings of its converters, over and over.

    ``taken``: how many measurements it has made.
    """

    read_only = (0xD0, 0xF3)

    def __init__(self, raws, now, address=0x76, identity=0x60, calibration=EXAMPLE,
                 humidity=HUMIDITY):
        super().__init__(address, 256)
        self.raws, self._now, self.identity = raws, now, identity
        self.calibration, self.humidity = calibration, humidity
        self.taken = 0
        self._ready = None  # when the measurement ends
        for i in range(12):
            self._word(0x88 + 2 * i, calibration[i])
        h1, h2, self.registers[0xE3], h4, h5, h6 = humidity
        self.registers[0xA1] = h1
        self._word(0xE1, h2)
        self.registers[0xE4] = h4 >> 4 & 0xFF
        self.registers[0xE5] = h4 & 0x0F | (h5 & 0x0F) << 4
        self.registers[0xE6] = h5 >> 4 & 0xFF
        self.registers[0xE7] = h6 & 0xFF
        self.brown_out()

    def brown_out(self):
        """A dip of the supply: settings are gone, results read as none."""
        self._ready = None
        for register in (0xF2, 0xF4, 0xF5):
            self.registers[register] = 0
        self._results(0x80000, 0x80000, 0x8000)

    def _word(self, register, value):
        self.registers[register] = value & 0xFF
        self.registers[register + 1] = value >> 8 & 0xFF

    def _results(self, t, p, h):
        self._twenty(0xF7, p)
        self._twenty(0xFA, t)
        self.registers[0xFD] = h >> 8
        self.registers[0xFE] = h & 0xFF

    def _twenty(self, register, value):
        self.registers[register] = value >> 12
        self.registers[register + 1] = value >> 4 & 0xFF
        self.registers[register + 2] = value << 4 & 0xF0

    def duration_us(self):
        """Typical: 1 ms, 2 ms for each of temperature, pressure and humidity, 0.5 ms twice."""
        meas, hum = self.registers[0xF4], self.registers[0xF2]
        t, p, h = _COUNTS[meas >> 5], _COUNTS[meas >> 2 & 7], _COUNTS[hum & 7]
        return 1000 + 2000 * (t + p + h) + 500 * (p > 0) + 500 * (h > 0)

    def _advance(self):
        if self._ready is None or self._now() - self._ready < 0:
            return
        t, p, h = self.raws[self.taken % len(self.raws)]
        self.taken += 1
        self._ready = None
        meas = self.registers[0xF4]
        self._results(t if meas >> 5 else 0x80000, p if meas >> 2 & 7 else 0x80000,
                      h if self.registers[0xF2] & 7 else 0x8000)
        self.registers[0xF4] = meas & 0xFC  # asleep again

    def get(self, register):
        register |= 0x80  # over SPI bit 7 says read
        self._advance()
        if register == 0xD0:
            return self.identity
        if register == 0xF3:
            return _MEASURING if self._ready is not None else 0
        return self.registers[register]

    def put(self, register, value):
        self._advance()
        register |= 0x80
        if register == 0xF2 and self.identity == 0x58:
            return  # not there
        self.registers[register] = value
        if register == 0xF4 and value & 3 in (1, 2):
            self._ready = self._now() + self.duration_us()

    # What the data sheet computes from a reading.

    def fine(self, adc):
        t1, t2, t3 = self.calibration[:3]
        return (((adc >> 3) - 2 * t1) * t2 >> 11) + ((((adc >> 4) - t1) ** 2 >> 12) * t3 >> 14)

    def centi_degrees(self, reading):
        return (self.fine(reading[0]) * 5 + 128) >> 8

    def pascals(self, reading):
        """Section 8.2: 32 bits."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self.calibration[3:]
        v1 = (self.fine(reading[0]) >> 1) - 64000
        v2 = ((v1 >> 2) ** 2 >> 11) * p6 + v1 * p5 * 2
        v2 = (v2 >> 2) + p4 * 65536
        v1 = ((p3 * ((v1 >> 2) ** 2 >> 13) >> 3) + (p2 * v1 >> 1)) >> 18
        v1 = (32768 + v1) * p1 >> 15
        p = (1048576 - reading[1] - (v2 >> 12)) * 3125
        p = p * 2 // v1 if p < 0x80000000 else p // v1 * 2
        v1 = p9 * ((p >> 3) ** 2 >> 13) >> 12
        v2 = (p >> 2) * p8 >> 13
        return p + ((v1 + v2 + p7) >> 4)

    def pascals_256(self, reading):
        """Section 4.2.3: 64 bits, 1/256 Pa."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self.calibration[3:]
        v1 = self.fine(reading[0]) - 128000
        v2 = v1 * v1 * p6 + (v1 * p5 << 17) + (p4 << 35)
        v1 = (v1 * v1 * p3 >> 8) + (v1 * p2 << 12)
        v1 = ((1 << 47) + v1) * p1 >> 33
        p = ((1048576 - reading[1] << 31) - v2) * 3125 // v1
        v1 = p9 * (p >> 13) * (p >> 13) >> 25
        v2 = p8 * p >> 19
        return (p + v1 + v2 >> 8) + (p7 << 4)

    def humidity_1024(self, reading):
        """1/1024 %RH."""
        h1, h2, h3, h4, h5, h6 = self.humidity
        v = self.fine(reading[0]) - 76800
        slope = ((v * h6 >> 10) * ((v * h3 >> 11) + 32768) >> 10) + 2097152
        v = (((reading[2] << 14) - (h4 << 20) - h5 * v + 16384) >> 15) * (slope * h2 + 8192 >> 14)
        v -= ((v >> 15) ** 2 >> 7) * h1 >> 4
        return min(max(v, 0), 419430400) >> 12
