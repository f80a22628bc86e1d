"""Ops that take axes away: MEAN, SUM, REDUCE_MAX, ARG_MAX."""

from __future__ import annotations

import math

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.graph import Node
from tinysense_host.lowering.operands import (
    Lowering,
    expect_same_quant,
    expect_type,
    fail,
    int8,
    multipliers,
    operand,
    output,
    pair,
    rows,
)
from tinysense_host.lowering.slicing import in_order
from tinysense_host.modelfile import Tensor
from tinysense_host.program import Program

__all__ = ["LOWERINGS", "reduced_axes"]


def reduced_axes(p: Program, node: Node) -> list[int]:
    """Axes of a reduction as indices of the padded four dimensions."""
    x, axes = operand(p, node, 0), operand(p, node, 1)
    if axes.data is None or axes.dtype not in ("int32", "int64") or len(x.shape) > 4:
        raise fail(p, node, "has axes that are not constant")
    rank = len(x.shape)
    found = sorted({int(a) for a in axes.data.reshape(-1)})
    if not found or any(not -rank <= a < rank for a in found):
        raise fail(p, node, f"reduces axes {found} of an input with {rank} dimensions")
    return sorted({a % rank + 4 - rank for a in found})


def _mean(p: Program, node: Node) -> None:
    x, y = pair(p, node)
    axes = reduced_axes(p, node)
    padded = (1,) * (4 - len(operand(p, node, 0).shape)) + operand(p, node, 0).shape
    count = int(np.prod([padded[a] for a in axes]))
    mult, shift = q.mean_multiplier(x.scale, y.scale, count)
    (row,), out = rows(p, node)
    p.emit(node, "MEAN", [row], out, (sum(1 << a for a in axes), mult, shift))


def _sum(p: Program, node: Node) -> None:
    """Products with one: TFLite rounds a sum as it does FULLY_CONNECTED, once and as doubles."""
    x, y = pair(p, node)
    real = x.scale / y.scale
    multipliers(p, node, [real])
    (row,), out = rows(p, node)
    axes = reduced_axes(p, node)
    row = in_order(p, node, row, [a for a in range(4) if a not in axes] + axes)
    made, count = p.rows[out].elements, p.rows[row].elements // p.rows[out].elements
    farthest = max(q.INT8_MAX - x.zero_point, x.zero_point - q.INT8_MIN)
    exact = q.dense_multiplier(
        real, count * farthest, q.INT8_MIN - y.zero_point, q.INT8_MAX - y.zero_point
    )
    name, kind = "FULLY_CONNECTED", "int32"
    if exact is None:   # no 31 bits round alike: all 53 of the double
        fraction, exponent = math.frexp(real)
        exact = int(fraction * 2**53), 53 - exponent
        name, kind = "MIXED_FULLY_CONNECTED", "int64"
    constants = [
        p.constant(np.ones((1, count)), "int8"),
        p.constant(np.zeros(1), "int32"),
        p.constant(np.array([exact[0]]), kind),
        p.constant(np.array([exact[1]]), "int8"),
    ]
    p.emit(node, name, [p.view(row, (made, count)), *constants], p.view(out, (made, 1)),
           (q.INT8_MIN, q.INT8_MAX))  # fmt: skip


def _runs(axes: list[int], dims: tuple[int, ...]) -> list[tuple[int, int]]:
    """Axes as runs (first, behind the last) of neighbours; an axis of 1 joins any."""
    runs: list[tuple[int, int]] = []
    for axis in axes:
        if runs and all(dims[a] == 1 for a in range(runs[-1][1], axis)):
            runs[-1] = (runs[-1][0], axis + 1)
        else:
            runs.append((axis, axis + 1))
    return runs


def _reduce_max(p: Program, node: Node) -> None:
    """The maximum over neighbouring axes is a pool over all rows of a view."""
    expect_same_quant(p, node)
    axes = reduced_axes(p, node)
    (x,), y = rows(p, node)
    dims = list(p.rows[x].dims)
    if axes == [1, 2]:
        _pool_whole(p, node, x, y, (dims[0], dims[1], dims[2], dims[3]))
        return
    runs = _runs(axes, tuple(dims))
    for k, (first, last) in enumerate(reversed(runs)):
        before, over, after = (math.prod(dims[a:b]) for a, b in
                               ((0, first), (first, last), (last, 4)))  # fmt: skip
        dims[first:last] = [1] * (last - first)
        target = y if k == len(runs) - 1 else _like(p, x, (before, 1, 1, after))
        _pool_whole(p, node, x, target, (before, over, 1, after))
        x = target


def _like(p: Program, row: int, shape: tuple[int, ...]) -> int:
    source = p.rows[row]
    return p.add(Tensor(source.dtype, shape, 0, source.zero_point, source.scale))


def _pool_whole(
    p: Program, node: Node, x: int, y: int, shape: tuple[int, int, int, int]
) -> None:
    n, h, w, c = shape
    view, target = p.view(x, shape), p.view(y, (n, 1, 1, c))
    p.emit(node, "MAX_POOL_2D", [view], target, (1, 1, h, w, 0, 0, q.INT8_MIN, q.INT8_MAX))


def _arg_max(p: Program, node: Node) -> None:
    x, y = operand(p, node, 0), output(p, node)
    int8(p, node, x)
    expect_type(p, node, y, "int32", "int64")
    axes = reduced_axes(p, node)
    if len(axes) != 1:
        raise fail(p, node, f"names {len(axes)} axes: expected one")
    (row,), out = rows(p, node)
    dims = p.rows[row].dims
    before, over, after = math.prod(dims[: axes[0]]), dims[axes[0]], math.prod(dims[axes[0] + 1 :])
    if y.elements != before * after:
        raise fail(p, node, f"declares {list(y.shape)} for {list(x.shape)} along axis {axes[0]}")
    p.emit(node, "ARG_MAX", [p.view(row, (1, before, over, after))], out)


LOWERINGS = {
    "ARG_MAX": Lowering(_arg_max, (2, 2)),
    "MEAN": Lowering(_mean, (2, 2)),
    "REDUCE_MAX": Lowering(_reduce_max, (2, 2)),
    "SUM": Lowering(_sum, (2, 2)),
}
