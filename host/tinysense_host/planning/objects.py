"""What lies in the arena and when: the memory map of a planned program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinysense_host.modelparts import Op, Tensor
from tinysense_host.planning.lifetimes import Lifetimes, lifetimes

__all__ = ["Layout", "Object", "objects_of"]

_SUMMED = ("AVERAGE_POOL_2D", "MEAN")


@dataclass(frozen=True)
class Layout:
    """Rows and ops as they stand in a file, with places and segments or before that.

    ``storage[i]`` is the row whose bytes row i is: itself, or another.
    """

    rows: list[Tensor]
    storage: list[int]
    ops: list[Op]
    n_inputs: int
    n_outputs: int
    n_init: int
    arena_bytes: int = 0


@dataclass(frozen=True)
class Object:
    """``bytes`` of the arena at ``offset``, needed from op ``first`` to op ``last``.

    -1 is before the first op (inputs, state), the number of ops after the last.
    What a segment touches is needed from its record to its last op. ``what``:
    input, output, state, tensor, scratch, sums or progress; ``ring``: rows held
    where only the newest are, 0 for a whole tensor.
    """

    tensor: int
    what: str
    offset: int
    bytes: int
    first: int
    last: int
    ring: int = 0


def objects_of(layout: Layout) -> tuple[Object, ...]:
    """One object for each storage, by row number."""
    records = [k for k, op in enumerate(layout.ops) if op.name != "SEGMENT"]
    ops = [layout.ops[k] for k in records]
    n_init = sum(k < layout.n_init for k in records)
    task = Layout(layout.rows, layout.storage, ops, layout.n_inputs, layout.n_outputs, n_init)
    life = lifetimes(task)
    spans = _spans(layout.ops)
    begin = {k: spans[record][0] for k, record in enumerate(records)} | {-1: -1}
    end = {k: spans[record][1] for k, record in enumerate(records)}
    end |= {-1: -1, len(ops): len(layout.ops)}
    progress = {op.outputs[0]: k for k, op in enumerate(layout.ops) if op.name == "SEGMENT"}
    found = []
    for s in life.size:
        row, what = layout.rows[s], _what(life, s, ops)
        first, last = begin[life.first[s]], end[life.last[s]]
        if s in progress:
            what, (first, last) = "progress", spans[progress[s]]
        found.append(Object(s, what, row.offset, row.stored_bytes, first, last, row.ring))
    return tuple(found)


def _spans(ops: Sequence[Op]) -> list[tuple[int, int]]:
    """(first, last) op of what each op is part of: a segment, or itself."""
    spans = [(k, k) for k in range(len(ops))]
    for k, op in enumerate(ops):
        if op.name == "SEGMENT":
            last = k + op.params[0]
            spans[k : last + 1] = [(k, last)] * (last + 1 - k)
    return spans


def _what(life: Lifetimes, s: int, ops: Sequence[Op]) -> str:
    for what, group in (("input", life.inputs), ("output", life.outputs), ("state", life.state)):
        if s in group:
            return what
    if life.readers[s]:
        return "tensor"
    maker = ops[life.first[s]] if life.made(s) else None
    sums = maker is not None and maker.name in _SUMMED and s in maker.outputs[1:]
    return "sums" if sums else "scratch"
