"""LSM6DSOX by its registers (DS12814, revision 4), the numbers written anew here so that a
wrong constant in the driver shows. A FIFO of 512 words of seven bytes, each with its tag."""

from chips.lsm6 import Lsm6

_WORDS = 512
_GYRO_TAG, _ACCEL_TAG = 0x01, 0x02


class LSM6DSOX(Lsm6):
    """``motion``: frames of 3 or 6 numbers, 1/1000 g and 1/1000 deg/s."""

    PERIODS_NS = (0, 80000000, 38461538, 19230769, 9615385, 4807692, 2398082, 1200480, 599880,
                  300030, 149993)
    RESET_VALUES = ((0x12, 0x04), (0x18, 0xE0))

    def __init__(self, motion, now, address=0x6A, identity=0x6C, odr_ppm=0):
        self._overran = False
        super().__init__(motion, now, address, identity, odr_ppm)

    def set_up(self):
        accel, gyro = self.registers[0x10] >> 4, self.registers[0x11] >> 4
        batch = self.registers[0x09]
        self._gyro = batch >> 4 != 0 and batch >> 4 == gyro
        self.frame_bytes = 14 if self._gyro else 7
        self.fifo_frames = _WORDS * 7 // self.frame_bytes
        mode = self.registers[0x0A] & 7
        if mode == 0:
            self.empty_fifo()
            self._overran = False
        self.fifo_on = mode == 6 and accel != 0 and batch & 0x0F == accel

    def words(self):
        return self.fifo_bytes() // 7

    def fifo_line(self):
        threshold = self.registers[0x07] | (self.registers[0x08] & 1) << 8
        return threshold and self.words() >= threshold

    def get(self, register):
        if register == 0x3A:
            self.advance()
            return self.words() & 0xFF
        if register == 0x3B:
            words = self.words()
            status = words >> 8 | (0x80 if self.fifo_line() else 0)
            if words >= _WORDS:
                status |= 0x40
            if self._overran:
                status |= 0x08
            self._overran = False
            return status
        return super().get(register)

    def read(self, register, buf):
        if register == 0x78:
            self.advance()
            self.read_fifo(buf)
        else:
            super().read(register, buf)

    def swallow(self, n):
        super().swallow(n // 7 * 7)  # a word goes when its last byte is read

    def _overflowed(self, n):
        super()._overflowed(n)
        self._overran = True

    def encode(self, k, out):
        at = 0
        if self._gyro:
            at = self._word(out, at, k, _GYRO_TAG, 3)
        self._word(out, at, k, _ACCEL_TAG, 0)

    def _word(self, out, at, k, tag, axis):
        tag = tag << 3 | (k & 3) << 1
        ones = tag ^ tag >> 4
        ones ^= ones >> 2
        out[at] = tag | (ones ^ ones >> 1) & 1  # the byte's parity is even
        at += 1
        for i in range(3):
            at = self.put_word(out, at, self.count(k, axis + i))
        return at

    def wake_enabled(self):
        return self.registers[0x58] & 0x80 and not self.registers[0x56] & 0x10

    def wake_latched(self):
        return self.registers[0x56] & 0x01

    def wake_parts(self):
        return 256 if self.registers[0x5C] & 0x10 else 64
