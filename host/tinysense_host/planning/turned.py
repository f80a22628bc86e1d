"""Sequences that lie along the columns, turned so that time runs along the rows.

Keras lays (1, T, C) out as one row of T columns: (1, 1, T, C) in four dimensions.
The same bytes are T rows of one column, which the planner can overlap and stream.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tinysense_host.modelparts import ABSENT, Op, Tensor
from tinysense_host.planning.lifetimes import Plannable
from tinysense_host.planning.objects import Layout
from tinysense_host.planning.unplanned import without_unused

__all__ = ["turned"]

_Params = tuple[int, ...]


def _window(params: _Params) -> _Params:
    """Pairs (h, w) in front of the activation's bounds."""
    swapped = [params[i ^ 1] for i in range(len(params) - 2)]
    return (*swapped, *params[-2:])


def _padding(params: _Params) -> _Params:
    return (*params[:2], *params[4:6], *params[2:4], *params[6:])


def _axes(params: _Params) -> _Params:
    mask = params[0]
    return (mask & 9 | (mask & 2) << 1 | (mask & 4) >> 1, *params[1:])


def _same(params: _Params) -> _Params:
    return params


_PARAMS: dict[str, Callable[[_Params], _Params]] = {
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D"), _window),
    "PAD": _padding,
    "MEAN": _axes,
    **dict.fromkeys(("ADD", "MUL", "MINIMUM", "MAXIMUM", "PRELU", "CONCATENATION", "LUT",
                     "QUANTIZE", "DEQUANTIZE"), _same),
}  # fmt: skip
_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def turned(task: Plannable) -> Layout | None:
    """The program with rows and columns of its one-row ops exchanged; None where it has none."""
    rows, storage = list(task.rows), list(task.storage)
    views: dict[int, int] = {}

    def turn(i: int) -> int:
        if i == ABSENT or rows[i].dims[1:3] == (1, 1):
            return i
        if i not in views:
            rows.append(_exchanged(rows[i]))
            storage.append(len(rows) - 1 if rows[i].constant else storage[i])
            views[i] = len(rows) - 1
        return views[i]

    ops = []
    for op in task.ops:
        if _turnable(op, task.rows):
            spatial = len(op.inputs) if op.name not in _WITH_WEIGHTS else 2
            spatial = 1 if op.name == "LUT" else spatial
            inputs = (*map(turn, op.inputs[:spatial]), *op.inputs[spatial:])
            outputs = op.outputs if op.name == "MEAN" else tuple(map(turn, op.outputs))
            params = _PARAMS[op.name](op.params)
            ops.append(dataclasses.replace(op, inputs=inputs, outputs=outputs, params=params))
        else:
            ops.append(op)
    if not views:
        return None
    return without_unused(
        Layout(rows, storage, ops, task.n_inputs, task.n_outputs, task.n_init)
    )


def _exchanged(t: Tensor) -> Tensor:
    a, b, c, d = t.dims
    data = None if t.data is None else np.ascontiguousarray(
        t.data.reshape(t.dims).transpose(0, 2, 1, 3))  # fmt: skip
    return dataclasses.replace(t, shape=(a, c, b, d), data=data)


def _turnable(op: Op, rows: list[Tensor]) -> bool:
    """One row of several columns in, one row out: then both lie the same bytes either way."""
    if op.name not in _PARAMS:
        return False
    given = [rows[i].dims for i in op.inputs if i != ABSENT and not rows[i].constant]
    made = rows[op.outputs[0]].dims
    flat = all(dims[:2] == (1, 1) for dims in (*given, made))
    return flat and any(dims[2] > 1 for dims in given)
