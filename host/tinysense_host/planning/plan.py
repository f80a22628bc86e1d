"""A program's memory: where everything lies, which ops run backward, which are streamed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from tinysense_host.errors import TinysenseError
from tinysense_host.modelparts import ABSENT, BACKWARD, Op, Tensor
from tinysense_host.planning.access import Promise
from tinysense_host.planning.lifetimes import Lifetimes, Plannable, lifetimes
from tinysense_host.planning.objects import Layout, Object, objects_of
from tinysense_host.planning.place import (
    ALIGNMENT,
    Placed,
    Placement,
    least_bytes,
    lower_bound,
    place,
    through,
)
from tinysense_host.planning.segments import segment, segments_from
from tinysense_host.planning.turned import turned
from tinysense_host.planning.units import PROGRESS, SUMS, Unit, single_units

_LONGEST = 24       # ops of a segment
_NO_LIMIT = 1 << 60

__all__ = ["Planned", "plan"]


@dataclass(frozen=True)
class Planned(Layout):
    """Rows and ops as they go into the file.

    ``rows`` are those given, with offsets, and working memory behind them;
    ``origin[k]`` is the given op that op k stands for (of a SEGMENT, its
    first). ``bound``: with these kernels and this way of executing no arena
    could be smaller; equal to ``arena_bytes`` the plan is optimal.
    """

    origin: list[int] = field(default_factory=list)
    bound: int = 0

    @property
    def objects(self) -> tuple[Object, ...]:
        """What lies where, and when."""
        return objects_of(self)


def plan(
    task: Plannable, *, stream: bool = True, feed: bool = False, smallest: bool = False,
    promises: Mapping[int, Promise] | None = None,
) -> Planned:  # fmt: skip
    """The smallest arena found for a program.

    ``stream``: ops may be joined to segments where that saves bytes. ``feed``:
    the input is pushed row by row and never whole. ``smallest``: also by what
    costs many instructions: sequences along columns are turned onto rows, and
    no kernel gets two rows at once. ``promises``: op number -> what its
    packer promised.
    """
    ways = [task]
    turn = turned(task) if smallest or feed else None
    if turn is not None:
        ways = [turn] if feed else [task, turn]
    found = [_plan(way, stream, feed, smallest, promises) for way in ways]
    return min(found, key=lambda planned: planned.arena_bytes)


def _plan(
    task: Plannable, stream: bool, feed: bool, smallest: bool,
    promises: Mapping[int, Promise] | None,
) -> Planned:  # fmt: skip
    if feed:
        task = _input_as_rows(task)
    life = lifetimes(task, promises)
    units: dict[int, list[Unit]] = {k: single_units(life, k) for k in range(len(life.steps))}
    if feed:
        units[life.n_init] = _fed(life, smallest)
        found = place(life, _with_segments(life, units, _NO_LIMIT, smallest))
    else:
        found = place(life, units)
        if stream and found.arena > least_bytes(life):
            found = _streamed(life, units, found, smallest)
    return _Writer(task, life, found).write()


def _input_as_rows(task: Plannable) -> Plannable:
    """With the input in the shape as which it is read: rows are pushed of that."""
    views = {task.rows[i].dims: i for op in task.ops for i in op.inputs
             if i != ABSENT and task.storage[i] == task.storage[0]}  # fmt: skip
    if len(views) != 1:
        return task
    shape = task.rows[next(iter(views.values()))].shape
    rows = [dataclasses.replace(task.rows[0], shape=shape), *task.rows[1:]]
    return Layout(rows, task.storage, task.ops, task.n_inputs, task.n_outputs, task.n_init)


def _streamed(
    life: Lifetimes, units: dict[int, list[Unit]], whole: Placement, smallest: bool
) -> Placement:
    """With segments, where that needs fewer bytes."""
    every = _with_segments(life, units, whole.arena, smallest)
    if lower_bound(life, every) >= whole.arena:
        return whole
    try:
        return place(life, every, whole.arena - ALIGNMENT)
    except TinysenseError:
        return whole


def _with_segments(
    life: Lifetimes, units: Mapping[int, list[Unit]], most: int, smallest: bool
) -> dict[int, list[Unit]]:
    """With all segments of fewer than ``most`` bytes that could make the arena smaller."""
    pushed = any(u.pushed for u in units.get(life.n_init, ()))
    least = least_bytes(life, pushed)
    large = {k for k, row in units.items() if min(u.peak + through(life, u) for u in row) > least}
    every = {}
    for k, row in units.items():
        every[k] = list(row)
        if not (pushed and k == life.n_init):
            every[k] += segments_from(
                life, k, _LONGEST, wanted=large, most=most, smallest=smallest
            )
    return every


def _fed(life: Lifetimes, smallest: bool) -> list[Unit]:
    """Segments into which the input is pushed."""
    first, found = life.n_init, []
    if len(life.inputs) == 1 and life.last[life.inputs[0]] < len(life.steps):
        for last in range(first, min(first + _LONGEST, len(life.steps))):
            unit = segment(life, first, last, pushed=True, smallest=smallest)
            found += [unit] if unit is not None else []
    if not found:
        raise TinysenseError(
            "the model's input cannot be pushed row by row",
            "It needs one input, of more than one row, and a first layer that goes by rows "
            "(a convolution or a pool)",
        )
    return found


class _Writer:
    """Rows and records of a placement."""

    def __init__(self, task: Plannable, life: Lifetimes, placement: Placement) -> None:
        self.life, self.placement, self.task = life, placement, task
        self.rows = list(task.rows)
        self.storage = list(task.storage)
        self.ops: list[Op] = []
        self.origin: list[int] = []
        self.bases: dict[int, int] = dict(placement.start)
        self.rings: dict[int, int] = {}

    def write(self) -> Planned:
        """The plan, in the terms of the file."""
        n_init = 0
        for placed in self.placement.placed:
            self._unit(placed)
            if placed.unit.last == self.life.n_init - 1:
                n_init = len(self.ops)
        for i, row in enumerate(self.task.rows):
            if not row.constant:
                s = self.storage[i]
                self.rows[i] = dataclasses.replace(
                    row, offset=self.bases[s], ring=self.rings.get(s, 0)
                )
        return Planned(
            self.rows, self.storage, self.ops, self.task.n_inputs, self.task.n_outputs, n_init,
            self.placement.arena, self.origin, self.placement.bound,
        )  # fmt: skip

    def _unit(self, placed: Placed) -> None:
        unit = placed.unit
        self.bases |= placed.bases
        self.bases |= {s: placed.bases[root] for s, root in unit.joined.items()}
        self.rings |= unit.rings
        if unit.streamed:
            self._segment(placed)
        else:
            flags = BACKWARD if unit.backward else 0
            self._record(dataclasses.replace(self.task.ops[unit.first], flags=flags), unit.first)

    def _record(self, op: Op, origin: int) -> None:
        self.ops.append(op)
        self.origin.append(origin)

    def _segment(self, placed: Placed) -> None:
        unit = placed.unit
        words = [word for member in unit.members for word in member.words()]
        progress = self._added(placed, PROGRESS)
        self._record(Op("SEGMENT", (), (progress,), (len(unit.members), *words)), unit.first)
        for member in unit.members:
            op = self.task.ops[member.op]
            if member.sums:
                outputs = (op.outputs[0], self._added(placed, SUMS))
                op = dataclasses.replace(op, outputs=outputs)
            self._record(op, member.op)

    def _added(self, placed: Placed, part: int) -> int:
        """A row for working memory that the program did not name."""
        shape = (1, 1, 1, placed.unit.parts[part])
        self.rows.append(Tensor("uint8", shape, placed.bases[part]))
        self.storage.append(len(self.rows) - 1)
        return len(self.rows) - 1
