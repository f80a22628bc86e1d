"""Know every shape before lowering: fold shape arithmetic, infer the rest.

Keras models keep their batch dimension open, and the exporter then writes
SHAPE, STRIDED_SLICE, PACK, GATHER, REDUCE_PROD and CONCATENATION in front of
a RESHAPE, with stand-ins for the shapes behind it. With batch 1 all of that
is constant.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, Tensor

__all__ = ["EXPLICIT", "SAME", "VALID", "conv_geometry", "resolve_shapes"]

SAME, VALID, EXPLICIT = 0, 1, 2  # options["padding"]; EXPLICIT is ours (dilation.py)

Shape = tuple[int, ...]


class _Unknown(Exception):
    """The rule needs a value that is not constant."""


class _Scope:
    """Tensors with their true shapes, and the integer values known so far."""

    def __init__(self, graph: Graph) -> None:
        self.tensors = list(graph.tensors)
        self.values = {
            t.index: t.data
            for t in graph.tensors
            if t.data is not None and t.dtype in ("int32", "int64")
        }

    def shape(self, node: Node, operand: int) -> Shape:
        return self.operand(node, operand).shape

    def operand(self, node: Node, operand: int) -> Tensor:
        if operand >= len(node.inputs) or node.inputs[operand] < 0:
            raise _Unknown
        return self.tensors[node.inputs[operand]]

    def value(self, node: Node, operand: int) -> np.ndarray:
        tensor = self.operand(node, operand)
        if tensor.index not in self.values:
            raise _Unknown
        return self.values[tensor.index]

    def integers(self, node: Node, operand: int) -> list[int]:
        return [int(v) for v in self.value(node, operand).reshape(-1)]


def resolve_shapes(graph: Graph) -> Graph:
    """The same graph with true shapes, and without the ops that only compute shapes."""
    scope = _Scope(graph)
    _fix_inputs(graph)
    kept = []
    for node in graph.nodes:
        try:
            if _fold(scope, node):
                continue
            if node.op in _RULES:
                _set_shape(scope, graph, node, _RULES[node.op](scope, node))
        except _Unknown:
            pass  # a dynamic shape: lowering refuses the node by name
        except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
            raise TinysenseError(
                f"{graph.describe(node)}: operands do not fit each other", "Export the model again"
            ) from error
        kept.append(node)
    return dataclasses.replace(graph, tensors=tuple(scope.tensors), nodes=tuple(kept))


def _fix_inputs(graph: Graph) -> None:
    for i in graph.inputs:
        tensor = graph.tensors[i]
        if any(d < 0 for d in tensor.signature[1:]):
            raise TinysenseError(
                f"input '{tensor.name}' has an open shape {list(tensor.signature)}",
                "Export the model with every dimension but the batch fixed",
            )


def _set_shape(scope: _Scope, graph: Graph, node: Node, shape: Shape) -> None:
    tensor = scope.tensors[node.outputs[0]]
    if any(d < 1 for d in shape):
        raise TinysenseError(
            f"{graph.describe(node)} would have the empty output {list(shape)}",
            "Its kernel is larger than its input: check padding and sizes",
        )
    if shape == tensor.shape:
        return
    open_ended = any(d < 0 for d in tensor.signature) or node.options.get("padding") == EXPLICIT
    if not open_ended and not _downstream_of_open(scope, node):
        raise TinysenseError(
            f"{graph.describe(node)} declares the output {list(tensor.shape)}, "
            f"its operands give {list(shape)}",
            "The file is damaged: export the model again",
        )
    # Marked open: whatever reads this tensor may have been given a stand-in too.
    scope.tensors[tensor.index] = dataclasses.replace(tensor, shape=shape, signature=(-1,))


def _downstream_of_open(scope: _Scope, node: Node) -> bool:
    return any(i >= 0 and -1 in scope.tensors[i].signature for i in node.inputs)


# ---- shape arithmetic, folded to constants ----


def _fold(scope: _Scope, node: Node) -> bool:
    if node.op not in _FOLDERS or len(node.outputs) != 1:
        return False
    if node.op != "SHAPE" and any(i not in scope.values for i in node.inputs if i >= 0):
        return False
    value = _FOLDERS[node.op](scope, node)
    out = scope.tensors[node.outputs[0]]
    scope.values[out.index] = value
    scope.tensors[out.index] = dataclasses.replace(out, shape=value.shape, data=value)
    return True


def _fold_slice(scope: _Scope, node: Node) -> np.ndarray:
    source = scope.value(node, 0)
    begin, end, step = (scope.integers(node, i)[0] for i in (1, 2, 3))
    options = node.options
    if source.ndim != 1 or options.get("ellipsis_mask") or options.get("new_axis_mask"):
        raise _Unknown
    if int(options.get("shrink_axis_mask", 0)) & 1:
        return np.asarray(source[begin])
    low = None if int(options.get("begin_mask", 0)) & 1 else begin
    high = None if int(options.get("end_mask", 0)) & 1 else end
    return source[slice(low, high, step)]


def _all_values(scope: _Scope, node: Node) -> list[np.ndarray]:
    return [np.atleast_1d(scope.value(node, i)) for i in range(len(node.inputs))]


_FOLDERS: dict[str, Callable[[_Scope, Node], np.ndarray]] = {
    "SHAPE": lambda s, n: np.array(s.shape(n, 0), np.int32),
    "STRIDED_SLICE": _fold_slice,
    "PACK": lambda s, n: np.concatenate(_all_values(s, n)),
    "CONCATENATION": lambda s, n: np.concatenate(_all_values(s, n)),
    "GATHER": lambda s, n: s.value(n, 0)[s.value(n, 1)],
    "REDUCE_PROD": lambda s, n: np.asarray(np.prod(s.value(n, 0), dtype=np.int32)),
    "CAST": lambda s, n: s.value(n, 0),
}


# ---- shapes of the ops that stay ----


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
        dilation = int(options.get(f"dilation_{axis}", 1))
        if options["padding"] == EXPLICIT:
            sizes.append(size + int(options[f"extra_{axis}"]) - (taps - 1) * dilation)
        else:
            stride = int(options[f"stride_{axis}"])
            sizes.append(
                conv_geometry(size, taps, stride, dilation, int(options["padding"]))[0]
            )
    return sizes[0], sizes[1]


def _conv(scope: _Scope, node: Node) -> Shape:
    x, w = scope.shape(node, 0), scope.shape(node, 1)
    if len(x) != 4 or len(w) != 4:
        raise ValueError
    channels = w[0] if node.op == "CONV_2D" else w[3]
    return (x[0], *_spatial(node, x, (w[1], w[2])), channels)


def _pool(scope: _Scope, node: Node) -> Shape:
    x = scope.shape(node, 0)
    if len(x) != 4:
        raise ValueError
    kernel = (int(node.options["filter_h"]), int(node.options["filter_w"]))
    return (x[0], *_spatial(node, x, kernel), x[3])


def _fully_connected(scope: _Scope, node: Node) -> Shape:
    x, w = scope.shape(node, 0), scope.shape(node, 1)
    units, depth = w
    if math.prod(x) % depth:
        raise ValueError
    if node.options.get("keep_num_dims"):
        return (*x[:-1], units)
    return (math.prod(x) // depth, units)


def _reduce(scope: _Scope, node: Node) -> Shape:
    x = scope.shape(node, 0)
    axes = {axis % len(x) for axis in scope.integers(node, 1)}
    if node.options.get("keep_dims"):
        return tuple(1 if i in axes else d for i, d in enumerate(x))
    return tuple(d for i, d in enumerate(x) if i not in axes)


def _pad(scope: _Scope, node: Node) -> Shape:
    amounts = scope.value(node, 1).reshape(-1, 2)
    pairs = zip(scope.shape(node, 0), amounts, strict=True)
    return tuple(d + int(a) + int(b) for d, (a, b) in pairs)


def _reshape(scope: _Scope, node: Node) -> Shape:
    elements = scope.operand(node, 0).elements
    target = scope.integers(node, 1)
    if target.count(-1) == 1:
        rest = -math.prod(target)
        target[target.index(-1)] = elements // rest
    if math.prod(target) != elements:
        raise ValueError
    return tuple(target)


def _expand_dims(scope: _Scope, node: Node) -> Shape:
    shape = list(scope.shape(node, 0))
    axis = scope.integers(node, 1)[0]
    shape.insert(axis if axis >= 0 else axis + len(shape) + 1, 1)
    return tuple(shape)


def _squeeze(scope: _Scope, node: Node) -> Shape:
    if "axis" not in node.options:  # as it came from the file: its own shape stands
        raise _Unknown
    shape = list(scope.shape(node, 0))
    if shape.pop(int(node.options["axis"])) != 1:
        raise ValueError
    return tuple(shape)


def _same(scope: _Scope, node: Node) -> Shape:
    return scope.shape(node, 0)


_RULES: dict[str, Callable[[_Scope, Node], Shape]] = {
    "ADD": lambda s, n: np.broadcast_shapes(s.shape(n, 0), s.shape(n, 1)),
    "AVERAGE_POOL_2D": _pool,
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "DEQUANTIZE": _same,
    "EXPAND_DIMS": _expand_dims,
    "FULLY_CONNECTED": _fully_connected,
    "LOGISTIC": _same,
    "MAX_POOL_2D": _pool,
    "MEAN": _reduce,
    "PAD": _pad,
    "PADV2": _pad,
    "QUANTIZE": _same,
    "REDUCE_MAX": _reduce,
    "RELU": _same,
    "RELU6": _same,
    "RESHAPE": _reshape,
    "SOFTMAX": _same,
    "SQUEEZE": _squeeze,
}
