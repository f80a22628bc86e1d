"""Constants for Cortex-M4, M7 and M33 with the DSP extension.

The layouts are those of device/core/arch/armv7em.h; how exactness is kept is
in device/DESIGN.md. What a kernel cannot do to the bit stays a portable op.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing.linear_add import fit
from tinysense_host.packing.packed import Packed

__all__ = ["pack_op"]

_TWICE, _ONCE, _GENERAL, _NARROW = 0, 1, 2, 4  # how sums are scaled, as armv7em.h has it
_POINTWISE, _DIRECT, _COPIED = 0, 1, 2  # how a convolution reads x
_QUAD = (0, 2, 1, 3)  # order of k in a quad of widened values
_ADD_SHIFT = 21
_MANY = 4  # times as many outputs as inputs: making the last from bytes costs 5 % at most
_WIDENED_MAX = 256  # deeper inputs are read as they lie: 15 % slower, no scratch
_Array = npt.NDArray[np.int64]
_Words = npt.NDArray[np.int32]


def pack_op(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """The op as this core runs it, None where it stays portable."""
    packer = {
        "CONV_2D": _pack_conv,
        "DEPTHWISE_CONV_2D": _pack_depthwise,
        "FULLY_CONNECTED": _pack_fully_connected,
        "ADD": _pack_add,
    }.get(op.name)
    if packer is None or not _of_int8(op, tensors):
        return None
    return packer(op, tensors)


def _of_int8(op: Op, tensors: Sequence[Tensor]) -> bool:
    """Whether activations and weights are int8, and all that follows the activations constant."""
    kinds = {tensors[i].dtype for i in (*op.inputs[:2], op.outputs[0])}
    constants = () if op.name == "ADD" else op.inputs[1:5]
    return kinds == {"int8"} and all(tensors[i].constant for i in constants)


# ---- sums and how they are scaled ----


@dataclass
class _Sums:
    """What n channels compute: sums of ``taps`` (n, K) times x plus ``start``, then scaled.

    ``low`` and ``high`` bound the sums over every int8 x; all are int64.
    """

    taps: _Array
    start: _Array
    low: _Array
    high: _Array
    mult: _Array
    shift: _Array
    zero_point: _Array


def _scale(x: _Array, mult: _Array, shift: _Array, once: bool) -> _Array:
    """fixed.h's ts_scale_once or ts_scale_twice of int64 values that fit int32, shifted or not."""
    if once:
        n = 31 - shift
        return np.asarray((x * mult + (np.int64(1) << (n - 1))) >> n)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    product = ((x << left) * mult + (1 << 30)) >> 31
    half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
    return np.asarray((product + half - ((product < 0) & (right > 0))) >> right)


def _sums(op: Op, tensors: Sequence[Tensor], taps: _Array, once: bool) -> _Sums | None:
    """The op's channels; those whose output cannot vary become sums of nothing.

    None where a sum could wrap: then not even its bounds are known.
    """
    x, y = tensors[op.inputs[0]], tensors[op.outputs[0]]
    bias, mult, shift = (_constant(tensors[i]) for i in op.inputs[2:5])
    n = len(bias)
    mult, shift = np.broadcast_to(mult, n).copy(), np.broadcast_to(shift, n).copy()
    taps = taps.astype(np.int64)
    reach = np.stack([taps * (-128 - x.zero_point), taps * (127 - x.zero_point)])
    low, high = bias + reach.min(0).sum(1), bias + reach.max(0).sum(1)
    left = np.maximum(shift, 0)
    limit = np.int64(2**31) >> left
    if np.any(low < -limit) or np.any(high >= limit):
        return None
    act_low, act_high = op.params[_ACT[op.name] :][:2]
    first, last = (
        np.clip(_scale(v, mult, shift, once) + y.zero_point, act_low, act_high) for v in (low, high)
    )
    start = bias - x.zero_point * taps.sum(1)
    still = first == last
    # A multiplier of 0 leaves the zero point's place: a shift of 1 under the value itself.
    for values, instead in ((taps, 0), (start, 0), (low, 0), (high, 0), (mult, 0), (shift, -1)):
        values[still] = instead
    zero_point = np.where(still, first, y.zero_point)
    return _Sums(taps, start, low, high, mult, shift, zero_point)


_ACT = {"CONV_2D": 6, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 0}


def _constant(t: Tensor) -> _Array:
    assert t.data is not None
    return t.data.reshape(-1).astype(np.int64)


def _finish(s: _Sums, once: bool) -> int | None:
    """The kernel's scaling that is exact for every channel, None where none is."""
    right = -s.shift
    most = np.maximum(np.abs(s.low), np.abs(s.high))
    if np.all(right >= 1):
        product = (most * s.mult >> 31) + 2
        room = product + (np.int64(1) << (right - 1)) + (np.abs(s.zero_point) << right)
        fits = (most < 2**30) & (room < 2**31)
        return (_ONCE if once else _TWICE) if np.all(fits) else None
    lefts, rights, _ = _general(s, once)
    product = ((most << lefts) * s.mult >> 32) + 2
    room = product + (np.int64(1) << (rights - 1)) + (np.abs(s.zero_point) << rights)
    fits = (lefts < 31) & (most << np.minimum(lefts, 31) < 2**31) & (room < 2**31)
    return _GENERAL if np.all(fits) else None


