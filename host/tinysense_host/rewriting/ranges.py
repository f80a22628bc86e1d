"""What values each channel can take: bounds that hold for every input of the model.

Every kernel rounds monotonously, so the bounds of an output follow from those
of its inputs by the kernel's own arithmetic. A channel whose bounds meet is
constant, whatever the input: its weights are zero, its bias drowns them, or
its activation clips all there can be.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tinysense_host.modelparts import Op, Tensor
from tinysense_host.program import Program

__all__ = ["Bounds", "absent_taps", "channel_bounds"]

_LOW, _HIGH = -128, 127
_WIDE = 2**31


@dataclass(frozen=True, eq=False)
class Bounds:
    """Lowest and highest int8 value of each channel, (channels) int64 each."""

    low: np.ndarray
    high: np.ndarray

    @property
    def constant(self) -> np.ndarray:
        """(channels) bool: the value never changes."""
        return np.asarray(self.low == self.high)


def channel_bounds(p: Program) -> dict[int, Bounds]:
    """Bounds by storage, for int8 tensors that one op makes; channels are dims[3] of its output."""
    found: dict[int, Bounds] = {}
    for k, op in enumerate(p.ops):
        out = op.outputs[0]
        if k < p.n_init or p.rows[out].dtype != "int8":
            continue
        bounds = _RULES[op.name](_Scope(p, found), op) if op.name in _RULES else None
        if bounds is not None and p.storage[out] not in found:
            found[p.storage[out]] = bounds
        elif p.storage[out] in found:
            found[p.storage[out]] = _full(len(found[p.storage[out]].low))   # several writers
    return found


def _full(channels: int) -> Bounds:
    return Bounds(np.full(channels, _LOW, np.int64), np.full(channels, _HIGH, np.int64))


class _Scope:
    def __init__(self, p: Program, found: dict[int, Bounds]) -> None:
        self.p, self.found = p, found

    def row(self, i: int) -> Tensor:
        return self.p.rows[i]

    def data(self, i: int) -> np.ndarray:
        data = self.p.rows[i].data
        assert data is not None
        return data.astype(np.int64)

    def of(self, i: int, width: int = 0) -> Bounds:
        """Bounds of elements of row i that lie side by side: a last dim of them, or ``width``."""
        row = self.p.rows[i]
        width = width or row.dims[3]
        if row.data is not None:
            flat = row.data.reshape(-1, width).astype(np.int64)
            return Bounds(flat.min(axis=0), flat.max(axis=0))
        known = self.found.get(self.p.storage[i])
        if known is None or width % len(known.low):
            return _full(width)
        repeat = width // len(known.low)
        return Bounds(np.tile(known.low, repeat), np.tile(known.high, repeat))


# ---- the core's arithmetic on arrays of int64 ----


def _twice(x: np.ndarray, mult: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """ts_scale_twice where nothing wraps."""
    high = (x << np.maximum(shift, 0)) * mult + 2**30 >> 31
    down = np.maximum(-shift, 0)
    mask = (np.int64(1) << down) - 1
    rest, half = high & mask, (mask >> 1) + (high < 0)
    return np.asarray((high >> down) + (rest > half))


def _once(x: np.ndarray, mult: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """ts_scale_once."""
    n = 31 - shift
    return np.asarray(x * mult + (np.int64(1) << (n - 1)) >> n)


_Scale = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _finish(
    low: np.ndarray, high: np.ndarray, mult: np.ndarray, shift: np.ndarray, zero: int,
    act: tuple[int, ...], scale: _Scale = _twice,
) -> Bounds:  # fmt: skip
    """Bounds of an output from those of its sum; all values where the sum could wrap."""
    mult, shift = (np.broadcast_to(v, low.shape).astype(np.int64) for v in (mult, shift))
    room = np.int64(_WIDE) >> np.maximum(shift, 0)
    safe = (low > -room) & (high < room)
    ends = []
    for end in (low, high):
        kept = np.where(safe, end, 0)
        ends.append(np.clip(scale(kept, mult, shift) + zero, act[0], act[1]))
    return Bounds(np.where(safe, ends[0], act[0]), np.where(safe, ends[1], act[1]))


# ---- ops with weights ----


def absent_taps(op: Op, x: Tensor, y: Tensor, kernel: tuple[int, int]) -> np.ndarray:
    """(kh, kw) bool: the tap lies on padding for some position of the output."""
    axes = []
    for axis in (0, 1):
        stride, dilation, pad = op.params[axis], op.params[2 + axis], op.params[4 + axis]
        first = np.arange(kernel[axis]) * dilation - pad
        last = first + (y.dims[1 + axis] - 1) * stride
        axes.append((first < 0) | (last >= x.dims[1 + axis]))
    return np.asarray(axes[0][:, None] | axes[1][None, :])


def _sums(x: Bounds, zero: int, w: np.ndarray, absent: np.ndarray | None) -> tuple[
    np.ndarray, np.ndarray
]:
    """Bounds of each product of a weight and its input, w (.., channels of x)."""
    a, b = w * (x.low - zero), w * (x.high - zero)
    low, high = np.minimum(a, b), np.maximum(a, b)
    if absent is not None:
        low = np.where(absent, np.minimum(low, 0), low)
        high = np.where(absent, np.maximum(high, 0), high)
    return low, high


def _weighted(s: _Scope, op: Op, low: np.ndarray, high: np.ndarray, act: int,
              scale: _Scale = _twice) -> Bounds:  # fmt: skip
    bias, mult, shift = (s.data(i).reshape(-1) for i in op.inputs[2:5])
    zero = s.row(op.outputs[0]).zero_point
    return _finish(low + bias, high + bias, mult, shift, zero, op.params[act : act + 2], scale)


def _conv(s: _Scope, op: Op) -> Bounds | None:
    x, w, y = s.row(op.inputs[0]), s.data(op.inputs[1]), s.row(op.outputs[0])
    if w.shape[3] != x.dims[3]:
        return None
    absent = absent_taps(op, x, y, (w.shape[1], w.shape[2]))
    low, high = _sums(s.of(op.inputs[0]), x.zero_point, w, absent[:, :, None])
    return _weighted(s, op, low.sum(axis=(1, 2, 3)), high.sum(axis=(1, 2, 3)), 6)


def _depthwise(s: _Scope, op: Op) -> Bounds:
    x, w, y = s.row(op.inputs[0]), s.data(op.inputs[1]), s.row(op.outputs[0])
    given = s.of(op.inputs[0])
    repeat = w.shape[3] // x.dims[3]
    spread = Bounds(np.repeat(given.low, repeat), np.repeat(given.high, repeat))
    absent = absent_taps(op, x, y, (w.shape[1], w.shape[2]))
    low, high = _sums(spread, x.zero_point, w[0], absent[:, :, None])
    return _weighted(s, op, low.sum(axis=(0, 1)), high.sum(axis=(0, 1)), 6)


def _fully_connected(s: _Scope, op: Op) -> Bounds | None:
    x, w, y = s.row(op.inputs[0]), s.data(op.inputs[1]), s.row(op.outputs[0])
    units, depth = w.reshape(w.shape[-2], w.shape[-1]).shape
    if units != y.dims[3]:
        return None
    low, high = _sums(s.of(op.inputs[0], depth), x.zero_point, w.reshape(units, depth), None)
    return _weighted(s, op, low.sum(axis=1), high.sum(axis=1), 0, _once)


# ---- ops without weights ----


def _table(s: _Scope, op: Op) -> Bounds | None:
    x, y = s.row(op.inputs[0]), s.row(op.outputs[0])
    if x.dtype != "int8" or x.dims[3] != y.dims[3]:
        return None
    table, given = s.data(op.inputs[1]).reshape(-1), s.of(op.inputs[0])
    parts = [table[a + 128 : b + 129] for a, b in zip(given.low, given.high, strict=True)]
    return Bounds(np.array([t.min() for t in parts]), np.array([t.max() for t in parts]))


def _pool(s: _Scope, op: Op) -> Bounds:
    given, (low, high) = s.of(op.inputs[0]), op.params[6:8]
    return Bounds(np.clip(given.low, low, high), np.clip(given.high, low, high))


def _mean(s: _Scope, op: Op) -> Bounds | None:
    x, y = s.row(op.inputs[0]), s.row(op.outputs[0])
    mask, mult, shift = op.params
    if mask & 8 or x.dims[3] != y.dims[3]:
        return None
    count = int(np.prod([d for i, d in enumerate(x.dims) if mask >> i & 1], initial=1))
    given = s.of(op.inputs[0])
    low, high = ((v - x.zero_point) * count for v in (given.low, given.high))
    return _finish(low, high, np.array(mult), np.array(shift), y.zero_point, (_LOW, _HIGH))


def _pad(s: _Scope, op: Op) -> Bounds | None:
    if op.params[6] or op.params[7]:
        return None
    given, value = s.of(op.inputs[0]), op.params[8]
    return Bounds(np.minimum(given.low, value), np.maximum(given.high, value))


def _shift_in(s: _Scope, op: Op) -> Bounds | None:
    """A state holds what it began with, and what came in."""
    x, y = s.row(op.inputs[0]), s.row(op.outputs[0])
    p = s.p
    first = [o for o in p.ops[: p.n_init] if p.storage[o.outputs[0]] == p.storage[op.outputs[0]]]
    if x.dims[3] != y.dims[3] or len(first) != 1:
        return None
    if first[0].name == "FILL":
        byte = (first[0].params[0] + 128) % 256 - 128
        start = Bounds(*[np.full(y.dims[3], byte, np.int64)] * 2)
    elif first[0].name in ("COPY", "STRIDED_COPY") and s.row(first[0].inputs[0]).constant:
        if s.row(first[0].inputs[0]).dims[3] != y.dims[3]:
            return None
        start = s.of(first[0].inputs[0])
    else:
        return None
    given = s.of(op.inputs[0])
    return Bounds(np.minimum(start.low, given.low), np.maximum(start.high, given.high))


def _pair(s: _Scope, op: Op) -> tuple[Bounds, Bounds]:
    width = s.row(op.outputs[0]).dims[3]
    a, b = (s.of(i) for i in op.inputs)
    spread = [Bounds(np.broadcast_to(v.low, width), np.broadcast_to(v.high, width))
              for v in (a, b)]  # fmt: skip
    return spread[0], spread[1]


def _corners(s: _Scope, op: Op, value: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Bounds:
    """Bounds of what is monotone in each operand alone."""
    a, b = _pair(s, op)
    ends = np.stack([value(p, q) for p in (a.low, a.high) for q in (b.low, b.high)])
    return Bounds(ends.min(axis=0), ends.max(axis=0))


def _add(s: _Scope, op: Op) -> Bounds:
    left, ma, sa, mb, sb, my, sy, low, high = (np.array(v, np.int64) for v in op.params)
    za, zb = (s.row(i).zero_point for i in op.inputs)
    zero = s.row(op.outputs[0]).zero_point

    def value(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        total = _twice((a - za) << left, ma, sa) + _twice((b - zb) << left, mb, sb)
        return np.asarray(np.clip(_twice(total, my, sy) + zero, low, high))

    return _corners(s, op, value)


def _mul(s: _Scope, op: Op) -> Bounds:
    za, zb = (s.row(i).zero_point for i in op.inputs)
    products = _corners(s, op, lambda a, b: (a - za) * (b - zb))
    mult, shift, *act = op.params
    zero = s.row(op.outputs[0]).zero_point
    return _finish(products.low, products.high, np.array(mult), np.array(shift), zero, tuple(act))


_RULES: dict[str, Callable[[_Scope, Op], Bounds | None]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _fully_connected,
    "LUT": _table,
    "MAXIMUM": lambda s, op: _corners(s, op, np.maximum),
    "MAX_POOL_2D": _pool,
    "MEAN": _mean,
    "MINIMUM": lambda s, op: _corners(s, op, np.minimum),
    "MUL": _mul,
    "PAD": _pad,
    "SHIFT_IN": _shift_in,
}
