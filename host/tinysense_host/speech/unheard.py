"""A model that hears, judged on the speakers it was not trained on: what it takes for a word.

They are two halves: a threshold is chosen on the one and told of the other, since on the
voices that it was chosen on every threshold looks too good. False accepts are counted over
their other speech, false rejects over their words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from .clips import Clip as Spoken
from .clips import part_of
from .evaluating import listened
from .material import WORD_PAUSE_S, negative_streams
from .streams import Clip, Stream, first_score_s, joined, load
from .tradeoff import Counts, Evidence, Setting, Smoothed
from .tuning import Tuned, evidence_of, setting_of, tune

if TYPE_CHECKING:
    from .course import Course

__all__ = ["counted", "half_of", "in_a_room", "judged_unheard", "unheard_evidence"]

_ROOM_RMS = 30  # counts: a quiet room


def half_of(clip: Spoken, folds: int) -> int:
    """0 or 1: where a speaker of any part belongs, by the same hash as the part."""
    return part_of(clip.speaker, 2 * folds) // folds


def unheard_evidence(
    course: Course, tsm: bytes, half: int, progress: Callable[[float], None] | None = None
) -> tuple[Evidence, Setting]:
    """Score tracks of a model file over a half of the tested part, and the file's own decision.

    The recipe's recordings of noise are among the first half. ``progress`` hears how many
    seconds are done.
    """
    model = load(tsm)
    tracks = listened(model, _streams(course, half, first_score_s(model)), progress)
    return evidence_of(model, tracks), setting_of(model)


def _streams(course: Course, half: int, first_s: float) -> Iterator[Stream]:
    recipe, rate = course.recipe, float(course.recipe.rate)
    noises = course.sources.noises if half == 0 else []
    words, rest = [], [Clip(noise[:, None], -1, False, "noise") for noise in noises]
    for one in course.clips_of(recipe.training.tested):
        if half_of(one, recipe.training.folds) != half:
            continue
        if one.label in recipe.background:
            rest.append(Clip(one.samples[:, None], one.label, False, one.path))
        else:
            words.append(Clip(one.samples[:, None], one.label, True, one.path))
    said = joined(words, rate, lead_s=first_s + WORD_PAUSE_S, pause_s=WORD_PAUSE_S)
    for number, stream in enumerate(chain(said, negative_streams(rest, rate, first_s))):
        yield in_a_room(stream, number)


def in_a_room(stream: Stream, seed: int) -> Stream:
    """Over faint white noise: what voices synthesise lies in a silence that no microphone hears."""
    faint = np.random.default_rng(seed).normal(0, _ROOM_RMS, stream.frames.shape)
    frames = np.clip(np.rint(stream.frames + faint), -32768, 32767).astype(np.int16)
    return replace(stream, frames=frames)


def judged_unheard(evidence: Evidence, setting: Setting, budget: float) -> Tuned:
    """The trade-off of false accepts and false rejects at the recipe's own smoothing."""
    return tune(evidence, setting, budget, smooths=(setting.smooth,),
                refractories=(setting.refractory_ms,))  # fmt: skip


def counted(evidence: Evidence, setting: Setting) -> Counts:
    """What a setting that was chosen elsewhere makes of some evidence."""
    return Smoothed(evidence, setting.smooth).count(setting)
