"""Activations that stand alone: SOFTMAX, and functions of one value as tables."""

from __future__ import annotations

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.graph import Node
from tinysense_host.lowering.operands import (
    Lowering,
    expect_type,
    fail,
    int8,
    multipliers,
    operand,
    output,
    pair,
    rows,
    words,
)
from tinysense_host.program import Program, affine

__all__ = ["LOWERINGS"]


def _expect_score_range(p: Program, node: Node) -> None:
    y = affine(output(p, node))
    if y != q.Affine(1 / 256, -128):
        raise fail(p, node, f"has the output {words(y)}: expected scale 1/256 zero point -128",
                    "Export the model again with TensorFlow 2")  # fmt: skip


def _softmax(p: Program, node: Node) -> None:
    x, y = int8(p, node, operand(p, node, 0)), output(p, node)
    expect_type(p, node, y, "int8", "int16")
    if y.dtype == "int8":
        _expect_score_range(p, node)
    elif abs(affine(y).scale * 65536 - 1) > 0.001 or affine(y).zero_point != -32768:
        raise fail(p, node, f"has the output {words(affine(y))}: expected scale 2^-16 zero "
                   "point -32768", "Export the model again with TensorFlow 2")  # fmt: skip
    beta = float(node.options["beta"])
    if not 0.0 < beta < 1e6:
        raise fail(p, node, f"has beta {beta}: expected a positive number")
    (row,), out = rows(p, node)
    p.emit(node, "SOFTMAX", [row], out, q.softmax_parameters(x.scale, beta))


def _emit_table(p: Program, node: Node, values: list[int]) -> None:
    (row,), out = rows(p, node)
    table = p.constant(np.array(values), output(p, node).dtype)
    p.emit(node, "LUT", [row, table], out)


def _logistic(p: Program, node: Node) -> None:
    x, _ = pair(p, node)
    _expect_score_range(p, node)
    _emit_table(p, node, q.logistic_table(x))


def _relu(p: Program, node: Node) -> None:
    x, y = pair(p, node)
    multipliers(p, node, [x.scale / y.scale])
    _emit_table(p, node, q.relu_table(x, y, node.op))


def _tanh(p: Program, node: Node) -> None:
    x, _ = pair(p, node)
    y = affine(output(p, node))
    if y != q.Affine(1 / 128, 0):
        raise fail(p, node, f"has the output {words(y)}: expected scale 1/128 zero point 0",
                   "Export the model again with TensorFlow 2")  # fmt: skip
    _emit_table(p, node, q.tanh_table(x))


def _hard_swish(p: Program, node: Node) -> None:
    x, y = pair(p, node)
    try:
        _emit_table(p, node, q.hard_swish_table(x, y))
    except OverflowError:
        raise fail(p, node, f"scales {words(x)} to {words(y)}: TFLite refuses an output that "
                   "much finer", "Quantise again with representative data") from None  # fmt: skip


def _leaky_relu(p: Program, node: Node) -> None:
    x, y = pair(p, node)
    alpha = float(node.options["alpha"])
    if not abs(alpha) < 1e6:
        raise fail(p, node, f"has alpha {alpha}: expected an ordinary number")
    multipliers(p, node, [x.scale / y.scale, x.scale * abs(alpha) / y.scale])
    _emit_table(p, node, q.leaky_relu_table(x, y, alpha))


def _quantize(p: Program, node: Node) -> None:
    source, out = operand(p, node, 0), output(p, node)
    expect_type(p, node, source, "float32", "int8", "uint8")
    if source.dtype == "float32":
        expect_type(p, node, out, "int8", "uint8", "int16")
        affine(out)
        (row,), target = rows(p, node)
        p.emit(node, "QUANTIZE", [row], target)
        return
    expect_type(p, node, out, "int8", "uint8")
    x, y = affine(source), affine(out)
    multipliers(p, node, [x.scale / y.scale])
    _emit_table(p, node, q.requantize_table(x, source.dtype, y, out.dtype))


def _dequantize(p: Program, node: Node) -> None:
    expect_type(p, node, operand(p, node, 0), "int8", "uint8", "int16")
    affine(operand(p, node, 0))
    expect_type(p, node, output(p, node), "float32")
    (row,), out = rows(p, node)
    p.emit(node, "DEQUANTIZE", [row], out)


LOWERINGS = {
    "DEQUANTIZE": Lowering(_dequantize),
    "HARD_SWISH": Lowering(_hard_swish),
    "LEAKY_RELU": Lowering(_leaky_relu),
    "LOGISTIC": Lowering(_logistic),
    "QUANTIZE": Lowering(_quantize),
    "RELU": Lowering(_relu),
    "RELU6": Lowering(_relu),
    "RELU_N1_TO_1": Lowering(_relu),
    "SOFTMAX": Lowering(_softmax),
    "TANH": Lowering(_tanh),
}
