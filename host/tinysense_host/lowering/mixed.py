"""Convolutions with int16 activations or int4 weights, and what dense layers share with them."""

from __future__ import annotations

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.graph import Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.lowering.operands import (
    Lowering,
    activation,
    expect_type,
    fail,
    multipliers,
    operand,
    output,
)
from tinysense_host.lowering.weighted import conv_weights
from tinysense_host.program import Program, affine

__all__ = ["LOWERINGS", "WEIGHTS", "edges", "emit_mixed"]

WEIGHTS = ("int8", "int4")


def edges(p: Program, node: Node) -> tuple[q.Affine, q.Affine]:
    """Quantisation of input and output: both int8, or both int16 without zero points."""
    x, y = operand(p, node, 0), output(p, node)
    expect_type(p, node, x, "int8", "int16")
    expect_type(p, node, y, x.dtype)
    if x.dtype == "int16" and (affine(x).zero_point or affine(y).zero_point):
        raise fail(p, node, "has int16 activations with a zero point: expected 0",
                   "Quantise again with TensorFlow 2")  # fmt: skip
    return affine(x), affine(y)


def _bias(p: Program, node: Node, channels: int) -> GraphTensor | None:
    if len(node.inputs) < 3 or node.inputs[2] < 0:
        return None
    wide = operand(p, node, 0).dtype == "int16"
    bias = operand(p, node, 2)
    expect_type(p, node, bias, "int32", *(["int64"] if wide else []))
    if bias.data is None or bias.elements != channels:
        raise fail(p, node, f"has a bias of {bias.elements} values, constant: "
                   f"{bias.data is not None}; expected {channels} constants")  # fmt: skip
    return bias


def emit_mixed(
    p: Program, node: Node, name: str, w: np.ndarray, mult: int, shift: int,
    params: tuple[int, ...],
) -> None:  # fmt: skip
    """``mult`` and ``shift`` are rows of constants."""
    bias, channels = _bias(p, node, _channels(node, w)), _channels(node, w)
    wide = operand(p, node, 0).dtype == "int16"
    dtype = bias.dtype if bias is not None else "int64" if wide else "int32"
    values = bias.data if bias is not None and bias.data is not None else np.zeros(channels)
    rows = [p.row(node.inputs[0]), p.constant(w, operand(p, node, 1).dtype),
            p.constant(values.reshape(-1), dtype), mult, shift]  # fmt: skip
    p.emit(node, name, rows, p.row(node.outputs[0]), params)


def _channels(node: Node, w: np.ndarray) -> int:
    return int(w.shape[3] if node.op == "DEPTHWISE_CONV_2D" else w.shape[0])


def _conv(p: Program, node: Node) -> None:
    x, y = edges(p, node)
    w, scales, window = conv_weights(p, node, *WEIGHTS)
    mult, shift = multipliers(p, node, [x.scale * float(s) / y.scale for s in scales])
    bias = _bias(p, node, len(scales))
    wide = operand(p, node, 0).dtype == "int16"
    if wide and (bias is None or bias.dtype == "int64"):
        # Sums of 64 bits are scaled with 15 bits of the multiplier.
        if any(s > 7 for s in shift):
            raise fail(p, node, "scales its result by more than 2^7",
                       "Its scales are damaged: quantise again")  # fmt: skip
        mult = [q.to_int16(m) for m in mult]
    emit_mixed(p, node, f"MIXED_{node.op}", w, p.constant(np.array(mult), "int32"),
          p.constant(np.array(shift), "int8"), (*window, *activation(p, node, y)))  # fmt: skip


LOWERINGS = {
    f"{name}:{dtype}": Lowering(_conv, (2, 3))
    for dtype in ("int16", "int4")
    for name in ("CONV_2D", "DEPTHWISE_CONV_2D")
}