def _general(s: _Sums, once: bool) -> tuple[_Array, _Array, _Array]:
    """Left shift, right shift and round of each channel in TS_GENERAL.

    Without a right shift there is one rounding only, which the kernel makes as
    a floored product and a shift by 1: two places more to the left.
    """
    one = s.shift >= 0
    left = np.where(one, 2 + s.shift, 1)
    return left, np.where(one, 1, -s.shift), np.where(one | once, 0, -(2**31))


def _scaling(s: _Sums, finish: int, once: bool) -> _Array:
    """Rows of mult, offset, shift (and left shift, round) for n channels, int64."""
    left, right, rounds = _general(s, once)
    offset = (np.int64(1) << (right - 1)) + (s.zero_point << right)
    offset = np.where(s.mult == 0, s.zero_point << right, offset)
    columns = [s.mult, offset, right]
    return np.stack(columns + [left, rounds] if finish == _GENERAL else columns, 1)


# ---- dense ops ----


def _pairs_fit(s: _Sums) -> bool:
    """Whether two channels fit one lane: see armv7em.h."""
    even, odd = s.taps[0::2], s.taps[1::2]
    lane = 256 * odd + even
    most = np.maximum(np.abs(s.low[1::2]), np.abs(s.high[1::2]))
    return bool(np.all(np.abs(lane + 0.5) < 2**15) and np.all(most < 2**23))


def _filled(s: _Sums, unit: int) -> _Sums:
    """With channels of nothing, up to a multiple of ``unit``."""
    more = -len(s.taps) % unit
    taps = np.pad(s.taps, ((0, more), (0, 0)))
    start, low, high, mult = (np.pad(v, (0, more)) for v in (s.start, s.low, s.high, s.mult))
    shift = np.pad(s.shift, (0, more), constant_values=-1)
    return _Sums(taps, start, low, high, mult, shift, np.pad(s.zero_point, (0, more)))


