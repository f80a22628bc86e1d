"""Hears an hour of made sound through the whole pipeline on virtual time, as case.json says.

Runs on emulated boards and as a process of the computer (test_hearing_hour.py), not under
pytest. Clips follow in an order and with levels that generators give, over noise; the computer makes
the same sound and compares every score. Sound comes through a machine.I2S that loses blocks where
nobody reads in time; each inference takes as long as the case says.
"""

import gc
import json
import sys
from array import array

import micropython

from tinysense import ticks

RATE, BLOCK = 16000, 16
SECOND = RATE


class Clock:
    """Ticks that wrap as the board's do; ``frames`` do not."""

    us = ms = frames = _rest = _frames_rest = 0

    def move(self, us):
        Clock.us = ticks.ticks_add(Clock.us, us)
        Clock._rest += us
        while Clock._rest >= 1000:
            Clock._rest -= 1000
            Clock.ms = ticks.ticks_add(Clock.ms, 1)
            Clock.frames += RATE // 1000


def now_us():
    return Clock.us


def now_ms():
    return Clock.ms


def sleep_ms(ms):
    clock.move(1000 * ms)


clock = Clock()
# Before any module takes them from there.
ticks.ticks_us, ticks.ticks_ms, ticks.sleep_ms = now_us, now_ms, sleep_ms

from chips.i2s import Bench  # noqa: E402

import tinysense  # noqa: E402
from tinysense.drivers.i2s_microphone import I2SMicrophone  # noqa: E402
from tinysense.native import core  # noqa: E402

tinysense.Pipeline, tinysense.load  # noqa: B018 (all code is there before memory is counted)


@micropython.viper
def mix(words: ptr32, first: int, n: int, clips: ptr16, how: ptr32):  # noqa: F821
    """n words from the first on. how: noise's state; place in the clip, which moves on; gain in
    1/256, and level of the noise."""
    x = int(how[0])
    at = int(how[1])
    gain = int(how[2])
    level = int(how[3])
    i = first
    end = first + n
    while i < end:
        x = (x * 17405 + 10395331) & 0xFFFFFF
        value = int(clips[at])
        at += 1
        value -= (value & 0x8000) << 1
        value = (value * gain >> 8) + (((x >> 8) - 32768) * level >> 15)
        if value > 32767:  # noqa: PLR1730 (the builtins take objects)
            value = 32767
        if value < -32768:  # noqa: PLR1730
            value = -32768
        words[i] = value << 16
        i += 1
    how[0] = x
    how[1] = at


class Made:
    """machine.I2S as it is on rp2: blocks of 16 frames, of which the newest are lost."""

    RX, MONO, STEREO = 0, 0, 1
    clips = None  # seconds of int16
    made = None

    def __init__(self, number, ibuf=0, **given):
        self.capacity = (ibuf - 1) // 8 // BLOCK * BLOCK
        self.taken = self.lost = self.calls = 0
        self._began = Clock.frames
        self._how = array("i", (0, 0, 0, 0))
        self._random = 1
        self._left = 0  # of this second
        Made.made = self

    def ioctl(self, request, flags):
        return 0

    def deinit(self):
        pass

    def readinto(self, buf, size):
        self.calls += 1
        waiting = (Clock.frames - self._began) // BLOCK * BLOCK - self.taken - self.lost
        if waiting > self.capacity:
            self.lost += waiting - self.capacity
            waiting = self.capacity
        n, done = min(size // 4, waiting), 0
        while done < n:
            if self._left == 0:
                self._next()
            part = min(n - done, self._left)
            mix(buf, done, part, Made.clips, self._how)
            self._left -= part
            done += part
        self.taken += n
        return 4 * n

    def _draw(self, n):
        self._random = (self._random * 106 + 1283) % 6075  # small integers all
        return self._random * n // 6075

    def _next(self):
        """Another second: which clip, how loud, over how much noise."""
        self._how[1] = self._draw(len(Made.clips) // (2 * SECOND)) * SECOND
        self._how[2] = 16 + self._draw(400)
        self._how[3] = self._draw(300)
        self._left = SECOND


class Kept:
    """The scores of a minute, one inference after another."""

    def __init__(self, size):
        self.scores = bytearray(size)
        self.used = 0

    def add(self, scores):
        at = self.used
        for i in range(len(scores)):
            self.scores[at + i] = scores[i]
        self.used = at + len(scores)

    def crc(self):
        found = core.crc32(memoryview(self.scores)[: self.used], 0) & 0xFFFFFFFF
        self.used = 0
        return found


def hear(pipeline, kept, until, busy_us):
    """As Pipeline.run() does, until so many inferences were made."""
    while pipeline.inferences < until:
        inferences = pipeline.inferences
        pipeline.step()
        if pipeline.inferences != inferences:
            kept.add(pipeline.model.scores)
            clock.move(busy_us)
        if pipeline._idle:
            clock.move(1000 * pipeline.pause_ms())


def instructions():
    try:
        import emulated

        return emulated.instructions()
    except (ImportError, RuntimeError, AttributeError):
        return 0


def source_cost(source):
    """Instructions of one call for 20 ms."""
    raw, calls = bytearray(4 * 320), 50
    before, spent = source.calls, instructions()
    for _ in range(calls):
        clock.move(20000)
        source.readinto(raw, 4 * 320)
    spent = instructions() - spent
    source.calls = before
    return spent // calls


def run(where):
    with open(where) as f:
        case = json.load(f)
    gc.collect()
    free = getattr(gc, "mem_free", lambda: 0)()
    model = tinysense.load(case["model"])
    with open(case["clips"], "rb") as f:
        Made.clips = f.read()
    clips_bytes = len(Made.clips)
    with Bench(now_us, None) as bench:
        bench.machine.I2S = Made
        driver = I2SMicrophone({"sck": 16, "ws": 17, "sd": 18, "settle_ms": 0}, RATE * 1000,
                               platform="rp2")
    pipeline = tinysense.Pipeline(driver, model)
    per_minute = case["per_minute"]
    kept = Kept(len(model.labels) * per_minute)
    gc.collect()
    used = free - getattr(gc, "mem_free", lambda: 0)() - clips_bytes - len(kept.scores)
    grown = 0
    for minute in range(case["minutes"]):
        gc.collect()
        gc.disable()  # nothing is taken and given back
        calls, spent = Made.made.calls, instructions()
        start = gc.mem_alloc()
        hear(pipeline, kept, (minute + 1) * per_minute, case["busy_us"])
        grown += gc.mem_alloc() - start
        spent, calls = instructions() - spent, Made.made.calls - calls
        gc.enable()
        print(f"minute {minute} {kept.crc():08x} {spent} {calls}")
    told = {"frames": pipeline.frames, "dropped": pipeline.dropped, "lost": Made.made.lost,
            "inferences": pipeline.inferences, "windows": pipeline.windows,
            "events": pipeline.events, "grown": grown, "used": used, "ms": Clock.ms,
            "source": source_cost(Made.made)}
    print("told " + json.dumps(told))


if __name__ == "__main__":
    run(sys.argv[1] if len(sys.argv) > 1 else "/case.json")
