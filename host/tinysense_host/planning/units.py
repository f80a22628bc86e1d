"""Single ops as the planner places them: which distances between operands would lose bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tinysense_host.planning.access import Access
from tinysense_host.planning.lifetimes import Lifetimes

__all__ = ["PROGRESS", "PUSHED", "SCRATCH", "SUMS", "THERE", "Gaps", "Member", "Unit",
           "single_units", "whole_range"]  # fmt: skip

# Open intervals of base(b) - base(a) at which b would lie over bytes of a that
# are still needed, or the other way round. No entry: they stay apart.
Gaps = tuple[tuple[int, int], ...]

# Parts of a unit that are no storage of the program.
SCRATCH, PROGRESS, SUMS = -1, -2, -3
# In place of the producer of a member's input.
PUSHED, THERE = 254, 255


@dataclass(frozen=True)
class Member:
    """An op of a segment: ``producers`` of its streamed inputs, by place in the segment."""

    op: int
    access: Access
    producers: tuple[int, ...]
    step: int
    sums: bool

    def words(self) -> tuple[int, int]:
        """Its two parameters of the SEGMENT record."""
        first, second = (*self.producers, THERE, THERE)[:2]
        reach = self.access.lead << 16 | self.access.stride
        return first | second << 8 | self.step << 16, (reach + 2**31) % 2**32 - 2**31

    @property
    def rows(self) -> int:
        """Rows it makes, or takes where it sums."""
        return self.access.calls


@dataclass(frozen=True, eq=False)
class Unit:
    """Ops ``first`` .. ``last`` executed as one thing.

    ``made`` are storages that outlive it; ``parts`` the bytes of what it needs
    meanwhile: storages, or SCRATCH and the like. ``peak`` bytes are needed at
    its worst moment by all that it reads for the last time, makes, or needs
    meanwhile. Of a segment, ``members`` are its ops; ``rings`` the rows held of
    storages that are rings; ``joined`` storages that lie in the bytes of
    another. ``pushed``: its input comes row by row.
    """

    first: int
    last: int
    made: tuple[int, ...]
    parts: Mapping[int, int]
    gaps: Mapping[tuple[int, int], Gaps]
    peak: int
    calls: int = 1
    backward: bool = False
    rings: Mapping[int, int] = field(default_factory=dict)
    joined: Mapping[int, int] = field(default_factory=dict)
    members: tuple[Member, ...] = ()
    pushed: bool = False

    @property
    def streamed(self) -> bool:
        """Whether it is a segment."""
        return bool(self.members)


def whole_range(size_a: int, size_b: int) -> Gaps:
    """a and b share no byte."""
    return ((-size_b, size_a),)


def single_units(life: Lifetimes, k: int) -> list[Unit]:
    """Op k on its own, forward, and backward where that allows other distances."""
    made = tuple(s for s in life.written_by(k) if life.last[s] > k and life.first[s] == k)
    parts: dict[int, int] = {
        s: life.size[s] for s in life.written_by(k) if life.last[s] == k == life.first[s]
    }
    dying = [s for s in life.read_by(k) if life.last[s] == k]
    fixed = sum(life.size[s] for s in (*made[1:], *parts, *dying))
    y = life.written_by(k)[0]
    if y not in made:
        return [Unit(k, k, made, parts, {}, fixed + sum(life.size[s] for s in made[:1]))]
    units: list[Unit] = []
    for backward in (False, True):
        if backward and (life.steps[k].access.images > 1 or life.steps[k].access.forward):
            continue
        gaps = {(s, y): _overlap(life, k, s, backward) for s in dying}
        if backward and all(gaps[p] == units[0].gaps[p] for p in gaps):
            continue
        scratch = {(s, y): _under(life, k, s) for s in life.written_by(k)[1:] if s in parts}
        gaps |= scratch if not backward else {}
        shared = (_shared(g, life.size.get(s, 0), life.size[y]) for (s, _), g in gaps.items())
        saved = min(life.size[y], sum(shared))
        units.append(Unit(k, k, made, parts, gaps, fixed + life.size[y] - saved, 1, backward))
    return units


def _shared(gaps: Gaps, size_a: int, size_b: int) -> int:
    """Most bytes that a and b can have in common at distances outside the gaps."""
    if not gaps:
        return min(size_a, size_b)
    edges = [d for gap in gaps for d in gap]
    return max((size_a + size_b - (max(size_a, d + size_b) - min(0, d)) for d in edges
                if not any(low < d < high for low, high in gaps)), default=0)  # fmt: skip


def _under(life: Lifetimes, k: int, scratch: int) -> Gaps:
    """Distances from an op's scratch to its result: the result's end may lie under it."""
    made, under = life.size[life.written_by(k)[0]], life.steps[k].access.under
    return ((under - made, life.size[scratch]),)


def _overlap(life: Lifetimes, k: int, source: int, backward: bool) -> Gaps:
    """Distances from a dying input to the result at which it would lose bytes."""
    step = life.steps[k]
    result = step.writes[0]
    x, y = life.size[source], life.size[life.storage[result]]
    apart = whole_range(x, y)
    views = [i for i in step.reads if life.storage[i] == source]
    same_rows = len({life.rows[i].dims for i in views}) == 1
    if not same_rows or life.rows[result].nbytes != y:
        return apart
    gaps = apart
    if step.access.rows:
        gaps = _by_rows(life, k, views[0], backward)
        if step.access.pixels and not backward:
            gaps = _by_pixels(life, k, views[0])
    elif step.access.pixels and life.rows[result].dims[:3] == (1, 1, 1):
        gaps = ()
    return _with_same(life, k, source, gaps)


def _by_rows(life: Lifetimes, k: int, view: int, backward: bool) -> Gaps:
    """Row r is written while the rows it is made of, and those for later ones, are needed."""
    access, given = life.steps[k].access, life.rows[view]
    made = life.rows[life.steps[k].writes[0]]
    first, last = access.needs(given)
    x_row, y_row = given.row_bytes, made.row_bytes
    if len(first) * y_row != made.nbytes:
        return whole_range(given.nbytes, made.nbytes)
    if backward:
        needed = np.maximum.accumulate(np.where(last < first, -1, last)) + 1
        low = np.arange(len(first)) * y_row
        alive = needed > 0
        if not alive.any():
            return ()
        return ((-made.nbytes, int(np.max((needed * x_row - low)[alive]))),)
    end = int(np.max(np.where(last < first, -1, last))) + 1
    oldest = np.minimum.accumulate(np.where(last < first, end, first)[::-1])[::-1]
    if access.ahead:    # what later rows need beside the copies
        oldest = np.maximum(np.append(oldest[1:], end), np.maximum.accumulate(last) + 1)
    high = (np.arange(len(first)) + 1) * y_row
    alive = oldest < end
    if not alive.any():
        return ()
    return ((int(np.min((oldest * x_row - high)[alive])), end * x_row),)


def _by_pixels(life: Lifetimes, k: int, view: int) -> Gaps:
    """One pixel of each: pixel p is written once it and those before it are read."""
    given, made = life.rows[view], life.rows[life.steps[k].writes[0]]
    pixels = made.elements // made.dims[3]
    if pixels == 1:
        return ()
    x, y = given.nbytes // pixels, made.nbytes // pixels
    written = np.arange(1, pixels)
    return ((int(np.min(written * (x - y))), given.nbytes),)


def _with_same(life: Lifetimes, k: int, source: int, gaps: Gaps) -> Gaps:
    """Distance 0 is allowed where the op may write over an operand of its own shape."""
    step = life.steps[k]
    operands = [i for n, i in enumerate(step.op.inputs) if n in step.access.same]
    allowed = any(life.storage[i] == source for i in operands if i in step.reads)
    made = life.rows[step.writes[0]]
    if step.access.pixels or not allowed or made.nbytes > life.size[source]:
        return gaps
    if len(step.access.same) > 1 and not _equal_shapes(life, k):
        return gaps
    return tuple(part for low, high in gaps for part in _split(low, high))


def _equal_shapes(life: Lifetimes, k: int) -> bool:
    step = life.steps[k]
    return len({life.rows[i].dims for i in (*step.op.inputs[:2], step.writes[0])}) == 1


def _split(low: int, high: int) -> Sequence[tuple[int, int]]:
    """The open interval without 0."""
    return ((low, 0), (0, high)) if low < 0 < high else ((low, high),)
