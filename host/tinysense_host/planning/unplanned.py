"""A model file back to what was planned: which rows share bytes, which ops there are."""

from __future__ import annotations

import dataclasses

from tinysense_host.modelfile import ModelFile
from tinysense_host.modelparts import ABSENT, Op
from tinysense_host.planning.objects import Layout
from tinysense_host.planning.units import PUSHED

__all__ = ["input_is_pushed", "layout_of", "storage_of", "unplanned", "without_unused"]

_WITH_SUMS = ("AVERAGE_POOL_2D", "MEAN")


def input_is_pushed(model: ModelFile) -> bool:
    """Whether the model takes its input row by row."""
    words = [op.params[1::2] for op in model.ops if op.name == "SEGMENT"]
    return any(PUSHED in (w & 255, w >> 8 & 255) for segment in words for w in segment)


def storage_of(model: ModelFile) -> list[int]:
    """The row whose bytes each row is, itself or another.

    A row that nobody writes is a view of what was written last at its offset.
    Where the prologue writes there is state, which nothing else may lie on.
    """
    storage = list(range(len(model.tensors)))
    written = {i for op in model.ops for i in op.outputs} | set(range(model.n_inputs))
    state = {_place(model, i): i for op in model.ops[: model.n_init] for i in op.outputs}
    latest: dict[int, int] = {model.tensors[i].offset: i for i in range(model.n_inputs)}

    def read(i: int) -> None:
        tensor = model.tensors[i]
        if i not in written and not tensor.constant:
            storage[i] = storage[latest.get(tensor.offset, i)]

    for i, tensor in enumerate(model.tensors):
        if not tensor.constant:
            storage[i] = state.get(_place(model, i), i)
    for op in model.ops:
        for i in op.inputs:
            if i != ABSENT:
                read(i)
        latest |= {model.tensors[i].offset: i for i in op.outputs if i != ABSENT}
    for i in range(model.n_inputs, model.n_inputs + model.n_outputs):
        read(i)
    return storage


def _place(model: ModelFile, i: int) -> tuple[int, int]:
    return (model.tensors[i].offset, model.tensors[i].nbytes) if i != ABSENT else (-1, 0)


def layout_of(model: ModelFile) -> Layout:
    """The memory of a model file, for track() and objects_of()."""
    return Layout(model.tensors, storage_of(model), model.ops, model.n_inputs, model.n_outputs,
                  model.n_init, model.arena_bytes)  # fmt: skip


def unplanned(model: ModelFile) -> Layout:
    """The model as it was before it was planned; rows that only the plan needed are gone."""
    rows = [dataclasses.replace(t, offset=0, ring=0) for t in model.tensors]
    ops = [_plain(op) for op in model.ops if op.name != "SEGMENT"]
    n_init = sum(op.name != "SEGMENT" for op in model.ops[: model.n_init])
    made = Layout(rows, storage_of(model), ops, model.n_inputs, model.n_outputs, n_init)
    return without_unused(made)


def _plain(op: Op) -> Op:
    outputs = op.outputs[:1] if op.name in _WITH_SUMS else op.outputs
    return dataclasses.replace(op, outputs=outputs, flags=0)


def without_unused(task: Layout) -> Layout:
    """Without rows that no op names; inputs and outputs stay the first."""
    used = {i for op in task.ops for i in op.operands} | set(range(task.n_inputs + task.n_outputs))
    kept = sorted(used)
    place = {old: new for new, old in enumerate(kept)}
    owner: dict[int, int] = {}
    storage = [owner.setdefault(task.storage[old], place[old]) for old in kept]
    ops = [
        dataclasses.replace(op, inputs=tuple(place.get(i, i) for i in op.inputs),
                            outputs=tuple(place.get(i, i) for i in op.outputs))
        for op in task.ops
    ]  # fmt: skip
    return Layout([task.rows[i] for i in kept], storage, ops, task.n_inputs, task.n_outputs,
                     task.n_init)  # fmt: skip
