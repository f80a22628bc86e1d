"""A fake ``machine`` module: pins, PWM and buses that remember what was done to them.

More hardware stands in the modules beside this one; ``install(I2S=...)`` puts it in.
"""

import sys


class Pin:
    IN, OUT, OPEN_DRAIN = 0, 1, 2
    PULL_UP, PULL_DOWN = 1, 2
    IRQ_RISING, IRQ_FALLING = 1, 2
    made = {}

    def __init__(self, number, mode=None, pull=None, value=None):
        self.number, self.mode, self.pull = number, mode, pull
        self.level = value
        self.handler = None
        self.trigger = 0
        Pin.made[number] = self

    def init(self, mode):
        self.mode = mode

    def value(self, level=None):
        if level is None:
            return self.level or 0
        self.level = level
        return None

    def irq(self, handler=None, trigger=0, hard=False):
        self.handler, self.trigger = handler, trigger

    def turn(self, level):
        """A level from outside; the interrupt it makes is served at once."""
        edge = Pin.IRQ_RISING if level else Pin.IRQ_FALLING
        changed = level != (self.level or 0)
        self.level = level
        if changed and self.handler is not None and self.trigger & edge:
            self.handler(self)


class PWM:
    def __init__(self, pin):
        self.pin = pin
        self.hertz = self.duty = self.pulse_ns = None
        self.running = True

    def freq(self, hertz):
        self.hertz = hertz

    def duty_u16(self, duty):
        self.duty = duty

    def duty_ns(self, pulse_ns):
        self.pulse_ns = pulse_ns

    def deinit(self):
        self.running = False


class Machine:
    """Stands in for the module; ``bus`` is what I2C() and SoftI2C() give."""

    def __init__(self, bus=None, **more):
        self.Pin, self.PWM = Pin, PWM
        self.asked = None

        # Functions, not methods: MicroPython imports no bound method from a module.
        def i2c(number, freq=0, **pins):
            self.asked = (number, freq, {name: pins[name].number for name in pins})
            return bus

        self.I2C = i2c
        self.SoftI2C = lambda freq=0, **pins: i2c(-1, freq, **pins)
        self.unique_id = lambda: b"\xe6\x61\x04\x31"
        for name, part in more.items():
            setattr(self, name, part)


def install(bus=None, **more):
    """Makes ``import machine`` give a new fake with ``more`` in it; returns it."""
    fake = Machine(bus, **more)
    Pin.made.clear()
    sys.modules["machine"] = fake
    return fake


class Modules:
    """``with Modules(neopixel=fake):`` importable by that name meanwhile; None: missing."""

    def __init__(self, **modules):
        self._modules = modules
        self._kept = {}

    def __enter__(self):
        for name in self._modules:
            self._kept[name] = sys.modules.get(name)
            _put(name, self._modules[name])
        return self

    def __exit__(self, *exc):
        for name in self._kept:
            sys.modules.pop(name, None)
            if self._kept[name] is not None:
                sys.modules[name] = self._kept[name]


def _put(name, module):
    if module is not None or sys.implementation.name == "cpython":
        sys.modules[name] = module  # None: CPython says that it is missing
    else:
        sys.modules.pop(name, None)
