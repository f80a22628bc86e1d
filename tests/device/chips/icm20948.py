"""ICM-20948 by its registers (DS-000189, revision 1.3), the numbers written anew here so that a
wrong constant in the driver shows. Four banks of registers; no magnetometer.

Self-test: ``codes`` are the factory's, ``response`` is what the test adds, in counts at
2 g and 250 deg/s; both six numbers. Motion: ``moved`` counts what was seen.
"""

from chips.chip import SampledChip

_ACCEL_G = (2, 4, 8, 16)
_GYRO_DPS = (250, 500, 1000, 2000)
_BANK_2_RESET = ((0x01, 0x01), (0x14, 0x01))


class ICM20948(SampledChip):
    """``motion``: frames of 3 or 6 numbers, 1/1000 g and 1/1000 deg/s. ``spi``: wired to SPI."""

    fifo_register = 0x72

    def __init__(self, motion, now, address=0x68, identity=0xEA, odr_ppm=0, spi=False,
                 fifo_bytes=512):
        self.banks = [bytearray(128) for _ in range(4)]
        self.bank = 0
        super().__init__(motion, now, address, odr_ppm=odr_ppm)
        self.identity, self._spi, self.ring_bytes = identity, spi, fifo_bytes
        self.codes = [0] * 6
        self.response = [0] * 6
        self.moved = 0
        self._seen = False
        self.reset()

    def reset(self):
        for bank in self.banks:
            for i in range(128):
                bank[i] = 0
        self.banks[0][0x06] = 0x41  # asleep
        self.banks[0][0x05] = 0x40
        for register, value in _BANK_2_RESET:
            self.banks[2][register] = value
        self.bank = 0
        self.empty_fifo()
        self._set_up()

    def period_ns(self):
        zero, two = self.banks[0], self.banks[2]
        if zero[0x06] & 0x40 or zero[0x07] & 0x38:
            return 0
        accel = 1 + (two[0x10] << 8 | two[0x11])
        return accel * 888888 + accel * 8 // 9  # 1 / 1125 s: small integers on a board

    @property
    def range_g(self):
        return _ACCEL_G[self.banks[2][0x14] >> 1 & 3]

    @property
    def range_dps(self):
        return _GYRO_DPS[self.banks[2][0x01] >> 1 & 3]

    def get(self, register):
        if register == 0x7F:
            return self.bank << 4
        if self.bank == 0:
            return self._in_bank_0(register)
        if self.bank == 1:
            return self._code(register)
        return self.banks[self.bank][register]

    def _in_bank_0(self, register):
        if register in (0x19, 0x1B):
            return self._status(register)
        if register == 0x70:
            self.advance()
            return self.fifo_bytes() >> 8
        if register == 0x71:
            return self.fifo_bytes() & 0xFF
        if 0x2D <= register < 0x39:
            return self._data(register - 0x2D)
        return self.identity if register == 0x00 else self.banks[0][register]

    def _status(self, register):
        self.advance()
        if register == 0x19:
            seen, self._seen = self._seen, False
            return 0x08 if seen else 0
        overflow, self.overflow = self.overflow, False
        return 0x01 if overflow else 0

    def _code(self, register):
        if 0x02 <= register < 0x05:
            return self.codes[3 + register - 0x02]
        return self.codes[register - 0x0E] if 0x0E <= register < 0x11 else 0

    def _data(self, i):
        """Byte i of the newest sample: accelerometer, gyroscope."""
        if i == 0:
            self.advance()
        axis = i >> 1
        rotation = axis > 2
        value = 0
        if axis < len(self.motion[0]):
            full = self.range_dps * 1000 if rotation else self.range_g * 1000
            value = self.counts(max(0, self.sample - 1), axis, full)
        tests = self.banks[2][0x02] >> 3 if rotation else self.banks[2][0x15] >> 2
        if tests >> 2 - axis % 3 & 1:
            value += self.response[axis]
        return value & 0xFF if i & 1 else value >> 8 & 0xFF

    def read(self, register, buf):
        if register == 0x72 and self.bank == 0:
            self.advance()
            self.read_fifo(buf)
        else:
            super().read(register, buf)

    def put(self, register, value):
        self.advance()
        if register == 0x7F:
            self.bank = value >> 4 & 3
            return
        self.banks[self.bank][register] = value
        if self.bank == 0:
            if register == 0x06 and value & 0x80:
                self.reset()
            if register == 0x68 and value & 0x01:
                self.empty_fifo()
        self._set_up()

    def _set_up(self):
        """What goes into the FIFO; it is held empty while FIFO_RST is."""
        zero, two = self.banks[0], self.banks[2]
        enabled = zero[0x67]
        self._gyro = bool(enabled & 0x0E)
        self.frame_bytes = 12 if self._gyro else 6
        self.fifo_frames = self.ring_bytes // self.frame_bytes
        # Both sensors in step: the same divider, aligned, the gyroscope on.
        in_step = not self._gyro or enabled & 0x0E == 0x0E and two[0x09] & 1 \
            and two[0x00] == two[0x11] and zero[0x07] & 7 == 0
        self.fifo_on = bool(enabled & 0x10 and zero[0x03] & 0x40 and not zero[0x68] & 1
                            and in_step and zero[0x69] == 0
                            and bool(zero[0x03] & 0x10) == self._spi)

    def encode(self, k, out):
        at = 0
        for axis in range(6 if self._gyro else 3):
            full = self.range_dps * 1000 if axis > 2 else self.range_g * 1000
            value = self.counts(k, axis, full)
            out[at] = value >> 8 & 0xFF
            out[at + 1] = value & 0xFF
            at += 2

    def signal(self, n):
        zero, two = self.banks[0], self.banks[2]
        if zero[0x11] & 0x01:
            super().signal(n)
        if two[0x12] == 0x03:
            for k in range(self.sample - n, self.sample):
                for axis in range(3):
                    moved = abs(self._milli(k, axis) - self._milli(k - 1, axis))
                    if moved > 4 * two[0x13]:
                        self._motion(zero)

    def _motion(self, zero):
        self.moved += 1
        self._seen = True
        if zero[0x10] & 0x08 and self.pin is not None:
            self.pin.fire()

    def _milli(self, k, axis):
        return self.motion[k % len(self.motion)][axis]
