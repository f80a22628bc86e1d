"""Sound through the pipeline: rows gathered, holes, microphones that lose, times, configs."""

import json
import sys

import fakes
import tiny_sound
import tinysense
from chips.i2s import I2S, Bench
from chips.played import PlayedI2S
from expect import Ticks, frames, path, write
from tinysense.decision import Decision
from tinysense.drivers.i2s_microphone import I2SMicrophone
from tinysense.drivers.replay import Feed
from tinysense.model import load
from tinysense.pipeline import Pipeline

HOP, WINDOW = tiny_sound.HOP, tiny_sound.WINDOW
LOUD = 18000  # 70 of 127


class Heard:
    """An output that keeps what it hears."""

    def __init__(self):
        self.events = []

    def emit(self, event):
        self.events.append(event.copy())


def feed(room=8000):
    return Feed(tiny_sound.RATE_MHZ, 1, "pcm", 32768, room)


def sound(value, n):
    return bytes(frames(value)) * n


def steps(p):
    """Until nothing waits: (windows, inferences) of each step."""
    seen = []
    windows = -1
    while windows != p.windows:
        windows = p.windows
        p.step()
        seen.append((p.windows, p.inferences))
    return seen[:-1]


def test_scores_come_when_rows_are_there():
    for rows, stride, first in ((4, 1, 4), (4, 4, 4), (5, 2, 5), (1, 1, 1)):
        driver = feed()
        p = Pipeline(driver, load(tiny_sound.build(rows, stride)))
        driver.feed(sound(LOUD, WINDOW + 12 * HOP))
        expected = [(n, max(0, (n - first) // stride + 1)) for n in range(1, 14)]
        assert steps(p) == expected, (rows, stride)
        assert p.model.scores[1] == p.model.scores[2] == tiny_sound.score(rows, LOUD)


def test_a_streaming_model_warms_up_first():
    driver = feed()
    p = Pipeline(driver, load(tiny_sound.build(2, 2, warmup=3)))
    assert p.model.span == WINDOW + 7 * HOP
    driver.feed(sound(LOUD, WINDOW + 11 * HOP))
    assert steps(p) == [(n, max(0, n // 2 - 3)) for n in range(1, 13)]
    p.model.reset()
    assert p.model.run(bytes(2 * WINDOW)) is None


def test_events_carry_the_time_of_the_last_frame():
    driver, heard = feed(), Heard()
    p = Pipeline(driver, load(tiny_sound.build(4, 2, refractory_ms=80)), [heard])
    assert p.decision.refractory_windows == 2  # of 40 ms
    driver.feed(sound(LOUD, WINDOW + 9 * HOP))
    steps(p)
    assert [event.time for event in heard.events] == [90, 170]


def test_a_short_hole_is_passed_over():
    driver = feed()
    p = Pipeline(driver, load(tiny_sound.build(10, 1)))
    lost = p.model.span // 8 - 1
    driver.feed(sound(LOUD, WINDOW + 9 * HOP))
    steps(p)
    assert (p.inferences, p.model.scores[1]) == (1, 255)
    driver.feed(sound(LOUD, HOP), dropped=lost)
    steps(p)
    assert (p.windows, p.inferences, p.dropped) == (11, 2, lost)


def test_behind_a_long_hole_scores_wait_for_what_they_stand_for():
    driver = feed()
    p = Pipeline(driver, load(tiny_sound.build(10, 2, smooth=2)))
    driver.feed(sound(0, WINDOW + 9 * HOP + 100))
    steps(p)
    assert (p.windows, p.inferences) == (10, 1)
    lost = p.model.span // 8 + 1
    driver.feed(sound(LOUD, WINDOW + 10 * HOP), dropped=lost)
    steps(p)
    assert (p.windows, p.inferences, p.dropped) == (21, 1, lost)
    driver.feed(sound(LOUD, HOP))
    steps(p)
    # Of rows from behind the hole only.
    assert (p.inferences, p.model.scores[1]) == (2, 255)
    total = WINDOW + 9 * HOP + 100 + lost + WINDOW + 11 * HOP
    assert p._time == total // 16


def test_what_features_learnt_survives_a_hole_but_not_a_reset():
    m = load(tiny_sound.build(4, 1))
    window, rows = bytearray(sound(LOUD, WINDOW)), bytearray(12)
    for _ in range(3):
        m.run(window)
    m.gap()
    m.features.newest(rows)
    assert bytes(rows[3:]) != bytes(9)
    assert [m.run(window) is None for _ in range(5)] == [True] * 3 + [False] * 2
    m.reset()
    m.features.newest(rows)
    assert bytes(rows) == bytes(12)


def test_times_stay_true_over_many_holes():
    driver = feed()
    p = Pipeline(driver, load(tiny_sound.build(1, 1)))
    total = 0
    for n, lost in ((100, 0), (700, 65), (5000, 3), (319, 7000), (1, 1), (2000, 100000)):
        driver.feed(sound(0, n), dropped=lost)
        total += n + lost
        steps(p)
    driver.feed(sound(0, (WINDOW - 1) * 2))
    steps(p)
    total += (WINDOW - 1) * 2
    behind = total - (p._time * 16 + p._rest)
    assert 0 <= behind < HOP, behind


class Line:
    """A microphone on I2S before a pipeline, on a clock that the test moves."""

    def __init__(self, model, platform="rp2", value=LOUD, heard=None, **options):
        self.now = Ticks()
        given = {"sck": 16, "ws": 17, "sd": 18, "settle_ms": 0, "dc": False}
        given.update(options)
        PlayedI2S.period, PlayedI2S.words = 256, None
        with Bench(self.now, lambda frame: value * 256, platform) as bench:
            bench.machine.I2S = PlayedI2S
            self.mic = I2SMicrophone(given, tiny_sound.RATE_MHZ, self.now, platform)
        self.bus = I2S.made
        self.p = Pipeline(self.mic, model, [heard] if heard else [])

    def run(self, ms, busy_ms=0):
        """As run() does; each inference takes ``busy_ms``."""
        end = self.now.now + 1000 * ms
        while self.now.now < end:
            inferences = self.p.inferences
            self.p.step()
            if self.p._idle:
                self.now.now += 1000 * self.p.pause_ms()
            self.now.now += 1000 * busy_ms * (self.p.inferences - inferences)


class Counted:
    """A source that counts how often it is read."""

    def __init__(self, source):
        self._source, self.reads = source, 0

    def __getattr__(self, name):
        return getattr(self._source, name)

    def read(self, want):
        self.reads += 1
        return self._source.read(want)


def test_a_microphone_is_asked_when_a_window_is_due():
    for platform, most in (("rp2", 60), ("esp32", 115)):
        for busy_ms in (0, 5, 15):
            line = Line(load(tiny_sound.build()), platform)
            line.mic._source = counted = Counted(line.mic._source)
            line.run(1000, busy_ms)
            assert line.p.dropped == line.bus.lost == 0
            assert line.p.windows >= 48 and counted.reads <= most, (platform, busy_ms)


def test_losses_of_a_microphone_are_counted():
    for platform in ("rp2", "esp32"):
        line = Line(load(tiny_sound.build(10, 2)), platform)
        line.run(500)
        before = line.p.inferences
        assert before >= 6 and line.p.dropped == 0
        line.now.now += 130000  # the buffer holds 100 ms: too short a hole to matter
        line.run(100)
        # A block in doubt is told later.
        assert 0 <= line.bus.lost - line.p.dropped <= line.bus.block and line.bus.lost > 0
        assert line.p.inferences > before
        line.now.now += 700000
        line.run(200)
        during = line.p.inferences
        line.run(400)
        assert 0 <= line.bus.lost - line.p.dropped <= line.bus.block
        assert line.p.dropped > 16 * 500 and line.p.inferences > during


def test_smoothing_begins_anew_behind_a_long_hole():
    class Watched(Decision):
        cleared = 0

        def clear(self):
            Watched.cleared += 1
            Decision.clear(self)

    line = Line(load(tiny_sound.build(10, 2)))
    line.p.decision = Watched(("a", "b", "c"))
    Watched.cleared = 0
    line.run(300)
    line.now.now += 105000
    line.run(100)
    assert Watched.cleared == 0
    line.now.now += 500000
    line.run(100)
    assert Watched.cleared == 1


def test_what_somebody_else_reads_is_a_hole_and_no_loss():
    line = Line(load(tiny_sound.build(10, 2)))
    line.run(300)
    before, buf, taken = line.p.inferences, bytearray(2000), 0
    for _ in range(50):
        line.now.now += 20000
        taken += line.mic.read_into(buf)
    line.p.skip(taken)
    line.run(150)
    assert taken >= 16000 and line.p.dropped == 0 and line.p.inferences == before
    line.run(150)
    assert line.p.inferences > before
    total = line.p.frames + taken
    assert 0 <= total - line.p._time * 16 < 2 * HOP


def test_outputs_that_poll_are_not_kept_waiting():
    class Polled(Heard):
        polls = 0

        def poll(self):
            Polled.polls += 1

    line = Line(load(tiny_sound.build()), heard=Polled())
    line.run(200)
    assert Polled.polls >= 40


def test_from_config():
    model, settings = path("sound.tsm"), path("sound.json")
    write(model, tiny_sound.build())
    write(settings, json.dumps({
        "model": model, "driver": "i2s_microphone",
        "driver_options": {"sck": 16, "ws": 17, "sd": 18, "gain_db": 6},
        "outputs": [{"kind": "led", "pin": 25}], "smooth": 3}).encode())
    fakes.install(None)
    led_pin = sys.modules.pop("machine").Pin
    with Bench(Ticks(), lambda frame: 0) as bench:
        bench.machine.Pin = led_pin
        p = tinysense.from_config(settings)
    assert type(p.driver).__name__ == "I2SMicrophone"
    assert (p.driver.rate_mhz, p.driver.full_scale) == (16000000, 32768)  # as the model wants
    assert I2S.made.rate == 16000 and p.decision.smooth == 3
    p.close()
    assert not I2S.made.open
