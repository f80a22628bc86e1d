"""State kept between runs: how it begins, is read and is assigned.

A state is a row like any other; the ops in front of an inference's (the
prologue) give it its first value. Reading is a view where nothing assigns in
between, and what is assigned is computed straight into the state where
nothing reads the old value any more (``merge_states``).
"""

from __future__ import annotations

import math

import numpy as np

from tinysense_host.graph import Node
from tinysense_host.lowering.operands import Lowering, operand, output
from tinysense_host.program import Program

__all__ = ["LOWERINGS", "begin_states", "merge_states"]


def begin_states(p: Program) -> None:
    """The prologue: one op per state. Of a repeated byte or row only one is stored."""
    for index, value in p.graph.states.items():
        row, data = p.row(index), value.tobytes()
        node = Node(-1, "CALL_ONCE", (), (index,))
        pattern = _repeated(value)
        if len(set(data)) == 1:
            p.emit(node, "FILL", [], row, (data[0],))
        elif len(pattern) < value.size:
            rows = p.view(row, (1, value.size // len(pattern), 1, len(pattern)))
            constant = p.constant(pattern.reshape(1, 1, 1, -1), str(value.dtype))
            p.emit(node, "STRIDED_COPY", [constant], rows, (0, 0, 0, 1))
        else:
            p.emit(node, "COPY", [p.constant(value, str(value.dtype))], row)
    p.n_init = len(p.ops)


def _repeated(value: np.ndarray) -> np.ndarray:
    """The innermost axes, flat, where the outer ones only repeat them; else all of it."""
    for axis in range(value.ndim - 1, 0, -1):
        rows = value.reshape(-1, math.prod(value.shape[axis:]))
        if (rows == rows[0]).all():
            return np.asarray(rows[0])
    return value.reshape(-1)


def merge_states(p: Program) -> None:
    """Let ops write into a state what is only copied there, and drop the copy."""
    k = p.n_init
    while k < len(p.ops):
        if _is_assignment(p, k) and _may_merge(p, k):
            (source,), (target,) = p.ops[k].inputs, p.ops[k].outputs
            old, new = p.storage[source], p.storage[target]
            p.storage = [new if s == old else s for s in p.storage]
            del p.ops[k], p.origin[k]
        else:
            k += 1


def _is_assignment(p: Program, k: int) -> bool:
    return p.origin[k].op == "ASSIGN_VARIABLE"


def _may_merge(p: Program, k: int) -> bool:
    (source,), (target,) = p.ops[k].inputs, p.ops[k].outputs
    old, new = p.storage[source], p.storage[target]
    touched = [{p.storage[i] for i in op.operands} for op in p.ops]
    written = [{p.storage[i] for i in op.outputs} for op in p.ops]
    first = next(i for i, rows in enumerate(touched) if old in rows)
    kept = {p.storage[i] for op in p.ops[: p.n_init] for i in op.outputs}
    edges = {p.storage[p.row(i)] for i in (*p.graph.inputs, *p.graph.outputs)}
    alone = old not in kept | edges and not p.rows[source].constant and first >= p.n_init
    later = range(k + 1, len(p.ops))
    last_use = max((i for i in later if old in touched[i]), default=k)
    return (
        alone
        and p.rows[old].nbytes == p.rows[new].nbytes
        and not any(new in touched[i] for i in range(first, k))
        and not any(new in written[i] for i in range(k + 1, last_use + 1))
    )


def _read(p: Program, node: Node) -> None:
    source, out = operand(p, node, 0), output(p, node)
    if node.options["copy"]:
        p.emit(node, "COPY", [p.row(source.index)], p.row(out.index))
    else:
        p.alias(out.index, source.index)


def _assign(p: Program, node: Node) -> None:
    p.emit(node, "COPY", [p.row(node.inputs[0])], p.row(node.outputs[0]))


def _shift_in(p: Program, node: Node) -> None:
    p.emit(node, "SHIFT_IN", [p.row(node.inputs[0])], p.row(node.outputs[0]))


LOWERINGS = {
    "ASSIGN_VARIABLE": Lowering(_assign),
    "READ_VARIABLE": Lowering(_read),
    "SHIFT_IN": Lowering(_shift_in),
}
