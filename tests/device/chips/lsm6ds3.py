"""LSM6DS3 and LSM6DS3TR-C by their registers (DocID026899, revision 7; DocID028475, revision 7),
the numbers written anew here so that a wrong constant in the driver shows. A FIFO of 4096
or 2048 words of two bytes: when it is full, single words are overwritten."""

from chips.lsm6 import Lsm6


class LSM6DS3(Lsm6):
    """``motion``: frames of 3 or 6 numbers, 1/1000 g and 1/1000 deg/s. ``identity``: 0x6A for
    the LSM6DS3TR-C."""

    PERIODS_NS = (0, 76923077, 38461538, 19230769, 9615385, 4807692, 2403846, 1200480, 600240,
                  300120, 150060)

    def __init__(self, motion, now, address=0x6A, identity=0x69, odr_ppm=0):
        self._old = identity == 0x69
        self._capacity = 4096 if self._old else 2048
        if not self._old:
            self.PERIODS_NS = (0, 80000000) + self.PERIODS_NS[2:]
        super().__init__(motion, now, address, identity, odr_ppm)

    def set_up(self):
        accel, gyro = self.registers[0x10] >> 4, self.registers[0x11] >> 4
        parts = self.registers[0x08]
        self._gyro = parts >> 3 & 7 == 1 and gyro == accel
        self._per_frame = 6 if self._gyro else 3
        self.frame_bytes = 2 * self._per_frame
        mode, rate = self.registers[0x0A] & 7, self.registers[0x0A] >> 3 & 15
        if mode == 0:
            self.empty_fifo()
        self.fifo_on = mode == 6 and accel != 0 and rate == accel and parts & 7 == 1

    def _sampled(self, n):
        self.fifo_frames = 1000000  # what is too much goes word by word
        super()._sampled(n)
        excess = self.fifo_bytes() // 2 - self._capacity
        if excess > 0:
            self.at += 2 * excess
            frames = self.at // self.frame_bytes
            self.at -= frames * self.frame_bytes
            self.first += frames
            self.held -= frames
            self.overwritten += frames

    def words(self):
        return self.fifo_bytes() // 2

    def fifo_line(self):
        high = 0x0F if self._old else 0x07
        threshold = self.registers[0x06] | (self.registers[0x07] & high) << 8
        return threshold and self.words() >= threshold

    def get(self, register):
        if register == 0x3A:
            self.advance()
        if 0x3A <= register <= 0x3D:
            return self._fifo_status(register - 0x3A)
        return super().get(register)

    def _fifo_status(self, i):
        words = self.words()
        full = words >= self._capacity
        if i == 0:
            return 0 if full else words & 0xFF
        if i == 1:
            flags = (0x80 if self.fifo_line() else 0) | (0x10 if words == 0 else 0)
            return flags | (0x40 if full else words >> 8)
        return self.at // 2 if i == 2 else 0

    def read(self, register, buf):
        if register == 0x3E:
            self.advance()
            self.read_fifo(buf)
        else:
            super().read(register, buf)

    def swallow(self, n):
        super().swallow(n // 2 * 2)  # a word goes when its high byte is read

    def encode(self, k, out):
        at = 0
        if self._gyro:
            for axis in range(3, 6):
                at = self.put_word(out, at, self.count(k, axis))
        for axis in range(3):
            at = self.put_word(out, at, self.count(k, axis))

    def wake_enabled(self):
        return self.registers[0x58] & (0x10 if self._old else 0x80)

    def wake_latched(self):
        return self.registers[0x58] & 0x01

    def wake_parts(self):
        return 64
