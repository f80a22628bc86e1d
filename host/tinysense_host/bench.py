"""What one inference costs: executed instructions on an emulated board, time on a real one.

Instructions, not cycles: caches, flash wait states and pipelines are not in
the figure. It is exact and the same in every run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ABSENT, ModelFile, Op
from tinysense_host.ondevice import GIVEN, BoardModel, Link
from tinysense_host.vectors import random

__all__ = ["Cost", "OpCost", "measure", "op_costs", "op_macs"]

# The counter is read before and after; a call that does nothing but check its
# arguments (op -1 is refused) gives what reading and calling cost. The smallest
# of three counts: reading allocates an int, and the search for its place
# depends on the heap (hence also the collections).
_MEASURE = """
import gc, json
try:
    from emulated import instructions as _t_now
    _t_now()
    _t_unit = 'instructions'
    _t_diff = lambda a, b: a - b
except (ImportError, RuntimeError):
    from time import ticks_us as _t_now, ticks_diff as _t_diff
    _t_unit = 'us'
def _t_measure(n_ops, first):
    run, op = _tc.model_run, _tc.model_run_op
    f = open({given!r}, 'rb') if first[0] in (0, 3) else None
    call = total = 1 << 62
    each = [total] * n_ops
    for _ in range(3):
        _t_fill(first[0], first[1], f)
        gc.collect()
        a = _t_now()
        op(_ts, _tf, _ta, -1)
        b = _t_now()
        call = min(call, _t_diff(b, a))
        gc.collect()
        a = _t_now()
        run(_ts, _tf, _ta)
        b = _t_now()
        total = min(total, _t_diff(b, a))
        _t_fill(first[0], first[1], f)
        for i in range(n_ops):
            gc.collect()
            a = _t_now()
            op(_ts, _tf, _ta, i)
            b = _t_now()
            each[i] = min(each[i], _t_diff(b, a))
    if f:
        f.close()
    print(json.dumps([_t_unit, call, total, each]))
"""


@dataclass(frozen=True)
class OpCost:
    """One op of one inference. ``cost`` in the unit of the Cost it belongs to.

    ``constant_bytes``: weights, biases, tables it reads; ``tensor_bytes``: what it
    reads and writes in the arena. ``inside``: a SEGMENT runs it, piece by piece;
    its cost is that of making all rows at once, the segment's own what it adds.
    """

    name: str
    cost: int
    macs: int
    shape: tuple[int, ...]
    constant_bytes: int = 0
    tensor_bytes: int = 0
    inside: bool = False


@dataclass(frozen=True)
class Cost:
    """One inference, the cost of the call itself taken off.

    ``unit`` is "instructions" where the emulator counts them, else "us".
    ``load``: the same for loading the model, None where that was not counted.
    """

    unit: str
    total: int
    call_overhead: int
    arena_bytes: int
    model_bytes: int
    ops: tuple[OpCost, ...]
    load: int | None = None

    @property
    def macs(self) -> int:
        return sum(op.macs for op in self.ops)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: "instructions", null beside "microseconds" on a board without a counter."""
        key = "instructions" if self.unit == "instructions" else "microseconds"
        total = {"instructions": None} | {key: self.total}    # null: nothing counted them
        return total | {
            "arena_bytes": self.arena_bytes,
            "model_bytes": self.model_bytes,
            "macs": self.macs,
            "call_overhead": self.call_overhead,
            "load": self.load,
            "ops": [
                {"op": op.name, key: op.cost, "macs": op.macs, "shape": list(op.shape),
                 "constant_bytes": op.constant_bytes, "tensor_bytes": op.tensor_bytes,
                 "inside": op.inside}
                for op in self.ops
            ],
        }  # fmt: skip


def _filters(model: ModelFile, op: Op) -> int:
    """Each output is a sum over one filter."""
    made, weights = model.tensors[op.outputs[0]], model.tensors[op.inputs[1]]
    taps = weights.shape[1:3] if op.name.endswith("DEPTHWISE_CONV_2D") else weights.shape[1:]
    return made.elements * math.prod(taps)


