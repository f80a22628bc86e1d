"""What one inference costs: executed instructions on an emulated board, time on a real one.

Instructions, not cycles: caches, flash wait states and pipelines are not in
the figure. It is exact and the same in every run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile, Op
from tinysense_host.ondevice import GIVEN, BoardModel, Link
from tinysense_host.vectors import random

__all__ = ["Cost", "OpCost", "measure", "op_macs"]

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
    """One op of one inference. ``cost`` in the unit of the Cost it belongs to."""

    name: str
    cost: int
    macs: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Cost:
    """One inference, the smallest count of three, the cost of the call itself taken off.

    ``unit`` is "instructions" where the emulator counts them, else "us".
    """

    unit: str
    total: int
    call_overhead: int
    arena_bytes: int
    model_bytes: int
    ops: tuple[OpCost, ...]

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
            "ops": [
                {"op": op.name, key: op.cost, "macs": op.macs, "shape": list(op.shape)}
                for op in self.ops
            ],
        }


def op_macs(model: ModelFile, op: Op) -> int:
    """Multiply-accumulates of an op; 0 for ops without weights."""
    if op.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return 0
    made, weights = model.tensors[op.outputs[0]], model.tensors[op.inputs[1]]
    taps = weights.shape[1:3] if op.name == "DEPTHWISE_CONV_2D" else weights.shape[1:]
    return made.elements * math.prod(taps)


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


def _cost(model: ModelFile, model_bytes: int, told: list[Any]) -> Cost:
    try:
        unit, call, total, each = told
        spent = [max(0, int(n) - int(call)) for n in each]
        ops = tuple(
            OpCost(op.name, cost, op_macs(model, op), model.tensors[op.outputs[0]].shape)
            for op, cost in zip(model.ops, spent, strict=True)
        )
        return Cost(str(unit), max(0, int(total) - int(call)), int(call), model.arena_bytes,
                    model_bytes, ops)  # fmt: skip
    except (TypeError, ValueError) as error:
        raise TinysenseError(
            f"the board answered {str(told)[:60]!r}, expected its measurements", "Reset the board"
        ) from error
