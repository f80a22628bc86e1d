"""A chip on its bus, the driver that reads it, and the clock of both: what driver tests share."""

from chips.bus import SPI, Bus
from expect import numbers
from tinysense import ticks
from tinysense.sensing.bus import SPIRegisters


class Sleeping:
    """``with Sleeping(now):`` sleeping moves that clock instead of taking time."""

    def __init__(self, now):
        self.now = now

    def _us(self, us):
        self.now.now += us

    def _ms(self, ms):
        self.now.now += ms * 1000

    def __enter__(self):
        self._was = ticks.sleep_ms, ticks.sleep_us
        ticks.sleep_ms, ticks.sleep_us = self._ms, self._us
        return self

    def __exit__(self, *exc):
        ticks.sleep_ms, ticks.sleep_us = self._was


class Bench:
    """``Bench(kind, chip, now, **options)``: kind(bus, now=now, **options) is the driver.

    ``bus``: instead of I2C, a fake SPI for one. ``pin``: a class of chips/chip.py, of whose
    kind the interrupt line is that the driver listens to.
    """

    def __init__(self, kind, chip, now, bus=None, pin=None, **options):
        self.now, self.chip = now, chip
        self.bus = bus or Bus(chip)
        self.pin = None
        if pin is not None:
            self.pin = chip.pin = options["pin"] = pin(chip)
        wired = SPIRegisters(self.bus, self.bus.cs) if isinstance(self.bus, SPI) else self.bus
        with Sleeping(now):
            self.driver = kind(wired, now=now, **options)
        self.buf = bytearray(2 * self.driver.channels * 64)
        self.frames = 0
        # Sampled before there was a FIFO; chips without one have no such numbers.
        self.before = chip.sample - chip.held if hasattr(chip, "held") else 0

    def read(self, step_us=0):
        """All that is there after so long."""
        self.now.now += step_us
        out = []
        n = -1
        while n != 0:
            n = self.fill()
            out += numbers(self.buf)[: n * self.driver.channels]
        return out

    def fill(self):
        """What one call of the driver gives, which buf has then; how many frames."""
        n = self.driver.read_into(self.buf)
        self.frames += n
        return n

    def drain(self, step_us=0):
        """As read(), but counts them only."""
        self.now.now += step_us
        while self.fill():
            pass

    def run(self, seconds, step_us=40000):
        for _ in range(int(seconds * 1000000) // step_us):
            self.drain(step_us)

    def collect(self, seconds, step_us=5000):
        """All that came in so long, for drivers of few frames."""
        out = []
        for _ in range(int(seconds * 1000000) // step_us):
            out += self.read(step_us)
        return out

    def accounted(self):
        """Frames read, told as lost, and still in the chip: what the chip has sampled."""
        return self.before + self.frames + self.driver.dropped + self.chip.get_fifo_level()


class Timed(Bench):
    """A bench on which transfers and waits take time."""

    def fill(self):
        with Sleeping(self.now):
            return super().fill()
