"""What each op asks of time: one rule per op, rows in, rows out, or why not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tinysense_host.graph import Node, OptionValue
from tinysense_host.graph.shape_rules import EXPLICIT, SAME, VALID, conv_geometry, slice_ranges
from tinysense_host.streaming.rows import Local, Refusal, Rows, Scope, Whole, framed

__all__ = ["RECURRENT", "RECURRENT_REFUSAL", "rule_of"]

_Rule = Callable[[Scope, Node], "Local | Whole"]
_UNPADDED = "Train with padding='valid' along time (padding along the features may stay)"


def rule_of(scope: Scope, node: Node) -> Local | Whole:
    """What becomes of a node that reads rows. Raises Refusal."""
    rule = _RULES.get(node.op)
    if rule is None:
        raise Refusal("is not known to work row by row",
                      "Move it behind the layer that joins all rows (pooling, flattening), or "
                      "leave it out")
    return rule(scope, node)


def _newest(x: Rows, *outputs: Rows) -> Local:
    """As many rows out as in, each of its own."""
    return Local(outputs, lambda n: x.length - n)


# ---- ops that look at one row, and ops that look at all ----


def _same(s: Scope, node: Node) -> Local:
    return _newest(s.of(node), s.of(node))


def _softmax(s: Scope, node: Node) -> Local | Whole:
    x = s.of(node)
    if x.axis < len(s.tensor(node).shape) - 1:
        return _newest(x, x)
    if x.unit > 1:
        return Whole()
    raise Refusal("is a softmax over time (attention)", "Train without it: pool over time instead")


def _reduce(s: Scope, node: Node) -> Local | Whole:
    x, rank = s.of(node), len(s.tensor(node).shape)
    axes = {a % rank for a in s.integers(node, 1)}
    if x.axis in axes:
        return Whole()
    keep = bool(node.options.get("keep_dims")) and node.op != "ARG_MAX"
    axis = x.axis if keep else x.axis - sum(a < x.axis for a in axes)
    return _newest(x, Rows(x.length, x.stride, axis, x.unit))


def _view(s: Scope, node: Node) -> Local | Whole:
    """RESHAPE and its like: rows stay rows, several become one, or all are flattened."""
    x = s.of(node)
    return _framed(x, s.made(node).shape, "RESHAPE")


def _framed(x: Rows, shape: tuple[int, ...], op: str = "") -> Local | Whole:
    y = framed(shape, x.length, x.stride)
    if y is None:
        return Whole()
    group = x.length // y.length
    return Local((y,), lambda n: x.length - n * group, op=op)


def _transpose(s: Scope, node: Node) -> Local | Whole:
    x, shape = s.of(node), s.made(node).shape
    rank = len(shape)
    axis = [a % rank for a in s.integers(node, 1)].index(x.axis)
    if any(d != 1 for d in shape[:axis]):
        return Whole()
    return _newest(x, Rows(x.length, x.stride, axis, x.unit))


def _dense(s: Scope, node: Node) -> Local | Whole:
    """FULLY_CONNECTED over rows, parts of rows, several rows, or all of them."""
    x, given, made = s.of(node), s.tensor(node), s.made(node)
    depth, row = s.tensor(node, 1).shape[1], given.elements // x.length
    if row % depth == 0:
        y = framed(made.shape, x.length, x.stride)
        return Whole() if y is None else _newest(x, y)
    group = depth // row
    if depth % row or x.length % group:
        return Whole()
    y = framed(made.shape, x.length // group, x.stride * group)
    return Whole() if y is None else Local((y,), lambda n: x.length - n * group)


# ---- ops over several operands ----


def _broadcast(s: Scope, node: Node) -> Local:
    """Element by element: what runs in time must run alike; constants are one for all rows."""
    rank = len(s.made(node).shape)
    timed = s.in_time(node)
    found = {(s.of(node, k).length, s.of(node, k).stride, s.of(node, k).unit,
              s.of(node, k).axis + rank - len(s.tensor(node, k).shape)) for k in timed}
    length, stride, unit, axis = _alike(found)
    y = Rows(length, stride, axis, unit)
    for k in range(len(node.inputs)):
        if k not in timed:
            _expect_constant(s, node, k, axis - rank, y)
    return _newest(y, y)


def _alike(found: set[tuple[int, int, int, int]]) -> tuple[int, int, int, int]:
    if len({stride for _, stride, _, _ in found}) > 1:
        raise Refusal("joins branches of different strides in time",
                      "Give both branches the same strides along time")
    if len(found) > 1:
        raise Refusal("joins branches whose rows do not lie alike",
                      "Crop the longer branch along time to the length of the other")
    return next(iter(found))


def _expect_constant(s: Scope, node: Node, operand: int, from_last: int, y: Rows) -> None:
    """Refuse an operand that is another for each row of a window."""
    tensor = s.tensor(node, operand)
    if tensor.data is None:
        s.of(node, operand)     # refuses
    if len(tensor.shape) < -from_last or tensor.shape[from_last] == 1:
        return
    rows = np.moveaxis(np.asarray(tensor.data), from_last, 0).reshape(y.length, -1)
    if (rows != rows[0]).any():
        raise Refusal("has a constant of its own for each row of the window",
                      "Train with one that is shared along time (PReLU: shared_axes)")


def _concatenation(s: Scope, node: Node) -> Local | Whole:
    timed = s.in_time(node)
    found = {(s.of(node, k).length, s.of(node, k).stride, s.of(node, k).axis) for k in timed}
    rank = len(s.made(node).shape)
    axis = int(node.options["axis"]) % rank
    if all(s.of(node, k).unit > 1 and s.of(node, k).axis == axis for k in timed):
        return Whole()
    if any(s.of(node, k).axis == axis for k in timed):
        raise Refusal("joins rows behind each other in time", "Join along the features instead")
    units = {s.of(node, k).unit for k in timed}
    length, stride, unit, at = _alike({(n, t, u, a) for n, t, a in found for u in units})
    y = Rows(length, stride, at, unit)
    for k in range(len(node.inputs)):
        if k not in timed:
            _expect_constant(s, node, k, at - rank, y)
    return _newest(y, y)


def _pack(s: Scope, node: Node) -> Local | Whole:
    timed = s.in_time(node)
    if len(timed) < len(node.inputs):
        raise Refusal("packs rows with what are none", "Leave it out, or join after the pooling")
    found = {(s.of(node, k).length, s.of(node, k).stride, s.of(node, k).unit, s.of(node, k).axis)
             for k in timed}
    y = Rows(*(_alike(found)[i] for i in (0, 1, 3, 2)))
    axis = int(node.options["axis"]) % len(s.made(node).shape)
    return Whole() if axis <= y.axis else _newest(y, y)


# ---- ops that take parts ----


def _parts(operand: int, axis_of: Callable[[Scope, Node], int]) -> _Rule:
    """SPLIT and UNPACK: ``operand`` is the tensor, which has the axis that goes."""

    def rule(s: Scope, node: Node) -> Local | Whole:
        x = s.of(node, operand)
        axis = axis_of(s, node) % len(s.tensor(node, operand).shape)
        if axis == x.axis:
            if x.unit > 1:
                return Whole()
            raise Refusal("takes rows of the window apart", "Split along the features instead")
        moved = int(node.op == "UNPACK" and axis < x.axis)
        y = Rows(x.length, x.stride, x.axis - moved, x.unit)
        return _newest(x, *[y] * len(node.outputs))

    return rule


def _slice(s: Scope, node: Node) -> Local | Whole:
    """Rows of the window, all or some: dropping the newest delays what is left."""
    x, shape = s.of(node), s.tensor(node).shape
    if node.op == "SLICE":
        begin, size = s.integers(node, 1), s.integers(node, 2)
        take = [range(b, d if n == -1 else b + n)
                for b, n, d in zip(begin, size, shape, strict=True)]
    else:
        take = slice_ranges(shape, [s.integers(node, i) for i in (1, 2, 3)], node.options)[0]
    part = take[x.axis]
    if x.unit > 1 and part != range(x.length * x.unit):
        return Whole()
    if x.unit > 1:
        part = range(x.length)
    if part.step < 1:
        raise Refusal("turns time round", "Leave it out")
    length, stride = len(part), x.stride * part.step
    y = framed(s.made(node).shape, length, stride)
    if y is None or y.length != length:
        return Whole()
    return Local((y,), lambda n: part.start + (length - n) * part.step, take=tuple(take))


def _pad(s: Scope, node: Node) -> Local:
    x = s.of(node)
    before, after = s.integers(node, 1)[2 * x.axis :][:2]
    if before or after:
        raise Refusal(f"pads along time ({before} before, {after} after)", _UNPADDED)
    return _newest(x, x)


# ---- sliding windows ----


def _window(s: Scope, node: Node) -> Local:
    """Convolutions and pools: no padding in time, the other axis as it was."""
    x, y = s.of(node), s.made(node)
    if x.axis == 0:     # a batch of rows, each an image of its own
        return _newest(x, Rows(x.length, x.stride, 0, x.unit))
    if x.axis > 2 or x.unit > 1:
        raise Refusal("slides over rows that lie side by side", "Reshape to (time, features) first")
    kernel = _kernel(s, node)
    at = "hw"[x.axis - 1]
    options: dict[str, OptionValue] = {"padding": EXPLICIT}
    for axis, size, taps, out in zip(
        "hw", s.tensor(node).shape[1:3], kernel, y.shape[1:3], strict=True
    ):
        before, total = _padding(node, axis, size, taps, out)
        if axis == at and (before or total):
            raise Refusal(
                f"pads along time by {total}: a stream has rows there, a window has none",
                _UNPADDED)
        options |= {f"before_{axis}": before, f"extra_{axis}": total}
    if not any(options[f"extra_{axis}"] for axis in "hw"):
        options = {"padding": VALID}
    stride, length = int(node.options[f"stride_{at}"]), y.shape[x.axis]
    made = Rows(length, x.stride * stride, x.axis)
    return Local((made,), lambda n: (length - n) * stride, options)


def _kernel(s: Scope, node: Node) -> tuple[int, int]:
    if node.op in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return int(node.options["filter_h"]), int(node.options["filter_w"])
    shape = s.tensor(node, 1).shape
    return shape[1], shape[2]


def _padding(node: Node, axis: str, size: int, taps: int, out: int) -> tuple[int, int]:
    """(before, in all) along an axis of ``size`` that gives ``out``."""
    options = node.options
    if options["padding"] == EXPLICIT:
        return int(options[f"before_{axis}"]), int(options[f"extra_{axis}"])
    if options["padding"] != SAME:
        return 0, 0
    stride, dilation = int(options[f"stride_{axis}"]), int(options.get(f"dilation_{axis}", 1))
    before = conv_geometry(size, taps, stride, dilation, SAME)[1]
    return before, max(0, (out - 1) * stride + (taps - 1) * dilation + 1 - size)


RECURRENT = ("UNIDIRECTIONAL_SEQUENCE_LSTM",)
RECURRENT_REFUSAL = Refusal("goes over each window from a fresh state (recurrent)",
                            "Use convolutions over time instead")  # fmt: skip


def _recurrent(_: Scope, __: Node) -> Local:
    raise RECURRENT_REFUSAL


_RULES: dict[str, _Rule] = {
    "ARG_MAX": _reduce, "CONCATENATION": _concatenation, "FULLY_CONNECTED": _dense,
    "PACK": _pack, "PAD": _pad, "PADV2": _pad, "SOFTMAX": _softmax, "TRANSPOSE": _transpose,
    "SPLIT": _parts(1, lambda s, n: s.integers(n, 0)[0]),
    "SPLIT_V": _parts(0, lambda s, n: s.integers(n, 2)[0]),
    "UNPACK": _parts(0, lambda _, n: int(n.options["axis"])),
    **dict.fromkeys(("SLICE", "STRIDED_SLICE"), _slice),
    **dict.fromkeys(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"), _view),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "SUM"), _reduce),
    **dict.fromkeys(("ADD", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SUB"), _broadcast),
    **dict.fromkeys(
        ("AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D"), _window),
    **dict.fromkeys(("DEQUANTIZE", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "QUANTIZE", "RELU",
                     "RELU6", "RELU_N1_TO_1", "TANH"), _same),
    **dict.fromkeys(RECURRENT, _recurrent),
}  # fmt: skip
