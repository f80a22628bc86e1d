"""Pipeline: from a driver to events, its counters, its ends."""

import json
import sys

import fakes
import tiny
import tinysense
from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip
from expect import Ticks, path, raises, write
from tinysense import pipeline as module
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.drivers.replay import Feed, Replay
from tinysense.errors import ModelError, TinysenseError
from tinysense.model import load
from tinysense.pipeline import Pipeline
from tinysense.recording import Writer

QUIET, RING, WING = (0, 0, 0), (20000, 0, 0), (0, 20000, 0)


def pack(*frames):
    out = bytearray()
    for frame in frames:
        for value in frame:
            out += bytes((value & 0xFF, value >> 8 & 0xFF))
    return out


def feed(*frames, capacity=200):
    d = Feed(25000, 3, "g", 4, capacity)
    d.feed(pack(*frames))
    return d


class Output:
    def __init__(self):
        self.events, self.polls, self.closed = [], 0, 0

    def emit(self, event):
        self.events.append((event.label, event.time))

    def poll(self):
        self.polls += 1

    def close(self):
        self.closed += 1


def test_step_runs_one_window_at_a_time():
    out = Output()
    driver = feed(*[QUIET] * 4 + [RING] * 4 + [QUIET])
    p = Pipeline(driver, load(tiny.build()), [out])
    assert p.step() is None
    assert (p.windows, p.frames) == (1, 4)
    assert p.step() is None  # half quiet, half ring: 78 of 256
    event = p.step()
    assert (event.label, event.score, event.time) == ("ring", 156, 320)
    assert p.step() is None
    assert (p.windows, p.frames, p.events, p.dropped) == (3, 9, 1, 0)
    assert out.events == [("ring", 320)]
    assert out.polls == 4


def test_time_is_that_of_the_last_frame():
    driver = feed(*[RING] * 12)
    p = Pipeline(driver, load(tiny.build()))
    times = []
    for _ in range(5):
        times.append(p.step().time)
    assert times == [160, 240, 320, 400, 480]


def test_time_does_not_drift():
    sensor = dict(tiny.META["sensor"])
    sensor["rate_mhz"] = 104321
    driver = Feed(104321, 3, "g", 4, 10)
    p = Pipeline(driver, load(tiny.build(tiny.meta(sensor=sensor))))
    driver.feed(pack(RING, RING))
    for i in range(500):
        driver.feed(pack(RING, RING))
        assert abs(p.step().time - (4 + 2 * i) * 1000000 / 104321) <= 1, i


def test_axes_and_range_of_the_driver():
    driver = Feed(25000, 3, "g", 8)
    driver.feed(pack(*[(0, -10000, 0)] * 4))
    p = Pipeline(driver, load(tiny.build()), config={"axes": "-y x z"})
    assert p.step().label == "ring"


def test_config_overrides_the_decision():
    driver = feed(*[RING] * 4)
    p = Pipeline(driver, load(tiny.build()), config={"threshold": {"ring": 157}})
    assert p.step() is None
    driver = feed(*[RING] * 4)
    p = Pipeline(driver, load(tiny.build()), config={"threshold": {"ring": 156}})
    assert p.step().label == "ring"


def test_functions_are_outputs():
    got = []
    p = Pipeline(feed(*[RING] * 4), load(tiny.build()), [lambda e: got.append(e.label)])
    p.step()
    assert got == ["ring"]
    raises(TinysenseError, "expected an object with emit", Pipeline, feed(), load(tiny.build()),
           [3])


def test_run_ends_with_the_driver():
    driver = feed(*[RING] * 10)
    driver.end()
    p = Pipeline(driver, load(tiny.build()))
    assert p.run() == 4
    assert (p.windows, p.frames) == (4, 10)


def test_run_for_a_time():
    now = Ticks()
    real = module.ticks_ms, module.sleep_ms
    module.ticks_ms = now

    def sleep(ms):
        now.now += ms

    module.sleep_ms = sleep
    try:
        for seconds in (0, 1, 2.5):
            now.now = 0
            p = Pipeline(feed(), load(tiny.build()))
            p.run(seconds)
            assert now.now == seconds * 1000
            p.step()  # still open
    finally:
        module.ticks_ms, module.sleep_ms = real


class Interrupting(Output):
    def emit(self, event):
        raise KeyboardInterrupt


def test_interrupt_closes_everything():
    out, last = Interrupting(), Output()
    p = Pipeline(feed(*[RING] * 9), load(tiny.build()), [out, last])
    try:
        p.run()
        raise AssertionError("not interrupted")
    except KeyboardInterrupt:
        pass
    assert (out.closed, last.closed, p.driver.done) == (1, 1, True)
    raises(TinysenseError, "pipeline is closed", p.step)


def test_context_manager_closes_once():
    out = Output()
    with Pipeline(feed(), load(tiny.build()), [out]) as p:
        p.step()
    p.close()
    assert out.closed == 1


