"""Ops that own a state: SVDF and UNIDIRECTIONAL_SEQUENCE_LSTM, in int8."""

from __future__ import annotations

import math

import numpy as np

from tinysense_host.graph import Node
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.lowering.operands import (
    Lowering,
    expect_type,
    fail,
    int8,
    multipliers,
    operand,
    output,
)
from tinysense_host.program import Program, affine, scales
from tinysense_host.tflite.schema import ACTIVATIONS

__all__ = ["LOWERINGS"]

_EXPORT_HINT = "Export the model again with TensorFlow 2's full int8 quantisation"
_GATES = ("input", "forget", "cell", "output")
# Operands of the LSTM: one of each for every gate, in the order of _GATES.
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES = 1, 5, 12
_HIDDEN, _CELL = 18, 19
_EXTRAS = {9: "peepholes", 16: "a projection", 20: "layer normalisation"}
_GATE_SCALE = np.float32(2.0**-12)


def _weights(p: Program, node: Node, i: int, dtype: str, rank: int = 2) -> GraphTensor:
    """A constant of this type, symmetric where it has a quantisation."""
    tensor = operand(p, node, i)
    expect_type(p, node, tensor, dtype)
    if tensor.data is None or len(tensor.shape) != rank:
        raise fail(p, node, f"has '{tensor.name}' {list(tensor.shape)}: expected a constant of "
                   f"{rank} dimension{'s' if rank > 1 else ''}")  # fmt: skip
    if tensor.quant is not None and np.any(tensor.quant.zero_point != 0):
        raise fail(p, node, f"has '{tensor.name}' with a zero point: expected 0", _EXPORT_HINT)
    return tensor


def _scale(p: Program, node: Node, tensor: GraphTensor) -> np.float32:
    if tensor.quant is None or tensor.quant.per_channel:
        raise fail(p, node, f"has '{tensor.name}' without one scale for all", _EXPORT_HINT)
    return np.float32(scales(tensor)[0])


def _state(p: Program, node: Node, i: int, *dtypes: str) -> GraphTensor:
    tensor = operand(p, node, i)
    expect_type(p, node, tensor, *dtypes)
    if tensor.index not in p.graph.states:
        raise fail(p, node, f"keeps its state in '{tensor.name}', which has no initial value",
                   _EXPORT_HINT)  # fmt: skip
    return tensor


# ---- SVDF ----


def _svdf(p: Program, node: Node) -> None:
    x, y = operand(p, node, 0), output(p, node)
    int8(p, node, x)
    int8(p, node, y)
    if len(node.inputs) != 5:
        raise fail(p, node, f"has {len(node.inputs)} operands: expected 5", _EXPORT_HINT)
    if node.options["activation"] != ACTIVATIONS.index("RELU"):
        raise fail(p, node, "has another activation than RELU, which TFLite's int8 SVDF needs")
    state = _state(p, node, 4, "int8", "int16")
    feature, time = _weights(p, node, 1, "int8"), _weights(p, node, 2, state.dtype)
    filters, inputs = feature.shape
    rank, steps = int(node.options["rank"]), time.shape[1]
    if rank < 1 or filters % rank or time.shape[0] != filters or x.elements % inputs:
        raise fail(p, node, f"has weights {list(feature.shape)} and {list(time.shape)}, rank "
                   f"{rank}, for the input {list(x.shape)}")  # fmt: skip
    batch, units = x.elements // inputs, filters // rank
    if state.elements != batch * filters * steps or y.elements != batch * units:
        raise fail(p, node, f"has the state {list(state.shape)} and the output {list(y.shape)}: "
                   f"expected {batch * filters * steps} and {batch * units} values")  # fmt: skip
    sx, sy, ss = (_scale(p, node, t) for t in (x, y, state))
    # TFLite multiplies and divides these in float32.
    reals = [float(sx * _scale(p, node, feature) / ss), float(ss * _scale(p, node, time) / sy)]
    mult, shift = multipliers(p, node, reals)
    bias = np.zeros(units, np.int32)
    if node.inputs[3] >= 0:
        bias = _values(_weights(p, node, 3, "int32", 1))
    if len(bias) != units:
        raise fail(p, node, f"has {len(bias)} biases for {units} units")
    rows = [p.row(x.index), p.constant(_values(feature), "int8"),
            p.constant(_values(time), time.dtype), p.constant(bias, "int32"), p.row(state.index)]
    scaling = [v for pair in zip(mult, shift, strict=True) for v in pair]
    p.emit(node, "SVDF", rows, p.row(y.index), (rank, *scaling))


def _values(tensor: GraphTensor) -> np.ndarray:
    assert tensor.data is not None
    return tensor.data


# ---- UNIDIRECTIONAL_SEQUENCE_LSTM ----


