"""A running pipeline takes no heap: zero bytes over thousands of windows.

Watched on MicroPython with the collector off, so that nothing can be taken and given back.
"""

import gc

import fakes
import tiny
from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip
from expect import MICROPYTHON, Ticks, path, skip
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.drivers.replay import Feed, Replay
from tinysense.model import load
from tinysense.outputs.buzzer import Buzzer
from tinysense.outputs.led import Led
from tinysense.outputs.servo import Servo
from tinysense.pipeline import Pipeline
from tinysense.recording import Writer

WINDOWS = 3000


class Counting:
    """An output that allocates nothing and counts."""

    def __init__(self):
        self.events = 0

    def emit(self, event):
        self.events += 1


def taken(p, before_step=None):
    """Bytes of heap taken over WINDOWS windows, after a warm-up."""
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    one_step(p, before_step, 20)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        one_step(p, before_step, p.windows + WINDOWS)
        return gc.mem_alloc() - start
    finally:
        gc.enable()


def one_step(p, before_step, until):
    while p.windows < until:
        if before_step:
            before_step()
        p.step()


def test_the_watch_sees_an_allocation():
    driver = Feed(25000, 3, "g", 4)
    data = bytes(tiny.window(20000)[:12])
    kept = []
    p = Pipeline(driver, load(tiny.build()), [lambda event: kept.append(bytearray(16))])

    def more():
        driver.feed(data)

    assert taken(p, more) >= WINDOWS * 16


def test_a_long_average():
    driver = Feed(25000, 3, "g", 4)
    loud, quiet = bytes(tiny.window(20000)[:12]), bytes(12)
    rule = dict(tiny.META["decision"], smooth=20, refractory_ms=400)
    p = Pipeline(driver, load(tiny.build(tiny.meta(decision=rule))), [Counting()])

    def more():
        driver.feed(loud if p.windows % 60 < 30 else quiet)

    assert taken(p, more) == 0
    assert p.events > WINDOWS // 100


def test_frames_fed():
    driver = Feed(25000, 3, "g", 4)
    loud, quiet = bytes(tiny.window(20000)[:12]), bytes(12)
    counting = Counting()
    p = Pipeline(driver, load(tiny.build()), [counting])

    def more():
        driver.feed(loud if p.windows % 8 < 4 else quiet)

    assert taken(p, more) == 0
    assert counting.events == p.events > WINDOWS // 4


def test_recording_replayed_with_smoothing_and_outputs():
    full = path("heap.tsr")
    with Writer(full, 25000, 3, "g", 4) as w:
        for x, y in ((32000, 0), (0, 0), (0, 32000), (0, 0)) * 50:
            w.write(tiny.window(x, y), 4)
            w.write(tiny.window(x, y), 4)
    decision = {"smooth": 3, "threshold": [256, 100, 100], "background": ["rest"],
                "refractory_ms": 500}
    counting = Counting()
    outputs = [counting, Led(fakes.Pin(1)), Servo(fakes.PWM(None), {"ring": 10, "wing": 99}),
               Buzzer(fakes.PWM(None), {"ring": 440, "wing": 880})]
    driver = Replay(full, loop=True, realtime=False)
    p = Pipeline(driver, load(tiny.build(tiny.meta(decision=decision))), outputs)
    assert taken(p) == 0
    assert counting.events > WINDOWS // 20


def test_sensor_on_the_bus_with_axes_and_range():
    now = Ticks()
    driver = MPU6050(Bus(Chip([(0, 0, 0), (2500, 0, 0), (0, 2500, 0)], now)), 25000, 8, now=now)
    counting = Counting()
    p = Pipeline(driver, load(tiny.build()), [counting], {"axes": "-y x z"})

    def wait():
        now.now = now.now + 40000 & 0x1FFFFFFF

    assert taken(p, wait) == 0
    assert p.frames > 2 * WINDOWS


def test_run_itself():
    assert run_bytes(WINDOWS, by_run) == run_bytes(100, by_run) == 0


def test_run_under_asyncio():
    run_bytes(100, by_asyncio)  # asyncio makes its queues when it is first used
    # the task itself takes some bytes; more windows take no more
    assert run_bytes(WINDOWS, by_asyncio) == run_bytes(100, by_asyncio)


def run_bytes(windows, run):
    """Bytes of heap that running so many windows in one call takes."""
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    driver = Feed(25000, 3, "g", 4, 2 * windows + 200)
    data = bytes(tiny.window(20000))
    while driver.feed(data):
        pass
    p = Pipeline(driver, load(tiny.build()))
    one_step(p, None, 20)
    driver.end()
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        run(p)
        used = gc.mem_alloc() - start
    finally:
        gc.enable()
    assert p.windows > windows
    return used


def by_run(p):
    p.run()


def by_asyncio(p):
    import asyncio

    asyncio.run(p.run_async())


def test_rows_pushed():
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    m, row = load(tiny.pushed()), bytes(3)
    m.push_row(row)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        for _ in range(WINDOWS):
            m.push_row(row)
        m.begin()
        m.reset()
        assert gc.mem_alloc() == start
    finally:
        gc.enable()
