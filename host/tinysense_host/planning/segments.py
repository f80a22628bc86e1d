"""Segments: ops that hand rows to each other, so that what lies between is never whole.

A segment is run here exactly as the core runs it, which tells when each row is
made and when it is needed for the last time; rings and distances follow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from tinysense_host.modelparts import Tensor
from tinysense_host.planning.access import WHOLE, Access
from tinysense_host.planning.lifetimes import Lifetimes
from tinysense_host.planning.units import PROGRESS, PUSHED, SCRATCH, SUMS, Gaps, Member, Unit

__all__ = ["execute", "members_of", "segment", "segments_from"]

_RING_MAX = 255
_ROWS_MAX = 2**16 - 1


def members_of(
    life: Lifetimes, first: int, last: int, pushed: bool = False, smallest: bool = False
) -> list[Member] | None:
    """Ops first .. last as members of one segment; None where they cannot be one.

    ``smallest``: one row at a time even where that wastes a kernel's work.
    """
    made: dict[int, int] = {}
    members: list[Member] = []
    if pushed:
        made[life.inputs[0]] = PUSHED
    for k in range(first, last + 1):
        access = _streamed(life, k, k == last)
        if access is None:
            return None
        inner = [made[s] for s in life.read_by(k) if s in made]
        if len(inner) > 2:
            return None
        sums = access is not life.steps[k].access
        step = 1 if smallest else _rows_together(life, k, access)
        if k == last:
            step = max(step, _as_they_come(access, [members[p].step for p in inner if p < PUSHED]))
        members.append(Member(k, access, tuple(inner), step, sums))
        made[life.written_by(k)[0]] = k - first
    inside = [s for s, p in made.items() if p != last - first]
    return members if all(_stays_inside(life, s, first, last) for s in inside) else None


def _streamed(life: Lifetimes, k: int, final: bool) -> Access | None:
    """How op k goes by rows, None where it does not."""
    step = life.steps[k]
    access, results = step.access, life.written_by(k)
    if final and access.sums and len(step.reads) == 1:
        access = access.fed_by_rows(life.rows[step.reads[0]])
    elif not access.rows:
        return None
    fits = access.images == 1 and access.calls <= _ROWS_MAX and access.stride < WHOLE \
        and -WHOLE < access.lead < WHOLE  # fmt: skip
    scratch_only = all(life.first[s] == life.last[s] == k for s in results[1:])
    fresh = life.first[results[0]] == k and life.last[results[0]] > k
    return access if fits and scratch_only and fresh and k >= life.n_init else None


def _rows_together(life: Lifetimes, k: int, access: Access) -> int:
    """Rows per call: 2 where whole blocks of pixels fill two rows but not one."""
    columns = life.rows[life.steps[k].writes[0]].dims[2]
    if not access.pixels or access.calls == 1:
        return 1
    return 2 if columns % access.pixels and 2 * columns % access.pixels == 0 else 1


def _as_they_come(access: Access, made: Sequence[int]) -> int:
    """Rows per call of a last op that takes each row by itself: as many as come at once.

    They are all held anyway, and nobody waits for its rows.
    """
    alone = access.stride == 1 and access.lead == access.back == 0
    return made[0] if alone and len(made) == 1 else 1


def _stays_inside(life: Lifetimes, s: int, first: int, last: int) -> bool:
    """Read by ops of the segment only, always as the same rows."""
    views = [i for k in life.readers[s] for i in life.steps[k].reads if life.storage[i] == s]
    if life.made(s):
        views.append(life.steps[life.first[s]].writes[0])
    shapes = {(life.rows[i].dims[0], life.rows[i].dims[1], life.rows[i].row_bytes) for i in views}
    readers = life.readers[s]
    inside = bool(readers) and first <= readers[0] and life.last[s] <= last
    images, height, row_bytes = next(iter(shapes)) if len(shapes) == 1 else (0, 0, 0)
    return inside and images == 1 and height * row_bytes == life.size[s]


def execute(members: Sequence[Member], pushed_rows: int = 0) -> tuple[list[list[int]], list[int]]:
    """(for each member the time at which each of its rows is made, times of pushed rows).

    The core's order: the last member asks, each makes what it is asked for. A
    row is pushed when nothing can be made without it.
    """
    made: list[list[int]] = [[] for _ in members]
    pushes: list[int] = []
    rows, steps = [m.rows for m in members], [m.step for m in members]
    reach = [(m.access.stride, m.access.lead + 1, m.producers) for m in members]

    def missing(i: int, row: int) -> int | None:
        stride, lead, producers = reach[i]
        need = row * stride + lead
        for p in producers:
            if p == PUSHED:
                if len(pushes) < need and len(pushes) < pushed_rows:
                    return PUSHED
            elif len(made[p]) < need and len(made[p]) < rows[p]:
                return p
        return None

    waiting: list[int] = []
    last, time = len(members) - 1, 0
    while len(made[last]) < rows[last]:
        i = waiting[-1] if waiting else last
        done = len(made[i])
        count = min(steps[i], rows[i] - done)
        before = missing(i, done + count - 1) if count else None
        if before is not None and before != PUSHED:
            waiting.append(before)
            continue
        if before == PUSHED:
            pushes.append(time)
        elif count:
            made[i] += [time] * count
        if before is None and waiting:
            waiting.pop()
        time += 1
    return made, pushes


def _last_reads(access: Access, tensor: Tensor, made: np.ndarray) -> np.ndarray:
    """For each row of an input, the time at which it is read for the last time; -1 never."""
    first, last = (rows[: len(made)] for rows in access.needs(tensor))
    row = np.arange(tensor.dims[1])
    reader = np.searchsorted(first, row, "right") - 1
    return np.where((reader >= 0) & (last[reader] >= row), made[reader], -1)


class _Times:
    """When each row of what a segment touches is made, and read for the last time."""

    def __init__(self, life: Lifetimes, members: Sequence[Member], pushed: bool) -> None:
        self.life, self.members = life, members
        made, pushes = execute(members, life.rows[0].dims[1] if pushed else 0)
        self.calls = [np.array(times, np.int64) for times in made]
        self.end = int(self.calls[-1][-1]) + 1
        self.made: dict[int, np.ndarray] = {}
        if pushed:
            self.made[life.inputs[0]] = np.array(pushes, np.int64)
        for member, times in zip(members, self.calls, strict=True):
            self.made[life.written_by(member.op)[0]] = times[-1:] if member.sums else times

    def read(self, s: int) -> np.ndarray:
        """Last time that each row of storage s is read, -1 never; one row where views differ."""
        life = self.life
        found: dict[tuple[int, int], list[np.ndarray]] = {}
        for member, times in zip(self.members, self.calls, strict=True):
            for view in {i for i in life.steps[member.op].reads if life.storage[i] == s}:
                row = life.rows[view]
                kind = (row.dims[0] * row.dims[1], row.row_bytes)
                found.setdefault(kind, []).append(_last_reads(member.access, row, times))
        if len(found) > 1:
            return np.array([max(int(t.max()) for several in found.values() for t in several)])
        return np.asarray(np.maximum.reduce(next(iter(found.values()))))


def _joined(life: Lifetimes, members: Sequence[Member], inner: Sequence[int]) -> dict[int, int]:
    """Storages whose rows each become, in place, a row of another: storage -> that one."""
    joined: dict[int, int] = {}
    for member in members:
        step = life.steps[member.op]
        result = step.writes[0]
        rows = [life.rows[i] for i in (*step.op.inputs, result)]
        if not member.access.same or member.sums:
            continue
        if len(member.access.same) > 1 and len({row.dims for row in rows}) > 1:
            continue
        for i in (step.op.inputs[n] for n in member.access.same):
            s, given, made = life.storage[i], life.rows[i], life.rows[result]
            alone = s in inner and life.readers[s] == (member.op,)
            if alone and (given.dims[1], given.row_bytes) == (made.dims[1], made.row_bytes):
                joined[s] = life.storage[result]
                break
    return {s: _end_of(joined, s) for s in joined}


def _end_of(joined: Mapping[int, int], s: int) -> int:
    while s in joined:
        s = joined[s]
    return s


@dataclass(frozen=True)
class _Box:
    """``bytes`` needed from one time to another."""

    bytes: int
    start: int
    stop: int


def _ring(made: np.ndarray, read: np.ndarray) -> int:
    """Rows that have to be held at once."""
    needed = np.maximum.accumulate(np.maximum(made, read[: len(made)]))
    newest = np.searchsorted(made, made, "right") - 1
    oldest = np.searchsorted(needed, made, "left")
    return int(np.max(newest - oldest)) + 1


class _Layout:
    """What lies in the arena during a segment, and when."""

    def __init__(self, times: _Times) -> None:
        self.life, self.members, self.times = times.life, times.members, times
        life, members = times.life, times.members
        self.result = life.written_by(members[-1].op)[0]
        self.inner = [s for s in self.times.made if s != self.result]
        self.joined = _joined(life, members, self.inner)
        self.rings: dict[int, int] = {}
        self.boxes: dict[int, _Box] = {}
        self._rows()
        self._working_memory()
        read = dict.fromkeys(s for m in members for s in life.read_by(m.op))
        self.dying = {s: self.times.read(s) for s in read
                      if life.last[s] <= members[-1].op and s not in self.times.made}  # fmt: skip

    def _rows(self) -> None:
        """Rings of the tensors inside, and when rows of the result begin to be written."""
        self.grows = self.times.made[self.result]
        for root in dict.fromkeys(self.joined.get(s, s) for s in self.inner):
            group = [s for s in self.times.made if self.joined.get(s, s) == root]
            count = max(len(self.times.made[s]) for s in group)
            made = np.minimum.reduce([self._born(s, count) for s in group])
            if root == self.result:
                self.grows = made
                continue
            read = np.maximum.reduce([self.times.read(s)[:count] for s in group])
            tensor = self.life.rows[self._view(root)]
            rows = _ring(made, read)
            rows += -rows % self._together(group)
            if rows < tensor.dims[1] and rows <= _RING_MAX:
                self.rings |= dict.fromkeys(group, rows)
            else:
                rows = tensor.dims[1]
            stop = int(max(made.max(), read.max()))
            self.boxes[root] = _Box(rows * tensor.row_bytes, int(made[0]), stop)

    def _born(self, s: int, count: int) -> np.ndarray:
        """When the first ``count`` rows are made; those that are not, never before the end."""
        made = self.times.made[s]
        return np.append(made, np.full(count - len(made), self.times.end))

    def _together(self, group: Sequence[int]) -> int:
        """Rows that some op makes or reads at once, which must not be torn by the ring's end."""
        life = self.life
        return max((m.step for m in self.members
                    if {*life.read_by(m.op), *life.written_by(m.op)} & set(group)), default=1)

    def _view(self, s: int) -> int:
        """The row as which a storage is made, or pushed."""
        return self.life.steps[self.life.first[s]].writes[0] if self.life.made(s) else 0

    def _working_memory(self) -> None:
        life, last, end = self.life, self.members[-1], self.times.end
        scratch = [s for m in self.members for s in life.written_by(m.op)[1:]]
        if scratch:
            size = max(life.size[s] for s in scratch)
            self.boxes[SCRATCH] = _Box(size, 0, end)
            self.joined |= dict.fromkeys(scratch, SCRATCH)
        if last.sums:
            self.boxes[SUMS] = _Box(last.access.sums, int(self.times.calls[-1][0]), end)
        self.boxes[PROGRESS] = _Box(3 * len(self.members) + 4, 0, end)

    def left(self, s: int) -> tuple[np.ndarray, int]:
        """(first byte of a dying storage still needed at each time, end of the bytes needed)."""
        read = self.dying[s]
        row_bytes = self.life.size[s] // len(read)
        rows = int(np.max(np.flatnonzero(read >= 0), initial=-1)) + 1
        needed = np.maximum.accumulate(read[:rows]) if rows else read[:0]
        oldest = np.searchsorted(needed, np.arange(self.times.end), "left")
        return oldest * row_bytes, rows * row_bytes

    def written(self) -> np.ndarray:
        """Bytes of the result written or being written at each time."""
        tensor = self.life.rows[self._view(self.result)]
        rows = np.searchsorted(self.grows, np.arange(self.times.end), "right")
        return rows * tensor.row_bytes

    def gaps(self) -> dict[tuple[int, int], Gaps]:
        """Forbidden distances between all that lies there."""
        gaps: dict[tuple[int, int], Gaps] = {}
        written = self.written()
        for a, one in self.boxes.items():
            for b, other in self.boxes.items():
                if a < b:
                    meet = one.start <= other.stop and other.start <= one.stop
                    gaps[a, b] = ((-other.bytes, one.bytes),) if meet else ()
            high = int(written[min(one.stop, self.times.end - 1)])
            gaps[self.result, a] = ((-one.bytes, high),) if high else ()
        for s in self.dying:
            low, end = self.left(s)
            for a, box in self.boxes.items():
                begin = int(low[box.start])
                gaps[s, a] = ((begin - box.bytes, end),) if begin < end else ()
            alive = (low < end) & (written > 0)
            gaps[s, self.result] = ((int(np.min((low - written)[alive])), end),) \
                if alive.any() else ()  # fmt: skip
        return gaps

    def peak(self) -> int:
        """Most bytes needed at once."""
        total = self.written().copy()
        for box in self.boxes.values():
            total[box.start : box.stop + 1] += box.bytes
        for s in self.dying:
            low, end = self.left(s)
            total += end - np.minimum(low, end)
        return int(total.max())


