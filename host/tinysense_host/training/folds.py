"""Segments to examples, and examples to folds by person: never by window.

Negative recordings often have no person. They are shared out so that every
fold tests on files that its training never saw: a fold without negatives of
its own person gets one file; where there are fewer files than folds, the file
with most examples is cut into two contiguous halves, and both folds leave the
whole file out of training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinysense.channels import spoken
from tinysense_host.dataset import Dataset, Frames, Recording, place, rescale
from tinysense_host.errors import TinysenseError
from tinysense_host.training.recipe import Reading, Recipe

__all__ = ["Example", "Fold", "examples_of", "folds_of", "stacked"]

# A device whose clock is off by this much still fits (device/tinysense/features.py).
_RATE_TOLERANCE = 0.05


@dataclass(frozen=True, eq=False)
class Example:
    """One gesture, or one window of a long background recording.

    ``frames`` (n, channels) at the model's scale. ``whole``: the long stretch
    that a window was cut from at frame ``start``; None for others.
    ``origin``: who must not be in training and test at once.
    """

    frames: Frames
    label: int
    person: str
    recording: str
    start: int = 0
    whole: Frames | None = None

    @property
    def origin(self) -> str:
        """The person, or the recording where nobody is named."""
        return f"person {self.person}" if self.person else f"recording {self.recording}"


@dataclass(frozen=True)
class Fold:
    """``name``: the person (or session) that is tested and was never trained on."""

    name: str
    train: list[Example]
    test: list[Example]


def examples_of(dataset: Dataset, by: Recipe | Reading) -> list[Example]:
    """Labelled segments as examples; background longer than two windows is cut up."""
    reading = by.reading if isinstance(by, Recipe) else by
    found: list[Example] = []
    checked: set[str] = set()
    for segment in dataset.segments():
        if segment.label not in reading.labels:
            raise TinysenseError(
                f"recording {segment.recording.id!r} is labelled {segment.label!r}",
                f"{reading.who} knows {', '.join(reading.labels)}",
            )
        if segment.recording.id not in checked:
            _check_recording(segment.recording, reading)
            checked.add(segment.recording.id)
        label = reading.labels.index(segment.label)
        who = segment.person if reading.fold_by == "person" else segment.session
        for start, end in segment.recording.stretches(segment.start, segment.end):
            frames = rescale(
                segment.recording.frames[start:end],
                segment.recording.scale,
                reading.sensor.full_scale,
            )
            found += _cut(frames, label, who, segment.recording.id, reading)
    if not found:
        raise TinysenseError(f"{dataset.path} holds no labelled frames", "label recordings first")
    return found


def _cut(
    frames: Frames, label: int, who: str, recording: str, reading: Reading
) -> list[Example]:
    window = reading.window
    if label not in reading.background or len(frames) <= 2 * window:
        return [Example(frames, label, who, recording)]
    return [
        Example(frames[at : at + window], label, who, recording, at, frames)
        for at in range(0, len(frames) - window + 1, window)
    ]


def _check_recording(recording: Recording, reading: Reading) -> None:
    want = reading.sensor
    off = abs(recording.rate_mhz - want.rate_mhz) / want.rate_mhz
    if off > _RATE_TOLERANCE:
        raise TinysenseError(
            f"recording {recording.id!r} has {recording.rate_mhz / 1000:g} Hz, "
            f"{reading.who} wants {want.rate_hz:g} Hz",
            "record again at that rate, or take another recipe",
        )
    if recording.units != want.units or recording.channels != want.channels:
        raise TinysenseError(
            f"recording {recording.id!r} has channels {' '.join(recording.channels)} in "
            f"{spoken(recording.units) or 'no units'}, {reading.who} wants "
            f"{' '.join(want.channels)} in {spoken(want.units)}",
            "import it again with its units, or take another recipe",
        )


def folds_of(examples: Sequence[Example], background: Sequence[int]) -> list[Fold]:
    """One fold per person; background without a person is shared out as said above."""
    people = sorted({e.person for e in examples if e.person and e.label not in background})
    if len(people) < 2:
        raise TinysenseError(
            f"folds by person need two people or more, there is {len(people)}",
            "capture or import with --person",
        )
    shared = _share(examples, people, background)
    folds = []
    for name in people:
        extra = shared.get(name, [])
        origins = {f"person {name}"} | {e.origin for e in extra}
        test = [e for e in examples if e.person == name] + extra
        folds.append(Fold(name, [e for e in examples if e.origin not in origins], test))
    return folds


def _share(
    examples: Sequence[Example], people: Sequence[str], background: Sequence[int]
) -> dict[str, list[Example]]:
    """Background of nobody, by the person whose fold tests it: most to those with most."""
    nobody: dict[str, list[Example]] = {}
    for e in examples:
        if e.label in background and e.person not in people:
            nobody.setdefault(e.origin, []).append(e)
    provided = {e.person for e in examples if e.label in background}
    takers = [p for p in people if p not in provided] or list(people)
    units = sorted(nobody.items())
    while units and len(units) < len(takers):
        name, most = max(units, key=lambda unit: (len(unit[1]), unit[0]))
        if len(most) < 2:
            break
        units.remove((name, most))
        half = (len(most) + 1) // 2
        units += [(name, most[:half]), (name, most[half:])]
    units.sort(key=lambda unit: (-len(unit[1]), unit[0], unit[1][0].start))
    tests = {p: sum(e.person == p for e in examples) for p in takers}
    takers.sort(key=lambda p: (-tests[p], p))
    shared: dict[str, list[Example]] = {}
    for number, (_, unit) in enumerate(units):
        shared.setdefault(takers[number % len(takers)], []).extend(unit)
    return shared


def stacked(examples: Sequence[Example], window: int) -> tuple[Frames, np.ndarray]:
    """Windows (n, window, channels) with each example in the middle, and labels (n,)."""
    windows = np.stack([place(e.frames, window) for e in examples])
    return windows, np.array([e.label for e in examples], np.int64)
