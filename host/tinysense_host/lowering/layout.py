"""Ops that move elements and compute nothing: PAD, RESHAPE."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinysense_host.graph import Node
from tinysense_host.lowering.operands import (
    Lowering,
    expect_same_quant,
    fail,
    operand,
    output,
    rows,
)
from tinysense_host.program import Program, affine

__all__ = ["LOWERINGS", "paddings"]


def paddings(p: Program, node: Node) -> np.ndarray:
    """(4, 2): how many before and after, along each of the padded four dimensions."""
    x, amounts, y = operand(p, node, 0), operand(p, node, 1), output(p, node)
    whole = amounts.dtype in ("int32", "int64") and len(x.shape) <= 4
    if amounts.data is None or not whole or amounts.data.size != 2 * len(x.shape):
        raise fail(p, node, "has paddings that are not constant, two per dimension")
    table = amounts.data.reshape(-1, 2).astype(np.int64)
    if (table < 0).any() or tuple(table.sum(axis=1) + x.shape) != y.shape:
        raise fail(p, node, f"pads {list(x.shape)} by {table.tolist()} but makes {list(y.shape)}")
    full = np.zeros((4, 2), np.int64)
    full[4 - len(x.shape) :] = table
    return full


def _pad(p: Program, node: Node) -> None:
    expect_same_quant(p, node)
    y = output(p, node)
    full, value = paddings(p, node), affine(y).zero_point
    if node.op == "PADV2":
        fill = operand(p, node, 2)
        one = fill.data is not None and fill.dtype == "int8" and fill.elements == 1
        if not one or affine(fill) != affine(y):
            raise fail(p, node, "pads with something else than one int8 constant of its own scale")
        assert fill.data is not None
        value = int(fill.data.reshape(-1)[0])
    (row,), out = rows(p, node)
    if full[0].any():
        _pad_images(p, node, row, out, full, value)
    else:
        p.emit(node, "PAD", [row], out, (*full.reshape(-1), value))


def _pad_images(
    p: Program, node: Node, x: int, y: int, amounts: np.ndarray, value: int
) -> None:
    """Borders inside the images, then whole images: the core goes image by image, so as rows."""
    images = p.rows[x].dims[0]
    _, h, w, c = p.rows[y].dims
    if amounts[1:].any():
        inside = np.concatenate([np.zeros((1, 2), np.int64), amounts[1:]])
        row = p.add(dataclasses.replace(p.rows[x], shape=(images, h, w, c)))
        p.emit(node, "PAD", [x], row, (*inside.reshape(-1), value))
        x = row
    size = h * w * c
    source = p.view(x, (1, images, 1, size))
    target = p.view(y, (1, p.rows[y].dims[0], 1, size))
    p.emit(node, "PAD", [source], target, (0, 0, *amounts[0], 0, 0, 0, 0, value))


def _reshape(p: Program, node: Node) -> None:
    source, out = operand(p, node, 0), output(p, node)
    if source.dtype != out.dtype or source.elements != out.elements:
        raise fail(
            p, node, f"makes {out.dtype} {list(out.shape)} of {source.dtype} {list(source.shape)}",
            "Export the model with a fixed batch size of 1",
        )  # fmt: skip
    p.alias(out.index, source.index)


LOWERINGS = {
    "EXPAND_DIMS": Lowering(_reshape, (1, 2), any_rank=True),
    "PAD": Lowering(_pad, (2, 2)),
    "PADV2": Lowering(_pad, (3, 3)),
    "RESHAPE": Lowering(_reshape, (1, 2), any_rank=True),
    "SQUEEZE": Lowering(_reshape, any_rank=True),
}
