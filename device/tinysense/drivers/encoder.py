"""Rotation, by a quadrature encoder on two pins: angle and speed.

Every edge is counted as it happens, by pin interrupts, or by the board's own counter
(machine.Encoder of esp32 and mimxrt; the rp2 port has none); frames only look at the count,
so no step is lost between them. Interrupts keep up with some thousand edges a second.
"""

from ..errors import DriverError
from ..sensing.polled import Polled, store
from ..ticks import ticks_diff, ticks_us

# Step by the pins (A, B) before and now, 4 * before + now: 0, +1 where A changes before B, -1
# as 2; 3 where both changed at once, so that an edge was missed.
STEPS = bytes((0, 2, 1, 3, 1, 0, 3, 2, 2, 3, 0, 1, 3, 1, 2, 0))
COUNTS_MASK = 0x0FFFFFFF  # counts wrap within a board's small integers
_HALF = 0x08000000
MAX_COUNTS = 16384  # of a revolution: angle * 65536 is a small integer

OPTIONS = (
    ("a", (int, str), None, (0, 255), "pin of phase A"),
    ("b", (int, str), None, (0, 255), "pin of phase B"),
    ("counts_per_rev", int, None, (4, MAX_COUNTS), "edges of both phases in a revolution: four "
     "times the pulses of one phase"),
    ("rate_mhz", int, 0, (0, 1000000), "millihertz, 0: as the model wants, else 50 Hz"),
    ("max_deg_s", int, 0, (0, 1000000), "full scale of speed, 0: as the model wants, else 3600"),
    ("unit", int, -1, (-1, 15), "machine.Encoder of the board, -1: pin interrupts"),
    ("pull_up", bool, True, None, "for encoders with open contacts"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "Encoder":
    """The driver on two pins of this board."""
    import machine

    from ..sensing.driver import wanted_range

    pull = machine.Pin.PULL_UP if options["pull_up"] else None
    try:
        pins = [machine.Pin(options[name], machine.Pin.IN, pull) for name in ("a", "b")]
    except (TypeError, ValueError) as e:
        raise DriverError(22, "encoder: expected pins for a and b, got %r, %r: %s"
                          % (options["a"], options["b"], e))
    return Encoder(counter(pins, options["unit"]), options["counts_per_rev"],
                   options["rate_mhz"] or (sensor.rate_mhz if sensor else 50000),
                   options["max_deg_s"] or round(wanted_range(sensor, "deg/s", 3600)))


def counter(pins: list, unit: int = -1) -> "object":
    """What counts the edges on pins A and B: ``value()``, ``deinit()``, maybe ``missed``."""
    if unit < 0:
        return Edges(pins[0], pins[1])
    import machine

    if not hasattr(machine, "Encoder"):
        raise DriverError(95, "encoder: this board has no machine.Encoder: leave unit at -1")
    try:
        return machine.Encoder(unit, pins[0], pins[1], phases=4)
    except (TypeError, ValueError, OSError) as e:
        raise DriverError(22, "encoder: expected a unit of machine.Encoder that counts 4 phases, "
                          "got %d: %s" % (unit, e))


class Edges:
    """Counts by pin interrupts. ``missed``: times that both pins had changed at once."""

    def __init__(self, a: "Pin", b: "Pin"):
        self._a, self._b = a, b
        self._count = self.missed = 0
        self._was = a.value() << 1 | b.value()
        handler = self._edge
        for pin in (a, b):
            try:
                pin.irq(handler, pin.IRQ_RISING | pin.IRQ_FALLING, hard=True)
            except TypeError:  # ports without hard interrupts
                pin.irq(handler, pin.IRQ_RISING | pin.IRQ_FALLING)

    def _edge(self, pin):
        now = self._a.value() << 1 | self._b.value()
        step = STEPS[self._was << 2 | now]
        self._was = now
        if step == 1:
            self._count = self._count + 1 & COUNTS_MASK
        elif step == 2:
            self._count = self._count - 1 & COUNTS_MASK
        elif step:
            self.missed += 1

    def value(self) -> int:
        """Counts since the start; wraps at 2^28."""
        return self._count

    def deinit(self) -> None:
        """No more interrupts."""
        self._a.irq(None)
        self._b.irq(None)


class Encoder(Polled):
    """``Encoder(Edges(Pin(2), Pin(3)), counts_per_rev=80)``: frames of angle and speed.

    The angle, in degrees, is that of the start plus all steps since; it goes from 180 to
    -180 as a turn does. Speed, in deg/s, is what happened since the frame before, over the
    time that really passed. ``errors``: steps in which an edge was missed.
    """

    def __init__(self, counter: "object", counts_per_rev: int, rate_mhz: int = 50000,
                 max_deg_s: int = 3600, now: "Callable[[], int] | None" = None):
        if not 4 <= counts_per_rev <= MAX_COUNTS or not 100 <= rate_mhz <= 1000000:
            raise DriverError(22, "Encoder: expected 4 to 16384 counts_per_rev and a rate of 0.1 "
                              "to 1000 Hz, got %r, %r mHz" % (counts_per_rev, rate_mhz))
        factor = 360 * 1000000 * 32768 // (counts_per_rev * max(1, max_deg_s))
        if not 1 <= max_deg_s <= 1000000 or factor >= 1 << 30:
            raise DriverError(22, "Encoder: expected max_deg_s of %d to 1000000 for this encoder, "
                              "got %r" % (360 * 1000000 // 32768 // counts_per_rev + 1, max_deg_s))
        self._counter, self._rev = counter, counts_per_rev
        self._factor = factor  # counts of speed for one step in a microsecond
        self._describe(rate_mhz, ("angle", "speed"), ("deg", "deg/s"), (180, max_deg_s))
        self._start_polling(now)
        self._now = now or ticks_us
        self._last = counter.value()
        self._since = self._now()
        self._turned = 0  # counts within the revolution

    @property
    def errors(self) -> int:
        """Steps in which an edge was missed, where interrupts count."""
        return getattr(self._counter, "missed", 0)

    def _sample(self, buf):
        value, now = self._counter.value(), self._now()
        steps = (value - self._last + _HALF & COUNTS_MASK) - _HALF
        passed = ticks_diff(now, self._since)
        self._last, self._since = value, now
        self._turned = (self._turned + steps) % self._rev
        angle = self._turned * 65536 // self._rev
        store(buf, 0, angle - 65536 if angle & 0x8000 else angle)
        store(buf, 2, self._speed(steps, max(1, passed)))
        return True

    def _speed(self, steps, passed):
        """steps * factor / passed, in 30 bits; saturates."""
        factor = self._factor
        while passed > 32767:
            passed >>= 1
            factor >>= 1
        whole = factor // passed
        most = 32767 // (whole or 1) + 1
        steps = most if steps > most else -most if steps < -most else steps
        rest = steps * (factor % passed)
        return steps * whole + (rest // passed if rest >= 0 else -(-rest // passed))

    def close(self) -> None:
        """Stops counting."""
        if not self.done:
            self.done = True
            self._counter.deinit()
