"""LSM9DS1, accelerometer and gyroscope, by its registers (data sheet DocID025715 revision 2),
the numbers written anew here so that a wrong constant in the driver shows.

``half_gone``: whether a frame that was read in part is gone; the data sheet does not say.
``push_milli``: what its self-tests add, 1/1000 g and 1/1000 deg/s. The first frame of a
FIFO that was just switched on is nonsense, as the data sheet warns.
"""

from chips.motion import MotionChip, clipped, put_word

_RESET_VALUES = ((0x1E, 0x38), (0x1F, 0x38), (0x22, 0x04))
_READ_ONLY = (0x0F, 0x14, 0x17, 0x26, 0x27, 0x2F) + tuple(range(0x15, 0x1E)) \
    + tuple(range(0x28, 0x2E))
_PERIODS_NS = (0, 100000000, 20000000, 8403361, 4201681, 2100840, 1050420)  # 10, 50, 119 Hz ...
_GYRO_PERIODS_NS = (0, 67114094, 16806723) + _PERIODS_NS[3:]  # 14.9, 59.5 Hz ...
_UG = (61, 732, 122, 244)  # by FS_XL, for a step
_UDPS_10 = (875, 1750, 0, 7000)  # by FS_G, in 1/100 of 1/1000 deg/s
_RANGE_G = (2, 16, 4, 8)
_SETTLED_US = 400000


class LSM9DS1(MotionChip):
    """``motion``: frames of 6 numbers, 1/1000 g and 1/1000 deg/s."""

    read_only = _READ_ONLY

    def __init__(self, motion, now, address=0x6B, odr_ppm=0, half_gone=False):
        super().__init__(motion, now, address, 64, odr_ppm)
        self.identity = 0x68
        self.half_gone = half_gone
        self.push_milli = (300, -400, 500, 400000, -500000, 300000)
        self._nonsense = -1
        self._filtered_since = 0
        self._reset()

    def period_ns(self):
        gyro, accel = self.registers[0x10] >> 5, self.registers[0x20] >> 5
        return _GYRO_PERIODS_NS[gyro] if gyro else _PERIODS_NS[accel]

    @property
    def range_g(self):
        return _RANGE_G[self.registers[0x20] >> 3 & 3]

    @property
    def range_dps(self):
        return (245, 500, 0, 2000)[self.registers[0x10] >> 3 & 3]

    def threshold_mg(self):
        r = self.registers
        watches = r[0x06] == 0x2A and r[0x21] & 0x01 and r[0x07] == r[0x08] == r[0x09]
        return r[0x07] * self.range_g * 1000 // 256 if watches else 0

    def latched(self):
        return self.registers[0x1E] & 0x02

    def line(self):
        told, watermark = self.registers[0x0C], self.registers[0x2E] & 0x1F
        return bool(told & 0x08 and self.fifo_on and self.held >= watermark > 0
                    or told & 0x40 and self.moved)

    def get(self, register):
        if register == 0x0F:
            return self.identity
        if register == 0x26:
            self.advance()
            source = 0x40 if self.moved else 0
            self.moved = False
            return source
        if register == 0x2F:
            self.advance()
            above = self.held >= self.registers[0x2E] & 0x1F > 0
            return above << 7 | self.overflow << 6 | self.held
        return self.registers[register]

    def read(self, register, buf):
        if register in (0x18, 0x28) and self.fifo_on:
            assert register == (0x18 if self.frame_bytes == 12 else 0x28)
            assert self.registers[0x22] & 0x04, "the address does not move on"
            self.advance()
            assert len(buf) % self.frame_bytes == 0 and self.fifo_bytes() >= len(buf)
            self.read_fifo(buf)
            self.overflow = False
        else:
            super().read(register, buf)
        self.follow()

    def set_up(self, register, value):
        r = self.registers
        if register == 0x22 and value & 0x01:
            self._reset()
        self.frame_bytes = 12 if r[0x10] >> 5 else 6
        was_on, self.fifo_on = self.fifo_on, bool(r[0x23] & 0x02) and r[0x2E] >> 5 == 6
        if self.fifo_on and not was_on:
            self._nonsense = self.sample
        if register == 0x2E and value >> 5 == 0:
            self.empty_fifo()
        if register == 0x21 and value & 0x01:
            self._filtered_since = self._now()
        if register == 0x06 and value:
            settled = self._now() - self._filtered_since >= _SETTLED_US
            self.rest(None if settled else (0, 0, 0))  # before that gravity is motion

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        for register, value in _RESET_VALUES:
            self.registers[register] = value
        self.fifo_on = False
        self.frame_bytes = 6
        self.empty_fifo()

    def encode(self, k, out):
        r = self.registers
        assert r[0x22] & 0x4A == 0x40 and r[0x20] >> 5, "halves together, low byte first, both on"
        accel = 0
        if self.frame_bytes == 12:
            accel = 6
            for axis in range(3):
                value = self._pushed(k, 3 + axis, r[0x24] & 0x04) * 100
                put_word(out, 2 * axis, clipped(value // _UDPS_10[r[0x10] >> 3 & 3], 16))
        for axis in range(3):
            value = self._pushed(k, axis, r[0x24] & 0x01) * 1000 // _UG[r[0x20] >> 3 & 3]
            put_word(out, accel + 2 * axis, clipped(value, 16))
        if k == self._nonsense:
            for i in range(self.frame_bytes):
                out[i] = 0x55

    def _pushed(self, k, axis, under_test):
        return self.milli(k, axis) + (self.push_milli[axis] if under_test else 0)
