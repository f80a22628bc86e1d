"""Counts what watching adds to a window of a pipeline, on an emulated board.

Runs there (see sampling.py), not under pytest. The link goes nowhere: what is counted is
the package's own code, not the bytes on their way.
"""

import gc
import json

import emulated
import tiny
import tiny_sound

import tinysense
from tinysense import link, telemetry
from tinysense.drivers.replay import Feed

WARM, WINDOWS = 10, 50
CHOICES = (("events", {"scores": False}),
           ("scores", {}),
           ("signal", {"signal": "signal"}),
           ("inputs", {"signal": "signal", "inputs": True}),
           ("frames", {"signal": "frames"}))


class Nowhere:
    """A REPL's output."""

    def __init__(self):
        self.buffer = self
        self.write = len


class Clock:
    """A clock that goes by being read."""

    now = 1 << 20

    @staticmethod
    def us():
        Clock.now = Clock.now + 10000 & 0xFFFFFFF
        return Clock.now


class Plenty(Feed):
    """A driver with all the frames of so many windows, a hop at a time: as they would come."""

    def __init__(self, model, windows):
        sensor = model.sensor
        Feed.__init__(self, sensor.rate_mhz, sensor.channels, sensor.units, sensor.full_scale, 1)
        self.axes, self.left = sensor.axes, model.window + (windows - 1) * model.hop
        self._most = model.hop

    @property
    def done(self):
        return self.left == 0

    def read_into(self, buf):
        n = min(len(buf) // (2 * self.channels), self._most, self.left)
        self.left -= n
        return n


def watched(model, windows, choice):
    """Instructions of all that watch() does for so many windows."""
    model.reset()
    pipeline = tinysense.Pipeline(Plenty(model, windows), model)
    gc.collect()
    gc.disable()  # a collection costs two million, whenever it comes
    before = emulated.instructions()
    telemetry.watch(pipeline, link=link.Link(Nowhere()), **choice)
    spent = emulated.instructions() - before
    gc.enable()
    assert pipeline.windows == windows
    return spent


def run():
    """Prints {"watch_<model>_<what is sent>": instructions a window}; events: watching alone."""
    told = {}
    telemetry.sleep_ms = abs  # what is slept would count
    link.ticks_us = Clock.us  # checksums over the true time take heap or do not
    models = (("motion", tiny.build(window=128, hop=8)), ("sound", tiny_sound.build(hop=320)))
    for name, data in models:
        model = tinysense.load(data)
        for what, choice in CHOICES:
            few, many = (watched(model, n, choice) for n in (WARM, WARM + WINDOWS))
            told[f"watch_{name}_{what}"] = (many - few) // WINDOWS
    print(json.dumps(told))
