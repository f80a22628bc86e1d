"""How good a model file is: the core on this computer, over recordings.

Windows give accuracy and a confusion matrix; streams, pushed through the
same Window, Model and Decision as on a board, give events.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense_host.dataset import Frames
from tinysense_host.errors import TinysenseError
from tinysense_host.files import write_atomically
from tinysense_host.training.folds import Example, stacked

__all__ = [
    "Confused",
    "Score",
    "Stream",
    "choose_threshold",
    "classify",
    "evaluate",
    "events_of",
    "load_windows",
    "save_windows",
    "scores_of",
    "streams_of",
]

# What numpy raises for files that are no .npz, or damaged ones; the last two for a .npy.
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, TypeError,
               AttributeError)  # fmt: skip

Scores = npt.NDArray[np.uint8]
Counts = npt.NDArray[np.int64]

THRESHOLDS = tuple(range(180, 255, 5))  # steps of 1/256, what choose_threshold tries


@dataclass(frozen=True)
class Stream:
    """Frames as a board would see them; ``label`` is what they show.

    ``long``: a real stretch of background. Others are one gesture with the
    hand at rest before and after.
    """

    frames: Frames
    label: int
    long: bool


class Confused:
    """What follows from ``confusion`` (true, given), whatever was tested; a mixin of scores."""

    confusion: Counts

    @property
    def total(self) -> int:
        """Windows or clips tested."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """Those with the true label on top."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share that is right."""
        return self.right / self.total if self.total else 0.0


@dataclass(frozen=True)
class Score(Confused):
    """What a model did with examples it was tested on.

    ``confusion`` (labels, labels): rows are true, columns given. ``false_events``
    are those over ``hours`` of long background; ``short_false`` of ``short``
    background gestures made an event. Of the gestures, streamed one by one,
    ``detected`` made exactly one event, the right one; ``missed`` none.
    """

    name: str
    labels: tuple[str, ...]
    background: tuple[str, ...]
    confusion: Counts
    false_events: int
    hours: float
    short_false: int
    short: int
    detected: int
    missed: int
    threshold: int

    @property
    def gestures(self) -> int:
        """Gestures that were streamed."""
        rows = [i for i, name in enumerate(self.labels) if name not in self.background]
        return int(self.confusion[rows].sum())


def evaluate(tsm: bytes, examples: Sequence[Example], name: str = "") -> Score:
    """Scores a model on examples it never saw (that is for the caller to see to)."""
    model = _load(tsm)
    windows, truth = stacked(examples, model.window)
    confusion = np.zeros((len(model.labels),) * 2, np.int64)
    np.add.at(confusion, (truth, classify(tsm, windows)), 1)
    background = [model.labels.index(x) for x in model.decision.get("background", ())]
    totals = _Totals()
    for stream in streams_of(examples, model.window):
        totals.add(stream, background, events_of(model, scores_of(model, stream.frames)))
    hours = totals.frames * 1000 / model.sensor.rate_mhz / 3600
    return Score(
        name, tuple(model.labels), tuple(model.decision.get("background", ())), confusion,
        totals.false_events, hours, totals.short_false, totals.short,
        totals.detected, totals.missed, _threshold_of(model),
    )  # fmt: skip


@dataclass
class _Totals:
    false_events: int = 0
    frames: int = 0
    short_false: int = 0
    short: int = 0
    detected: int = 0
    missed: int = 0

    def add(self, stream: Stream, background: Sequence[int], events: Sequence[int]) -> None:
        if stream.long:
            self.false_events += len(events)
            self.frames += len(stream.frames)
        elif stream.label in background:
            self.short += 1
            self.short_false += len(events) > 0
        else:
            self.detected += list(events) == [stream.label]
            self.missed += len(events) == 0


def _load(tsm: bytes) -> Any:
    import tinysense

    try:
        return tinysense.load(tsm)
    except ValueError as error:
        raise TinysenseError(str(error)) from error


def _threshold_of(model: Any) -> int:
    """The least threshold of all labels, read as the board reads it."""
    from tinysense import decision

    return int(min(decision.thresholds(model.labels, model.decision.get("threshold", 128))))


def classify(tsm: bytes, windows: Frames) -> Counts:
    """The label (index) with the highest score for int16 windows (n, window, channels)."""
    model = _load(tsm)
    return np.array([_scores(model, w).argmax() for w in windows], np.int64)


def _scores(model: Any, window: Frames) -> Scores:
    return np.frombuffer(bytes(model.run(np.ascontiguousarray(window, "<i2"))), np.uint8)


