"""MPU6050 by its registers (RM-MPU-6000A, revision 4.2), the numbers written anew here so
that a wrong constant in the driver shows.

Plays motion: ``motion`` is a list of frames in 1/1000 g (and, for six
numbers, 1/1000 deg/s); the chip shows the one that its own clock is at, scaled
to the range that is set, and holds still at zero while it sleeps.
"""

_RESET_VALUES = ((0x6B, 0x40), (0x75, 0x68))  # asleep; identity
_RESET_BIT, _SLEEP_BIT = 0x80, 0x40
_GYRO_CLOCK_HZ = 8000  # with the filter off; 1000 with it on, page 11
_ACCEL_G = (2, 4, 8, 16)
_GYRO_DPS = (250, 500, 1000, 2000)


class MPU6050:
    """``now``: the clock in microseconds that the test moves."""

    def __init__(self, motion, now, address=0x68, identity=0x68):
        self.address = address
        self._identity = identity
        self._motion = motion
        self._now = now
        self.registers = bytearray(128)
        self._reset()

    @property
    def rate_hz(self):
        """The rate at which the data registers change."""
        filtered = self.registers[0x1A] & 7 not in (0, 7)
        return (1000 if filtered else _GYRO_CLOCK_HZ) / (1 + self.registers[0x19])

    @property
    def range_g(self):
        return _ACCEL_G[self.registers[0x1C] >> 3 & 3]

    def read(self, register, buf):
        if register <= 0x48 and register + len(buf) > 0x3B:
            self._sample()
        for i in range(len(buf)):
            buf[i] = self.registers[register + i]

    def write(self, register, data):
        for i in range(len(data)):
            if register + i == 0x75:
                continue  # read-only
            self.registers[register + i] = data[i]
            if register + i == 0x6B and data[i] & _RESET_BIT:
                self._reset()

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        for register, value in _RESET_VALUES:
            self.registers[register] = value
        self.registers[0x75] = self._identity

    def _sample(self):
        asleep = self.registers[0x6B] & _SLEEP_BIT
        divider = (1 + self.registers[0x19]) * 1000
        frame = self._motion[self._now() // divider % len(self._motion)]
        for axis in range(len(frame)):
            if axis < 3:
                full, at = self.range_g * 1000, 0x3B + 2 * axis
            else:
                full, at = _GYRO_DPS[self.registers[0x1B] >> 3 & 3] * 1000, 0x43 + 2 * (axis - 3)
            value = 0 if asleep else self._count(frame[axis], full)
            self.registers[at] = value >> 8 & 0xFF
            self.registers[at + 1] = value & 0xFF

    def _count(self, milli, full):
        value = milli * 4096 // (full // 8)  # of 32768, in steps that stay small integers
        return max(-32768, min(32767, value))
