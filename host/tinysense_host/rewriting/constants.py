"""Ops over nothing but constants, run here and now by the core itself."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.hostcore import HostModel
from tinysense_host.modelfile import ModelFile
from tinysense_host.modelparts import Op, Tensor, storage_dtype
from tinysense_host.program import Program
from tinysense_host.rewriting.uses import Uses

__all__ = ["fold_constants"]


def fold_constants(p: Program) -> None:
    """Replace the output of every op that has only constants by its value."""
    uses, dead = Uses(p), set()
    for k, op in enumerate(p.ops):
        rows = [p.rows[i] for i in op.inputs]
        if k < p.n_init or not rows or not all(row.constant for row in rows):
            continue
        (out,) = op.outputs[:1]
        if len(op.outputs) != 1 or not uses.private(out):
            continue
        value = _run(p, op)
        if value is None:
            continue
        storage = p.storage[out]
        for i in [i for i, s in enumerate(p.storage) if s == storage]:
            shape = p.rows[i].shape
            p.rows[i] = dataclasses.replace(p.rows[i], data=value.reshape(shape))
            p.storage[i] = i
        dead.add(k)
        p.rewrites.append(f"{p.graph.describe(p.origin[k])} folded: it has only constants")
    uses.remove(dead)


def _run(p: Program, op: Op) -> np.ndarray | None:
    """The op's output; its first operand comes as an input, the others as constants."""
    first, out = p.rows[op.inputs[0]], p.rows[op.outputs[0]]
    assert first.data is not None
    given = dataclasses.replace(first, data=None, offset=0)
    made = dataclasses.replace(out, offset=-(-given.nbytes // 4) * 4)
    rest = [p.rows[i] for i in op.inputs[1:]]
    record = dataclasses.replace(op, inputs=(0, *range(2, len(rest) + 2)), outputs=(1,))
    tensors: list[Tensor] = [given, made, *rest]
    arena = made.offset + made.nbytes
    model = ModelFile({"name": "", "labels": []}, tensors, [record], 1, 1, arena)
    try:
        raw = HostModel(model.write()).run([first.data.tobytes()])[0]
    except TinysenseError:
        return None  # the core refuses the op: it is named when the whole model is checked
    return np.frombuffer(raw, storage_dtype(out.dtype))
