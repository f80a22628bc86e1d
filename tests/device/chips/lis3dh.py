"""LIS3DH by its registers (data sheet DocID17530 revision 2), the numbers written anew here
so that a wrong constant in the driver shows.

``half_gone``: whether a frame that was read in part is gone; the data sheet does not say.
``push_milli``: what its self-test adds to x, y, z.
"""

from chips.motion import MotionChip, clipped, put_word

_RESET_VALUES = ((0x1E, 0x10), (0x20, 0x07))
_READ_ONLY = (0x07, 0x0F, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2F, 0x31)
_PERIODS_NS = (0, 1000000000, 100000000, 40000000, 20000000, 10000000, 5000000, 2500000,
               625000, 744048)
_MG_AT_10_BITS = (4, 8, 16, 48)
_MG_THRESHOLD = (16, 32, 62, 186)


class LIS3DH(MotionChip):
    """``motion``: frames of 3 numbers, 1/1000 g."""

    read_only = _READ_ONLY
    several = 0x80

    def __init__(self, motion, now, address=0x18, odr_ppm=0, half_gone=False):
        super().__init__(motion, now, address, 64, odr_ppm)
        self.identity = 0x33
        self.half_gone = half_gone
        self.push_milli = (300, -400, 500)
        for register, value in _RESET_VALUES:
            self.registers[register] = value

    def period_ns(self):
        return _PERIODS_NS[self.registers[0x20] >> 4]

    @property
    def range_g(self):
        return 2 << (self.registers[0x23] >> 4 & 3)

    def threshold_mg(self):
        watches = self.registers[0x30] == 0x2A and self.registers[0x21] & 0x01
        return self.registers[0x32] * _MG_THRESHOLD[self.registers[0x23] >> 4 & 3] if watches else 0

    def latched(self):
        return self.registers[0x24] & 0x08

    def line(self):
        told = self.registers[0x22]
        watermark = self.registers[0x2E] & 0x1F
        active = bool(told & 0x04 and self.fifo_on and self.held > watermark
                      or told & 0x40 and self.moved)
        return active != bool(self.registers[0x25] & 0x02)

    def get(self, register):
        if register == 0x0F:
            return self.identity
        if register == 0x26:
            self.advance()
            if self.sample:
                self.rest()
        if register == 0x2F:
            return self._source()
        if register == 0x31:
            self.advance()
            source = 0x40 if self.moved else 0
            self.moved = False
            return source
        return self.registers[register]

    def _source(self):
        self.advance()
        full, empty = self.held == 32, self.held == 0
        above = self.held > self.registers[0x2E] & 0x1F
        return above << 7 | full << 6 | empty << 5 | min(self.held, 31)

    def read(self, register, buf):
        if register == 0x28 and self.fifo_on:
            self.advance()
            assert len(buf) % 6 == 0 and self.held * 6 >= len(buf), "more than there is"
            self.read_fifo(buf)
        else:
            super().read(register, buf)
        self.follow()

    def set_up(self, register, value):
        r = self.registers
        assert not (r[0x20] & 0x08 and r[0x23] & 0x08), "low power and high resolution at once"
        self.fifo_on = bool(r[0x24] & 0x40) and r[0x2E] >> 6 == 2
        if register == 0x2E and value >> 6 == 0:
            self.empty_fifo()
        if register == 0x21 and value & 0x01:  # the filter starts from zero, gravity is motion
            self.rest((0, 0, 0))

    def encode(self, k, out):
        assert self.registers[0x23] & 0xC1 == 0x80, "four wires, low byte first, halves together"
        assert self.registers[0x21] & 0x08 == 0, "gravity is filtered out of the data"
        assert self.registers[0x3E] == 0, "it falls asleep by itself"
        for axis in range(3):
            milli = self.milli(k, axis)
            if self.registers[0x23] & 0x06 == 0x02:
                milli += self.push_milli[axis]
            value = clipped(milli // _MG_AT_10_BITS[self.registers[0x23] >> 4 & 3], 10)
            put_word(out, 2 * axis, value << 6)
