"""Self-tests by deflection: how far a force inside a motion sensor moves what comes by its FIFO."""

from array import array

from .. import ticks
from ..channels import each
from ..errors import DriverError

_PATIENCE_MS = 3000  # for one frame


def deflection(driver: "Fifo", full_scale: "float | tuple", on: tuple, skip: int, n: int) -> dict:
    """By axis: by how much, in units, the settings ``on`` move the mean of n frames.

    ``full_scale`` is that of the test. ``skip``: frames that the chip takes to settle.
    """
    rest = means(driver, skip, n)
    driver._set(on)
    pushed = means(driver, skip, n)
    full_scale = each(full_scale, driver.channels)
    return {axis: (pushed[i] - rest[i]) * full_scale[i] / 32768
            for i, axis in enumerate(driver.axes)}


def means(driver: "Fifo", skip: int, n: int) -> list:
    """Mean count of each channel over n frames, which come after ``skip`` others."""
    frame = array("h", [0] * driver.channels)
    sums = [0] * driver.channels
    for i in range(skip + n):
        _next(driver, frame)
        if i >= skip:
            for c in range(driver.channels):
                sums[c] += frame[c]
    return [total / n for total in sums]


def judged(driver: "Driver", measured: dict, limits: dict, absolute: bool = True) -> dict:
    """``measured``, or DriverError with all of it in one line where an axis is out of its limits.

    ``limits``: by axis, (low, high); ``absolute``: whatever the sign.
    """
    bad = []
    for axis, (low, high) in limits.items():
        value = abs(measured[axis]) if absolute else measured[axis]
        if not low <= value <= high:
            bad.append("%s moved by %.3g, expected %.3g to %.3g" % (axis, value, low, high))
    if bad:
        raise DriverError(5, "%s failed its self-test: %s: keep it still; if it fails again, the "
                          "chip is damaged" % (type(driver).__name__, "; ".join(bad)))
    return measured


def _next(driver, frame):
    """The next frame of the chip's FIFO."""
    try:
        for _ in range(_PATIENCE_MS):
            level = driver._level()
            if level > 0:
                driver._fetch(1, frame)
                return
            if level < 0:
                driver._restart()
            ticks.sleep_ms(1)
    except OSError as e:
        raise DriverError(e.errno, "%s: a transfer of its self-test failed: check wires and power"
                          % type(driver).__name__)
    raise DriverError(110, "%s gave no frame for %d s during its self-test"
                      % (type(driver).__name__, _PATIENCE_MS // 1000))
