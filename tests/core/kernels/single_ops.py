"""Random models of one op, boundaries first: what every target's kernels are compared on.

Each generator gives (name, ModelFile) pairs for ever, the same for the same
seed. Shapes run through the lists below so that every value is met early;
scales, zero points, bounds and biases are mostly as converters make them, and
now and then as bad as the loader lets through.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinysense_host.modelfile import ModelFile, Op, Tensor

Named = tuple[str, ModelFile]

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 66, 67)
SIDES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 16, 17)
KERNELS = ((1, 1), (3, 3), (1, 3), (3, 1), (2, 2), (5, 5), (1, 4), (10, 4), (7, 1), (1, 9), (2, 5))
STRIDES = ((1, 1), (2, 2), (1, 2), (2, 1), (3, 3), (1, 5))
DILATIONS = ((1, 1), (1, 1), (1, 1), (2, 2), (1, 3), (3, 1))
MULTIPLIERS = (1, 1, 1, 2, 3, 4)
BOUNDS = ((-128, 127), (-128, 127), (-100, 99), (0, 127), (-128, -128), (127, 127), (5, 6))
ZERO_POINTS = (-128, -127, -1, 0, 1, 3, 127)
ROWS = (1, 1, 1, 2, 3)
WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 250, 640)
MACS_MAX = 150_000
FAR_BIASES = (2**31 - 1, -(2**31), 2**30, -(2**24), 2**20, 0)
FAR_MULTS = (0, 1, 2**30 - 1, 2**30, 2**30 + 1, 2**31 - 1)


class Source:
    """Random choices; every list is walked through once, shuffled, before it repeats."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._left: dict[tuple[Any, ...], list[Any]] = {}

    def one(self, values: tuple[Any, ...]) -> Any:
        left = self._left.setdefault(values, [])
        if not left:
            left.extend(values[i] for i in self.rng.permutation(len(values)))
        return left.pop()

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def between(self, low: int, high: int) -> int:
        """low .. high."""
        return int(self.rng.integers(low, high + 1))

    def zero_point(self) -> int:
        return self.one(ZERO_POINTS) if self.chance(0.5) else self.between(-128, 127)

    def weights(self, *shape: int) -> np.ndarray:
        """int8: uniform, small, or nothing but extremes; some filters all zero."""
        kind = self.one(("uniform", "uniform", "small", "extremes", "low"))
        if kind == "extremes":
            w = self.rng.choice(np.array([-127, 127], np.int8), shape)
        elif kind == "low":
            w = np.full(shape, -128, np.int8)
        else:
            w = self.rng.integers(*((-127, 128) if kind == "uniform" else (-9, 10)), shape)
        w = w.astype(np.int8)
        if self.chance(0.1):
            w[..., 0] = 0
        return w

    def bias(self, n: int, taps: int) -> np.ndarray:
        b = self.rng.normal(0, 3000 * math.sqrt(taps), n).astype(np.int64)
        if self.chance(0.08):
            b[self.between(0, n - 1)] = self.one(FAR_BIASES)
        return b.astype(np.int32)

    def scales(self, n: int, taps: int) -> tuple[np.ndarray, np.ndarray]:
        """(mult, shift) that bring sums of ``taps`` products into about +-100; or far from it."""
        mult = self.rng.integers(2**30, 2**31, n).astype(np.int32)
        level = round(math.log2(60 / (5500 * math.sqrt(taps))))
        shift = self.rng.integers(level - 2, level + 3, n)
        if self.chance(0.1):
            mult[self.between(0, n - 1)] = self.one(FAR_MULTS)
        if self.chance(0.1):
            shift[self.between(0, n - 1)] = self.between(-31, 30)
        if self.chance(0.03):
            shift[:] = self.one((0, 1, 7, 30, -31))
        return mult, np.clip(shift, -31, 30).astype(np.int8)


