"""What the emulated LSM6 chips share: settings, output registers, self-test, wake-up.

Numbers from the data sheets, written anew. ``deflection``: what the self-test moves each axis
by, in 1/1000 g and 1/1000 deg/s.
"""

from chips.chip import SampledChip

_ACCEL_UG = (61, 488, 122, 244)  # micro-g a count, by FS_XL
_ACCEL_MG = (2000, 16000, 4000, 8000)
_GYRO_EIGHTHS = (70, 35, 140, 35, 280, 35, 560, 35)  # 1/8000 deg/s a count, by FS_G, FS_125
_GYRO_DPS = (250, 125, 500, 125, 1000, 125, 2000, 125)


class Lsm6(SampledChip):
    """A subclass has PERIODS_NS (by ODR code), wake_enabled(), wake_latched(), wake_parts(),
    fifo_line(), set_up() after any write, and the FIFO."""

    read_only = (0x0F, 0x1B, 0x1E, 0x3A, 0x3B, 0x3C, 0x3D)
    PERIODS_NS = ()
    RESET_VALUES = ((0x12, 0x04),)

    def __init__(self, motion, now, address, identity, odr_ppm=0):
        super().__init__(motion, now, address, odr_ppm=odr_ppm)
        self.identity = identity
        self.deflection = (400, 400, 400, 400000, 400000, 400000)
        self.woken = False
        self._seen = 0
        self._reset()

    def period_ns(self):
        code = self.registers[0x10] >> 4 or self.registers[0x11] >> 4
        return self.PERIODS_NS[code]

    @property
    def range_g(self):
        return _ACCEL_MG[self.registers[0x10] >> 2 & 3] // 1000

    @property
    def range_dps(self):
        return _GYRO_DPS[self.registers[0x11] >> 1 & 7]

    def count(self, k, axis):
        """Sample k of an axis in counts, with the self-test's deflection."""
        frame = self.motion[k % len(self.motion)]
        value = frame[axis] if axis < len(frame) else 0
        test = self.registers[0x14] if axis < 3 else self.registers[0x14] >> 2
        if test & 3:
            value += self.deflection[axis] if test & 3 == 1 else -self.deflection[axis]
        if axis < 3:
            value = value * 1000 // _ACCEL_UG[self.registers[0x10] >> 2 & 3]
        else:
            value = value * 8 // _GYRO_EIGHTHS[self.registers[0x11] >> 1 & 7]
        return -32768 if value < -32768 else 32767 if value > 32767 else value

    def put_word(self, out, at, value):
        out[at] = value & 0xFF
        out[at + 1] = value >> 8 & 0xFF
        return at + 2

    def get(self, register):
        if register == 0x0F:
            return self.identity
        if register == 0x1B:
            self.advance()
            source, self.woken = 0x08 if self.woken else 0, False
            return source
        if register == 0x1E:
            self.advance()
            return self._ready()
        if 0x22 <= register < 0x2E:
            return self._output(register)
        return self.registers[register]

    def _ready(self):
        if self.sample == self._seen:
            return 0
        return (1 if self.registers[0x10] >> 4 else 0) | (2 if self.registers[0x11] >> 4 else 0)

    def _output(self, register):
        """Gyroscope x y z, accelerometer x y z."""
        i = (register - 0x22) // 2
        if register in (0x27, 0x2D):
            self._seen = self.sample
        value = self.count(self.sample - 1, i + 3 if i < 3 else i - 3) if self.sample else 0
        return (value >> 8 if register & 1 else value) & 0xFF

    def put(self, register, value):
        self.advance()
        if register == 0x12 and value & 0x01:
            self._reset()
        else:
            self.registers[register] = value
        self.set_up()

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        for register, value in self.RESET_VALUES:
            self.registers[register] = value
        self.woken = False
        self.empty_fifo()
        self.set_up()

    def _sampled(self, n):
        if n and self.registers[0x5E] & 0x20 and self.wake_enabled():
            for k in range(self.sample, self.sample + n):
                self._moved(k)
        super()._sampled(n)

    def _moved(self, k):
        """Half the change from the sample before, against WAKE_UP_THS."""
        full = _ACCEL_MG[self.registers[0x10] >> 2 & 3]
        now = self.motion[k % len(self.motion)]
        before = self.motion[(k - 1) % len(self.motion)]
        moved = False
        for axis in range(3):
            change = abs(now[axis] - before[axis])
            moved = moved or change * self.wake_parts() > 2 * full * (self.registers[0x5B] & 63)
        self.woken = moved or self.woken and self.wake_latched()

    def line(self):
        """Level of INT1."""
        return 1 if self.woken or self.registers[0x0D] & 0x08 and self.fifo_line() else 0
