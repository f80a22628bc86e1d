"""A model's decision from recordings: fewest errors within a budget of false accepts.

What is chosen: over how many inferences scores are averaged, the threshold
of each word, and the refractory time. How: host/DESIGN.md, "Decisions over streams".
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.speech.streams import Track, events_of, load
from tinysense_host.speech.tradeoff import (
    Evidence,
    Frontier,
    Point,
    Setting,
    Smoothed,
    poisson_bound,
)

__all__ = ["Tuned", "evidence_of", "hop_us_of", "no_words", "setting_of", "smooths_of", "tune",
           "tuned_file", "verdict"]  # fmt: skip

SMOOTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50)
SMOOTH_MS = 600         # averaged over longer, a word's end comes too late
REFRACTORY_MS = (250, 500, 750, 1000, 1500, 2000)
WIDE_PER_HOUR = 10.0    # how far a trade-off curve goes at least
_LEAST, _MOST = 10, 400     # false accepts up to which a curve goes
_POINTS = 40            # of a curve
_FINALISTS = 3          # averages for which every refractory time is tried


@dataclass(frozen=True, eq=False)
class Tuned:
    """What tune() found. ``before``: the setting the model came with.

    ``best`` keeps to the budget of ``allowed`` false accepts in all; ``mute``:
    labels that it never lets speak. ``nearest``: where some are mute, the
    point with the fewest false accepts at which none is; None: there is none.
    ``curves``: points by smoothing, each with fewer errors and more false accepts.
    """

    evidence: Evidence
    budget: float
    allowed: int
    before: Point
    best: Point
    mute: tuple[str, ...]
    nearest: Point | None
    curves: dict[int, list[Point]]


# ---- what is there to choose by ----


def hop_us_of(model: Any) -> int:
    """Microseconds from one inference to the next, as the device's decision counts them."""
    frames = int(model.hop) * int(model.features.row_stride)
    return max(1, frames * 1000000000 // int(model.sensor.rate_mhz))


def evidence_of(model: Any, tracks: Sequence[Track], tolerance_s: float = 0.75) -> Evidence:
    """Tracks of ``model`` (of streams.load) as something to choose by."""
    background = tuple(model.decision.get("background", ()))
    return Evidence(tuple(model.labels), background, hop_us_of(model), model.sensor.rate_mhz,
                    tuple(tracks), tolerance_s)  # fmt: skip


def setting_of(model: Any) -> Setting:
    """What the model's decision says now, read as the board reads it."""
    from tinysense import decision

    made = decision.for_model(model)
    return Setting(made.smooth, tuple(made.threshold), model.decision.get("refractory_ms", 0))


def smooths_of(evidence: Evidence, now: int = 1) -> tuple[int, ...]:
    """Averages worth trying: up to SMOOTH_MS long, and what the model has ``now``."""
    short = {n for n in SMOOTHS if n * evidence.hop_us <= SMOOTH_MS * 1000}
    return tuple(sorted({1, now} | short))


# ---- the choice ----


def tune(
    evidence: Evidence,
    now: Setting,
    budget: float,
    *,
    smooths: Sequence[int] = (),
    refractories: Sequence[int] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Tuned:
    """The setting with the fewest errors at ``budget`` false accepts per hour at the most.

    ``now``: the model's own setting; labels of which no word was said keep
    their threshold, or get a higher one. ``smooths``, ``refractories``: what may
    be chosen from; by default what is usual. ``progress`` hears (done, all).
    """
    _expect_enough(evidence)
    allowed = int(budget * evidence.hours + 1e-9)
    wide = round(evidence.hours * max(WIDE_PER_HOUR, 10 * budget))
    most = min(_MOST, max(allowed, wide, _LEAST))
    allowed = min(allowed, most)
    smooths = tuple(smooths) or smooths_of(evidence, now.smooth)
    refractories = tuple(refractories) or tuple(sorted({*REFRACTORY_MS, now.refractory_ms} - {0}))
    usual = min(refractories, key=lambda ms: abs(ms - (now.refractory_ms or 1000)))
    firsts, curves = {}, {}
    for number, smooth in enumerate(smooths):
        found = Frontier(Smoothed(evidence, smooth), usual, most, now.threshold)
        firsts[smooth], curves[smooth] = found.at(allowed), _curve(found)
        if progress is not None:
            progress(number + 1, len(smooths))
    ranked = sorted(smooths, key=lambda n: _rank(evidence, firsts[n], usual))
    finals = {*ranked[:_FINALISTS], now.smooth} & {*smooths}
    best, curves[best.setting.smooth] = _best(
        [Smoothed(evidence, n) for n in sorted(finals)], refractories, usual, most, allowed, now
    )
    mute = _mute(evidence, best)
    nearest = None
    if mute:
        nearest = _nearest(evidence, curves) or _far(evidence, now, usual, smooths)
    before = Point(now, Smoothed(evidence, now.smooth).count(now), 0)
    return Tuned(evidence, budget, allowed, before, best, mute, nearest, curves)


def _expect_enough(evidence: Evidence) -> None:
    if evidence.hours == 0:
        raise TinysenseError("there are no negatives, so false accepts cannot be counted",
                             "give sound without the words: --negatives DIR or FILE")  # fmt: skip
    speaking = [i for i, name in enumerate(evidence.labels) if name not in evidence.background]
    if not evidence.words[speaking].sum():
        raise no_words(evidence.labels, evidence.background)


def no_words(labels: Sequence[str], background: Sequence[str]) -> TinysenseError:
    """The error for recordings without a word of the model."""
    names = ", ".join(name for name in labels if name not in background)
    return TinysenseError(f"none of the recordings holds a word of the model (expected {names})",
                          "give a folder with a subfolder of clips for each word")  # fmt: skip


def _curve(found: Frontier) -> list[Point]:
    steps = found.steps()
    chosen = {steps[i] for i in np.linspace(0, len(steps) - 1, _POINTS).round().astype(int)}
    return [found.at(step) for step in sorted(chosen)]


def _rank(evidence: Evidence, point: Point, usual: int) -> tuple[int, ...]:
    """Smaller is better: no label mute, few errors, few false accepts, far from an edge, near
    the usual refractory time, quick to answer."""
    counts, setting = point.counts, point.setting
    return (
        len(_mute(evidence, point)), counts.errors, int(counts.false.sum()), -point.margin,
        abs(setting.refractory_ms - usual), setting.smooth,
    )  # fmt: skip


def _best(
    views: Sequence[Smoothed], refractories: Sequence[int], usual: int, most: int, allowed: int,
    now: Setting,
) -> tuple[Point, list[Point]]:  # fmt: skip
    """The best point over averages and refractory times, and the curve it lies on."""
    found = [Frontier(view, ms, most, now.threshold) for view in views for ms in refractories]
    evidence = views[0].evidence
    points = [one.at(allowed) for one in found]
    at = min(range(len(points)), key=lambda i: _rank(evidence, points[i], usual))
    return points[at], _curve(found[at])


def _mute(evidence: Evidence, point: Point) -> tuple[str, ...]:
    """Labels whose words were said and never made an event."""
    counts = point.counts
    return tuple(name for i, name in enumerate(evidence.labels)
                 if name not in evidence.background and counts.words[i] and not counts.detected[i])


def _nearest(evidence: Evidence, curves: dict[int, list[Point]]) -> Point | None:
    speaking = [point for points in curves.values() for point in points
                if not _mute(evidence, point)]  # fmt: skip
    if not speaking:
        return None
    return min(speaking, key=lambda point: (int(point.counts.false.sum()), point.counts.errors))


def _far(
    evidence: Evidence, now: Setting, refractory_ms: int, smooths: Sequence[int]
) -> Point | None:
    """The nearest point where it lies beyond the curves."""
    return _nearest(evidence, {smooth: _curve(Frontier(
        Smoothed(evidence, smooth), refractory_ms, _MOST, now.threshold
    )) for smooth in smooths})


# ---- into the file, and in words ----


def tuned_file(tsm: bytes, setting: Setting, evidence: Evidence) -> bytes:
    """The model file with another decision and nothing else changed.

    Proven before it is returned: the device's own Decision, read from the new
    file, makes of all tracks the events that were counted.
    """
    from tinysense import decision

    model = ModelFile.read(tsm)
    rule = copy.deepcopy(dict(model.meta.get("decision", {})))
    old = decision.thresholds(model.labels, rule.get("threshold", 128))
    quiet = evidence.background
    threshold = [old[i] if name in quiet else setting.threshold[i]
                 for i, name in enumerate(model.labels)]  # fmt: skip
    rule |= {"smooth": setting.smooth, "threshold": threshold,
             "refractory_ms": setting.refractory_ms}  # fmt: skip
    model.meta = model.meta | {"decision": rule}
    made = model.write()
    written = load(made)
    expected = Smoothed(evidence, setting.smooth).events(setting)
    for track, events in zip(evidence.tracks, expected, strict=True):
        if events_of(track, decision.for_model(written)) != events:
            raise AssertionError(f"events of {track.name} differ from the device's Decision")
    return made


def verdict(count: int, hours: float, budget: float | None = None) -> str:
    """``count`` false accepts in ``hours`` of negatives in words, and what that proves."""
    bound = poisson_bound(count) / hours
    said = (f"{count} false accepts in {hours:.2f} h of negatives: {count / hours:.2f} per hour, "
            f"with 95 % confidence below {bound:.2f}")  # fmt: skip
    if budget and hours < poisson_bound(0) / budget:
        said += f"; to prove {budget:g} takes {poisson_bound(0) / budget:.1f} h without one"
    return said
