"""Element by element over two operands, broadcast to one shape."""

from __future__ import annotations

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.graph import Node
from tinysense_host.lowering.operands import (
    Lowering,
    activation,
    expect_type,
    fail,
    int8,
    multipliers,
    operand,
    output,
    rows,
    same_kind,
)
from tinysense_host.program import Program

__all__ = ["LOWERINGS", "broadcast", "product_scale"]

_WORDS = {"ADD": "adds", "SUB": "subtracts", "MUL": "multiplies"}


def broadcast(p: Program, node: Node) -> tuple[list[int], int]:
    """Rows of both operands and of the output, whose shapes fit each other."""
    shapes = [operand(p, node, i).shape for i in (0, 1)]
    try:
        fits = np.broadcast_shapes(*shapes) == output(p, node).shape
    except ValueError:
        fits = False
    if not fits:
        raise fail(
            p, node, f"{_WORDS.get(node.op, 'joins')} {list(shapes[0])} and {list(shapes[1])}: "
            f"they do not broadcast to {list(output(p, node).shape)}",
        )  # fmt: skip
    inputs, out = rows(p, node, 2)
    return _one_image(p, node, inputs, out)


def _one_image(p: Program, node: Node, inputs: list[int], out: int) -> tuple[list[int], int]:
    """Constants of several images: the images become rows, for the core moves no constant."""
    images = p.rows[out].dims[0]
    if images == 1 or not any(p.rows[i].constant and p.rows[i].dims[0] > 1 for i in inputs):
        return inputs, out
    whole = p.rows[out].dims
    if any(p.rows[i].dims[:2] not in (whole[:2], (1, 1)) for i in inputs):
        raise fail(p, node, "repeats a constant over images or rows of a batch",
                   "Export the model with batch size 1")  # fmt: skip
    views = []
    for i in (*inputs, out):
        n, h, w, c = p.rows[i].dims
        views.append(p.view(i, (1, n * h, w, c)))
    return views[:2], views[2]


def _add(p: Program, node: Node) -> None:
    a, b = (int8(p, node, operand(p, node, i)) for i in (0, 1))
    y = int8(p, node, output(p, node))
    inputs, out = broadcast(p, node)
    left_shift, twice_max = 20, 2.0 * max(a.scale, b.scale)
    reals = [a.scale / twice_max, b.scale / twice_max, twice_max / ((1 << left_shift) * y.scale)]
    mult, shift = multipliers(p, node, reals)
    if node.op == "SUB":
        mult[1] = -mult[1]
    scaling = [v for pair in zip(mult, shift, strict=True) for v in pair]
    p.emit(node, "ADD", inputs, out, (left_shift, *scaling, *activation(p, node, y)))


def product_scale(a: q.Affine, b: q.Affine, y: q.Affine) -> float:
    """From a step of a times a step of b to steps of y: float32 in TFLite's MUL."""
    return float(np.float32(a.scale) * np.float32(b.scale) / np.float32(y.scale))


def _mul(p: Program, node: Node) -> None:
    a, b = (int8(p, node, operand(p, node, i)) for i in (0, 1))
    y = int8(p, node, output(p, node))
    inputs, out = broadcast(p, node)
    mult, shift = multipliers(p, node, [product_scale(a, b, y)])
    p.emit(node, "MUL", inputs, out, (mult[0], shift[0], *activation(p, node, y)))


def _extreme(p: Program, node: Node) -> None:
    tensors = [operand(p, node, 0), operand(p, node, 1), output(p, node)]
    expect_type(p, node, tensors[0], "int8")
    same_kind(p, node, tensors)
    inputs, out = broadcast(p, node)
    p.emit(node, node.op, inputs, out)


def _prelu(p: Program, node: Node) -> None:
    x, alpha = (int8(p, node, operand(p, node, i)) for i in (0, 1))
    y = int8(p, node, output(p, node))
    inputs, out = broadcast(p, node)
    mult, shift = multipliers(p, node, [
        float(np.float32(x.scale) / np.float32(y.scale)), product_scale(x, alpha, y),
    ])  # fmt: skip
    p.emit(node, "PRELU", inputs, out, (mult[0], shift[0], mult[1], shift[1]))


LOWERINGS = {
    "ADD": Lowering(_add, (2, 2)),
    "MAXIMUM": Lowering(_extreme, (2, 2)),
    "MINIMUM": Lowering(_extreme, (2, 2)),
    "MUL": Lowering(_mul, (2, 2)),
    "PRELU": Lowering(_prelu, (2, 2)),
    "SUB": Lowering(_add, (2, 2)),
}