def segment(
    life: Lifetimes, first: int, last: int, *, pushed: bool = False, smallest: bool = False,
    most: int = 1 << 60,
) -> Unit | None:  # fmt: skip
    """Ops first .. last as one unit; None where that cannot be or needs ``most`` bytes or more."""
    members = members_of(life, first, last, pushed, smallest)
    if members is None:
        return None
    times = _Times(life, members, pushed)
    if any(len(rows) == 0 for rows in times.made.values()):
        return None     # an op whose rows nobody needs
    layout = _Layout(times)
    peak = layout.peak()
    if peak >= most:
        return None
    parts = {part: box.bytes for part, box in layout.boxes.items()}
    calls = sum(-(-m.rows // m.step) for m in members)
    return Unit(
        first, last, (layout.result,), parts, layout.gaps(), peak, calls, rings=layout.rings,
        joined=layout.joined, members=tuple(members), pushed=pushed,
    )  # fmt: skip


def segments_from(
    life: Lifetimes, first: int, longest: int, *, wanted: AbstractSet[int], most: int,
    smallest: bool = False,
) -> Iterator[Unit]:  # fmt: skip
    """Segments from op ``first`` that hold a wanted op and need fewer than ``most`` bytes."""
    for last in range(first + 1, min(first + longest, len(life.steps))):
        if _streamed(life, last - 1, False) is None:
            return
        if wanted.isdisjoint(range(first, last + 1)):
            continue
        found = segment(life, first, last, most=most, smallest=smallest)
        if found is not None:
            yield found
