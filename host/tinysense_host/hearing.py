"""Gives a .tflite ears: front end, rows, sensor, decision and golden vectors for a .tsm.

What the network takes is in its input tensor: rows of the front end's values, quantised.
What a score is worth comes from a manifest (microWakeWord's), or is a start that
`tinysense tune` betters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinysense_host import streaming
from tinysense_host.convert import default_labels
from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram
from tinysense_host.features.rows import ROWS_MAX
from tinysense_host.frontends import RATE_HZ, SENSOR, FrontEnd
from tinysense_host.graph.states import fold_states
from tinysense_host.hostcore import FeatureStream
from tinysense_host.manifest import Manifest
from tinysense_host.tflite import reference

if TYPE_CHECKING:
    from tinysense_host.graph import Graph
    from tinysense_host.modelfile import Golden
    from tinysense_host.streaming import Streamed

__all__ = [
    "BACKGROUND", "Hearing", "attach", "attach_by_manifest", "decision_for", "golden",
    "speech_like",
]  # fmt: skip

# Labels that never make an event, as data sets and recipes spell them.
BACKGROUND = frozenset(
    ("silence", "unknown", "background", "background_noise", "negative", "noise", "other")
)
_STEPS_A_WINDOW = 10  # inferences while the rows of an input are replaced once


@dataclass(frozen=True)
class Hearing:
    """What a .tsm gets so that it hears: FEAT's program, META's entries, labels."""

    program: FeatureProgram
    meta: dict[str, Any]
    labels: list[str]

    @property
    def feat(self) -> bytes:
        """The FEAT section."""
        return self.program.to_bytes()


def attach(
    graph: Graph, front: FrontEnd, *, stride: int = 0, labels: Sequence[str] | None = None
) -> Hearing:
    """A front end for a network, by the shape and quantisation of its input.

    ``stride``: rows between two inferences; 0: all rows where the model keeps state (it eats
    them), else a tenth of its rows. Raises TinysenseError where the input is not int8 rows of
    the front end's values.
    """
    program = _program(graph, front, stride, 0)
    names = list(labels) if labels is not None else default_labels(_outputs(graph))
    meta = {"sensor": dict(SENSOR), "decision": decision_for(names)}
    return Hearing(program, meta, names)


def attach_by_manifest(
    graph: Graph,
    front: FrontEnd,
    manifest: Manifest,
    *,
    stride: int = 0,
    labels: Sequence[str] | None = None,
) -> Hearing:
    """As attach(), with the manifest's step, decision and wake word (the default label)."""
    if _outputs(graph) != 1:
        raise TinysenseError(
            f"the model has {_outputs(graph)} outputs: expected one, the wake word's",
            "Give --features and --labels instead of --manifest",
        )
    program = _program(graph, front, stride, manifest.step_ms)
    meta = {"sensor": dict(SENSOR), "decision": manifest.decision(),
            "warmup": manifest.warmup(program.rows.stride)}  # fmt: skip
    return Hearing(program, meta, list(labels) if labels is not None else [manifest.wake_word])


def _outputs(graph: Graph) -> int:
    return math.prod(graph.tensors[graph.outputs[0]].shape)


