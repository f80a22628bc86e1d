"""CONCATENATION and PACK: tensors side by side."""

from __future__ import annotations

import math

from tinysense_host.graph import Node
from tinysense_host.lowering.operands import Lowering, fail, operand, output, rows, same_kind
from tinysense_host.modelfile import Tensor
from tinysense_host.program import Program

__all__ = ["LOWERINGS"]

_MOST = 8  # inputs of one record
Dims = tuple[int, int, int, int]


def _beside(dims: Dims, axis: int, merged: bool) -> Dims:
    """Four dims as rows of which the last axis is ``axis`` and all behind it.

    ``merged``: images are rows too, since the core moves constants to no other image.
    """
    n, h, w, c = dims
    lines = {3: (n, h, w, c), 2: (n, h, 1, w * c), 1: (n, 1, 1, h * w * c),
             0: (1, 1, 1, n * h * w * c)}[axis]  # fmt: skip
    return (1, lines[0] * lines[1], *lines[2:]) if merged else lines


def _emit(p: Program, node: Node, inputs: list[int], out: int, axis: int) -> None:
    """Join rows along one of the four dims; more than 8 in several steps."""
    merged = any(p.rows[i].constant for i in inputs) and p.rows[out].dims[0] > 1
    shapes = [_beside(p.rows[i].dims, axis, merged) for i in (*inputs, out)]
    parts = [_as(p, i, shape) for i, shape in zip(inputs, shapes, strict=False)]
    target = _as(p, out, shapes[-1])
    while len(parts) > _MOST:
        parts = [_join(p, node, parts[k : k + _MOST]) for k in range(0, len(parts), _MOST)]
    p.emit(node, "CONCATENATION", parts, target)


def _as(p: Program, row: int, shape: Dims) -> int:
    return row if p.rows[row].dims == shape else p.view(row, shape)


def _join(p: Program, node: Node, parts: list[int]) -> int:
    """Several parts as one new row."""
    if len(parts) == 1:
        return parts[0]
    first = p.rows[parts[0]]
    width = sum(p.rows[i].dims[3] for i in parts)
    row = p.add(Tensor(first.dtype, (*first.dims[:3], width), 0, first.zero_point, first.scale))
    p.emit(node, "CONCATENATION", parts, row)
    return row


def _concatenation(p: Program, node: Node) -> None:
    tensors = [operand(p, node, i) for i in range(len(node.inputs))]
    out = output(p, node)
    same_kind(p, node, [*tensors, out])
    if node.options["activation"] != 0:
        raise fail(p, node, "has an activation fused: expected none", "Make it a layer of its own")
    rank = len(out.shape)
    axis = int(node.options["axis"])
    if not -rank <= axis < rank:
        raise fail(p, node, f"joins axis {axis} of {rank} dimensions")
    axis %= rank
    for tensor in tensors:
        if len(tensor.shape) != rank or _without(tensor.shape, axis) != _without(out.shape, axis):
            raise fail(p, node, f"joins {list(tensor.shape)} along axis {axis} to "
                       f"{list(out.shape)}")  # fmt: skip
    if sum(t.shape[axis] for t in tensors) != out.shape[axis]:
        raise fail(p, node, f"makes {list(out.shape)}, its inputs give "
                   f"{sum(t.shape[axis] for t in tensors)} along axis {axis}")  # fmt: skip
    if len(tensors) == 1:
        p.alias(out.index, tensors[0].index)
        return
    inputs, target = rows(p, node, len(tensors))
    _emit(p, node, inputs, target, axis + 4 - rank)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def _pack(p: Program, node: Node) -> None:
    tensors = [operand(p, node, i) for i in range(len(node.inputs))]
    out = output(p, node)
    same_kind(p, node, [*tensors, out])
    rank = len(out.shape)
    axis = int(node.options["axis"])
    shape = tensors[0].shape
    fits = -rank <= axis < rank and all(t.shape == shape for t in tensors)
    axis %= rank
    if not fits or out.shape != (*shape[:axis], len(tensors), *shape[axis:]):
        raise fail(p, node, f"packs {len(tensors)} x {list(shape)} along axis {axis} to "
                   f"{list(out.shape)}")  # fmt: skip
    if len(tensors) == 1:
        p.alias(out.index, tensors[0].index)
        return
    inputs, target = rows(p, node, len(tensors))
    inner = math.prod(shape[axis:])
    dims = (1, 1, math.prod(shape[:axis]), inner)
    views = [_as(p, i, dims) for i in inputs]
    _emit(p, node, views, _as(p, target, (*dims[:3], inner * len(tensors))), 3)


LOWERINGS = {
    "CONCATENATION": Lowering(_concatenation, (1, 1000)),
    "PACK": Lowering(_pack, (1, 1000)),
}