def _spread(model: ModelFile, op: Op) -> int:
    """Each position of the input meets all weights once."""
    n, h, w, _ = model.tensors[op.inputs[0]].dims
    return n * h * w * model.tensors[op.inputs[1]].elements


def _steps(model: ModelFile, op: Op) -> int:
    """Each row of the input meets all weights once."""
    x = model.tensors[op.inputs[0]]
    weights = [model.tensors[i] for i in op.inputs[1:] if i != ABSENT]
    used = sum(t.elements for t in weights if t.constant and t.dtype in ("int8", "int4", "int16"))
    return x.elements // x.dims[3] * used


_WEIGHTS = {"CONV_2D": _filters, "DEPTHWISE_CONV_2D": _filters, "FULLY_CONNECTED": _filters,
            "MIXED_CONV_2D": _filters, "MIXED_DEPTHWISE_CONV_2D": _filters,
            "MIXED_FULLY_CONNECTED": _filters, "TRANSPOSE_CONV": _spread, "SVDF": _steps,
            "UNIDIRECTIONAL_SEQUENCE_LSTM": _steps}  # fmt: skip


def op_macs(model: ModelFile, op: Op) -> int:
    """Multiply-accumulates of an op; 0 for ops without weights."""
    made = model.tensors[op.outputs[0]]
    if op.name in ("PACKED_CONV_2D", "PACKED_DEPTHWISE_CONV_2D"):
        depth = model.tensors[op.inputs[0]].dims[3] if op.name == "PACKED_CONV_2D" else 1
        return made.elements * op.params[8] * op.params[9] * depth
    if op.name == "PACKED_FULLY_CONNECTED":
        rows = max(1, made.elements // made.dims[3])
        return made.elements * (model.tensors[op.inputs[0]].elements // rows)
    if op.name in _WEIGHTS:
        return _WEIGHTS[op.name](model, op)
    return 0


def measure(link: Link, blob: bytes) -> Cost:
    """Load the model on the board, run it on one random input, and read the counter."""
    board = BoardModel(link, blob)
    try:
        vector = random(board.file, 1)[0]
        board.call(_MEASURE.format(given=GIVEN))
        first = board.recipe(vector)
        told = json.loads(board.call(f"_t_measure({len(board.file.ops)}, {first!r})").strip())
    finally:
        board.close()
    return _cost(board.file, len(blob), told)


def op_costs(model: ModelFile, spent: Sequence[int]) -> tuple[OpCost, ...]:
    """Every op with what it cost, in the order of the program.

    ``spent`` on a SEGMENT holds its ops; what is told of it is the rest, which
    the rows' way through it costs.
    """
    costs, left = [], 0
    for k, (op, cost) in enumerate(zip(model.ops, spent, strict=True)):
        tensors = [model.tensors[i] for i in dict.fromkeys(op.operands)]
        inside = left > 0
        left = max(0, left - 1)
        if op.name == "SEGMENT":
            left = op.params[0]
            cost = max(0, cost - sum(spent[k + 1 : k + 1 + left]))  # noqa: PLW2901
        costs.append(OpCost(
            op.name, cost, op_macs(model, op), model.tensors[op.outputs[0]].shape,
            sum(t.nbytes for t in tensors if t.constant),
            sum(t.nbytes for t in tensors if not t.constant), inside,
        ))  # fmt: skip
    return tuple(costs)


def _cost(model: ModelFile, model_bytes: int, told: list[Any]) -> Cost:
    try:
        unit, call, total, each = told
        ops = op_costs(model, [max(0, int(n) - int(call)) for n in each])
        return Cost(str(unit), max(0, int(total) - int(call)), int(call), model.arena_bytes,
                    model_bytes, ops)  # fmt: skip
    except (TypeError, ValueError) as error:
        raise TinysenseError(
            f"the board answered {str(told)[:60]!r}, expected its measurements", "Reset the board"
        ) from error
