"""Models that keep state between runs: variables, SVDF, LSTM. As models.py has them.

Their golden vectors are one sequence: each depends on all before it.
"""

from __future__ import annotations

import numpy as np
from builder import Builder
from models import scale_of, zero_of


def svdf(rng, inputs=9, units=5, rank=1, steps=4, batch=1, state="int16", bias=True, gain=1.0):
    filters = units * rank
    sx, sf, st = scale_of(rng, -6, -3), scale_of(rng, -9, -6), scale_of(rng, -12, -8)
    highest, zero = (32767, 0) if state == "int16" else (127, zero_of(rng))
    ss = float(np.float32(sx * sf * 73 * 73 * np.sqrt(inputs) * 4 / highest))
    scale = float(np.float32(ss * st * highest * highest / 8 * np.sqrt(steps * rank) / 64 / gain))
    b = Builder()
    ix = b.tensor("x", (batch, inputs), scale=sx, zero_point=zero_of(rng))
    feature = rng.integers(-127, 128, (filters, inputs))
    operands = [ix, b.tensor("feature", feature.shape, scale=sf, data=feature)]
    time = rng.integers(-highest, highest + 1, (filters, steps))
    operands.append(b.tensor("time", time.shape, state, st, data=time))
    values = rng.integers(-(2**16), 2**16, units) * (highest // 127)
    operands.append(b.tensor("bias", (units,), "int32", ss * st, data=values) if bias else -1)
    operands.append(
        b.tensor("state", (batch, filters * steps), state, ss, zero, variable=True))
    iy = b.tensor("y", (batch, units), scale=scale, zero_point=zero_of(rng))
    b.op("SVDF", operands, [iy], rank=rank, fusedActivationFunction=1)
    return b.finish([ix], [iy])


def lstm(rng, inputs=7, cells=5, steps=3, cell_power=-11, clip=10.0, hidden_zero=None):
    sx = scale_of(rng, -6, -4)
    zero = zero_of(rng) if hidden_zero is None else hidden_zero
    hidden = {"scale": float(np.float32(2.0**-7)), "zero_point": zero}
    b = Builder()
    ix = b.tensor("x", (1, steps, inputs), scale=sx, zero_point=zero_of(rng))
    operands = [-1] * 24
    operands[0] = ix
    for gate in range(4):
        for first, depth in ((1, inputs), (5, cells)):
            w = rng.integers(-127, 128, (cells, depth))
            scale = scale_of(rng, -8, -6)
            operands[first + gate] = b.tensor(f"w{first}{gate}", w.shape, scale=scale, data=w)
        values = rng.integers(-3000, 3000, cells)
        operands[12 + gate] = b.tensor(f"b{gate}", (cells,), "int32", 1e-4, data=values)
    operands[18] = b.tensor("hidden", (1, cells), **hidden, variable=True)
    operands[19] = b.tensor("cell", (1, cells), "int16", 2.0**cell_power, variable=True)
    between = [b.tensor(f"gate{i}", (0,), "float32") for i in range(4)]
    between.append(b.tensor("between", (0,), **hidden))
    iy = b.tensor("y", (1, steps, cells), **hidden)
    b.op("UNIDIRECTIONAL_SEQUENCE_LSTM", operands, [iy], intermediates=between,
         fusedActivationFunction=4, cellClip=clip, projClip=0.0, timeMajor=False)  # fmt: skip
    return b.finish([ix], [iy])


def stream(rng, x=(1, 2, 1, 3), kept=4, values=None, late=False, cut_first=False):
    """Rows kept from run to run in front of the new ones, as streaming layers do.

    ``values``: random initial state; the zero point where None. ``late``: the
    state is read again, and given out, after it was assigned. ``cut_first``:
    the oldest rows are dropped before the new ones are joined, not after.
    """
    quant = {"scale": scale_of(rng, -6, -3), "zero_point": zero_of(rng)}
    n, rows, w, c = x
    state = (n, kept, w, c)
    whole, rest = (state, (n, kept - rows, w, c)) if cut_first else ((n, kept + rows, w, c), state)
    start = np.full(state, quant["zero_point"]) if values is None else rng.integers(-9, 9, state)
    b = Builder()
    b.op("CALL_ONCE", [], [], initSubgraphIndex=1)
    handle = b.tensor("handle", (), "resource")
    b.op("VAR_HANDLE", [], [handle], container="", sharedName="rows")
    ix = b.tensor("x", x, **quant)
    old, joined, part = (b.tensor(k, s, **quant) for k, s in
                         (("old", state), ("joined", whole), ("part", rest)))  # fmt: skip
    cut, new = (old, joined) if cut_first else (joined, part)
    bounds = [b.tensor(k, (4,), "int32", data=v) for k, v in
              (("begin", (0, rows, 0, 0)), ("end", (0, 0, 0, 0)), ("step", (1,) * 4))]  # fmt: skip
    steps = [("CONCATENATION", [part if cut_first else old, ix], [joined], {"axis": 1}),
             ("STRIDED_SLICE", [cut, *bounds], [part], {"beginMask": 13, "endMask": 15})]
    b.op("READ_VARIABLE", [handle], [old])
    for name, inputs, outputs, options in reversed(steps) if cut_first else steps:
        b.op(name, inputs, outputs, **options)
    b.op("ASSIGN_VARIABLE", [handle, new], [])
    out = b.tensor("y", state if late else whole, **quant)
    b.op("MAXIMUM", [old, new] if late else [joined, joined], [out])
    b.begin_graph()
    inner = b.tensor("handle", (), "resource")
    b.op("VAR_HANDLE", [], [inner], container="", sharedName="rows")
    first = b.tensor("first", state, **quant, data=start)
    b.op("ASSIGN_VARIABLE", [inner, first], [])
    return b.finish([ix], [out])


CASES = {
    "svdf": ("svdf", {}),
    "svdf_rank": ("svdf", {"rank": 3}),
    "svdf_batch": ("svdf", {"batch": 2}),
    "svdf_one_step": ("svdf", {"steps": 1}),
    "svdf_no_bias": ("svdf", {"bias": False}),
    "svdf_saturating": ("svdf", {"gain": 30.0}),
    "lstm": ("lstm", {}),
    "lstm_one_step": ("lstm", {"steps": 1}),
    "lstm_fine_cell": ("lstm", {"cell_power": -15}),
    "lstm_coarse_cell": ("lstm", {"cell_power": -9, "clip": 0.0}),
    "lstm_clipped": ("lstm", {"clip": 0.5, "steps": 6}),
    "lstm_one_cell": ("lstm", {"cells": 1, "inputs": 1, "hidden_zero": 0}),
    "stream": ("stream", {}),
    "stream_values": ("stream", {"values": True}),
    "stream_read_late": ("stream", {"late": True}),
    "stream_cut_first": ("stream", {"cut_first": True, "values": True}),
    "stream_cut_first_columns": (
        "stream", {"x": (1, 1, 3, 2), "kept": 3, "cut_first": True}),
    "stream_more_new_than_kept": ("stream", {"x": (1, 5, 2, 2), "kept": 2}),
}  # fmt: skip