def scores_of(model: Any, frames: Frames) -> Scores:
    """Scores (windows, labels) of a stream, one row per hop, by the device's own Window."""
    from tinysense import Window

    ring = Window(model.window, model.hop, frames.shape[1])
    taken = np.zeros((model.window, frames.shape[1]), "<i2")
    rows = []
    for start in range(0, len(frames), model.hop):
        chunk = np.ascontiguousarray(frames[start : start + model.hop], "<i2")
        ring.push(chunk, len(chunk))
        while ring.ready():
            ring.take(taken)
            rows.append(_scores(model, taken))
    return np.array(rows, np.uint8).reshape(len(rows), len(model.labels))


def events_of(model: Any, scores: Scores, threshold: int | None = None) -> list[int]:
    """Labels (indices) of the events that the model's Decision makes of scores."""
    from tinysense import decision

    rule = model.decision
    if threshold is None:
        made = decision.for_model(model)
    else:
        hop_us = model.hop * 1000000000 // model.sensor.rate_mhz
        made = decision.Decision(
            model.labels, rule.get("smooth", 1), threshold, tuple(rule.get("background", ())),
            rule.get("refractory_ms", 0), hop_us,
        )  # fmt: skip
    found = []
    for row in scores:
        event = made.push(bytes(row))
        if event is not None:
            found.append(int(model.labels.index(event.label)))
    return found


# ---- Streams ----


def streams_of(examples: Sequence[Example], window: int) -> Iterator[Stream]:
    """Long background as recorded; everything else with a window of rest on either side."""
    whole: dict[int, list[Example]] = {}
    for e in examples:
        if e.whole is not None:
            whole.setdefault(id(e.whole), []).append(e)
            continue
        rest = np.repeat(e.frames[:1], window, 0), np.repeat(e.frames[-1:], window, 0)
        yield Stream(np.concatenate([rest[0], e.frames, rest[1]]), e.label, False)
    for parts in whole.values():
        yield _long_stream(parts, window)


def _long_stream(parts: Sequence[Example], window: int) -> Stream:
    """The tested part of a long stretch: to its end where the last window is tested."""
    stretch = parts[0].whole
    assert stretch is not None
    start, end = min(e.start for e in parts), max(e.start for e in parts) + window
    if len(stretch) - end < window:
        end = len(stretch)
    return Stream(stretch[start:end], parts[0].label, True)


def choose_threshold(tsm: bytes, examples: Sequence[Example], otherwise: int) -> int:
    """The middle of the thresholds that serve training examples (nearly) best.

    Best is where most gestures, streamed one by one, make exactly one event,
    the right one, and background makes none; the middle keeps away from both
    edges. Only to be called with examples the model was trained on: people it
    is tested on have no say. ``otherwise`` where there is nothing to choose by.
    """
    model = _load(tsm)
    background = [model.labels.index(x) for x in model.decision.get("background", ())]
    heard = [(s, scores_of(model, s.frames)) for s in _some_streams(model, examples, background)]
    if all(stream.label in background for stream, _ in heard):
        return otherwise
    shares = []
    for threshold in THRESHOLDS:
        right = [
            events_of(model, scores, threshold) == ([] if s.label in background else [s.label])
            for s, scores in heard
        ]
        shares.append(sum(right) / len(right))
    plateau = [t for t, x in zip(THRESHOLDS, shares, strict=True) if x >= max(shares) - 0.005]
    return plateau[len(plateau) // 2]


def _some_streams(
    model: Any, examples: Sequence[Example], background: Sequence[int]
) -> Iterator[Stream]:
    """All background, and evenly spread gestures: a few hundred say it well enough."""
    gestures = [e for e in examples if e.label not in background]
    step = max(1, len(gestures) // 200)
    quiet = [e for e in examples if e.label in background]
    return streams_of([*quiet, *gestures[::step]], model.window)


# ---- Windows for a proof on a board ----


def save_windows(path: Path, examples: Sequence[Example], window: int) -> int:
    """Writes test windows as .npz: windows int16 (n, window, channels), labels. Returns n."""
    windows, labels = stacked(examples, window)
    sink = io.BytesIO()
    np.savez_compressed(sink, windows=windows, labels=labels)
    write_atomically(path, sink.getvalue())
    return len(windows)


def load_windows(path: Path) -> tuple[Frames, Counts]:
    """Reads what save_windows wrote."""
    try:
        with np.load(path, allow_pickle=False) as found:
            windows, labels = found["windows"], found["labels"]
            if windows.dtype != np.int16 or windows.ndim != 3:
                raise ValueError(f"windows are {windows.dtype} {windows.shape}")
            return windows, labels.astype(np.int64)
    except _UNREADABLE as error:
        raise TinysenseError(
            f"{path} holds no test windows ({error})", "make them with `tinysense train --folds`"
        ) from error
