"""Counts what 20 ms of sound cost on their way through the pipeline, on an emulated board.

Runs there (see sampling.py), not under pytest. The I2S bus gives zeros, as fast as memory is:
what is counted is the package's own code, and a clock and a bus in Python (some 6,000).
"""

import json

import emulated

from tinysense import ticks

RATE = 16000
STEP_US = 20000
INFERENCE_US = 5000
WARM, STEPS = 50, 100


class Clock:
    """Ticks that this program moves."""

    us = ms = 0


def now_us():
    return Clock.us


def now_ms():
    return Clock.ms


def move(us):
    Clock.us += us
    Clock.ms = Clock.us // 1000


# Before any module takes them from there.
ticks.ticks_us, ticks.ticks_ms = now_us, now_ms

import tiny_sound  # noqa: E402
from chips.i2s import Bench  # noqa: E402

import tinysense  # noqa: E402
from tinysense.drivers.i2s_microphone import I2SMicrophone  # noqa: E402
from tinysense.native import core  # noqa: E402


class Zeros:
    """machine.I2S that receives: whole blocks of 16 frames."""

    RX, MONO, STEREO = 0, 0, 1

    def __init__(self, number, **given):
        self.taken = Clock.us // 1000 * 16

    def ioctl(self, request, flags):
        return 0

    def readinto(self, buf, size):
        n = min(size // 4, Clock.us // 1000 * 16 - self.taken)
        self.taken += n
        return 4 * n


class Heard:
    """An output that does nothing."""

    def emit(self, event):
        pass


def microphone():
    with Bench(now_us, None) as bench:
        bench.machine.I2S = Zeros
        return I2SMicrophone({"sck": 16, "ws": 17, "sd": 18, "settle_ms": 0}, RATE * 1000,
                             platform="rp2")


def core_cost(model):
    """Instructions of the core for 20 ms: features of its windows, and the model where due."""
    features = model.features
    frames = bytearray(2 * model.window)
    count = STEP_US * (RATE // 1000) // 1000 // model.hop * 2 * features.row_stride
    run, model_run, now = core.features_run, core.model_run, emulated.instructions
    spent = 0
    for _ in range(count):
        before = now()
        if run(features._feat, frames, features._work, model.input):
            model_run(model._state, model._file, model._arena)
        spent += now() - before
    return spent // (2 * features.row_stride)


def pipeline_cost(model):
    """Instructions of all that Pipeline.run() does for 20 ms but sleeping; an inference takes 5."""
    pipeline = tinysense.Pipeline(microphone(), model, [Heard()])
    spent, began = 0, Clock.us
    while Clock.us - began < (WARM + STEPS) * STEP_US:
        windows, us = pipeline.windows, 0
        before = emulated.instructions()
        pipeline.step()
        if pipeline._idle:
            us = 1000 * pipeline.pause_ms()
        if Clock.us - began > WARM * STEP_US:
            spent += emulated.instructions() - before
        move(us + (pipeline.windows - windows) * INFERENCE_US)
    assert pipeline.dropped == 0
    return spent // STEPS


def run():
    """Prints {"sound_<ms of hop>": instructions for 20 ms, but those of features and model}."""
    told = {}
    for hop_ms in (10, 20):
        model = tinysense.load(tiny_sound.build(hop=hop_ms * RATE // 1000))
        told[f"sound_{hop_ms}"] = pipeline_cost(model) - core_cost(model)
    print(json.dumps(told))
