"""ADXL345 by its registers (data sheet revision E), the numbers written anew here so that
a wrong constant in the driver shows.

``behind``: entries that wait at the output filter and that FIFO_STATUS does not tell of:
the data sheet allows for both. ``push_milli``: what its self-test adds to x, y, z.
``spi``: reads closer than 5 us to one another fail a test.
"""

from chips.motion import MotionChip, clipped, put_word

_RESET_VALUES = ((0x2C, 0x0A), (0x30, 0x02))
_READ_ONLY = (0x00, 0x2B, 0x30, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x39)


class ADXL345(MotionChip):
    """``motion``: frames of 3 numbers, 1/1000 g."""

    read_only = _READ_ONLY
    fifo_frames = 33

    def __init__(self, motion, now, address=0x53, odr_ppm=0, behind=0):
        super().__init__(motion, now, address, 64, odr_ppm)
        self.identity = 0xE5
        self.behind = behind
        self.push_milli = (800, -900, 1200)
        self.spi = False
        self._popped = -1000
        for register, value in _RESET_VALUES:
            self.registers[register] = value

    def period_ns(self):
        """3200 Hz and its halves; 0 in standby."""
        if not self.registers[0x2D] & 0x08:
            return 0
        return 312500 << 15 - (self.registers[0x2C] & 0x0F)

    @property
    def range_g(self):
        return 2 << (self.registers[0x31] & 3)

    def threshold_mg(self):
        watches = self.registers[0x2E] & 0x10 and self.registers[0x27] == 0xF0
        return self.registers[0x24] * 125 // 2 if watches else 0

    def line(self):
        enabled = self.registers[0x2E] & ~self.registers[0x2F]
        watermark = self.registers[0x38] & 0x1F
        return bool(enabled & 0x02 and self.fifo_on and self.held >= watermark > 0
                    or enabled & 0x10 and self.moved)

    def get(self, register):
        if register == 0x00:
            return self.identity
        if register == 0x30:
            self.advance()
            source = (0x10 if self.moved else 0) | (0x02 if self.line() else 0)
            self.moved = False
            return source
        if register == 0x39:
            self._apart()
            self.advance()
            return max(0, self.held - self.behind)
        return self.registers[register]

    def read(self, register, buf):
        if register == 0x32 and self.fifo_on:
            assert len(buf) == 6, "an entry is six bytes"
            self._apart()
            self.advance()
            assert self.held > 0, "nothing in the FIFO"
            self.read_fifo(buf)
            self._popped = self._now()
        else:
            super().read(register, buf)
        self.follow()

    def _apart(self):
        assert not self.spi or self._now() - self._popped >= 5, "less than 5 us between two reads"

    def swallow(self, n):
        """A read of any length takes an entry."""
        self.advance()
        if n > 0 and self.held > 0:
            super().swallow(6)

    def set_up(self, register, value):
        self.fifo_on = self.registers[0x38] >> 6 == 2
        if register == 0x38 and value >> 6 == 0:
            self.empty_fifo()
        if register == 0x2E:
            self.rest()

    def encode(self, k, out):
        assert self.registers[0x31] & 0x64 == 0, "four wires, active high, right-justified"
        full = self.registers[0x31] & 0x08
        fast = self.registers[0x2C] & 0x0E == 0x0E
        for axis in range(3):
            milli = self.milli(k, axis) + self._offset_mg(axis)
            if self.registers[0x31] & 0x80:
                assert self.registers[0x2C] in (0x0A, 0x0B, 0x0C, 0x0D, 0x0F)  # page 22
                milli += self.push_milli[axis]
            if full:
                value = clipped(milli * 256 // 1000, 10 + (self.registers[0x31] & 3))
            else:
                value = clipped(milli * 512 // (1000 * self.range_g), 10)
            put_word(out, 2 * axis, value & ~1 if fast and full else value)

    def _offset_mg(self, axis):
        """OFSX and so on: 15.6 mg a step."""
        steps = self.registers[0x1E + axis]
        return (steps - 256 if steps > 127 else steps) * 156 // 10
