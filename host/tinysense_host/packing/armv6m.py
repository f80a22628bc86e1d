"""Constants for Cortex-M0, M0+ and M23, and what RV32IMC has in common with them.

The layouts are those of device/core/arch/scalar.h; how exactness is kept is in
device/DESIGN.md. What the kernels cannot do to the bit stays a portable op.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing.linear_add import fit
from tinysense_host.packing.packed import Packed

__all__ = ["Kernels", "pack_op", "pack_with"]

_CONV_CHANNELS, _DENSE_CHANNELS, _TAPS_UNIT = 4, 8, 3
_WIDE, _ONCE, _ROWS = 1, 2, 4                   # bits of the parameter `kernel`
_TAP_BYTES = 4                                  # of scratch, for a tap of all pixels
_NARROW_LIMIT, _WIDE_LIMIT = 1 << 20, 1 << 23   # of sums that are scaled by pieces
_HIGH_LIMIT = 1 << 29                           # by one high multiply
_BIAS_LIMIT = 1 << 23
_SHIFT_MAX = 21                                 # to the right; the zero point shifted fits 32 bits
_Array = np.ndarray


@dataclass(frozen=True)
class Kernels:
    """What differs between the two cores.

    ``weight_offset`` is added to weights of convolutions and dense layers, of
    which convolutions see x as x + ``x_offset`` and make ``pixels`` at once.
    ``pieces``: sums are scaled by pieces of the multiplier, or else by one high
    multiply.
    """

    weight_offset: int
    x_offset: int
    pixels: int
    pieces: bool


ARMV6M = Kernels(weight_offset=128, x_offset=128, pixels=2, pieces=True)


def pack_op(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """The op as this core runs it, None where it stays portable."""
    return pack_with(ARMV6M, op, tensors)


def pack_with(kernels: Kernels, op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """The op as a core with these kernels runs it."""
    packers: dict[str, Callable[[Kernels, Op, Sequence[Tensor]], Packed | None]] = {
        "CONV_2D": _pack_conv,
        "DEPTHWISE_CONV_2D": _pack_depthwise,
        "FULLY_CONNECTED": _pack_dense,
        "ADD": _pack_add,
    }
    if op.name not in packers or any(
        tensors[i].dtype != "int8" for i in (*op.inputs[:2], op.outputs[0])
    ):
        return None
    return packers[op.name](kernels, op, tensors)


# ---- sums and how they are scaled ----


@dataclass(frozen=True)
class _Channels:
    """What n channels compute: sum over K of x * taps[k] + start, scaled.

    ``taps`` is (n, K); ``kernel`` says how sums are scaled. All int64.
    """

    taps: _Array
    start: _Array
    mult: _Array
    shift: _Array
    kernel: int


def _constant(t: Tensor) -> _Array:
    assert t.data is not None
    values: _Array = t.data.astype(np.int64)
    return values


def _scale(x: _Array, mult: _Array, shift: _Array, once: bool) -> _Array:
    """ts_scale_once or ts_scale_twice of device/core/fixed.h."""
    scaled: _Array
    if once:
        n = 31 - shift
        scaled = x * mult + (np.int64(1) << (n - 1)) >> n
        return scaled
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    product = (x << left) * mult + (1 << 30) >> 31
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    scaled = product + half - ((product < 0) & (right > 0)) >> right
    return scaled


def _channels(kernels: Kernels, op: Op, tensors: Sequence[Tensor], taps: _Array, once: bool,
              act: Sequence[int]) -> _Channels | None:  # fmt: skip
    """The op's channels, None where no kernel is exact for all of them.

    A channel whose output is the same for every input becomes one without
    weights: its sums may be far beyond the limits.
    """
    x, y = tensors[op.inputs[0]], tensors[op.outputs[0]]
    bias, mult, shift = (_constant(tensors[i]) for i in op.inputs[2:5])
    n = len(taps)
    mult, shift = (np.broadcast_to(v.reshape(-1), n).copy() for v in (mult, shift))
    bias = bias.reshape(-1)
    start = bias - x.zero_point * taps.sum(1)
    low = start + np.minimum(taps * -128, taps * 127).sum(1)
    high = start + np.maximum(taps * -128, taps * 127).sum(1)
    limit = np.int64(2**31) >> np.maximum(shift, 0)
    if np.any(low < -limit) or np.any(high >= limit):
        return None     # sums that wrap
    ends = [np.clip(_scale(end, mult, shift, once) + y.zero_point, act[0], act[1])
            for end in (low, high)]  # fmt: skip
    fixed = ends[0] == ends[1]
    taps = np.where(fixed[:, None], 0, taps)
    start, mult, shift = _fixed_to(fixed, ends[0] - y.zero_point, start, mult, shift)
    largest = int(np.where(fixed, np.abs(start), np.maximum(np.abs(low), np.abs(high))).max())
    if not once and np.all(shift >= 0):
        once = True     # without a right shift there is one rounding
    below = 0 if not kernels.pieces else 9 if largest < _NARROW_LIMIT else 7
    exact = np.all(shift <= (max(below - 1, 0) if once else -1)) and np.all(shift >= -_SHIFT_MAX)
    small = np.all(np.abs(start) < _BIAS_LIMIT) and np.all(fixed | (np.abs(bias) < _BIAS_LIMIT))
    if largest >= (_WIDE_LIMIT if kernels.pieces else _HIGH_LIMIT) or not exact or not small:
        return None
    kernel = (_WIDE if below == 7 else 0) | (_ONCE if once else 0)
    return _Channels(taps, start, mult, below - shift, kernel)


def _fixed_to(fixed: _Array, steps: _Array, start: _Array, mult: _Array,
              shift: _Array) -> tuple[_Array, _Array, _Array]:  # fmt: skip
    """Where fixed: a sum, multiplier and shift that give this many steps above the zero point."""
    return (np.where(fixed, 4 * steps, start), np.where(fixed, 1 << 30, mult),
            np.where(fixed, -1, shift))  # fmt: skip


def _pad(a: _Array, axis: int, unit: int) -> _Array:
    widths = [(0, 0)] * a.ndim
    widths[axis] = (0, -a.shape[axis] % unit)
    return np.pad(a, widths)


def _blocks(c: _Channels, channels: int, tap_unit: int, weight_offset: int) -> _Array:
    """Weights and scales of ``channels`` channels after those of the channels before."""
    taps = _pad(_pad(c.taps + weight_offset, 1, tap_unit), 0, channels)
    taps = _pad(taps, 1, 4 if channels > 1 else tap_unit)
    weights = taps.reshape(-1, channels, taps.shape[1]).transpose(0, 2, 1)
    bytes_ = _pad((weights & 0xFF).astype(np.uint8).reshape(len(weights), -1), 1, 4)
    bytes_ = np.ascontiguousarray(bytes_)
    scales = np.stack([c.start << 8 | c.shift, c.mult], 1)
    scales = _pad(scales, 0, channels).reshape(len(weights), -1)
    words = (scales & 0xFFFFFFFF).astype(np.uint32)
    return np.concatenate([bytes_.view("<u4"), words], 1).reshape(-1).view(np.int32)


def _up(n: int, unit: int) -> int:
    return -(-n // unit) * unit


# ---- ops ----


def _pack_conv(kernels: Kernels, op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """CONV_2D of one group; weights are (Co, kh, kw, Ci)."""
    x, y = tensors[op.inputs[0]], tensors[op.outputs[0]]
    w = _constant(tensors[op.inputs[1]])
    if w.shape[3] != x.dims[3]:
        return None
    c = _channels(kernels, op, tensors, w.reshape(len(w), -1), False, op.params[6:8])
    if c is None:
        return None
    return _conv(kernels, op, c, w.shape[1:3], x, y)


def _conv(kernels: Kernels, op: Op, c: _Channels, kernel: tuple[int, ...], x: Tensor,
          y: Tensor) -> Packed:  # fmt: skip
    c = replace(c, start=c.start - kernels.x_offset * c.taps.sum(1))
    taps, depth = c.taps.shape[1], x.dims[3]
    pointwise = kernel == (1, 1) and op.params[:2] == (1, 1) and x.dims[1:3] == y.dims[1:3]
    scratch = _up(taps, 4) * _TAP_BYTES
    if not pointwise:
        scratch += 4 * kernel[0] + kernel[1] * depth
    return Packed("PACKED_CONV_2D", op.inputs[:1], (*op.params, *kernel, c.kernel, 0),
                  _blocks(c, _CONV_CHANNELS, 4, kernels.weight_offset), scratch,
                  kernels.pixels if pointwise else 0)  # fmt: skip


def _pack_depthwise(kernels: Kernels, op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """DEPTHWISE_CONV_2D with one output for each input channel; weights are (1, kh, kw, C).

    With one input channel it is an ordinary convolution.
    """
    x, y = tensors[op.inputs[0]], tensors[op.outputs[0]]
    w = _constant(tensors[op.inputs[1]])
    if x.dims[3] not in (1, y.dims[3]):
        return None
    c = _channels(kernels, op, tensors, w.reshape(-1, w.shape[3]).T, False, op.params[6:8])
    if c is None:
        return None
    kernel = w.shape[1:3]
    if x.dims[3] == 1:
        return _conv(kernels, op, c, kernel, x, y)
    if c.kernel == 0 and _row_by_row(op, kernel, x, y):
        c = replace(c, start=c.start + x.zero_point * c.taps.sum(1), kernel=_ROWS)
        return Packed("PACKED_DEPTHWISE_CONV_2D", op.inputs[:1], (*op.params, 3, 3, _ROWS, 0),
                      _blocks(c, 1, _TAPS_UNIT, 0))  # fmt: skip
    scratch = 4 * _up(math.prod(kernel), _TAPS_UNIT) + x.dims[3]
    return Packed("PACKED_DEPTHWISE_CONV_2D", op.inputs[:1], (*op.params, *kernel, c.kernel, 0),
                  _blocks(c, 1, _TAPS_UNIT, 0), scratch)  # fmt: skip


def _row_by_row(op: Op, kernel: tuple[int, ...], x: Tensor, y: Tensor) -> bool:
    """3x3, columns together, every column needed, one that completes an output: what the
    kernel for rows can do."""
    _, stride, _, dilation, _, pad = op.params[:6]
    width = x.dims[2]
    return (kernel == (3, 3) and stride == dilation == 1
            and width >= max(2, 3 - pad) and y.dims[2] >= width - 2 + pad)  # fmt: skip


def _pack_dense(kernels: Kernels, op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """FULLY_CONNECTED; weights are (N, K)."""
    w = _constant(tensors[op.inputs[1]])
    w = w.reshape(-1, w.shape[-1])
    c = _channels(kernels, op, tensors, w, True, op.params)
    if c is None:
        return None
    depth = w.shape[1]
    return Packed("PACKED_FULLY_CONNECTED", op.inputs[:1], (*op.params, c.kernel, depth),
                  _blocks(c, _DENSE_CHANNELS, 4, kernels.weight_offset),
                  _up(depth, 4) if depth % 4 else 0)  # fmt: skip


def _pack_add(kernels: Kernels, op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """ADD of equal shapes."""
    a, b, y = (tensors[i] for i in (*op.inputs, op.outputs[0]))
    if a.dims != y.dims or b.dims != y.dims:
        return None
    found = fit((a.zero_point, b.zero_point, y.zero_point), op.params)
    if found is None:
        return None
    numbers = (found.a_mult, found.b_mult, found.offset, found.shift)
    return Packed("PACKED_ADD", op.inputs, (*numbers, *op.params[7:9], 0, 0))
