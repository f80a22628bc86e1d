"""Parts of a tensor, or all of it in another order: STRIDED_COPY of the core."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tinysense_host.graph import Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.graph.shape_rules import slice_ranges
from tinysense_host.lowering.operands import (
    Lowering,
    fail,
    integers,
    operand,
    output,
    rows,
    same_kind,
)
from tinysense_host.modelfile import Tensor
from tinysense_host.program import Program

__all__ = ["LOWERINGS", "in_order"]


def _strides(dims: Sequence[int]) -> list[int]:
    """Elements from one index to the next along each axis."""
    return [math.prod(dims[i + 1 :]) for i in range(len(dims))]


def _as(p: Program, row: int, dims: tuple[int, ...]) -> int:
    return row if p.rows[row].dims == dims else p.view(row, dims)


def _temporary(p: Program, like: int, dims: tuple[int, ...]) -> int:
    row = p.rows[like]
    return p.add(Tensor(row.dtype, dims, 0, row.zero_point, row.scale))


def _take(
    p: Program, node: Node, source: GraphTensor, ranges: list[range], out: GraphTensor
) -> None:
    """``out`` is the source at the indices of ``ranges``, one for each of four dims."""
    x = p.row(source.index)
    dims, counts = p.rows[x].dims, tuple(len(r) for r in ranges)
    if all(r == range(d) for r, d in zip(ranges, dims, strict=True)):
        p.alias(out.index, source.index)
        return
    y = p.row(out.index)
    if ranges[0] != range(dims[0]):
        whole = ranges[1:] == [range(d) for d in dims[1:]]
        x = _take_images(p, node, x, ranges[0], y if whole else None)
        if whole:
            return
    start = sum(r.start * s for r, s in zip(ranges[1:], _strides(dims)[1:], strict=True))
    steps = [r.step * s for r, s in zip(ranges[1:], _strides(dims)[1:], strict=True)]
    p.emit(node, "STRIDED_COPY", [x], _as(p, y, counts), (start, *steps))


def _take_images(p: Program, node: Node, x: int, images: range, y: int | None) -> int:
    """Some images of a batch, as rows of one image; into y, or into a new row."""
    n, *rest = p.rows[x].dims
    size = math.prod(rest)
    if y is None:
        y = _temporary(p, x, (len(images), *rest))
    target = p.view(y, (1, len(images), 1, size))
    source = p.view(x, (1, n, 1, size))
    p.emit(node, "STRIDED_COPY", [source], target, (images.start * size, images.step * size, 1, 1))
    return y


def _ranges(shape: tuple[int, ...], axis: int, part: range) -> list[range]:
    """All of a shape but ``part`` along one axis, as four ranges."""
    full = [range(1)] * (4 - len(shape)) + [range(d) for d in shape]
    full[axis + 4 - len(shape)] = part
    return full


def _outputs(p: Program, node: Node) -> list[GraphTensor]:
    return [p.graph.tensors[i] for i in node.outputs]


def _axis(p: Program, node: Node, value: int, rank: int) -> int:
    if not -rank <= value < rank:
        raise fail(p, node, f"names axis {value} of {rank} dimensions")
    return value % rank


def _split_by(p: Program, node: Node, x: GraphTensor, axis: int, sizes: list[int]) -> None:
    outs = _outputs(p, node)
    same_kind(p, node, [x, *outs])
    if len(x.shape) > 4 or len(sizes) != len(outs) or sum(sizes) != x.shape[axis]:
        raise fail(p, node, f"splits {list(x.shape)} along axis {axis} into {sizes}: "
                   f"expected {len(outs)} sizes that fill it")  # fmt: skip
    at = 0
    for out, size in zip(outs, sizes, strict=True):
        if out.shape != (*x.shape[:axis], size, *x.shape[axis + 1 :]):
            raise fail(p, node, f"declares an output {list(out.shape)} for {size} of "
                       f"{list(x.shape)} along axis {axis}")  # fmt: skip
        _take(p, node, x, _ranges(x.shape, axis, range(at, at + size)), out)
        at += size


def _split(p: Program, node: Node) -> None:
    x, n = operand(p, node, 1), len(node.outputs)
    axis = _axis(p, node, integers(p, node, 0, "axes")[0], len(x.shape))
    _split_by(p, node, x, axis, [x.shape[axis] // n] * n)


def _split_v(p: Program, node: Node) -> None:
    x, sizes = operand(p, node, 0), integers(p, node, 1, "sizes")
    axis = _axis(p, node, integers(p, node, 2, "axes")[0], len(x.shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = x.shape[axis] - sum(sizes) - 1
    if min(sizes, default=0) < 1:
        raise fail(p, node, f"splits {list(x.shape)} into {sizes}: expected at least 1 each")
    _split_by(p, node, x, axis, sizes)


def _unpack(p: Program, node: Node) -> None:
    x, outs = operand(p, node, 0), _outputs(p, node)
    axis = _axis(p, node, int(node.options["axis"]), len(x.shape))
    same_kind(p, node, [x, *outs])
    wanted = x.shape[:axis] + x.shape[axis + 1 :]
    if len(x.shape) > 4 or x.shape[axis] != len(outs) or any(o.shape != wanted for o in outs):
        raise fail(p, node, f"unpacks {list(x.shape)} along axis {axis} into {len(outs)} outputs")
    for i, out in enumerate(outs):
        _take(p, node, x, _ranges(x.shape, axis, range(i, i + 1)), out)


def _strided_slice(p: Program, node: Node) -> None:
    x, out = operand(p, node, 0), output(p, node)
    same_kind(p, node, [x, out])
    bounds = [integers(p, node, i, "bounds") for i in (1, 2, 3)]
    try:
        ranges, shape = slice_ranges(x.shape, bounds, node.options)
    except ValueError as error:
        raise fail(p, node, f"takes {bounds} of {list(x.shape)}: {error}") from None
    _take_checked(p, node, ranges, shape)


def _slice(p: Program, node: Node) -> None:
    x, out = operand(p, node, 0), output(p, node)
    same_kind(p, node, [x, out])
    begin, size = integers(p, node, 1, "bounds"), integers(p, node, 2, "sizes")
    if len(begin) != len(x.shape) or len(size) != len(x.shape):
        raise fail(p, node, f"takes {size} from {begin} of {list(x.shape)}")
    ranges = [
        range(b, d if s == -1 else b + s) for b, s, d in zip(begin, size, x.shape, strict=True)
    ]
    if any(not 0 <= r.start < r.stop <= d for r, d in zip(ranges, x.shape, strict=True)):
        raise fail(p, node, f"takes {size} from {begin} of {list(x.shape)}: that is not inside")
    _take_checked(p, node, ranges, tuple(len(r) for r in ranges))


def _take_checked(p: Program, node: Node, ranges: list[range], shape: tuple[int, ...]) -> None:
    x, out = operand(p, node, 0), output(p, node)
    if out.shape != shape or 0 in shape or len(x.shape) > 4:
        raise fail(p, node, f"declares the output {list(out.shape)}, its operands give "
                   f"{list(shape)}")  # fmt: skip
    full = [range(1)] * (4 - len(ranges)) + ranges
    _take(p, node, x, full, out)


# ---- another order ----


def _groups(dims: tuple[int, ...], order: list[int]) -> tuple[list[int], list[int]]:
    """Dims and order without axes of 1, axes that stay neighbours joined."""
    kept = [a for a in order if dims[a] > 1]
    joined: list[list[int]] = []
    for axis in kept:
        if joined and axis == _next_kept(dims, joined[-1][-1]):
            joined[-1].append(axis)
        else:
            joined.append([axis])
    by_place = sorted(joined)
    sizes = [math.prod(dims[a] for a in group) for group in by_place]
    return sizes, [by_place.index(group) for group in joined]


def _next_kept(dims: tuple[int, ...], axis: int) -> int:
    return next((a for a in range(axis + 1, len(dims)) if dims[a] > 1), len(dims))


def _transpose(p: Program, node: Node) -> None:
    x, out = operand(p, node, 0), output(p, node)
    same_kind(p, node, [x, out])
    order, rank = integers(p, node, 1, "axes"), len(x.shape)
    order = [a % rank if -rank <= a < rank else -1 for a in order]
    if sorted(order) != list(range(rank)) or rank > 4:
        raise fail(p, node, f"orders {list(x.shape)} by {order}")
    if out.shape != tuple(x.shape[a] for a in order):
        raise fail(p, node, f"declares {list(out.shape)} for {list(x.shape)} ordered by {order}")
    sizes, places = _groups(x.shape, order)
    if places == sorted(places):
        p.alias(out.index, x.index)
        return
    (source,), target = rows(p, node)
    _reorder(p, node, source, target, sizes, places)


def in_order(p: Program, node: Node, x: int, order: list[int]) -> int:
    """A row with the four axes of row x in this order: x itself where nothing moves."""
    dims = p.rows[x].dims
    sizes, places = _groups(dims, order)
    if places == sorted(places):
        return x
    row = _temporary(p, x, tuple(dims[a] for a in order))
    _reorder(p, node, x, row, sizes, places)
    return row


def _reorder(
    p: Program, node: Node, x: int, y: int, sizes: list[int], order: list[int]
) -> None:
    """y is x (sizes) with its axes in this order, none of 1 and no two neighbours still."""
    if len(sizes) == 4 and order[0] != 0:
        x, sizes, order = _images_last(p, node, x, sizes, order)
    ones = 4 - len(sizes)
    dims = (1,) * ones + tuple(sizes)
    full = list(range(ones)) + [a + ones for a in order]
    steps = _strides(dims)
    counts = tuple(dims[a] for a in full)
    params = (0, *(steps[a] for a in full[1:]))
    p.emit(node, "STRIDED_COPY", [_as(p, x, dims)], _as(p, y, counts), params)


def _images_last(
    p: Program, node: Node, x: int, sizes: list[int], order: list[int]
) -> tuple[int, list[int], list[int]]:
    """The other three axes in their final order, so that only the first is left to move."""
    first = [0, *(a for a in order if a != 0)]
    between = tuple(sizes[a] for a in first)
    row = _temporary(p, x, between)
    _reorder(p, node, x, row, sizes, first)
    at = order.index(0)
    return row, [sizes[0], math.prod(between[1 : at + 1]), math.prod(between[at + 1 :])], [1, 0, 2]


LOWERINGS = {
    "SLICE": Lowering(_slice, (3, 3)),
    "SPLIT": Lowering(_split, (2, 2), (1, 1000)),
    "SPLIT_V": Lowering(_split_v, (3, 3), (1, 1000)),
    "STRIDED_SLICE": Lowering(_strided_slice, (4, 4)),
    "TRANSPOSE": Lowering(_transpose, (2, 2)),
    "UNPACK": Lowering(_unpack, (1, 1), (1, 1000)),
}
