"""Recipe and clips to a quantised network and a streaming model file.

TensorFlow is imported inside the functions that need it. What the network
sees comes from the core's own feature program, in training as on the board.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinysense_host import streaming
from tinysense_host import tflite as reader
from tinysense_host.convert import convert
from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, MicroFrontend, Rows
from tinysense_host.graph import Graph
from tinysense_host.hostcore import FeatureStream
from tinysense_host.modelfile import Golden
from tinysense_host.speech.augmenting import Floats
from tinysense_host.speech.clips import Clip, Sound
from tinysense_host.speech.composing import Composer, Examples, gathered
from tinysense_host.speech.fitting import GAIN, OFFSET, Batches, Progress, fit
from tinysense_host.speech.recipe import SpeechRecipe
from tinysense_host.training.train import meta_of, quantise

__all__ = ["SpeechTrained", "front_end", "gather", "packed", "rows_by_core", "train_speech"]


@dataclass(frozen=True)
class SpeechTrained:
    """The quantised window network, the streaming model file made from it, and the last loss."""

    tflite: bytes
    tsm: bytes
    loss: float


def front_end(recipe: SpeechRecipe) -> FeatureProgram:
    """The feature program of a recipe: rows of the micro front end, ``step_rows`` an input."""
    spec = recipe.front_end
    block = MicroFrontend(
        window=recipe.window, rate_hz=recipe.rate, channels=spec.channels,
        lower_hz=spec.lower_hz, upper_hz=spec.upper_hz, pcan=spec.pcan,
    )  # fmt: skip
    blocks = (block, Rows(spec.step_rows, spec.step_rows))
    return FeatureProgram(1, recipe.window, recipe.hop, blocks, gain=(GAIN,), offset=(OFFSET,))


def gather(
    recipe: SpeechRecipe,
    clips: Sequence[Clip],
    noises: Sequence[Sound],
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    teacher: Callable[[Floats], Floats] | None = None,
) -> Examples:
    """Windows of rows to learn from: clips in streams, through the core's front end.

    ``teacher``: see composing.gathered.
    """
    return gathered(Composer(recipe, clips, noises, seed), rows_by_core(recipe), progress, teacher)


def rows_by_core(recipe: SpeechRecipe) -> Callable[[Sound], npt.NDArray[np.int32]]:
    """A function from a stream of sound, heard from its start, to its rows (n, channels)."""
    stream = FeatureStream(front_end(recipe).to_bytes())

    def rows_of(samples: Sound) -> npt.NDArray[np.int32]:
        stream.reset()
        return np.asarray(stream.values(samples), np.int32)

    return rows_of


def train_speech(
    recipe: SpeechRecipe,
    examples: Examples,
    clips: Sequence[Clip],
    *,
    seed: int | None = None,
    progress: Progress | None = None,
) -> SpeechTrained:
    """Trains on ``examples``, quantises and packs; golden vectors come from ``clips``."""
    seed = recipe.training.seed if seed is None else seed
    network, loss = fit(recipe, examples, seed, progress)
    tflite = quantise(network, _calibration(recipe, examples, seed))
    return SpeechTrained(tflite, packed(recipe, tflite, clips), loss)


def packed(recipe: SpeechRecipe, tflite: bytes, clips: Sequence[Clip]) -> bytes:
    """The streaming .tsm of a quantised window network, with front end, decision and vectors."""
    graph = reader.read(tflite, recipe.name)
    step = recipe.front_end.step_rows
    feat = _quantised(recipe, graph).to_bytes()
    meta = meta_of(recipe, tflite, recipe.decision.threshold)
    labels = list(recipe.labels)
    # The vectors need the model's first states, which a draft without vectors has.
    golden = _golden(recipe, tflite, streaming.stream(graph, step), feat, clips)
    return convert(graph, meta=meta, feat=feat, labels=labels, golden=golden, stream=step)


def _calibration(recipe: SpeechRecipe, examples: Examples, seed: int) -> Floats:
    """Representative inputs (n, rows, channels): examples as they are."""
    return Batches(recipe, examples, seed + 1).plain(recipe.training.calibration)[0]


def _quantised(recipe: SpeechRecipe, graph: Graph) -> FeatureProgram:
    """The feature program for the network's own input quantisation."""
    quant = graph.tensors[graph.inputs[0]].quant
    if quant is None:
        raise TinysenseError("the trained network has no quantised input")
    return front_end(recipe).quantised(float(quant.scale[0]), int(quant.zero_point[0]))


def _golden(
    recipe: SpeechRecipe, tflite: bytes, streamed: streaming.Streamed, feat: bytes,
    clips: Sequence[Clip],
) -> Golden | None:  # fmt: skip
    """Golden vectors: consecutive steps of a clip, inputs by the core's front end."""
    count, step = recipe.training.golden, recipe.front_end.step_rows
    if count == 0:
        return None
    frames = recipe.window + (step - 1) * recipe.hop
    clip = next((c for c in clips if c.label not in recipe.background), clips[0])
    sound = np.resize(clip.samples, count * frames)
    windows = sound.reshape(count, frames, 1)
    stream = FeatureStream(feat)
    shape = streamed.graph.tensors[streamed.graph.inputs[0]].shape
    steps = np.stack([stream.new_rows(w) for w in windows]).reshape(count, *shape)
    return streaming.golden(tflite, streamed, steps, windows)