def _lstm(p: Program, node: Node) -> None:
    _expect_plain(p, node)
    x, y = operand(p, node, 0), output(p, node)
    hidden, cell = _state(p, node, _HIDDEN, "int8"), _state(p, node, _CELL, "int16")
    cells = y.shape[-1]
    steps = _steps(p, node, x, y, cells)
    if hidden.elements != cells or cell.elements != cells:
        raise fail(p, node, f"has states of {hidden.elements} and {cell.elements} values for "
                   f"{cells} cells")  # fmt: skip
    w, given, given_scaling = _gates(p, node, _INPUT_WEIGHTS, x, cells)
    recurrent, last, last_scaling = _gates(p, node, _RECURRENT_WEIGHTS, hidden, cells)
    for gate in range(len(_GATES)):
        given[gate] += _values(_weights(p, node, _BIASES + gate, "int32", 1)).astype(np.int64)
    bias = np.stack([given, last], axis=2)
    if np.abs(bias).max(initial=0) > 2**31 - 1:
        raise fail(p, node, "has biases that 32 bits cannot hold with the zero points folded in")
    constants = [p.constant(w, "int8"), p.constant(recurrent, "int8"),
                 p.constant(bias, "int32")]  # fmt: skip
    source = p.view(p.row(x.index), (1, steps, 1, x.shape[-1]))
    target = p.view(p.row(y.index), (1, steps, 1, cells))
    params = (*given_scaling, *last_scaling, *_cell_parameters(p, node, cell),
              *_output_scaling(p, node))  # fmt: skip
    states = [p.row(hidden.index), p.row(cell.index)]
    p.emit(node, "UNIDIRECTIONAL_SEQUENCE_LSTM", [source, *constants, *states], target, params)


def _expect_plain(p: Program, node: Node) -> None:
    """Every gate has its weights, and there is nothing else."""
    inputs = node.inputs + (-1,) * (24 - len(node.inputs))
    for i, what in _EXTRAS.items():
        if inputs[i] >= 0 or inputs[i + 1] >= 0:
            raise fail(p, node, f"has {what}: expected a plain LSTM", "Use a keras LSTM layer")
    needed = (0, *range(1, 9), *range(12, 16), _HIDDEN, _CELL)
    missing = [i for i in needed if inputs[i] < 0]
    if missing:
        raise fail(p, node, f"does without operand {missing[0]}: expected all four gates",
                   "Use a keras LSTM layer")  # fmt: skip
    for tensor in (operand(p, node, 0), output(p, node)):
        int8(p, node, tensor)
    if len(node.intermediates) != 5:
        raise fail(p, node, f"has {len(node.intermediates)} intermediate tensors: expected 5, of "
                   "the integer LSTM with 16-bit cells", _EXPORT_HINT)  # fmt: skip


def _steps(p: Program, node: Node, x: GraphTensor, y: GraphTensor, cells: int) -> int:
    """Time steps of x, which has one sequence."""
    steps = x.elements // x.shape[-1]
    batch = x.shape[1 if node.options["time_major"] else 0] if len(x.shape) == 3 else 0
    if batch != 1 or y.elements != steps * cells:
        raise fail(p, node, f"makes {list(y.shape)} of {list(x.shape)}: expected one sequence, "
                   "(1, steps, channels)", "Export the model with batch size 1")  # fmt: skip
    return steps


def _gates(
    p: Program, node: Node, first: int, source: GraphTensor, cells: int
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Weights (4, cells, n) over ``source``, what its zero point adds (4, cells), scaling."""
    tensors = [_weights(p, node, first + gate, "int8") for gate in range(len(_GATES))]
    depth = source.shape[-1]
    for name, tensor in zip(_GATES, tensors, strict=True):
        if tensor.shape != (cells, depth):
            raise fail(p, node, f"has weights {list(tensor.shape)} for the {name} gate: expected "
                       f"{[cells, depth]}")  # fmt: skip
    w = np.stack([_values(t) for t in tensors])
    zero = affine(source).zero_point
    unit = _scale(p, node, source)
    mult, shift = multipliers(
        p, node, [float(_scale(p, node, t) * unit / _GATE_SCALE) for t in tensors]
    )
    return w, -zero * w.sum(axis=2, dtype=np.int64), [v for m in zip(mult, shift, strict=True)
                                                      for v in m]  # fmt: skip


def _cell_parameters(p: Program, node: Node, cell: GraphTensor) -> tuple[int, int]:
    """(integer bits of the cell, its bound in steps or 0)."""
    scale = _scale(p, node, cell)
    power = round(math.log2(float(scale)))
    if abs(math.log2(float(scale)) - power) >= 1e-3 or not -15 <= power <= -9:
        raise fail(p, node, f"has cells in steps of {float(scale):g}: expected a power of two, "
                   "2^-15 to 2^-9", _EXPORT_HINT)  # fmt: skip
    clip = np.float32(node.options["cell_clip"])
    bound = min(max(float(clip / scale), -32768.0), 32767.0) if clip > 0 else 0.0
    return 15 + power, int(bound)


def _output_scaling(p: Program, node: Node) -> tuple[int, int]:
    """Multiplier and shift from gate times cell, Q0.30, to the output."""
    between, y = p.graph.tensors[node.intermediates[4]], affine(output(p, node))
    if between.quant is None or affine(between).zero_point != y.zero_point:
        raise fail(p, node, "has another zero point before its output than in it", _EXPORT_HINT)
    real = float(np.float32(2.0**-15 / float(_scale(p, node, between)) * 2.0**-15))
    mult, shift = multipliers(p, node, [real])
    return mult[0], shift[0]


LOWERINGS = {
    "SVDF": Lowering(_svdf, (3, 5)),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": Lowering(_lstm, (1, 24)),
}
