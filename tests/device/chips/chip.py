"""What the emulated chips share: registers, a clock of their own, a FIFO of samples.

A chip plays ``motion``: a sequence of frames in 1/1000 of the unit (g, deg/s),
over and over; frame k is its k-th sample. So nothing is stored: the FIFO is a
range of sample numbers, and its bytes are made when they are read.
"""

from tinysense.ticks import ticks_diff


class Chip:
    """Registers at an address. ``read_only``: what write() passes over."""

    read_only = ()

    def __init__(self, address, size=128):
        self.address = address
        self.registers = bytearray(size)

    def read(self, register, buf):
        for i in range(len(buf)):
            buf[i] = self.get(register + i)

    def write(self, register, data):
        for i in range(len(data)):
            if register + i not in self.read_only:
                self.put(register + i, data[i])

    def get(self, register):
        return self.registers[register]

    def put(self, register, value):
        self.registers[register] = value


class SampledChip(Chip):
    """A chip that samples by itself, into a FIFO where it is on.

    A subclass has

        period_ns()            of its nominal rate as set now; 0 while it sleeps
        frame_bytes            of a frame in the FIFO (may change with settings)
        fifo_frames            how many it holds
        encode(k, out)         the bytes of sample k into out[0 : frame_bytes]

    ``now``: the clock in microseconds that the test moves. ``odr_ppm``: how much faster
    the chip's own clock runs than it should. Counters for tests: ``produced``
    samples since the FIFO was switched on or emptied last, ``overwritten`` of them.
    """

    frame_bytes = 6
    fifo_frames = 32
    stops_when_full = False
    ring_bytes = 0  # bytes of a FIFO that overwrites byte by byte

    def __init__(self, motion, now, address, size=128, odr_ppm=0):
        super().__init__(address, size)
        self.motion, self._now, self._odr_ppm = motion, now, odr_ppm
        self.sample = 0  # number of the newest sample + 1
        self._last = now()
        self._credit_ns = 0
        self._nominal_ns = self._true_ns = 0
        self.fifo_on = False
        self.first = 0  # oldest sample in the FIFO
        self.held = 0
        self.at = 0  # bytes of the oldest that are read already
        self.overflow = False
        self.overwritten = 0
        self._scratch = bytearray(64)
        self._encoded = -1
        self.pin = None  # an IntPin

    def period_ns(self):
        raise NotImplementedError

    def encode(self, k, out):
        raise NotImplementedError

    def true_period_ns(self):
        period = self.period_ns()
        if period != self._nominal_ns:  # worked out once: these are large integers on a board
            self._nominal_ns = period
            self._true_ns = period * 1000000 // (1000000 + self._odr_ppm)
        return self._true_ns

    def advance(self):
        """Samples that became due since the last look."""
        now = self._now()
        passed_us = ticks_diff(now, self._last)
        self._last = now
        period = self.true_period_ns()
        if period == 0:
            return
        while passed_us > 0:  # a second at a time: small integers on a board
            step = passed_us if passed_us < 1000000 else 1000000
            passed_us -= step
            self._credit_ns += step * 1000
            n = self._credit_ns // period
            self._credit_ns -= n * period
            self._sampled(n)

    def run_ns(self):
        """How long it has sampled, if always at today's rate."""
        self.advance()
        return self.sample * self.true_period_ns() + self._credit_ns

    def _sampled(self, n):
        if n and self.fifo_on:
            if self.held == 0:
                self.first = self.sample
            self.held += n
            if self.held > self.fifo_frames:
                self._overflowed(self.held - self.fifo_frames)
        self.sample += n
        if n:
            self.signal(n)

    def signal(self, n):
        """n samples came: tells the interrupt line."""
        if self.pin is not None:
            self.pin.sampled(n)

    def _overflowed(self, n):
        """The oldest n are overwritten."""
        self.overflow = True
        self.overwritten += n
        self.first += n
        self.held -= n
        if self.ring_bytes:  # a frame that is half overwritten begins it
            self.at = self.frame_bytes - self.ring_bytes % self.frame_bytes

    def empty_fifo(self):
        self.held = self.at = 0
        self.overflow = False

    def fifo_bytes(self):
        """Bytes that wait."""
        return self.held * self.frame_bytes - self.at

    def read_fifo(self, buf):
        """Takes bytes from the FIFO; zeros where there are none."""
        size = self.frame_bytes
        for i in range(len(buf)):
            if self.held == 0:
                buf[i] = 0
                continue
            if self._encoded != self.first:
                self.encode(self.first, self._scratch)
                self._encoded = self.first
            buf[i] = self._scratch[self.at]
            self.at += 1
            if self.at == size:
                self.at = 0
                self.first += 1
                self.held -= 1

    def swallow(self, n):
        """A transfer that failed after n bytes: they are gone from the FIFO."""
        self.advance()
        for _ in range(min(n, self.fifo_bytes())):
            self.at += 1
            if self.at == self.frame_bytes:
                self.at = 0
                self.first += 1
                self.held -= 1

    def counts(self, k, axis, full_milli):
        """Sample k of an axis as an int16 count of a range of +-full_milli."""
        parts, value = full_milli // 8, self.motion[k % len(self.motion)][axis]
        value = value // parts * 4096 + value % parts * 4096 // parts  # small integers on a board
        return -32768 if value < -32768 else 32767 if value > 32767 else value

    def get_fifo_level(self):
        self.advance()
        return self.held


class IntPin:
    """The board's end of an interrupt line: ``chip.pin = IntPin(chip, watermark=16)``.

    Fires its handler when the chip's FIFO reaches the watermark; for every
    sample with watermark 0. The level follows the FIFO.
    """

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, chip, watermark=0):
        self.chip, self.watermark = chip, watermark
        self.handler = None
        self._above = False

    def irq(self, handler, trigger=1, hard=False):
        self.handler = handler

    def value(self):
        return 1 if self.watermark and self.chip.get_fifo_level() >= self.watermark else 0

    def sampled(self, n):
        if self.watermark == 0:
            for _ in range(n):
                self.fire()
            return
        above = self.chip.held >= self.watermark
        if above and not self._above:
            self.fire()
        self._above = above

    def fire(self):
        if self.handler is not None:
            self.handler(self)


class IntLine(IntPin):
    """The same for a chip that says itself what its line does: ``chip.line()`` is its level."""

    def value(self):
        self.chip.advance()
        self.follow()
        return 1 if self._above else 0

    def sampled(self, n):
        self.follow()

    def follow(self):
        level = bool(self.chip.line())
        if level and not self._above:
            self.fire()
        self._above = level
