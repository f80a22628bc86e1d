"""Inputs that try a model: boundaries, random ones, and those somebody kept.

A vector is a recipe rather than bytes, so that a board can make it by itself:
a kilobyte of input per vector would take longer to send than to run.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinysense_host.modelfile import ModelFile, Tensor

__all__ = ["SUM_BYTES", "Vector", "boundary", "checksum", "materialise", "noise_bytes", "random",
           "stack"]  # fmt: skip

SUM_BYTES = 4


@dataclass(frozen=True)
class Vector:
    """One set of inputs, as the bytes of all input tensors one after another.

    kind "fill": ``data`` repeated; "noise": SHA-256 of ``data`` and a block
    counter; "bytes": ``data`` itself; "window": raw int16 frames that go
    through the model's feature program. Where those give only the newest rows
    of an input, ``whole`` is all of it. ``fresh``: the model is reset before
    it, so that state left by other vectors does not count.
    """

    name: str
    kind: str
    data: bytes
    fresh: bool = False
    whole: bytes = b""


def noise_bytes(seed: bytes, size: int) -> bytes:
    """``size`` bytes of SHA-256(seed, counter): the same on every Python there is."""
    blocks = (
        hashlib.sha256(seed + i.to_bytes(4, "little")).digest() for i in range(-(-size // 32))
    )
    return b"".join(blocks)[:size]


def checksum(tensor: bytes) -> bytes:
    """CRC-32, little-endian: what a runner tells of the input that it made of a window."""
    return zlib.crc32(tensor).to_bytes(SUM_BYTES, "little")


def materialise(vector: Vector, size: int) -> bytes:
    """The vector's bytes, ``size`` of them."""
    if vector.kind == "noise":
        return noise_bytes(vector.data, size)
    if vector.kind == "fill":
        return (vector.data * (size // len(vector.data) + 1))[:size]
    if len(vector.data) != size:
        raise ValueError(f"vector {vector.name} has {len(vector.data)} bytes, expected {size}")
    return vector.data


def boundary(model: ModelFile) -> list[Vector]:
    """All minimum, all maximum, zero points, alternating, ascending."""
    if any(t.dtype == "float32" for t in model.inputs):
        steps = (-1e3, -128.5, 0.0, 127.5, 1e3)
        return [_float_vector(model, f"all {step:g} steps", [step]) for step in steps]
    zeros = b"".join(np.array(t.zero_point, t.dtype).tobytes() * t.elements for t in model.inputs)
    limits = np.iinfo(model.inputs[0].dtype)
    low, high = (np.array(v, limits.dtype).tobytes() for v in (limits.min, limits.max))
    return [
        Vector("all minimum", "fill", low),
        Vector("all maximum", "fill", high),
        Vector("all zero points", "bytes", zeros),
        Vector("alternating", "fill", low + high),
        Vector("alternating, shifted", "fill", high + low),
        Vector("ascending", "fill", bytes(range(256))),
    ]


def random(model: ModelFile, count: int, seed: int = 0) -> list[Vector]:
    """``count`` vectors of uniform noise, the same for the same seed."""
    seeds = [f"tinysense {seed} {i}".encode() for i in range(count)]
    if not any(t.dtype == "float32" for t in model.inputs):
        return [Vector(f"random {i}", "noise", s) for i, s in enumerate(seeds)]
    rng = np.random.default_rng(seed)
    return [_float_vector(model, f"random {i}", rng.uniform(-150, 150, 4096)) for i in range(count)]


def _float_vector(model: ModelFile, name: str, steps: Sequence[float] | np.ndarray) -> Vector:
    """Floats spread over the range that the model's QUANTIZE op takes, and beyond."""
    parts = []
    for i, tensor in enumerate(model.inputs):
        unit, zero = _first_steps(model, i)
        values = (np.resize(np.asarray(steps, np.float64), tensor.elements) - zero) * unit
        parts.append(values.astype(tensor.dtype).tobytes())
    return Vector(name, "bytes", b"".join(parts))


def _first_steps(model: ModelFile, row: int) -> tuple[float, int]:
    for op in model.ops:
        if op.name == "QUANTIZE" and op.inputs[0] == row:
            target = model.tensors[op.outputs[0]]
            return target.scale, target.zero_point
    return 1.0, 0


def stack(vectors: Sequence[Vector], tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """One (n, *shape) array per input tensor, for runners that take batches."""
    size = sum(t.nbytes for t in tensors)
    rows = np.frombuffer(b"".join(materialise(v, size) for v in vectors), np.uint8)
    rows = rows.reshape(len(vectors), size)
    batches, at = [], 0
    for tensor in tensors:
        part = np.ascontiguousarray(rows[:, at : at + tensor.nbytes])
        batches.append(part.view(tensor.dtype).reshape(len(vectors), *tensor.shape))
        at += tensor.nbytes
    return batches
