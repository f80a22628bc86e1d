"""A pipeline that tells the host what it sees while it runs: frames, inputs, scores, events.

    watch(pipeline, signal=True)

What is sent is chosen by whoever watches; all of it in frames of tinysense.link.
"""

import json
import struct
from array import array

from .copying import copy_bytes
from .features import Features
from .link import HEAD, MAX_PAYLOAD, SILENT_MS, Link, facts, frames_per_message, silent
from .ticks import sleep_ms, ticks_diff, ticks_ms

SIGNAL, FRAMES = "signal", "frames"

_STATUS_MS = 1000
_FRAMES_MS, _SIGNAL_MS = 100, 200  # of frames in a message
_BLOCK_BYTES = 1024  # of frames kept, and searched for extremes at a time
_STATS, _EXTREMES = 17, 24  # kind of the feature block, its bits for least and greatest


def watch(pipeline: "Pipeline", seconds: "float" = None, link: Link = None, scores: bool = True,
          signal: str = "", inputs: bool = False) -> None:
    """Runs a pipeline and sends its events and counters, for a time or until it ends.

    scores: those of every window. signal: "signal" for the extremes of every fifth of a
    second, "frames" for the driver's frames themselves. inputs: what features made of a
    window, its newest rows where it has rows, cut to what a message holds.
    Ctrl-C ends it too. seconds counts by the driver's frames.
    """
    link = link or Link()
    driver = pipeline.driver
    link.hello(_described(pipeline))
    wanted = -1 if seconds is None else int(seconds * driver.rate_mhz / 1000 + 0.5)
    tap = Tap(pipeline, link, signal, inputs) if signal or inputs else None
    why = "done"
    try:
        _watch(pipeline, wanted, link, scores)
    except KeyboardInterrupt:
        why = "stopped"
    except Exception as e:
        why = "%s: %s" % (type(e).__name__, e)
        raise
    finally:
        if tap is not None:
            tap.close()
        link.end({"frames": pipeline.frames, "lost": pipeline.dropped, "why": why,
                  "windows": pipeline.windows, "events": pipeline.events,
                  "errors": driver.errors})


def _described(pipeline):
    """What HELLO says; thresholds only where they find room beside the labels."""
    model, decision = pipeline.model, pipeline.decision
    told = facts(pipeline.driver)
    told["model"], told["labels"] = model.name, list(model.labels)
    told["window"], told["hop"] = model.window, model.hop
    rows = model.features.rows
    told["row"] = model.features.row_outputs if rows > 1 else 0
    more = dict(told)
    more["thresholds"], more["background"] = list(decision.threshold), list(decision.background)
    return more if len(json.dumps(more).encode()) <= MAX_PAYLOAD else told


def _watch(pipeline, wanted, link, scores):
    model, driver = pipeline.model, pipeline.driver
    scores = scores and len(model.scores) == len(model.labels)
    heard = told = ticks_ms()
    _tell(pipeline, link)
    while wanted < 0 or pipeline.frames + pipeline.dropped < wanted:
        windows, inferences, frames = pipeline.windows, pipeline.inferences, pipeline.frames
        event = pipeline.step()
        now = ticks_ms()
        if pipeline.frames != frames:
            heard = now
        elif ticks_diff(now, heard) > SILENT_MS:
            raise silent(driver)
        if ticks_diff(now, told) > _STATUS_MS:
            _tell(pipeline, link)  # a sign of life, too
            told = now
        if pipeline.windows == windows:
            if driver.done:
                break
            sleep_ms(pipeline.pause_ms())
            continue
        if scores and pipeline.inferences != inferences:
            link.scores(pipeline.windows, pipeline.dropped, model.scores)
        if event is not None:
            link.event(pipeline.windows, model.labels.index(event.label), event.score,
                       event.label, event.time)
        sleep_ms(pipeline.pause_ms())
    _tell(pipeline, link)


def _tell(pipeline, link):
    driver = pipeline.driver
    link.status(pipeline.frames, pipeline.dropped, pipeline.windows, pipeline.inferences,
                pipeline.events, driver.errors, getattr(driver, "measured_mhz", 0))


