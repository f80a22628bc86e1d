"""The streaming form beside its window model: first states, proof of equality, golden vectors."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Tensor
from tinysense_host.hostcore import HostModel
from tinysense_host.modelfile import Golden
from tinysense_host.streaming.stream import Streamed, rest_value
from tinysense_host.tflite import reference

__all__ = ["golden", "prove", "settled"]

_EARLY = 8      # steps compared while the window still holds rows from before the reset
_LATE = 64      # steps compared at most once it does not


def settled(streamed: Streamed, draft: bytes) -> Streamed:
    """States begin as rows of the input's zero point, for a window long, would leave them.

    ``draft``: the .tsm of ``streamed.graph``. The first outputs after a reset are then
    those of a window model too: of a window that holds such rows and the new ones.
    """
    model = HostModel(draft)
    given = streamed.graph.tensors[streamed.graph.inputs[0]]
    step = np.full(given.shape, rest_value(given), given.dtype).tobytes()
    for _ in range(streamed.warmup + 1):
        model.run([step])
    kept = model.states()
    graph = streamed.graph
    states = {
        index: np.frombuffer(raw, value.dtype).reshape(value.shape)
        for (index, value), raw in zip(graph.states.items(), kept, strict=True)
    }
    return dataclasses.replace(streamed, graph=dataclasses.replace(graph, states=states))


def prove(streamed: Streamed, window: bytes, made: bytes) -> int:
    """Compare the two models' outputs on random rows from a reset on; how many were compared.

    ``window`` and ``made``: the .tsm of both. A difference is an error of this package.
    """
    given = streamed.graph.tensors[streamed.graph.inputs[0]]
    reference_model, model = HostModel(window), HostModel(made)
    late = min(2 * (streamed.warmup + 1), _LATE)
    compared = 0
    for seed in (0, 1):
        steps = _rows(given, streamed.warmup + late, seed)
        windows = streamed.windows(steps)
        model.reset()
        for k, step in enumerate(steps):
            found = model.run([step.tobytes()])
            if _EARLY <= k < streamed.warmup:
                continue
            if found != reference_model.run([windows[k].tobytes()]):
                raise TinysenseError(
                    f"internal error: the streaming form differs from its window model at step {k}",
                    "Please report it with the .tflite; convert it without --stream",
                )
            compared += 1
    return compared


def _rows(tensor: Tensor, count: int, seed: int) -> np.ndarray:
    """(count, *shape) random steps: of the whole range, or near the zero point."""
    rng = np.random.default_rng(seed)
    shape = (count, *tensor.shape)
    if tensor.dtype == "float32":
        return rng.normal(0, 3.0 if seed else 0.5, shape).astype(np.float32)
    limits, rest = np.iinfo(tensor.dtype), rest_value(tensor)
    if seed == 0:
        return rng.integers(limits.min, limits.max + 1, shape).astype(tensor.dtype)
    near = rest + rng.normal(0, (limits.max - limits.min) / 16, shape)
    return np.clip(np.rint(near), limits.min, limits.max).astype(tensor.dtype)


def golden(
    tflite: bytes, streamed: Streamed, steps: np.ndarray, windows: np.ndarray | None = None
) -> Golden:
    """Golden vectors of a streaming model, by TFLite's reference kernels on its window model.

    ``tflite``: the window model. ``steps`` (n, *step shape): one after another from a reset on,
    so TFLite sees the window that each ends, rows of the zero point in front. ``windows``
    (n, frames, channels) int16: the raw frames behind each step, where the model has features.
    """
    outputs = reference.run(tflite, [streamed.windows(steps)])[0]
    return reference.vectors_of(steps, outputs, windows)