def _program(graph: Graph, front: FrontEnd, stride: int, step_ms: int) -> FeatureProgram:
    rows, scale, zero_point = _input_of(graph, front)
    stateful = bool(graph.states or fold_states(graph).states)
    chosen = stride or (rows if stateful else -(-rows // _STEPS_A_WINDOW))
    if not 1 <= chosen <= rows:
        raise TinysenseError(
            f"a stride of {stride} rows: expected 1 to {rows}, the rows of the model's input"
        )
    return front.quantised(front.program(rows, chosen, step_ms=step_ms), scale, zero_point)


def _input_of(graph: Graph, front: FrontEnd) -> tuple[int, float, int]:
    """(rows, scale, zero point) of the network's one input."""
    if len(graph.inputs) != 1:
        raise TinysenseError(f"the model has {len(graph.inputs)} inputs: features are for one")
    tensor = graph.tensors[graph.inputs[0]]
    shape = "x".join(map(str, tensor.shape))
    if tensor.dtype != "int8" or tensor.quant is None or len(tensor.quant.scale) != 1:
        raise TinysenseError(
            f"the input is {tensor.dtype} {shape}: features are int8 with one scale",
            "Quantise it first: --calibrate DATA",
        )
    count = math.prod(tensor.shape)
    rows = count // front.values
    if rows * front.values != count or not 1 <= rows <= ROWS_MAX:
        raise TinysenseError(
            f"the input {shape} is not made of rows of {front.values} values, "
            f"as {front.name} gives them",
            "Choose the front end that the model was trained with",
        )
    return rows, float(tensor.quant.scale[0]), int(tensor.quant.zero_point[0])


def decision_for(labels: Sequence[str]) -> dict[str, Any]:
    """A decision to start from: three inferences agree on four fifths."""
    quiet = [name for name in labels if name.strip("_").lower() in BACKGROUND]
    return {"smooth": 3, "threshold": [205] * len(labels), "background": quiet,
            "refractory_ms": 1000}  # fmt: skip


def golden(
    tflite: bytes,
    program: FeatureProgram,
    shape: Sequence[int],
    count: int,
    streamed: Streamed | None = None,
) -> Golden:
    """Golden vectors on sound like speech: features by the core, outputs by TFLite's reference
    kernels in the same order, with state.

    ``shape``: of the input tensor. ``streamed``: the streaming form, where ``tflite`` is the
    window model it was made from.
    """
    stream, frames = FeatureStream(program.to_bytes()), program.golden_frames
    sound = speech_like(count * frames)
    windows = np.stack([sound[i * frames : (i + 1) * frames, None] for i in range(count)])
    inputs = np.stack([stream.newest(w) for w in windows]).reshape(count, *shape)
    if streamed is not None:
        return streaming.golden(tflite, streamed, inputs, windows)
    return reference.golden(tflite, inputs, windows)


def speech_like(samples: int, seed: int = 0) -> np.ndarray:
    """int16 (samples,) at 16 kHz: vowels of a gliding voice, hisses and short pauses.

    A pulse train through three resonances (formants), which change about six times a second;
    the same for the same seed. It says nothing, but fills all mel bands as speech does.
    """
    rng = np.random.default_rng(seed)
    parts, total = [], 0
    while total < samples:
        parts.append(_syllable(rng, int(rng.integers(1600, 3600))))
        total += len(parts[-1])
    sound: np.ndarray = np.rint(np.concatenate(parts)[:samples]).astype(np.int16)
    return sound


def _syllable(rng: np.random.Generator, n: int) -> np.ndarray:
    """A pause, a hiss or a vowel of n samples, peaks below 16,000."""
    kind, t = rng.random(), np.arange(n) / RATE_HZ
    envelope = np.sin(np.pi * np.arange(n) / n) ** 0.7
    if kind < 0.15:
        return rng.normal(0, 12, n)
    if kind < 0.35:
        hiss = np.diff(rng.normal(0, 1, n + 1))
        return np.asarray(np.clip(hiss * envelope * 900, -8000, 8000))
    pitch = rng.uniform(90, 240) * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(1, 4) * t))
    pulses = np.diff(np.floor(np.cumsum(pitch) / RATE_HZ), prepend=0.0)
    voice = pulses + rng.normal(0, 0.01, n)
    for hz, width in zip(rng.uniform((250, 800, 2100), (900, 2200, 3200)), (70, 110, 170),
                         strict=True):  # fmt: skip
        voice = _resonated(voice, float(hz), width)
    loudness = rng.uniform(1500, 15000) / max(1e-9, np.abs(voice * envelope).max())
    return np.asarray(voice * envelope * loudness)


def _resonated(x: np.ndarray, hz: float, width_hz: float) -> np.ndarray:
    """Two poles at ``hz``, gain 1 at 0 Hz."""
    radius = math.exp(-math.pi * width_hz / RATE_HZ)
    a1, a2 = -2 * radius * math.cos(2 * math.pi * hz / RATE_HZ), radius * radius
    gain, y1, y2, out = 1 + a1 + a2, 0.0, 0.0, np.empty(len(x))
    for i, v in enumerate(x):
        y1, y2 = gain * float(v) - a1 * y1 - a2 * y2, y1
        out[i] = y1
    return out
