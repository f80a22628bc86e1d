"""RESIZE_NEAREST_NEIGHBOR: which row and column each one of the output is."""

from __future__ import annotations

import math

import numpy as np

from tinysense_host.graph import Node
from tinysense_host.lowering.operands import (
    Lowering,
    fail,
    integers,
    operand,
    output,
    rows,
    same_kind,
)
from tinysense_host.program import Program
from tinysense_host.quantize import round_away

__all__ = ["LOWERINGS", "nearest"]

_SIDE_MAX = 2**15 - 1


def nearest(size: int, out: int, align_corners: bool, half_pixel: bool) -> list[int]:
    """Index of the input for each index of the output, in float32 as TFLite computes it."""
    if align_corners and out > 1:
        scale = np.float32(size - 1) / np.float32(out - 1)
    else:
        scale = np.float32(size) / np.float32(out)
    offset = np.float32(0.5 if half_pixel else 0.0)
    found = []
    for i in range(out):
        at = float((np.float32(i) + offset) * scale)
        index = min(round_away(at) if align_corners else math.floor(at), size - 1)
        found.append(max(0, index) if half_pixel else index)
    return found


def _resize(p: Program, node: Node) -> None:
    x, out = operand(p, node, 0), output(p, node)
    same_kind(p, node, [x, out])
    sizes = integers(p, node, 1, "sizes")
    if len(x.shape) != 4 or len(sizes) != 2 or out.shape != (x.shape[0], *sizes, x.shape[3]):
        raise fail(p, node, f"resizes {list(x.shape)} to {sizes} and declares {list(out.shape)}")
    if max(*sizes, *x.shape[1:3]) > _SIDE_MAX:
        raise fail(p, node, f"resizes {list(x.shape)} to {sizes}: at most {_SIDE_MAX} on a side")
    corners, half = (bool(node.options[k]) for k in ("align_corners", "half_pixel_centers"))
    indices = [p.constant(np.array(nearest(size, to, corners, half)), "int16")
               for size, to in zip(x.shape[1:3], sizes, strict=True)]  # fmt: skip
    (row,), y = rows(p, node)
    p.emit(node, "RESIZE_NEAREST_NEIGHBOR", [row, *indices], y)


LOWERINGS = {"RESIZE_NEAREST_NEIGHBOR": Lowering(_resize, (2, 2))}
