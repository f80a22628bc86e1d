"""Convolutions on int8, and what all ops with weights share."""

from __future__ import annotations

import numpy as np

from tinysense_host.graph import Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.graph.shape_rules import conv_geometry
from tinysense_host.lowering.operands import (
    Lowering,
    activation,
    expect_type,
    fail,
    int8,
    multipliers,
    operand,
    output,
    pair,
)
from tinysense_host.lowering.windows import window
from tinysense_host.program import Program, scales

__all__ = ["LOWERINGS", "bias", "conv_weights", "emit_weighted", "weights"]


def weights(p: Program, node: Node, axis: int, *dtypes: str) -> tuple[GraphTensor, np.ndarray]:
    """Constant weights and one float64 scale per output channel (or just one)."""
    w = operand(p, node, 1)
    expect_type(p, node, w, *dtypes)
    if w.data is None or w.quant is None:
        raise fail(p, node, f"has weights '{w.name}' that are not a quantised constant")
    if np.any(w.quant.zero_point != 0):
        raise fail(p, node, "has weights with a zero point: expected 0",
                    "Quantise again with TensorFlow 2: int8 weights are symmetric")  # fmt: skip
    found, channels = scales(w).astype(np.float64), w.shape[axis]
    if len(found) not in (1, channels):
        raise fail(p, node, f"has {len(found)} weight scales for {channels} output channels")
    # Old exporters name another axis where only one has that many entries (person_detect):
    # the length decides.
    named = w.quant.axis
    other = len(found) > 1 and named != axis and 0 <= named < len(w.shape)
    if other and w.shape[named] == channels:
        raise fail(p, node, f"has its weights quantised along axis {named}: expected {axis}")
    return w, found


def bias(p: Program, node: Node, channels: int, at: int) -> int:
    """Row of the int32 biases, operand ``at``; zeros where there are none."""
    if len(node.inputs) <= at or node.inputs[at] < 0:
        return p.constant(np.zeros(channels, np.int32), "int32")
    b = operand(p, node, at)
    expect_type(p, node, b, "int32")
    if b.data is None or b.elements != channels:
        raise fail(p, node, f"has a bias of {b.elements} values, constant: {b.data is not None}; "
                    f"expected {channels} constants")  # fmt: skip
    return p.constant(b.data.reshape(-1), "int32")


def emit_weighted(
    p: Program, node: Node, name: str, w: np.ndarray, scaling: tuple[list[int], list[int]],
    channels: int, params: tuple[int, ...], at: int = 0,
) -> None:  # fmt: skip
    """``scaling``: multipliers and shifts; ``at``: which operand is the input."""
    mult, shift = scaling
    x, y = p.row(node.inputs[at]), p.row(node.outputs[0])
    constants = [
        p.constant(w, "int8"),
        bias(p, node, channels, max(2, at + 1)),
        p.constant(np.array(mult), "int32"),
        p.constant(np.array(shift), "int8"),
    ]
    p.emit(node, name, [x, *constants], y, params)


def conv_weights(
    p: Program, node: Node, *dtypes: str
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """(weights, a scale per output channel, stride, dilation and padding) of a convolution."""
    depthwise = node.op == "DEPTHWISE_CONV_2D"
    w, w_scales = weights(p, node, 3 if depthwise else 0, *dtypes)
    if len(w.shape) != 4:
        raise fail(p, node, f"has weights {list(w.shape)}: expected 4 dimensions")
    stride, dilation, pad = window(p, node, (w.shape[1], w.shape[2]))
    channels = w.shape[3] if depthwise else w.shape[0]
    depth = operand(p, node, 0).shape[3]
    fits = (w.shape[0] == 1 and channels % depth == 0) if depthwise else depth % w.shape[3] == 0
    if not fits or output(p, node).shape[3] != channels:
        raise fail(p, node, f"has weights {list(w.shape)} for an input of {depth} channels and an "
                    f"output of {output(p, node).shape[3]}")  # fmt: skip
    assert w.data is not None
    return w.data, np.broadcast_to(w_scales, (channels,)), (*stride, *dilation, *pad)


def _conv(p: Program, node: Node) -> None:
    x, y = pair(p, node)
    w, w_scales, window_params = conv_weights(p, node, "int8")
    reals = [x.scale * float(s) / y.scale for s in w_scales]
    params = (*window_params, *activation(p, node, y))
    emit_weighted(p, node, node.op, w, multipliers(p, node, reals), len(reals), params)


def _transpose_conv(p: Program, node: Node) -> None:
    """Operands: output shape, weights (Co, kh, kw, Ci), input, bias or none."""
    source, y_tensor = operand(p, node, 2), output(p, node)
    x, y = int8(p, node, source), int8(p, node, y_tensor)
    w, w_scales = weights(p, node, 0, "int8")
    shapes = (source.shape, w.shape, y_tensor.shape)
    if any(len(shape) != 4 for shape in shapes) or w.shape[3] != source.shape[3] or (
            y_tensor.shape[3] != w.shape[0] or y_tensor.shape[0] != source.shape[0]):  # fmt: skip
        raise fail(p, node, f"has weights {list(w.shape)} for the input {list(source.shape)} and "
                   f"the output {list(y_tensor.shape)}")  # fmt: skip
    strides, pads = [], []
    for axis, taps, out in zip("hw", w.shape[1:3], y_tensor.shape[1:3], strict=True):
        stride, padding = int(node.options[f"stride_{axis}"]), int(node.options["padding"])
        if stride < 1:
            raise fail(p, node, f"has stride {stride}: not possible")
        # As of a convolution that goes the other way, from the output to the input.
        smaller, _ = conv_geometry(out, taps, stride, 1, padding)
        strides.append(stride)
        pads.append(max(0, (smaller - 1) * stride + taps - out) // 2)
    channels = w.shape[0]
    reals = [x.scale * float(s) / y.scale for s in np.broadcast_to(w_scales, (channels,))]
    assert w.data is not None
    emit_weighted(p, node, "TRANSPOSE_CONV", w.data, multipliers(p, node, reals), channels,
              (*strides, *pads, *activation(p, node, y)), at=2)  # fmt: skip


LOWERINGS = {
    "CONV_2D": Lowering(_conv, (2, 3)),
    "DEPTHWISE_CONV_2D": Lowering(_conv, (2, 3)),
    "TRANSPOSE_CONV": Lowering(_transpose_conv, (3, 4)),
}
