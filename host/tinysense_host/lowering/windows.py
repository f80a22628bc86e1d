"""Sliding windows without weights: pools, and the geometry convolutions share."""

from __future__ import annotations

from tinysense_host.graph import Node
from tinysense_host.graph.shape_rules import EXPLICIT, conv_geometry
from tinysense_host.lowering.operands import (
    Lowering,
    activation,
    expect_same_quant,
    fail,
    operand,
    output,
    pair,
    rows,
)
from tinysense_host.program import Program

__all__ = ["LOWERINGS", "window"]


def window(
    p: Program, node: Node, kernel: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """(stride, dilation, padding before), each (h, w); the output's shape is the file's truth."""
    x, y, options = operand(p, node, 0), output(p, node), node.options
    if len(x.shape) != 4 or len(y.shape) != 4:
        raise fail(p, node, f"has the input {list(x.shape)}: expected 4 dimensions")
    strides, dilations, pads = [], [], []
    for axis, size, taps, out in zip("hw", x.shape[1:3], kernel, y.shape[1:3], strict=True):
        stride = int(options[f"stride_{axis}"])
        dilation = int(options.get(f"dilation_{axis}", 1))
        if stride < 1 or dilation < 1 or taps < 1 or options["padding"] not in (0, 1, EXPLICIT):
            raise fail(p, node, f"has stride {stride}, dilation {dilation}, kernel {taps}, "
                        f"padding {options['padding']}: not possible")  # fmt: skip
        if options["padding"] == EXPLICIT:
            wanted, pad = out, int(options[f"before_{axis}"])
        else:
            wanted, pad = conv_geometry(size, taps, stride, dilation, int(options["padding"]))
        if wanted != out:
            raise fail(p, node, f"declares {out} outputs along {axis}, its window gives {wanted}")
        strides.append(stride)
        dilations.append(dilation)
        pads.append(pad)
    return (strides[0], strides[1]), (dilations[0], dilations[1]), (pads[0], pads[1])


def _pool(p: Program, node: Node) -> None:
    expect_same_quant(p, node)
    kernel = (int(node.options["filter_h"]), int(node.options["filter_w"]))
    stride, _, pad = window(p, node, kernel)
    _, y = pair(p, node)
    (x,), out = rows(p, node)
    p.emit(node, node.op, [x], out, (*stride, *kernel, *pad, *activation(p, node, y)))


LOWERINGS = {
    "AVERAGE_POOL_2D": Lowering(_pool),
    "MAX_POOL_2D": Lowering(_pool),
}