def _stream(s: _Sums, finish: int, once: bool) -> _Words:
    """Words of armv7em.h's stream; K is a multiple of 4."""
    groups, depth = len(s.taps) // 4, s.taps.shape[1]
    start = s.start.reshape(groups, 2, 2)
    starts = np.stack([start[:, :, 0], 256 * start[:, :, 1] + start[:, :, 0]], 2)
    order = (np.arange(depth).reshape(-1, 4)[:, _QUAD]).reshape(-1)
    taps = s.taps[:, order].reshape(groups, 2, 2, depth // 2, 2)
    lanes = 256 * taps[:, :, 1] + taps[:, :, 0]
    words = _lanes(lanes[..., 0], lanes[..., 1])
    scaling = _scaling(s, finish, once).reshape(groups, -1)
    parts = (starts.reshape(groups, -1), words.transpose(0, 2, 1).reshape(groups, -1), scaling)
    return _words(np.concatenate(parts, 1))


def _words(values: _Array) -> _Words:
    """The low 32 bits, as int32."""
    return (values.reshape(-1) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)


def _dense(
    op: Op, tensors: Sequence[Tensor], taps: _Array, once: bool
) -> tuple[_Words, int] | None:
    """(stream, finish) of weights (n, K), K a multiple of 4."""
    sums = _sums(op, tensors, taps, once)
    finish = None if sums is None else _finish(sums, once)
    if sums is None or finish is None:
        return None
    sums = _filled(sums, 4)
    return (_stream(sums, finish, once), finish) if _pairs_fit(sums) else None


def _pack_fully_connected(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    w = tensors[op.inputs[1]]
    assert w.data is not None
    depth = w.shape[-1]
    taps = w.data.reshape(-1, depth)
    found = _dense(op, tensors, np.pad(taps, ((0, 0), (0, -depth % 4))), once=True)
    if found is None:
        return None
    stream, finish = found
    narrow = depth % 4 == 0 and depth > _WIDENED_MAX
    params = (*op.params[:2], finish | (_NARROW if narrow else 0), depth)
    scratch = 0 if narrow else 2 * (depth + -depth % 4)
    return Packed("PACKED_FULLY_CONNECTED", (op.inputs[0],), params, stream, scratch,
                  pixel_block=0 if narrow else 1,
                  under=depth if scratch and depth % 4 == 0 and len(taps) >= _MANY * depth else 0,
                  )  # fmt: skip


def _pack_conv(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    x, w, y = tensors[op.inputs[0]], tensors[op.inputs[1]], tensors[op.outputs[0]]
    assert w.data is not None
    if w.shape[3] != x.dims[3]:
        return None
    return _conv_of(op, tensors, w.data, x, y)


def _conv_of(op: Op, tensors: Sequence[Tensor], w: _Array, x: Tensor, y: Tensor) -> Packed | None:
    """A convolution with the filters w (n, kh, kw, Ci)."""
    n, kh, kw, channels = w.shape
    stride_h, stride_w, dilation_h, dilation_w, top, left = op.params[:6]
    runs = w.reshape(n, kh, -1) if dilation_w == 1 else w.reshape(n, kh * kw, channels)
    taps = np.pad(runs, ((0, 0), (0, 0), (0, -runs.shape[2] % 4))).reshape(n, -1)
    found = _dense(op, tensors, taps, once=False)
    if found is None:
        return None
    stream, finish = found
    plain = (kh, kw, stride_h, stride_w, top, left) == (1, 1, 1, 1, 0, 0)
    same = x.dims[1:3] == y.dims[1:3]
    scratch = 4 * taps.shape[1]
    if plain and same:
        kernel = _POINTWISE
    elif channels % 4 == 0:
        kernel = _DIRECT
    else:
        kernel = _COPIED
        columns = (y.dims[2] - 1) * stride_w + (kw - 1) * dilation_w + 1
        scratch += ((kh - 1) * dilation_h + 1) * ((columns * channels + 6) // 4 * 4)
    params = (*op.params, kh, kw, kernel, finish)
    return Packed("PACKED_CONV_2D", (op.inputs[0],), params, stream, scratch,
                  pixel_block=2 if kernel == _POINTWISE else 0,
                  ahead=kernel == _COPIED)  # fmt: skip


# ---- depthwise ----


def _pack_depthwise(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    x, w, y = tensors[op.inputs[0]], tensors[op.inputs[1]], tensors[op.outputs[0]]
    assert w.data is not None
    channels, outputs = x.dims[3], y.dims[3]
    if channels < 4:
        return _conv_of(op, tensors, _as_filters(w.data, channels), x, y)
    taps = w.data.reshape(-1, outputs).T
    sums = _sums(op, tensors, taps, once=False) if channels == outputs else None
    finish = None if sums is None else _finish(sums, once=False)
    if sums is None or finish is None:
        return None
    kh, kw = w.shape[1:3]
    stream = _taps_stream(sums, finish)
    params = (*op.params, kh, kw, 0, finish)
    table = 0 if (kh, kw, finish) == (3, 3, _TWICE) else 4 * kh * kw
    scratch = (channels + -channels % 4 if _padded(op, x, y, kh, kw) else 0) + table
    return Packed("PACKED_DEPTHWISE_CONV_2D", (op.inputs[0],), params, stream, scratch)


def _padded(op: Op, x: Tensor, y: Tensor, *kernel: int) -> bool:
    """Whether some tap of an output lies outside of x."""
    for i, size in enumerate(kernel):
        stride, dilation, pad = (op.params[k + i] for k in (0, 2, 4))
        reach = (y.dims[1 + i] - 1) * stride + (size - 1) * dilation
        if pad or reach >= x.dims[1 + i]:
            return True
    return False


def _as_filters(w: _Array, channels: int) -> _Array:
    """Depthwise weights (1, kh, kw, n) as those of a convolution (n, kh, kw, channels)."""
    _, kh, kw, n = w.shape
    filters = np.zeros((n, kh, kw, channels), w.dtype)
    for i in range(n):
        filters[i, :, :, i * channels // n] = w[0, :, :, i]
    return filters


def _taps_stream(s: _Sums, finish: int) -> _Words:
    """Words of armv7em.h's depthwise stream: start values and weights are doubled."""
    channels, taps = s.taps.shape
    scaling = _scaling(s, finish, once=False)
    if finish == _GENERAL:
        scaling[:, 3] -= 1
    parts = []
    for first in range(0, channels, 4):
        at = slice(min(first, channels - 4), min(first, channels - 4) + 4)
        w = 2 * s.taps[at]
        parts += [2 * s.start[at], _lanes(w[:, 0 : taps - 1 : 2], w[:, 1::2]).T.reshape(-1)]
        if taps % 2:
            parts.append(_lanes(w[:2, -1], w[2:, -1]))
        parts.append(scaling[at].reshape(-1))
    return _words(np.concatenate(parts))


def _lanes(low: _Array, high: _Array) -> _Array:
    return (low & 0xFFFF) | (high << 16)


# ---- ADD ----


def _pack_add(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    a, b, y = (tensors[i] for i in (*op.inputs, *op.outputs))
    if a.dims != y.dims or b.dims != y.dims or a.constant or b.constant:
        return None
    found = fit((a.zero_point, b.zero_point, y.zero_point), op.params)
    if found is None or found.shift > _ADD_SHIFT:
        return None
    more = _ADD_SHIFT - found.shift
    scaled = [v << more for v in (found.a_mult, found.b_mult, found.offset)]
    if max(abs(scaled[2]) + 128 * (abs(scaled[0]) + abs(scaled[1])), *map(abs, scaled)) >= 2**31:
        return None
    return Packed("PACKED_ADD", op.inputs, (*scaled, *op.params[7:9], 0, 0, 0))