class Tap:
    """Stands between a pipeline and its features: sends the frames that come and what is made
    of them. close() sends what is left and takes it out.

    Takes its memory here. Where the core lacks the block that finds extremes (a small
    native module), frames are sent in their place.
    """

    def __init__(self, pipeline: "Pipeline", link: Link, signal: str = "", inputs: bool = False):
        self._pipeline, self._link, self._driver = pipeline, link, pipeline.driver
        self._features = features = pipeline.features
        self._adapt, self._run = features.adapt, features.run
        self.sent = self.lost = self._held = 0
        self._start = self._driver.dropped
        self._extremes = None
        if signal:
            self._take_block(signal)
            features.adapt = self._see
        if inputs:
            whole = pipeline.model.input
            new = features.row_stride * features.row_outputs if features.rows > 1 else len(whole)
            self._size, self._at = len(whole), len(whole) - new
            new = min(new, MAX_PAYLOAD - HEAD)
            self._part = memoryview(whole)[self._at : self._at + new]
            features.run = self._make

    def close(self) -> None:
        """Sends the frames gathered so far; the pipeline is as it was."""
        self._features.adapt, self._features.run = self._adapt, self._run
        if self._held and self._extremes is None:
            self._flush()

    def _take_block(self, signal):
        driver = self._driver
        self._channels, self._stride = driver.channels, 2 * driver.channels
        self._period_us = max(1, 1000000000 // driver.rate_mhz)
        most, per_ms = _BLOCK_BYTES // self._stride, driver.rate_mhz / 1000000
        self._seen, self._enough = 0, max(1, int(_SIGNAL_MS * per_ms))
        block = min(self._enough, most)
        if signal == SIGNAL:
            self._extremes = _extremes(self._channels, block)
        if self._extremes is None:
            most = min(most, frames_per_message(self._channels))
            block = max(1, min(int(_FRAMES_MS * per_ms), most))
        self._block = block
        self._frames = bytearray(block * self._stride)
        self._values, self._pairs = array("i", [0] * self._stride), array("h", [0] * self._stride)

    def _see(self, frames, n):
        """For features.adapt: the driver's frames, before they become the model's."""
        lost = self._driver.dropped - self._start
        if lost != self.lost:
            if self._held and self._extremes is None:
                self._flush()  # the gap lies before what has just been read
            self.lost = lost
        at = 0
        while at < n:
            if self._held == 0 and self._extremes is None:
                self._time = self._link.clock.before((n - at - 1) * self._period_us)
            part = min(n - at, self._block - self._held)
            copy_bytes(self._frames, self._held * self._stride, frames, at * self._stride,
                       part * self._stride)
            self._held += part
            at += part
            if self._held == self._block:
                self._flush()
        self._adapt(frames, n)

    def _flush(self):
        n = self._held
        self._held = 0
        if self._extremes is not None:
            self._search(n)
            return
        part = self._frames
        if n < self._block:  # before a gap, and at the end
            part = memoryview(part)[: n * self._stride]
        self._link.frames(part, n, self._channels, self.sent + self.lost, self.lost, self._time)
        self.sent += n

    def _search(self, n):
        """Extremes of n more frames; sent when there are enough."""
        values, extremes = self._values, self._pairs
        self._extremes.values(self._frames, values)
        if self._seen == 0:
            for i in range(self._stride):
                extremes[i] = values[i]
        else:
            for i in range(0, self._stride, 2):
                extremes[i] = min(extremes[i], values[i])
                extremes[i + 1] = max(extremes[i + 1], values[i + 1])
        self._seen += n
        if self._seen >= self._enough:
            n, self._seen = self._seen, 0
            self._link.signal(extremes, n, self._channels, self.sent + self.lost, self.lost)
            self.sent += n

    def _make(self, window, out):
        """For features.run: an input is sent before the model writes over it."""
        made = self._run(window, out)
        if made:
            self._link.input(self._pipeline.windows, self._size, self._at, self._part)
        return made


def _extremes(channels, n):
    """Features that are least and greatest of each channel in n frames; None without the block."""
    stats = struct.pack("<HHi5i", _STATS, 7, _EXTREMES, 0, 1, 0, 1 << 30, 0)
    try:
        return Features(struct.pack("<HHHHII", channels, n, n, 1, 2 * channels,
                                    (2 * channels * n + 3) // 4 * 4) + stats)
    except ValueError:
        return None
