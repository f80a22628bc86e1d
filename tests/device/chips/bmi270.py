"""BMI270 by its registers (BST-BMI270-DS000-05, revision 1.3), the numbers written anew here so
that a wrong constant in the driver shows. Its program here is bytes that nobody else uses."""

from chips.chip import SampledChip

PROGRAM = bytes([i * 7 + (i >> 8) & 0xFF for i in range(8192)])
SMALL_PROGRAM = bytes([i * 5 & 0xFF for i in range(328)])
_RESET_VALUES = ((0x7C, 0x03), (0x40, 0xA8), (0x41, 0x02), (0x42, 0xA9), (0x45, 0x88),
                 (0x49, 0x10), (0x46, 0x00), (0x47, 0x02))
_ACCEL_G = (2, 4, 8, 16)
_GYRO_DPS = (2000, 1000, 500, 250, 125)
_MILLI_G = 1000


class BMI270(SampledChip):
    """``motion``: frames of 3 or 6 numbers, 1/1000 g and 1/1000 deg/s.

    ``spi``: it is wired to SPI, which it understands from its second selection on.
    ``deflection``: what its self-test moves, in g from one sign to the other.
    ``status``: says of its program what this is, whatever it was given.
    """

    read_only = (0x00, 0x1C, 0x21, 0x24, 0x25)
    fifo_register = 0x26

    def __init__(self, motion, now, address=0x68, identity=0x24, odr_ppm=0, spi=False):
        self._ready = 0  # when its program runs
        super().__init__(motion, now, address, odr_ppm=odr_ppm)
        self.identity, self._spi = identity, spi
        self.deflection = [20, -20, 15]
        self.status = None
        self.moved = 0
        self.features = [bytearray(16) for _ in range(8)]
        self.reset()

    def reset(self):
        self.advance()
        for i in range(len(self.registers)):
            self.registers[i] = 0
        for register, value in _RESET_VALUES:
            self.registers[register] = value
        for page in self.features:
            page[:] = bytes(16)
        self.features[1][15] = 0x38  # the any-motion output that the program has chosen
        self._program = bytearray(8192)
        self._given = 0
        self._ready = 0
        self._awake = self._now()  # since when advanced power save has been off
        self._deaf = self._spi
        self._above = 0
        self._seen = False
        self.empty_fifo()
        self._set_up()

    @property
    def running(self):
        return self._ready and self._now() >= self._ready

    def period_ns(self):
        if not self.running or not self.registers[0x7D] & 0x04:
            return 0
        return (1280000 >> (self.registers[0x40] & 15) - 1) * 1000  # small integers on a board

    @property
    def range_g(self):
        return _ACCEL_G[self.registers[0x41] & 3]

    @property
    def range_dps(self):
        return _GYRO_DPS[self.registers[0x43] & 7]

    @property
    def watermark(self):
        """Frames."""
        return (self.registers[0x46] | self.registers[0x47] << 8) // self.frame_bytes

    def get(self, register):
        if register == 0x24:
            self.advance()
            return self.fifo_bytes() & 0xFF
        if register == 0x25:
            return self.fifo_bytes() >> 8
        if 0x30 <= register < 0x40:
            return self.features[self.registers[0x2F]][register - 0x30]
        if 0x0C <= register < 0x12:
            return self._data(register - 0x0C)
        return self._own(register)

    def _own(self, register):
        if register == 0x00:
            return self.identity
        if register == 0x1C:
            seen, self._seen = self._seen, False
            return 0x40 if seen else 0
        return self._status() if register == 0x21 else self.registers[register]

    def _status(self):
        if self.status is not None:
            return self.status
        if not self.running:
            return 0
        good = self._given == 8192 and self._program == PROGRAM \
            or self._given == 328 and self._program[:328] == SMALL_PROGRAM
        return 0x01 if good else 0x02

    def read(self, register, buf):
        if self._deaf:
            self._deaf = False  # selected once: SPI from now on
            for i in range(len(buf)):
                buf[i] = 0xFF
        elif register == 0x26:
            self.advance()
            waits = self.held > 0
            self.read_fifo(buf)
            self.at = 0  # a frame read in part stays
            if not waits:
                for i in range(len(buf)):
                    buf[i] = 0x80 if i & 1 else 0
        else:
            super().read(register, buf)

    def swallow(self, n):
        """Whole frames are gone, the one that was read in part is not."""
        self.advance()
        for _ in range(min(n // self.frame_bytes, self.held)):
            self.first += 1
            self.held -= 1

    def write(self, register, data):
        if self._deaf:
            self._deaf = False
            return
        if register == 0x5E:
            self._take_program(data)
        elif register == 0x30:
            assert len(data) % 2 == 0 and self.running
            page = self.features[self.registers[0x2F]]
            page[: len(data)] = data
            self._hold()
        else:
            super().write(register, data)

    def _take_program(self, data):
        assert self.registers[0x7C] & 1 == 0 and self._now() - self._awake >= 450, "power save"
        assert self.registers[0x59] == 0 and len(data) % 2 == 0
        at = 2 * (self.registers[0x5B] & 15 | self.registers[0x5C] << 4)
        self._program[at : at + len(data)] = data
        self._given += len(data)

    def put(self, register, value):
        self.advance()
        if register == 0x7C and not value & 1 and self.registers[0x7C] & 1:
            self._awake = self._now()
        self.registers[register] = value
        if register == 0x7E:
            if value == 0xB6:
                self.reset()
                return
            if value == 0xB0:
                self.empty_fifo()
        if register == 0x59 and value == 1:
            self._ready = self._now() + 20000
        self._hold()
        self._set_up()

    def _set_up(self):
        config = self.registers[0x49]
        self._gyro = bool(config & 0x80)
        self.frame_bytes = 12 if self._gyro else 6
        # The two need one rate without headers, and both must run.
        whole = not self._gyro or (self.registers[0x40] ^ self.registers[0x42]) & 15 == 0 \
            and self.registers[0x7D] & 0x02
        self.fifo_on = bool(config & 0x40 and not config & 0x10 and whole
                            and self.registers[0x48] & 1 == 0)
        self.fifo_frames = (6144 if self._given == 328 else 2048) // self.frame_bytes

    def encode(self, k, out):
        at = 0
        if self._gyro:
            for axis in range(3, 6):
                at = self._put_word(out, at, self.counts(k, axis, self.range_dps * 1000))
        for axis in range(3):
            at = self._put_word(out, at, self.counts(k, axis, self.range_g * _MILLI_G))

    def _put_word(self, out, at, value):
        out[at] = value & 0xFF
        out[at + 1] = value >> 8 & 0xFF
        return at + 2

    def _data(self, i):
        """Byte i of the newest sample of the accelerometer."""
        if i == 0:
            self.advance()
        axis, test = i >> 1, self.registers[0x6D]
        value = self.counts(max(0, self.sample - 1), axis, self.range_g * _MILLI_G)
        if test & 1:
            assert test & 8 and self.registers[0x41] == 3 and self.registers[0x40] == 0xAC
            half = int(self.deflection[axis] * 32768 / self.range_g / 2)
            value += half if test & 4 else -half
        return value & 0xFF if i & 1 == 0 else value >> 8 & 0xFF

    def signal(self, n):
        if self.registers[0x58] & 0x02 and self.registers[0x53] & 0x08:
            super().signal(n)
        if self.features[1][15] & 0x80:
            for k in range(self.sample - n, self.sample):
                self._look_for_motion(k)

    def _hold(self):
        self._held = self.sample - 1
        self._above = 0

    def _look_for_motion(self, k):
        page = self.features[1]
        threshold = (page[14] | (page[15] & 7) << 8) * 1000
        axes, wanted = page[13] >> 5, page[12] | (page[13] & 0x1F) << 8
        over = False
        for axis in range(3):
            moved = self._milli(k, axis) - self._milli(self._held, axis)
            over = over or axes >> axis & 1 and abs(moved) * 2048 > threshold
        self._above = self._above + 1 if over else 0
        if self._above < max(1, wanted):
            return
        self.moved += 1
        self._seen = True
        if self.registers[0x56] & 0x40 and self.registers[0x53] & 0x08 and self.pin is not None:
            self.pin.fire()

    def _milli(self, k, axis):
        return self.motion[k % len(self.motion)][axis]
