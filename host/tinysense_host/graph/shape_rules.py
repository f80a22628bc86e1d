"""The shape that each op gives its output, from the shapes and values of its operands."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tinysense_host.graph import Graph, Node, OptionValue, Tensor

__all__ = ["EXPLICIT", "RULES", "SAME", "VALID", "Scope", "Shape", "UnknownShape",
           "conv_geometry", "slice_ranges"]  # fmt: skip

SAME, VALID, EXPLICIT = 0, 1, 2  # options["padding"]; EXPLICIT is ours (dilation.py)

Shape = tuple[int, ...]


class UnknownShape(Exception):
    """The rule needs a value that is not constant."""


class Scope:
    """Tensors with their true shapes, and the integer values known so far."""

    def __init__(self, graph: Graph) -> None:
        self.tensors = list(graph.tensors)
        self.values = {
            t.index: t.data
            for t in graph.tensors
            if t.data is not None and t.dtype in ("int32", "int64")
        }

    def shape(self, node: Node, operand: int) -> Shape:
        """Shape of an operand."""
        return self.operand(node, operand).shape

    def operand(self, node: Node, operand: int) -> Tensor:
        """The tensor that is an operand; UnknownShape where it was left out."""
        if operand >= len(node.inputs) or node.inputs[operand] < 0:
            raise UnknownShape
        return self.tensors[node.inputs[operand]]

    def value(self, node: Node, operand: int) -> np.ndarray:
        """Its whole numbers; UnknownShape where they are not known."""
        tensor = self.operand(node, operand)
        if tensor.index not in self.values:
            raise UnknownShape
        return self.values[tensor.index]

    def integers(self, node: Node, operand: int) -> list[int]:
        """The same as a flat list."""
        return [int(v) for v in self.value(node, operand).reshape(-1)]


def conv_geometry(
    size: int, kernel: int, stride: int, dilation: int, padding: int
) -> tuple[int, int]:
    """(output size, padding before) along one axis, SAME or VALID, as TFLite computes them."""
    reach = (kernel - 1) * dilation + 1
    if padding == VALID:
        return max(0, -(-(size - reach + 1) // stride)), 0
    out = -(-size // stride)
    return out, max(0, (out - 1) * stride + reach - size) // 2


def _spatial(node: Node, shape: Shape, kernel: tuple[int, int]) -> tuple[int, int]:
    options, sizes = node.options, []
    for axis, (size, taps) in zip("hw", zip(shape[1:3], kernel, strict=True), strict=True):
        stride, dilation = int(options[f"stride_{axis}"]), int(options.get(f"dilation_{axis}", 1))
        if options["padding"] == EXPLICIT:
            reach = (taps - 1) * dilation + 1
            sizes.append((size + int(options[f"extra_{axis}"]) - reach) // stride + 1)
        else:
            sizes.append(
                conv_geometry(size, taps, stride, dilation, int(options["padding"]))[0]
            )
    return sizes[0], sizes[1]


def _conv(scope: Scope, node: Node) -> Shape:
    x, w = scope.shape(node, 0), scope.shape(node, 1)
    if len(x) != 4 or len(w) != 4:
        raise ValueError
    channels = w[0] if node.op == "CONV_2D" else w[3]
    return (x[0], *_spatial(node, x, (w[1], w[2])), channels)


def _pool(scope: Scope, node: Node) -> Shape:
    x = scope.shape(node, 0)
    if len(x) != 4:
        raise ValueError
    kernel = (int(node.options["filter_h"]), int(node.options["filter_w"]))
    return (x[0], *_spatial(node, x, kernel), x[3])


def _fully_connected(scope: Scope, node: Node) -> Shape:
    x, w = scope.shape(node, 0), scope.shape(node, 1)
    units, depth = w
    if math.prod(x) % depth:
        raise ValueError
    if node.options.get("keep_num_dims"):
        return (*x[:-1], units)
    return (math.prod(x) // depth, units)


def _reduce(scope: Scope, node: Node) -> Shape:
    x = scope.shape(node, 0)
    axes = {axis % len(x) for axis in scope.integers(node, 1)}
    if node.options.get("keep_dims"):
        return tuple(1 if i in axes else d for i, d in enumerate(x))
    return tuple(d for i, d in enumerate(x) if i not in axes)


def _pad(scope: Scope, node: Node) -> Shape:
    amounts = scope.value(node, 1).reshape(-1, 2)
    pairs = zip(scope.shape(node, 0), amounts, strict=True)
    return tuple(d + int(a) + int(b) for d, (a, b) in pairs)


def _reshape(scope: Scope, node: Node) -> Shape:
    elements = scope.operand(node, 0).elements
    target = scope.integers(node, 1)
    if target.count(-1) == 1:
        rest = -math.prod(target)
        target[target.index(-1)] = elements // rest
    if math.prod(target) != elements:
        raise ValueError
    return tuple(target)


def _expand_dims(scope: Scope, node: Node) -> Shape:
    shape = list(scope.shape(node, 0))
    axis = scope.integers(node, 1)[0]
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, 1)
    return tuple(shape)


def _squeeze(scope: Scope, node: Node) -> Shape:
    if "axis" not in node.options:  # as it came from the file: its own shape stands
        raise UnknownShape
    shape = list(scope.shape(node, 0))
    if shape.pop(int(node.options["axis"])) != 1:
        raise ValueError
    return tuple(shape)


def _same(scope: Scope, node: Node) -> Shape:
    return scope.shape(node, 0)


def _broadcast(scope: Scope, node: Node) -> Shape:
    return np.broadcast_shapes(scope.shape(node, 0), scope.shape(node, 1))


def slice_ranges(
    shape: Shape, bounds: Sequence[list[int]], options: Mapping[str, OptionValue]
) -> tuple[list[range], Shape]:
    """(indices along every axis of the source, output shape) of a STRIDED_SLICE.

    ``bounds`` are begin, end and step.
    """
    begin, end, step = bounds
    if not len(begin) == len(end) == len(step) or 0 in step:
        raise ValueError("its bounds do not fit each other")
    mask = {name: int(options.get(f"{name}_mask", 0))
            for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}  # fmt: skip
    ranges: list[range] = []
    made: list[int] = []
    for i, (b, e, s) in enumerate(zip(begin, end, step, strict=True)):
        bit = 1 << i
        if mask["ellipsis"] & bit:
            later = [k for k in range(i + 1, len(begin)) if not mask["new_axis"] >> k & 1]
            for size in shape[len(ranges) : len(shape) - len(later)]:
                ranges.append(range(size))
                made.append(size)
        elif mask["new_axis"] & bit:
            made.append(1)
        else:
            if len(ranges) == len(shape):
                raise ValueError("it has more bounds than axes")
            size = shape[len(ranges)]
            if mask["shrink_axis"] & bit:
                ranges.append(_index(0 if mask["begin"] & bit else b, size))
                continue
            stop = b + e if options.get("offset") else e
            low, high = None if mask["begin"] & bit else b, None if mask["end"] & bit else stop
            ranges.append(range(size)[slice(low, high, s)])
            made.append(len(ranges[-1]))
    rest = shape[len(ranges) :]
    return ranges + [range(size) for size in rest], (*made, *rest)


def _index(at: int, size: int) -> range:
    at += size if at < 0 else 0
    if not 0 <= at < size:
        raise ValueError(f"index {at} lies outside {size}")
    return range(at, at + 1)


def _strided_slice(scope: Scope, node: Node) -> Shape:
    bounds = [scope.integers(node, i) for i in (1, 2, 3)]
    return slice_ranges(scope.shape(node, 0), bounds, node.options)[1]


def _slice(scope: Scope, node: Node) -> Shape:
    parts = zip(scope.shape(node, 0), scope.integers(node, 1), scope.integers(node, 2), strict=True)
    return tuple(d - b if s == -1 else s for d, b, s in parts)


def _transpose(scope: Scope, node: Node) -> Shape:
    shape = scope.shape(node, 0)
    return tuple(shape[axis] for axis in scope.integers(node, 1))


def _concatenation(scope: Scope, node: Node) -> Shape:
    shapes = [scope.shape(node, i) for i in range(len(node.inputs))]
    joined = list(shapes[0])
    axis = int(node.options["axis"])
    joined[axis] = sum(shape[axis] for shape in shapes)
    return tuple(joined)


def _pack(scope: Scope, node: Node) -> Shape:
    shape = list(scope.shape(node, 0))
    axis = int(node.options["axis"])
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, len(node.inputs))
    return tuple(shape)


def _parts(shape: Shape, axis: int, sizes: list[int]) -> list[Shape]:
    axis = range(len(shape))[axis]
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


def _split(scope: Scope, node: Node) -> list[Shape]:
    shape, axis, n = scope.shape(node, 1), scope.integers(node, 0)[0], len(node.outputs)
    if shape[axis] % n:
        raise ValueError
    return _parts(shape, axis, [shape[axis] // n] * n)


def _split_v(scope: Scope, node: Node) -> list[Shape]:
    shape, sizes, axis = scope.shape(node, 0), scope.integers(node, 1), scope.integers(node, 2)[0]
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = shape[axis] - sum(sizes) - 1
    return _parts(shape, axis, sizes)


def _unpack(scope: Scope, node: Node) -> list[Shape]:
    shape = list(scope.shape(node, 0))
    if shape.pop(int(node.options["axis"])) != len(node.outputs):
        raise ValueError
    return [tuple(shape)] * len(node.outputs)


def _arg_max(scope: Scope, node: Node) -> Shape:
    shape = list(scope.shape(node, 0))
    shape.pop(scope.integers(node, 1)[0])
    return tuple(shape)


def _resize(scope: Scope, node: Node) -> Shape:
    n, _, _, c = scope.shape(node, 0)
    height, width = scope.integers(node, 1)
    return (n, height, width, c)


def _tile(scope: Scope, node: Node) -> Shape:
    pairs = zip(scope.shape(node, 0), scope.integers(node, 1), strict=True)
    return tuple(d * n for d, n in pairs)


def _one(rule: Callable[[Scope, Node], Shape]) -> Callable[[Scope, Node], list[Shape]]:
    """The rule of an op with one output."""
    return lambda scope, node: [rule(scope, node)]


# One shape for each output.
RULES: dict[str, Callable[[Scope, Node], list[Shape]]] = {
    "ADD": _one(_broadcast),
    "ARG_MAX": _one(_arg_max),
    "AVERAGE_POOL_2D": _one(_pool),
    "BROADCAST_TO": _one(lambda s, n: tuple(s.integers(n, 1))),
    "CONCATENATION": _one(_concatenation),
    "CONV_2D": _one(_conv),
    "DEPTHWISE_CONV_2D": _one(_conv),
    "DEQUANTIZE": _one(_same),
    "EXPAND_DIMS": _one(_expand_dims),
    "FULLY_CONNECTED": _one(_fully_connected),
    "HARD_SWISH": _one(_same),
    "LEAKY_RELU": _one(_same),
    "LOGISTIC": _one(_same),
    "MAXIMUM": _one(_broadcast),
    "MAX_POOL_2D": _one(_pool),
    "MEAN": _one(_reduce),
    "MINIMUM": _one(_broadcast),
    "MUL": _one(_broadcast),
    "PACK": _one(_pack),
    "PAD": _one(_pad),
    "PADV2": _one(_pad),
    "PRELU": _one(_broadcast),
    "QUANTIZE": _one(_same),
    "REDUCE_MAX": _one(_reduce),
    "RELU": _one(_same),
    "RELU6": _one(_same),
    "RELU_N1_TO_1": _one(_same),
    "RESHAPE": _one(_reshape),
    "RESIZE_NEAREST_NEIGHBOR": _one(_resize),
    "SLICE": _one(_slice),
    "SOFTMAX": _one(_same),
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "SQUEEZE": _one(_squeeze),
    "STRIDED_SLICE": _one(_strided_slice),
    "SUB": _one(_broadcast),
    "SUM": _one(_reduce),
    "TANH": _one(_same),
    "TILE": _one(_tile),
    "TRANSPOSE": _one(_transpose),
    "TRANSPOSE_CONV": _one(lambda s, n: tuple(s.integers(n, 0))),
    "UNPACK": _unpack,
}
