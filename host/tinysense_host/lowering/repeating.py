"""TILE and BROADCAST_TO: a tensor several times, axis by axis."""

from __future__ import annotations

import math

from tinysense_host.graph import Node
from tinysense_host.lowering.operands import (
    Lowering,
    fail,
    integers,
    operand,
    output,
    same_kind,
)
from tinysense_host.modelfile import Tensor
from tinysense_host.program import Program

__all__ = ["LOWERINGS"]


def _repeat(p: Program, node: Node, shape: tuple[int, ...], times: list[int]) -> None:
    """The output is the input, seen as ``shape``, that often along each axis."""
    source, out = operand(p, node, 0), output(p, node)
    same_kind(p, node, [source, out])
    if len(times) != len(shape) or min(times, default=1) < 1 or out.shape != tuple(
            d * n for d, n in zip(shape, times, strict=True)):  # fmt: skip
        raise fail(p, node, f"repeats {list(shape)} {times} times and makes {list(out.shape)}")
    axes = [a for a, n in enumerate(times) if n > 1]
    if not axes:
        p.alias(out.index, source.index)
        return
    row, sizes = p.row(source.index), list(shape)
    for k, axis in enumerate(axes):
        before, run = math.prod(sizes[:axis]), math.prod(sizes[axis:])
        sizes[axis] *= times[axis]
        target = p.row(out.index) if k == len(axes) - 1 else _temporary(p, row, sizes)
        view = p.view(target, (1, before, times[axis], run))
        p.emit(node, "STRIDED_COPY", [p.view(row, (1, before, 1, run))], view, (0, run, 0, 1))
        row = target


def _temporary(p: Program, like: int, sizes: list[int]) -> int:
    row = p.rows[like]
    return p.add(Tensor(row.dtype, (math.prod(sizes),), 0, row.zero_point, row.scale))


def _tile(p: Program, node: Node) -> None:
    _repeat(p, node, operand(p, node, 0).shape, integers(p, node, 1, "multiples"))


def _broadcast_to(p: Program, node: Node) -> None:
    shape, wanted = operand(p, node, 0).shape, integers(p, node, 1, "shapes")
    full = (1,) * (len(wanted) - len(shape)) + shape
    if len(full) != len(wanted) or any(d not in (1, w) for d, w in zip(full, wanted, strict=True)):
        raise fail(p, node, f"broadcasts {list(shape)} to {wanted}")
    _repeat(p, node, full, [w // d for d, w in zip(full, wanted, strict=True)])


LOWERINGS = {
    "BROADCAST_TO": Lowering(_broadcast_to, (2, 2), any_rank=True),
    "TILE": Lowering(_tile, (2, 2), any_rank=True),
}
