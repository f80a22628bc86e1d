"""A fake ``machine`` module: pins, PWM and I2C that remember what was done to them."""

import sys


class Pin:
    OUT = 1
    made = {}

    def __init__(self, number, mode=None):
        self.number, self.mode = number, mode
        self.level = None
        Pin.made[number] = self

    def value(self, level):
        self.level = level


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

    def __init__(self, bus=None):
        self.Pin, self.PWM = Pin, PWM
        self.asked = None

        # Functions, not methods: MicroPython imports no bound method from a module.
        def i2c(number, freq=0, **pins):
            self.asked = (number, freq, {name: pins[name].number for name in pins})
            return bus

        self.I2C = i2c
        self.SoftI2C = lambda freq=0, **pins: i2c(-1, freq, **pins)


def install(bus=None):
    """Makes ``import machine`` give a new fake; returns it."""
    fake = Machine(bus)
    Pin.made.clear()
    sys.modules["machine"] = fake
    return fake