def arena_apart(tensors: list[Tensor]) -> tuple[list[Tensor], int]:
    """Activations one after another."""
    placed, at = [], 0
    for t in tensors:
        placed.append(t if t.constant else Tensor(t.dtype, t.shape, at, t.zero_point, t.scale))
        at += 0 if t.constant else -(-t.nbytes // 4) * 4
    return placed, at


def model(tensors: list[Tensor], op: Op, n_inputs: int) -> ModelFile:
    """A portable model of one op with one output, its activations apart."""
    placed, arena = arena_apart(tensors)
    return ModelFile({"name": op.name.lower(), "labels": []}, placed, [op], n_inputs, 1, arena)


def constant(values: np.ndarray) -> Tensor:
    return Tensor(str(values.dtype), values.shape, data=values)


def weighted(s: Source, name: str, x: tuple[int, ...], y: tuple[int, ...], w: np.ndarray, n: int,
             params: tuple[int, ...], scales: int | None = None) -> ModelFile:  # fmt: skip
    """x -> y with weights; ``n`` biases."""
    taps = w.size // n
    mult, shift = s.scales(scales or n, taps)
    tensors = [
        Tensor("int8", x, zero_point=s.zero_point(), scale=0.5),
        Tensor("int8", y, zero_point=s.zero_point(), scale=0.5),
        constant(w), constant(s.bias(n, taps)), constant(mult), constant(shift),
    ]  # fmt: skip
    return model(tensors, Op(name, (0, 2, 3, 4, 5), (1,), (*params, *s.one(BOUNDS))), 1)


def axis(s: Source, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """(inputs, padding before, outputs): valid, same, or whatever the loader allows."""
    reach = (kernel - 1) * dilation
    size = s.one(SIDES)
    kind = s.one(("valid", "same", "same", "any"))
    if kind == "valid":
        size = max(size, reach + 1)
        return size, 0, (size - reach - 1) // stride + 1
    if kind == "same":
        out = -(-size // stride)
        return size, max(0, (out - 1) * stride + reach + 1 - size) // 2, out
    pad = s.between(0, reach)
    return size, pad, s.between(1, (size - 1 + pad) // stride + 1)


def convolutions(seed: int = 0) -> Iterator[Named]:
    """CONV_2D: all kernels, strides, dilations, paddings; groups and batches now and then."""
    s = Source(seed)
    for i in itertools.count():
        kernel, stride, dilation = s.one(KERNELS), s.one(STRIDES), s.one(DILATIONS)
        stride = (1, 1) if kernel == (1, 1) and s.chance(0.6) else stride
        (h, top, oh), (w, left, ow) = (axis(s, *z) for z in zip(kernel, stride, dilation, strict=True))
        groups = s.one((2, 3)) if s.chance(0.1) else 1
        depth, out = s.one(CHANNELS), s.one(CHANNELS)
        if groups > 1:
            depth, out = min(depth, 9), groups * -(-min(out, 24) // groups)
        if oh * ow * out * math.prod(kernel) * depth > MACS_MAX:
            depth, out = s.between(1, 9), groups * s.between(1, 6)
        n = s.one(ROWS) if s.chance(0.2) else 1
        yield f"conv {seed}.{i} {kernel} {stride} {dilation}", weighted(
            s, "CONV_2D", (n, h, w, depth * groups), (n, oh, ow, out),
            s.weights(out, *kernel, depth), out, (*stride, *dilation, top, left))  # fmt: skip


def pointwise(seed: int = 0) -> Iterator[Named]:
    """CONV_2D 1x1: all channel counts against each other."""
    s = Source(seed)
    for i in itertools.count():
        depth, out = s.one(CHANNELS), s.one(CHANNELS)
        h, w = s.one(SIDES), s.one(SIDES)
        h = 1 if h * w * depth * out > MACS_MAX else h
        yield f"pointwise {seed}.{i} {depth}->{out}", weighted(
            s, "CONV_2D", (1, h, w, depth), (1, h, w, out), s.weights(out, 1, 1, depth), out,
            (1, 1, 1, 1, 0, 0))  # fmt: skip


def depthwise(seed: int = 0) -> Iterator[Named]:
    """DEPTHWISE_CONV_2D: 3x3 as often as all other kernels together."""
    s = Source(seed)
    for i in itertools.count():
        kernel = (3, 3) if s.chance(0.5) else s.one(KERNELS)
        stride, dilation = s.one(STRIDES), s.one(DILATIONS)
        (h, top, oh), (w, left, ow) = (axis(s, *z) for z in zip(kernel, stride, dilation, strict=True))
        channels, multiplier = s.one(CHANNELS), s.one(MULTIPLIERS)
        n = s.one(ROWS) if s.chance(0.2) else 1
        out = channels * multiplier
        yield f"depthwise {seed}.{i} {kernel} {stride} {dilation} x{multiplier}", weighted(
            s, "DEPTHWISE_CONV_2D", (n, h, w, channels), (n, oh, ow, out),
            s.weights(1, *kernel, out), out, (*stride, *dilation, top, left))  # fmt: skip


def fully_connected(seed: int = 0) -> Iterator[Named]:
    """FULLY_CONNECTED: widths around powers of two, one scale or one for each output."""
    s = Source(seed)
    for i in itertools.count():
        k = s.one(WIDTHS) if s.chance(0.5) else s.between(1, 67)
        n, m = s.one(CHANNELS), s.one(ROWS)
        yield f"fully_connected {seed}.{i} {m}x{k}->{n}", weighted(
            s, "FULLY_CONNECTED", (m, k), (m, n), s.weights(n, k), n, (),
            1 if s.chance(0.3) else None)  # fmt: skip


def _add_scale(s: Source, real: float) -> tuple[int, int]:
    mantissa, exponent = math.frexp(real)
    mult = round(mantissa * 2**31)
    return (mult // 2, exponent + 1) if mult == 2**31 else (mult, exponent)


def additions(seed: int = 0) -> Iterator[Named]:
    """ADD with the parameters TFLite makes of two input scales and one output scale."""
    s = Source(seed)
    for i in itertools.count():
        shape = (1, s.one(SIDES), s.one(SIDES), s.one(CHANNELS))
        other = (1, 1, 1, shape[3]) if s.chance(0.15) else shape
        a, b, y = (2.0 ** s.rng.uniform(-4, 4) for _ in range(3))
        top = 2 * max(a, b)
        scales = [_add_scale(s, v) for v in (a / top, b / top, min(top / (y * 2**20), 0.999))]
        tensors = [Tensor("int8", shape, zero_point=s.zero_point(), scale=a),
                   Tensor("int8", other, zero_point=s.zero_point(), scale=b),
                   Tensor("int8", shape, zero_point=s.zero_point(), scale=y)]  # fmt: skip
        params = (20, *itertools.chain.from_iterable(scales), *s.one(BOUNDS))
        yield f"add {seed}.{i} {shape}", model(tensors, Op("ADD", (0, 1), (2,), params), 2)


GENERATORS: dict[str, Callable[[int], Iterator[Named]]] = {
    "conv": convolutions, "pointwise": pointwise, "depthwise": depthwise,
    "fully_connected": fully_connected, "add": additions,
}  # fmt: skip


def inputs_for(m: ModelFile, seed: int = 0) -> tuple[bytes, ...]:
    """Sets of inputs: random, all lowest, all highest, and nothing but the two extremes."""
    rng = np.random.default_rng(seed)
    n = sum(t.nbytes for t in m.inputs)
    sets = (rng.integers(0, 256, n), np.full(n, 128), np.full(n, 127), rng.choice([127, 128], n))
    return tuple(x.astype(np.uint8).tobytes() for x in sets)
