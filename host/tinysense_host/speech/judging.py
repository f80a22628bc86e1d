"""How good a model file is on clips of words: the .tsm itself, run by the core, as on a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluate import Confused
from ..hostcore import FeatureStream, HostModel
from .clips import Clip, Sound, speakers
from .recipe import SpeechRecipe

__all__ = ["ClipScore", "judged", "scores_of", "summed"]

_LEAD_MS = 1000  # of faint noise before a clip: the front end has adapted to a quiet room
_LEAD_RMS = 30  # counts


@dataclass(frozen=True)
class ClipScore(Confused):
    """``confusion`` (true, given) over the recipe's labels, for the clips of one part."""

    name: str
    labels: tuple[str, ...]
    confusion: npt.NDArray[np.int64]
    speakers: int


def judged(recipe: SpeechRecipe, tsm: bytes, clips: Sequence[Clip], name: str = "") -> ClipScore:
    """Every clip streamed on its own: its label is that with the largest mean of scores_of()."""
    confusion = np.zeros((len(recipe.labels),) * 2, np.int64)
    model, stream = HostModel(tsm), FeatureStream(HostModel(tsm).file.feat or b"")
    for number, clip in enumerate(clips):
        found = scores_of(recipe, model, stream, clip.samples, number)
        confusion[clip.label, int(found.mean(axis=0).argmax())] += 1
    return ClipScore(name, recipe.labels, confusion, speakers(clips))


def summed(scores: Sequence[ClipScore]) -> ClipScore:
    """All parts as one score: every speaker heard once, by a model that never heard him."""
    confusion = np.sum([s.confusion for s in scores], axis=0)
    return ClipScore("all", scores[0].labels, confusion, sum(s.speakers for s in scores))


def scores_of(
    recipe: SpeechRecipe, model: HostModel, stream: FeatureStream, clip: Sound, seed: int = 0
) -> npt.NDArray[np.uint8]:
    """(inferences, labels) 0..255: those that end within tail_ms of the clip's end.

    The clip is heard in a quiet room: faint noise stands before and after it.
    """
    rng, rate, tail = np.random.default_rng(seed), recipe.rate, recipe.augmentation.tail_ms
    lead, after = rate * _LEAD_MS // 1000, rate * max(0, tail[1]) // 1000
    quiet = np.rint(rng.normal(0, _LEAD_RMS, lead + after)).astype(np.int16)
    sound = np.concatenate([quiet[:lead], clip, quiet[lead:]])
    first = lead + len(clip) + rate * tail[0] // 1000
    step = recipe.hop * recipe.front_end.step_rows
    stream.reset()
    model.reset()
    kept = []
    for number, x in enumerate(stream.inputs(sound)):
        out = model.run([x.tobytes()])[0]
        end = recipe.window + (number + 1) * step - recipe.hop
        if end >= first:
            kept.append(np.frombuffer(out, np.int8))
    return (np.stack(kept).astype(np.int16) + 128).astype(np.uint8)
