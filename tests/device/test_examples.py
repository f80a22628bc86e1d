"""Every file in device/examples runs, on a chip and pins that are not there, until Ctrl-C."""

import os
import sys

import fakes
import tiny
from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip
from expect import path, read, write
from tinysense import config, pipeline, ticks
from tinysense.drivers import clock
from tinysense.recording import Reader

HERE = __file__.replace("\\", "/").rsplit("/", 1)[0] if "/" in __file__ else "."
if HERE[0] != "/":
    HERE = os.getcwd() + "/" + HERE
EXAMPLES = HERE + "/../../device/examples"
MOTION = [(0, 0, 0)] * 8 + [(2500, 0, 0)] * 8 + [(0, 0, 0)] * 8 + [(0, 2500, 0)] * 8
TRANSFERS = 200


class Time:
    """Four milliseconds pass at every look at the clock."""

    def __init__(self):
        self.us = 0

    def __call__(self):
        self.us += 4000
        return self.us


class Stage:
    """Fake hardware and time, and a folder with the files that examples open."""

    def __enter__(self):
        time = Time()
        self.bus = Bus(Chip(MOTION, time))
        self.bus.interrupt_after = TRANSFERS
        self.machine = fakes.install(self.bus)
        self.kept = (clock.ticks_us, pipeline.sleep_ms, ticks.sleep_ms, config.PATH, os.getcwd())
        clock.ticks_us = time
        pipeline.sleep_ms = ticks.sleep_ms = lambda ms: None
        folder = path("gesture.tsm").rsplit("/", 1)[0] or "/"
        write(path("gesture.tsm"), tiny.build())
        write(path("bare.tsm"), tiny.build(tiny.meta(sensor=None, decision=None), features=False))
        config.PATH = path("tinysense.json")
        os.chdir(folder)
        return self

    def __exit__(self, *exc):
        del sys.modules["machine"]
        clock.ticks_us, pipeline.sleep_ms, ticks.sleep_ms, config.PATH = self.kept[:4]
        os.chdir(self.kept[4])

    def run(self, name):
        """The example's names after it has ended, by itself or by Ctrl-C."""
        names = {"__name__": "__main__"}
        source = read(EXAMPLES + "/" + name).decode()
        try:
            exec(compile(source, name, "exec"), names)
            self.interrupted = False
        except KeyboardInterrupt:
            self.interrupted = True
        return names


def watched(name):
    """Runs an example with a pipeline until Ctrl-C; returns it with the stage."""
    with Stage() as stage:
        names = stage.run(name)
    p = names["pipeline"]
    assert stage.interrupted and p.driver.done, name
    assert p.windows > 80 and p.events > 10 and p.dropped == 0, (name, p)
    return p, stage, names


def test_gesture_serial():
    watched("gesture_serial.py")


def test_gesture_led():
    watched("gesture_led.py")
    assert fakes.Pin.made[25].level == 0  # closed


def test_gesture_servo():
    p, _, _ = watched("gesture_servo.py")
    assert not p.outputs[0]._pwm.running and p.outputs[0]._pwm.pulse_ns in (1000000, 2000000)


def test_gesture_buzzer():
    p, _, _ = watched("gesture_buzzer.py")
    assert not p.outputs[0]._pwm.running and p.outputs[0]._pwm.hertz in (440, 880)


def test_gesture_asyncio():
    watched("gesture_asyncio.py")
    assert fakes.Pin.made[25].level in (0, 1)


def test_gesture_callback():
    p, _, names = watched("gesture_callback.py")
    assert sum(names["counts"].values()) == p.events


def test_gesture_config():
    with Stage() as stage:
        config.save({"model": "gesture.tsm", "outputs": [{"kind": "led", "pin": 3}]}, config.PATH)
        names = stage.run("gesture_config.py")
    assert stage.interrupted and names["pipeline"].events > 10


def test_record_and_replay():
    with Stage() as stage:
        stage.bus.interrupt_after = -1
        assert not stage.run("record.py")["lost"]
        with Reader("ring.tsr") as reader:
            blocks = [(b.count, b.label, b.rate_mhz, b.units) for b in reader]
        assert blocks == [(200, "ring", 100000, "g")]
        write("gesture.tsm", tiny.build(at_rate(100000)))
        p = stage.run("replay.py")["pipeline"]
        assert not stage.interrupted
        assert p.windows == 99 and p.events > 10


def at_rate(rate_mhz):
    sensor = dict(tiny.META["sensor"])
    sensor["rate_mhz"] = rate_mhz
    return tiny.meta(sensor=sensor)


def test_bare_tensors():
    with Stage() as stage:
        names = stage.run("bare_tensors.py")
    assert bytes(names["scores"]) == bytes((120, 128, 0))


def test_all_examples_are_run_and_short():
    found = sorted(name for name in os.listdir(EXAMPLES) if name.endswith(".py"))
    text = read(HERE + "/test_examples.py").decode()
    for name in found:
        assert '("%s")' % name in text, name
        assert read(EXAMPLES + "/" + name).count(b"\n") <= 30, name
    assert len(found) >= 10
