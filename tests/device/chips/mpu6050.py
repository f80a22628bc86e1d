"""MPU6050 by its registers (RM-MPU-6000A, revision 4.2), the numbers written anew here so
that a wrong constant in the driver shows. With another identity a relative of it.

Self-test: ``codes`` are the factory's, ``response`` is what the test adds, in counts at
the range that the test wants; both six numbers. Motion: ``moved`` counts what was seen.
"""

from chips.chip import SampledChip

_RESET_VALUES = ((0x6B, 0x40),)  # asleep
_RESET_BIT, _SLEEP_BIT = 0x80, 0x40
_ACCEL_G = (2, 4, 8, 16)
_GYRO_DPS = (250, 500, 1000, 2000)
_LP_WAKE_NS = (800000000, 200000000, 50000000, 25000000)  # 1.25, 5, 20, 40 Hz
_LP_ODR_NS = tuple(int(4.1e9) >> n for n in range(12))  # 0.24 Hz and each double of it
_READ_ONLY = (0x3A, 0x72, 0x73, 0x75)


class MPU6050(SampledChip):
    """``motion``: frames of 3 or 6 numbers, 1/1000 g and 1/1000 deg/s."""

    read_only = _READ_ONLY

    def __init__(self, motion, now, address=0x68, identity=0x68, odr_ppm=0, fifo_bytes=1024):
        super().__init__(motion, now, address, odr_ppm=odr_ppm)
        self.identity = identity
        self.ring_bytes = fifo_bytes
        self.codes = [0] * 6
        self.response = [0] * 6
        self.moved = 0
        self._motion_seen = False
        self._held = 0  # the sample that motion is measured from
        self._reset()

    def period_ns(self):
        """Nominal; 8 kHz with the filter off, 1 kHz with it on (page 11)."""
        if self.registers[0x6B] & _SLEEP_BIT:
            return 0
        if self.registers[0x6B] & 0x20:
            return self._cycle_ns()
        filtered = self.registers[0x1A] & 7 not in (0, 7)
        return (1000000 if filtered else 125000) * (1 + self.registers[0x19])

    def _cycle_ns(self):
        if self.identity == 0x68:
            return _LP_WAKE_NS[self.registers[0x6C] >> 6]
        if self.identity == 0x19:
            return 1000000 * (1 + self.registers[0x19])
        return _LP_ODR_NS[self.registers[0x1E]]

    def signal(self, n):
        if self.registers[0x38] & 0x01:
            super().signal(n)
        if self._watching():
            for k in range(self.sample - n, self.sample):
                self._look_for_motion(k)

    def _watching(self):
        if not self.registers[0x6B] & 0x20 or self.registers[0x6C] & 0x3F != 0x07:
            return False
        if self.identity == 0x68:
            return self.registers[0x1C] & 7 == 7 and self.registers[0x20] > 0
        return self.registers[0x69] == 0xC0

    def _look_for_motion(self, k):
        base = self._held if self.identity == 0x68 else k - 1
        for axis in range(3):
            moved = abs(self._milli(k, axis) - self._milli(base, axis))
            if moved > self._threshold_mg(axis):
                self.moved += 1
                self._motion_seen = True
                bit = 0x80 >> axis if self.identity == 0x19 else 0x40
                if self.registers[0x38] & bit and self.pin is not None:
                    self.pin.fire()
                return

    def _threshold_mg(self, axis):
        if self.identity == 0x68:
            return 32 * self.registers[0x1F]
        return 4 * self.registers[0x20 + axis if self.identity == 0x19 else 0x1F]

    def _milli(self, k, axis):
        return self.motion[k % len(self.motion)][axis]

    @property
    def range_g(self):
        return _ACCEL_G[self.registers[0x1C] >> 3 & 3]

    @property
    def range_dps(self):
        return _GYRO_DPS[self.registers[0x1B] >> 3 & 3]

    def get(self, register):
        if register == 0x3A:
            self.advance()
            status = 0x11 if self.overflow else 0x01
            if self._motion_seen:
                status |= 0xE0 if self.identity == 0x19 else 0x40
            self.overflow = self._motion_seen = False
            return status
        if 0x3B <= register < 0x49:
            return self._data(register - 0x3B)
        if register == 0x72:
            self.advance()
            return self.fifo_bytes() >> 8
        if register == 0x73:
            return self.fifo_bytes() & 0xFF
        if register == 0x75:
            return self.identity
        code = self._code(register)
        return self.registers[register] if code is None else code

    def _code(self, register):
        """The factory's codes: on the 6050 two to a byte (page 9)."""
        c = self.codes
        if self.identity == 0x68:
            if 0x0D <= register < 0x10:
                i = register - 0x0D
                return c[i] >> 2 << 5 | c[3 + i]
            if register == 0x10:
                return (c[0] & 3) << 4 | (c[1] & 3) << 2 | c[2] & 3
            return None
        if 0x0D <= register < 0x10:
            return c[register - 0x0D]
        first = 0x50 if self.identity == 0x19 else 0x00
        return c[3 + register - first] if first <= register < first + 3 else None

    def _data(self, i):
        """Byte i of the newest sample: accelerometer, temperature, gyroscope."""
        if i == 0:
            self.advance()
        word, low = i // 2, i & 1
        if word == 3:
            return 0
        axis = word if word < 3 else word - 1
        rotation = axis > 2
        full = self.range_dps * 1000 if rotation else self.range_g * 1000
        value = self.counts(self.sample - 1, axis, full) if axis < len(self.motion[0]) else 0
        under_test = self.registers[0x1B if rotation else 0x1C] >> 7 - axis % 3 & 1
        if under_test:
            value += self.response[axis]
        return value & 0xFF if low else value >> 8 & 0xFF

    def read(self, register, buf):
        if register == 0x74:
            self.advance()
            self.read_fifo(buf)
        else:
            super().read(register, buf)

    def put(self, register, value):
        self.advance()
        self.registers[register] = value
        if register == 0x1C and value & 7 == 7:
            self._held = self.sample - 1
        if register == 0x6B and value & _RESET_BIT:
            self._reset()
        if register == 0x6A and value & 0x04:
            self.empty_fifo()
            self.registers[0x6A] &= ~0x04
        self._set_up()

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        for register, value in _RESET_VALUES:
            self.registers[register] = value
        self.empty_fifo()
        self._set_up()

    def _set_up(self):
        """What goes into the FIFO, by FIFO_EN."""
        enabled = self.registers[0x23]
        if self.identity == 0x19:
            self._gyro = enabled & 0x10
            self.frame_bytes = 14 if self._gyro else 8
        else:
            self._gyro = enabled & 0x70
            self.frame_bytes = 12 if self._gyro else 6
        self.fifo_frames = self.ring_bytes // self.frame_bytes
        self.fifo_on = bool(enabled & 0x08) and bool(self.registers[0x6A] & 0x40)

    def encode(self, k, out):
        at = 0
        for axis in range(3):
            at = self._put_word(out, at, self.counts(k, axis, self.range_g * 1000))
        if self.identity == 0x19:
            at = self._put_word(out, at, 340)
        if self._gyro:
            for axis in range(3, 6):
                at = self._put_word(out, at, self.counts(k, axis, self.range_dps * 1000))

    def _put_word(self, out, at, value):
        out[at] = value >> 8 & 0xFF
        out[at + 1] = value & 0xFF
        return at + 2
