"""The encoder driver on the pins of an emulated shaft."""

import sys

from chips.encoder import Shaft
from expect import Ticks, numbers, raises
from tinysense.drivers import encoder
from tinysense.drivers.encoder import Edges, Encoder
from tinysense.errors import DriverError


class Bench:
    def __init__(self, counts_per_rev=400, at=0, **options):
        self.now = Ticks()
        self.shaft = Shaft(at)
        self.driver = Encoder(Edges(self.shaft.a, self.shaft.b), counts_per_rev, now=self.now,
                              **options)
        self.buf = bytearray(64)
        self.read(0)

    def read(self, step_us=20000):
        self.now.now += step_us
        n = self.driver.read_into(self.buf)
        return numbers(self.buf)[: 2 * n]


def test_says_what_it_is():
    d = Bench(max_deg_s=7200).driver
    assert (d.rate_mhz, d.channels, d.axes) == (50000, 2, ("angle", "speed"))
    assert (d.units, d.full_scale) == (("deg", "deg/s"), (180, 7200))
    assert (d.dropped, d.errors, d.done, d.measured_mhz) == (0, 0, False, 50000)


def test_angle_goes_round():
    b = Bench(counts_per_rev=400)
    for turned, degrees in ((100, 90), (99, 179.1), (1, -180), (100, -90), (100, 0), (-1, -0.9),
                            (-399, 0), (4000, 0), (-4000, 0)):
        b.shaft.turn(turned)
        angle = b.read()[0] * b.driver.scale[0]
        assert abs(angle - degrees) < 0.006, (turned, angle)


def test_both_directions_from_every_position():
    for at in range(4):
        for step in (1, -1):
            b = Bench(counts_per_rev=4, at=at)
            b.shaft.turn(step)
            assert b.read()[0] == step * 16384, (at, step)


def test_speed_is_over_the_time_that_passed():
    b = Bench(counts_per_rev=400)
    for steps, us in ((40, 20000), (-40, 20000), (1, 20000), (80, 40000), (400, 1000000),
                      (3, 21234)):
        b.shaft.turn(steps)
        got = b.read(us)[1] * b.driver.scale[1]
        want = steps * 360 / 400 / (us / 1000000)
        assert abs(got - want) <= max(b.driver.scale[1], abs(want) / 10000), (steps, us, got)


def test_speed_saturates():
    b = Bench(counts_per_rev=4, max_deg_s=3600)
    b.shaft.turn(5000)
    assert b.read()[1] == 32767
    b.shaft.turn(-5000)
    assert b.read()[1] == -32768


def test_no_step_is_lost_between_reads():
    b = Bench(counts_per_rev=1024)
    for i in range(60):
        b.shaft.turn((7919 * i) % 613 - 300)
        if i % 7 == 0:
            b.read(1000 * (1 + i * 9 % 90))
    got = b.read()[0]
    angle = b.shaft.at % 1024 * 64
    assert got == (angle - 65536 if angle >= 32768 else angle)


def test_counts_wrap_without_a_jump():
    b = Bench()
    for start in (0x0FFFFFFE, 1):
        b.driver._counter._count = b.driver._last = start
        before = b.driver._turned
        b.shaft.turn(5 if start > 1 else -5)
        b.read()
        assert (b.driver._turned - before) % 400 == (5 if start > 1 else 395)


def test_contacts_that_bounce_add_up_to_nothing():
    b = Bench()
    for _ in range(100):
        b.shaft.turn(1)
        b.shaft.turn(-1)
    b.shaft.turn(1)
    assert b.read()[0] == 65536 // 400 and b.driver.errors == 0


def test_missed_edges_are_counted():
    b = Bench()
    b.shaft.leap(2)
    b.shaft.leap(2)
    assert b.driver.errors == 2
    b.shaft.leap(4)  # a whole cycle cannot be seen
    b.shaft.fire(b.shaft.b)  # an interrupt without a change
    assert b.driver.errors == 2


def test_frames_nobody_asked_for_are_dropped():
    b = Bench()
    b.shaft.turn(100)
    assert b.read(200000)[0] == 16384
    assert b.driver.dropped == 9


def test_impossible_settings():
    shaft = Shaft()
    edges = Edges(shaft.a, shaft.b)
    for options in ((3,), (16385,), (400, 99), (400, 1000001), (400, 50000, 0), (400, 50000, 27),
                    (16384, 50000, 0), (400, 50000, 1000001)):
        raises(DriverError, "Encoder: expected", Encoder, edges, *options)
    assert Encoder(edges, 400, 50000, 28).full_scale == (180, 28)


def test_close_ends_the_interrupts():
    b = Bench()
    assert b.shaft.a.trigger == b.shaft.b.trigger == 3
    with b.driver as d:
        pass
    assert d.done and b.read() == []
    assert b.shaft.a.handler is None and b.shaft.b.handler is None


class Machine:
    """The module, with a counter of its own."""

    def __init__(self, shaft, counts=True):
        self.asked = []

        class Pin:
            IN, PULL_UP = 0, 1

            def __new__(cls, number, mode, pull):
                self.asked.append((number, pull))
                return shaft.a if number == 4 else shaft.b

        class Counter:
            def __init__(self, unit, a, b, phases=1):
                if phases != 4 or unit > 3:
                    raise ValueError("no such unit")
                assert (a, b) == (shaft.a, shaft.b)
                self.gone = False

            def value(self):
                return shaft.at

            def deinit(self):
                self.gone = True

        self.Pin = Pin
        if counts:
            self.Encoder = Counter


def options(**given):
    out = {row[0]: row[2] for row in encoder.OPTIONS}
    out.update(a=4, b=5, counts_per_rev=400)
    out.update(given)
    return out


def test_pins_of_the_config():
    shaft = Shaft()
    sys.modules["machine"] = fake = Machine(shaft)
    d = encoder.build(options())
    assert fake.asked == [(4, 1), (5, 1)] and shaft.a.handler is not None
    assert d.rate_mhz == 50000 and d.full_scale == (180, 3600)


def test_the_boards_own_counter():
    shaft = Shaft()
    sys.modules["machine"] = Machine(shaft)
    d = encoder.build(options(unit=1, pull_up=False))
    shaft.at += 100
    buf = bytearray(4)
    assert d.read_into(buf) == 1 and numbers(buf)[0] == 16384
    assert shaft.a.handler is None and d.errors == 0
    d.close()
    assert d._counter.gone
    raises(DriverError, ("unit", "got 4", "no such unit"), encoder.build, options(unit=4))
    sys.modules["machine"] = Machine(shaft, counts=False)
    raises(DriverError, "no machine.Encoder", encoder.build, options(unit=0))
