"""Checks of a driver's selftest(), beside those of chips/checks.py."""

from chips import checks
from chips.bench import Sleeping
from expect import raises
from tinysense.errors import DriverError


def run(b):
    with Sleeping(b.now):
        return b.driver.selftest()


def fails(b, *parts):
    with Sleeping(b.now):
        raises(DriverError, parts, b.driver.selftest)


def measures(make, expected):
    """``expected``: by axis. Settings come back, and the time it took is told as lost."""
    b = make(motion=checks.STILL)
    b.run(1, 20000)
    before, registers = b.driver.dropped, bytes(b.chip.registers)
    got = run(b)
    assert sorted(got) == sorted(expected)
    for axis, value in expected.items():
        assert abs(got[axis] - value) < abs(value) / 20, (axis, got[axis])
    assert bytes(b.chip.registers) == registers
    b.run(2, 20000)
    assert b.driver.dropped > before


def limits_are_noticed(make, limits, step):
    """``limits``: (low, high) of each axis, 1/1000 of its unit: ``step`` beyond is noticed.

    None: an axis that is passed over.
    """
    for i, (low, high) in enumerate(limits):
        if low is None:
            continue
        for value, good in ((low + step, True), (low - step, False),
                            (high - step, True), (high + step, False)):
            b = make(motion=((0, 0, 0, 0, 0, 0),))
            normal = b.chip.push_milli
            b.chip.push_milli = tuple(value if k == i else normal[k] for k in range(len(normal)))
            if good:
                run(b)
            else:
                fails(b, "failed its self-test", b.driver.axes[i] + " moved by")


def deflects(b, deflection, bad):
    """``deflection``: what it moves each axis by, 1/1000 of its unit; ``bad``: (axis, value) out
    of the limits."""
    b.chip.deflection = deflection
    b.run(5)
    got = run(b)
    for i, axis in enumerate(checks.SIX_AXES):
        value = deflection[i] / 1000
        assert abs(got[axis] - value) < 0.002 * abs(value) + 0.0002, (axis, got)
    b.run(3)  # it samples on, and the time of the test is a hole
    assert b.driver.dropped > 70
    assert abs(b.accounted() * b.chip.true_period_ns() // 1000 - b.now.now) < 60000
    for axis, value in bad:
        b.chip.deflection = [value if i == axis else (400, 400000)[i > 2] for i in range(6)]
        fails(b, "self-test", "expected", "keep it still")
    b.bus.fail_next(1000)
    fails(b, "self-test broken off")


def without_frames(make):
    """A chip that does not sample ends it in one line; so does one that is gone."""
    b = make(motion=checks.STILL)
    b.chip.period_ns = lambda: 0
    fails(b, "gave no frame")
    b.bus.fail_next(100)
    fails(b, "check wires")
