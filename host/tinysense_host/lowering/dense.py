"""FULLY_CONNECTED: on int8 with one rounding of 31 bits, and what takes the bits of a double."""

from __future__ import annotations

import math

import numpy as np

from tinysense_host import quantize as q
from tinysense_host.graph import Node
from tinysense_host.lowering.mixed import WEIGHTS, edges, emit_mixed
from tinysense_host.lowering.operands import (
    Lowering,
    activation,
    fail,
    multipliers,
    operand,
    output,
    pair,
)
from tinysense_host.lowering.weighted import emit_weighted, weights
from tinysense_host.program import Program

__all__ = ["LOWERINGS"]


def _weights(p: Program, node: Node, *dtypes: str) -> tuple[np.ndarray, np.ndarray]:
    """(weights (units, inputs), a scale per unit or just one) of a FULLY_CONNECTED."""
    w, w_scales = weights(p, node, 0, *dtypes)
    if len(w.shape) != 2 or node.options["weights_format"] != 0:
        raise fail(p, node, f"has weights {list(w.shape)}: expected (units, inputs), not shuffled")
    units, depth = w.shape
    given, made = operand(p, node, 0).elements, output(p, node).elements
    if given % depth or given // depth * units != made:
        raise fail(p, node, f"has weights {list(w.shape)} for {given} inputs and {made} outputs")
    assert w.data is not None
    return w.data, w_scales


def _fully_connected(p: Program, node: Node) -> None:
    """int8; where no 31 bits round as TFLite's doubles do, the op with 53 bits."""
    x, y = pair(p, node)
    w, w_scales = _weights(p, node, "int8")
    reals = [x.scale * float(s) / y.scale for s in w_scales]
    multipliers(p, node, reals)     # refuses what no kernel can scale by
    low, high = activation(p, node, y)
    largest = _largest_sums(p, node, w, x.zero_point)
    bounds = largest if len(reals) > 1 else [max(largest)]
    exact = [q.dense_multiplier(real, bound, low - y.zero_point, high - y.zero_point)
             for real, bound in zip(reals, bounds, strict=True)]  # fmt: skip
    scaling = [pair for pair in exact if pair is not None]
    if len(scaling) < len(exact):
        _mixed(p, node)
        return
    mult, shift = [m for m, _ in scaling], [s for _, s in scaling]
    emit_weighted(p, node, "FULLY_CONNECTED", w, (mult, shift), len(w), (low, high))


def _largest_sums(p: Program, node: Node, w: np.ndarray, zero_point: int) -> list[int]:
    """The largest magnitude that each unit's sum, bias included, can have."""
    farthest = max(q.INT8_MAX - zero_point, zero_point - q.INT8_MIN)
    sums = np.abs(w.astype(np.int64)).sum(axis=1) * farthest
    if len(node.inputs) > 2 and node.inputs[2] >= 0:
        data = operand(p, node, 2).data
        if data is not None and data.size == len(sums):
            sums = sums + np.abs(data.reshape(-1).astype(np.int64))
    return [int(s) for s in sums]


def _mixed(p: Program, node: Node) -> None:
    x, y = edges(p, node)
    w, scales = _weights(p, node, *WEIGHTS)
    # TFLite's reference kernel scales in double precision: all 53 bits count.
    pairs = [math.frexp(x.scale * float(s) / y.scale) for s in scales]
    shifts = [53 - exponent for _, exponent in pairs]
    if any(not 1 <= shift <= 127 for shift in shifts):
        raise fail(p, node, "scales its result beyond all bounds",
                   "Its scales are damaged: quantise again")  # fmt: skip
    mult = p.constant(np.array([int(fraction * 2**53) for fraction, _ in pairs]), "int64")
    shift = p.constant(np.array(shifts), "int8")
    emit_mixed(p, node, "MIXED_FULLY_CONNECTED", w, mult, shift, activation(p, node, y))


LOWERINGS = {
    "FULLY_CONNECTED": Lowering(_fully_connected, (2, 3)),
    "FULLY_CONNECTED:int16": Lowering(_mixed, (2, 3)),
    "FULLY_CONNECTED:int4": Lowering(_mixed, (2, 3)),
}