class Stuck(Output):
    def close(self):
        raise OSError(5, "stuck")


def test_an_output_that_fails_to_close_does_not_keep_the_rest_open():
    last = Output()
    p = Pipeline(feed(), load(tiny.build()), [Stuck(), last])
    raises(OSError, "stuck", p.close)
    assert last.closed == 1


def test_large_gap_starts_the_window_anew():
    driver = feed(RING, RING, RING)
    p = Pipeline(driver, load(tiny.build()))
    p.step()
    driver.feed(pack(RING, RING, RING), dropped=100)
    assert p.step() is None
    assert (p.windows, p.dropped, p.frames) == (0, 100, 6)
    driver.feed(pack(RING))
    assert p.step().time == 107 * 40  # all frames took their time


def test_small_gap_is_counted_only():
    model = load(tiny.build(window=16, hop=8))
    for lost, windows in ((1, 1), (2, 0)):
        driver = feed(*[RING] * 10)
        p = Pipeline(driver, model)
        p.step()
        driver.feed(pack(*[RING] * 6), dropped=lost)
        p.step()
        assert (p.windows, p.dropped) == (windows, lost), lost


def test_losses_before_the_start_do_not_count():
    driver = feed()
    driver.feed(b"", dropped=9)
    driver.read_into(bytearray(6))
    assert driver.dropped == 9
    assert Pipeline(driver, load(tiny.build())).dropped == 0


def test_replayed_recording_gives_the_same_events_every_time():
    full = path("events.tsr")
    with Writer(full, 25000, 3, "g", 4) as w:
        rows = ([QUIET] * 50 + [RING] * 10 + [QUIET] * 33 + [WING] * 7) * 10
        w.write(pack(*rows), len(rows))
    runs = []
    for _ in range(2):
        out = Output()
        Pipeline(Replay(full, realtime=False), load(tiny.build()), [out]).run()
        runs.append(out.events)
    assert runs[0] == runs[1]
    assert len(runs[0]) > 20 and set(label for label, _ in runs[0]) == {"ring", "wing"}


def test_sensor_to_event():
    now = Ticks()
    chip = Chip([(0, 0, 0)] * 40 + [(2500, 0, 0)] * 40, now)
    driver = MPU6050(Bus(chip), 25000, 4, now=now)
    out = Output()
    p = Pipeline(driver, load(tiny.build()), [out])
    for i in range(1, 81):
        now.now = 40000 * i
        p.step()
    assert p.windows == 39 and p.dropped == 0
    assert out.events[0] == ("ring", 44 * 40)  # the first whole window of motion
    assert len(out.events) == 19


def test_refusals():
    model = load(tiny.build())
    raises(ModelError, ("25 Hz", "50 Hz"), Pipeline, Feed(50000, 3, "g", 4), model)
    raises(ModelError, "3 channels", Pipeline, Feed(25000, 6, "g", 4), model)
    bare = load(tiny.build(tiny.meta(sensor=None, decision=None), features=False))
    raises(ModelError, "no features", Pipeline, feed(), bare)
    raises(TinysenseError, "no label 'sing'", Pipeline, feed(), model, (),
           {"threshold": {"sing": 1}})


def test_model_by_its_path():
    full = path("m.tsm")
    write(full, tiny.build())
    assert Pipeline(feed(), full).model.name == "tiny"


def test_from_config():
    now = Ticks()
    machine = fakes.install(Bus(Chip([(2500, 0, 0)], now)))
    model, settings = path("c.tsm"), path("c.json")
    write(model, tiny.build())
    write(settings, json.dumps({
        "model": model, "driver": "mpu6050", "driver_options": {"scl": 5, "sda": 4},
        "outputs": [{"kind": "led", "pin": 25}], "threshold": {"ring": 100}}).encode())
    try:
        p = tinysense.from_config(settings)
    finally:
        del sys.modules["machine"]
    assert machine.asked == (0, 400000, {"scl": 5, "sda": 4})
    assert (p.driver.rate_mhz, p.driver.full_scale) == (25000, 4)  # as the model wants
    assert p.decision.threshold == [256, 100, 128]
    assert fakes.Pin.made[25].level == 0
    p.close()


def test_asyncio():
    import asyncio

    driver = feed(*[RING] * 6)
    out = Output()
    p = Pipeline(driver, load(tiny.build()), [out])

    async def more():
        for _ in range(3):
            await asyncio.sleep(0)
            driver.feed(pack(RING, RING))
        driver.end()

    async def main():
        task = asyncio.create_task(more())
        made = await p.run_async()
        await task
        return made

    assert asyncio.run(main()) == 5
    assert len(out.events) == 5


def test_asyncio_cancelled_closes_everything():
    import asyncio

    out = Output()
    p = Pipeline(feed(), load(tiny.build()), [out])

    async def main():
        task = asyncio.create_task(p.run_async())
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return "cancelled"

    assert asyncio.run(main()) == "cancelled"
    assert out.closed == 1
