"""Hard negatives: what a trained model wrongly takes for a word, so that the next one learns it.

Sung and Poggio, "Example-based learning for view-based human face detection",
1998, call it bootstrapping: of endless other sound only what is mistaken is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from ..hostcore import FeatureStream, HostModel
from .composing import Composer, Examples, Stream
from .recipe import SpeechRecipe

__all__ = ["mined", "weighted"]

_LEAST = 64             # of 255: a word's score from which on a window is worth learning
_APART_MS = 400         # between windows that are taken
_SHARE, _REPEATS = 0.3, 6


def mined(
    recipe: SpeechRecipe,
    tsm: bytes,
    composer: Composer,
    rows_of: Callable[[npt.NDArray[np.int16]], npt.NDArray[np.int32]],
    count: int,
    progress: Callable[[int, int], None] | None = None,
) -> Examples:
    """Windows in ``count`` streams without words in which the model file hears one.

    ``rows_of`` gives the rows of a stream (training.gather); the examples have the label rest.
    """
    model = HostModel(tsm)
    stream = FeatureStream(model.file.feat or b"")
    tail = recipe.augmentation.tail_ms
    spare = (tail[1] - tail[0]) // recipe.front_end.step_ms
    kept = recipe.front_end.rows + spare
    found: list[npt.NDArray[np.int16]] = []
    for number, one in enumerate(composer.negatives(count)):
        heard = _ends(recipe, _scores(model, stream, one))
        values = rows_of(one.samples) if heard else np.zeros((0, 0), np.int32)
        for end in heard:
            last = end + spare // 2
            if kept <= last <= len(values):
                found.append(values[last - kept : last].astype(np.int16))
        if progress is not None and number % 5 == 0:
            progress(number, count)
    rows = np.stack(found) if found else np.zeros((0, kept, recipe.front_end.channels), np.int16)
    taught = np.zeros((len(rows), len(recipe.labels)), np.float32)
    taught[:, recipe.rest] = 1
    return Examples(rows, np.full(len(rows), recipe.rest, np.int64), taught, spare)


def _scores(model: HostModel, stream: FeatureStream, one: Stream) -> npt.NDArray[np.uint8]:
    """(inferences, labels) of a stream from its start, warm-up included."""
    model.reset()
    stream.reset()
    outputs = [model.run([x.tobytes()])[0] for x in stream.inputs(one.samples)]
    return (np.frombuffer(b"".join(outputs), np.int8).reshape(len(outputs), -1).astype(np.int16)
            + 128).astype(np.uint8)  # fmt: skip


def _ends(recipe: SpeechRecipe, scores: npt.NDArray[np.uint8]) -> list[int]:
    """Rows heard by the moments at which a word stands highest and high enough."""
    spec = recipe.front_end
    words = np.delete(scores, list(recipe.background), axis=1).max(axis=1).astype(np.int64)
    words[: spec.rows // spec.step_rows] = 0        # not warm yet
    apart = max(1, _APART_MS // (spec.step_ms * spec.step_rows))
    ends = []
    while len(words) and words.max() >= _LEAST:
        at = int(words.argmax())
        ends.append((at + 1) * spec.step_rows)
        words[max(0, at - apart) : at + apart + 1] = 0
    return sorted(ends)


def weighted(examples: Examples, hard: Iterable[Examples], rest: int) -> Examples:
    """``examples`` with hard ones, repeated: up to a third of label ``rest`` for each round."""
    for one in hard:
        if len(one.labels) == 0:
            continue
        own = int((examples.labels == rest).sum())
        repeats = int(np.clip(own * _SHARE / len(one.labels), 1, _REPEATS))
        for _ in range(repeats):
            examples = examples.joined(one)
    return examples
