"""Ops on int16 activations that have no weights, and changes between integer types."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.graph import Node
from tinysense_host.lowering.arithmetic import broadcast, product_scale
from tinysense_host.lowering.layout import paddings
from tinysense_host.lowering.operands import (
    Lowering,
    activation,
    expect_type,
    fail,
    multipliers,
    operand,
    output,
    rows,
    words,
)
from tinysense_host.lowering.reductions import reduced_axes
from tinysense_host.lowering.windows import window
from tinysense_host.modelparts import Tensor
from tinysense_host.program import Program, affine

__all__ = ["LOWERINGS"]

_EXPORT_HINT = "Quantise again with TensorFlow 2: 16-bit activations are symmetric"
# Where the table of the logistic function in TensorFlow Lite's kernels lies one
# above round(65536 / (1 + exp(-i / 24))).
_ONE_HIGHER = frozenset(
    {4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41,
     43, 44, 45, 46, 49, 50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255}
)


def _int16(p: Program, node: Node, *tensors: int) -> list[q.Affine]:
    """Quantisation of these graph tensors: int16 without zero points."""
    found = []
    for i in tensors:
        tensor = p.graph.tensors[i]
        expect_type(p, node, tensor, "int16")
        found.append(affine(tensor))
        if found[-1].zero_point:
            raise fail(p, node, f"has '{tensor.name}' with {words(found[-1])}: expected zero "
                       "point 0", _EXPORT_HINT)  # fmt: skip
    return found


# ---- one operand ----


def _quantize(p: Program, node: Node) -> None:
    """From int16 or int32 to int8, int16 or int32."""
    source, out = operand(p, node, 0), output(p, node)
    expect_type(p, node, out, "int8", "int16", *(["int32"] if source.dtype == "int16" else []))
    x, y = affine(source), affine(out)
    mult, shift = multipliers(p, node, [x.scale / y.scale])
    (row,), target = rows(p, node)
    bounds = q.activation_range("NONE", y, out.dtype)
    p.emit(node, "REQUANTIZE", [row], target, (mult[0], shift[0], *bounds))


def _relu(p: Program, node: Node) -> None:
    x, y = _int16(p, node, node.inputs[0], node.outputs[0])
    ratio = float(np.float32(x.scale) / np.float32(y.scale))
    mult, shift = multipliers(p, node, [ratio])
    (row,), target = rows(p, node)
    bounds = q.activation_range(node.op, y, "int16")
    p.emit(node, "REQUANTIZE", [row], target, (mult[0], shift[0], *bounds))


def _sigmoid(p: Program, node: Node) -> None:
    """LOGISTIC and TANH: inputs become steps of 1 / (3 x 4096) of a table."""
    x, y = _int16(p, node, node.inputs[0], node.outputs[0])
    if q.power_of_two(y.scale) != -15:
        raise fail(p, node, f"has the output {words(y)}: expected scale 2^-15", _EXPORT_HINT)
    power, whole = q.power_of_two(x.scale), (-12, -11) if node.op == "TANH" else (-12,)
    if power in whole:
        assert power is not None
        mult, shift = 3 << (power + 12), 0
    else:
        real, shift = x.scale * 4096.0 * 3.0, 0
        while real <= 32767.0 / 2.0 and shift <= 30:
            real, shift = real * 2.0, shift + 1
        mult = int(real)
    if mult > 2**15 - 1:
        raise fail(p, node, f"has the input {words(x)}: expected a scale below 2.6", _EXPORT_HINT)
    table = [_logistic_point(i) for i in range(256)]
    (row,), target = rows(p, node)
    constant = p.constant(np.array(table, np.uint16).view(np.int16), "int16")
    p.emit(node, "LOGISTIC_S16", [row, constant], target, (mult, shift, node.op == "TANH"))


def _logistic_point(i: int) -> int:
    return q.round_away(65536 / (1 + math.exp(-i / 24))) + (i in _ONE_HIGHER)


def _softmax(p: Program, node: Node) -> None:
    x, _ = _int16(p, node, node.inputs[0], node.outputs[0])
    beta = float(np.float32(node.options["beta"]))
    if not 0.0 < beta < 1e6:
        raise fail(p, node, f"has beta {beta}: expected a positive number")
    real = float(np.float32(x.scale) * np.float32(beta)) / (10.0 / 65535.0)
    mult, shift = multipliers(p, node, [real])
    (row,), target = rows(p, node)
    tables = [
        p.constant(np.array(q.interpolation_table(*how)), "int16")
        for how in (
            (math.exp, 10.0 / 65535, 2**15 - 1, 2.0 / 65535),
            (lambda v: 1.0 / (1.0 + v), 1.0 / 65535, -(2**15), 2.0 / 65535),
        )
    ]
    p.emit(node, "SOFTMAX_S16", [row, *tables], target, (mult[0], shift[0]))


# ---- two operands ----


def _add(p: Program, node: Node) -> None:
    a, b, y = _int16(p, node, *node.inputs[:2], node.outputs[0])
    powers = [q.power_of_two(t.scale) for t in (a, b, y)]
    if node.options["power_of_two_int16"] and None not in powers:
        raise fail(p, node, "is the old ADD of powers of two", _EXPORT_HINT)
    inputs, out = broadcast(p, node)
    left_shift, twice_max = 15, 2.0 * max(a.scale, b.scale)
    reals = [a.scale / twice_max, b.scale / twice_max, twice_max / ((1 << left_shift) * y.scale)]
    mult, shift = multipliers(p, node, reals)
    scaling = [v for pair in zip(mult, shift, strict=True) for v in pair]
    p.emit(node, "ADD_S16", inputs, out, (left_shift, *scaling, *activation(p, node, y)))


def _mul(p: Program, node: Node) -> None:
    a, b, y = _int16(p, node, *node.inputs[:2], node.outputs[0])
    inputs, out = broadcast(p, node)
    mult, shift = multipliers(p, node, [product_scale(a, b, y)])
    p.emit(node, "MUL_S16", inputs, out, (mult[0], shift[0], *activation(p, node, y)))


# ---- windows, means and borders ----


def _pool(p: Program, node: Node) -> None:
    x, y = _int16(p, node, node.inputs[0], node.outputs[0])
    if x != y:
        raise fail(p, node, f"changes the quantisation from {words(x)} to {words(y)}: expected "
                   "the same", _EXPORT_HINT)  # fmt: skip
    kernel = (int(node.options["filter_h"]), int(node.options["filter_w"]))
    stride, _, pad = window(p, node, kernel)
    (row,), out = rows(p, node)
    p.emit(node, f"{node.op}_S16", [row], out, (*stride, *kernel, *pad, *activation(p, node, y)))


def _mean(p: Program, node: Node) -> None:
    x, y = _int16(p, node, node.inputs[0], node.outputs[0])
    reduced = reduced_axes(p, node)
    shape = operand(p, node, 0).shape
    padded = (1,) * (4 - len(shape)) + shape
    count = math.prod(padded[a] for a in reduced)
    mult, shift = q.mean_multiplier(x.scale, y.scale, count)
    (row,), out = rows(p, node)
    p.emit(node, "MEAN_S16", [row], out, (sum(1 << a for a in reduced), mult, shift))


def _pad(p: Program, node: Node) -> None:
    """As bytes: twice as many channels, and the zero point is zero."""
    x, y = _int16(p, node, node.inputs[0], node.outputs[0])
    if x != y:
        raise fail(p, node, "pads and changes the quantisation", _EXPORT_HINT)
    table = paddings(p, node)
    if table[0].any():
        raise fail(p, node, "pads the batch", "Export the model with batch size 1")
    table[3] *= 2
    (row,), out = rows(p, node)
    views = [p.add(Tensor("int8", (*r.dims[:3], 2 * r.dims[3])), i)
             for i, r in ((i, p.rows[i]) for i in (row, out))]  # fmt: skip
    p.emit(node, "PAD", [views[0]], views[1], (*table.reshape(-1), 0))


_RUN: dict[str, tuple[Callable[[Program, Node], None], int]] = {
    "ADD": (_add, 2), "AVERAGE_POOL_2D": (_pool, 1), "LOGISTIC": (_sigmoid, 1),
    "MAX_POOL_2D": (_pool, 1), "MEAN": (_mean, 2), "MUL": (_mul, 2), "PAD": (_pad, 2),
    "QUANTIZE": (_quantize, 1), "RELU": (_relu, 1), "RELU6": (_relu, 1), "SOFTMAX": (_softmax, 1),
    "TANH": (_sigmoid, 1),
}  # fmt: skip

LOWERINGS = {f"{name}:int16": Lowering(run, (n, n)) for name, (run, n) in _RUN.items()}
LOWERINGS["QUANTIZE:int32"] = Lowering(_quantize)
