"""Proof of a plan: it is executed in an arena whose bytes know whose they are.

Each byte remembers which byte of which tensor was written to it last. Each row
that an op reads is compared with that, before and after the op writes. What the
planner thought of distances and times is not used; the order of execution is
the core's, read from the records as the core reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.modelparts import ABSENT, Op
from tinysense_host.planning.access import Access, Promise, access_of
from tinysense_host.planning.objects import Layout

__all__ = ["track"]

_PUSHED, _THERE = 254, 255
_NOISE = -2
_OWNER = 1 << 40        # more than the bytes of any tensor


def track(model: Layout, promises: Mapping[int, Promise] | None = None) -> None:
    """Raises TinysenseError where an op would read a byte that was written over.

    Runs the prologue and two inferences. ``promises``: op number -> what its
    packer promised.
    """
    arena = _Arena(model)
    runner = _Runner(model, arena, promises or {})
    pushed = any(_PUSHED in _producers(op) for op in model.ops if op.name == "SEGMENT")
    runner.run(0, model.n_init)
    for _ in range(2):
        for i in range(0 if pushed else model.n_inputs):
            arena.write(i, 0, model.rows[i].nbytes)
        runner.run(model.n_init, len(model.ops))
        for i in range(model.n_inputs, model.n_inputs + model.n_outputs):
            arena.check(i, 0, model.rows[i].nbytes, "the model's output")


def _producers(segment: Op) -> list[int]:
    return [p for word in segment.params[1::2] for p in (word & 255, word >> 8 & 255)]


class _Arena:
    def __init__(self, model: Layout) -> None:
        self.model = model
        self.owner = np.full(model.arena_bytes, -1, np.int64)
        sizes: dict[int, int] = {}
        for i, s in enumerate(model.storage):
            if not model.rows[i].constant:
                sizes[s] = max(sizes.get(s, 0), model.rows[i].nbytes)
        self.names = {s: s * _OWNER + np.arange(n) for s, n in sizes.items()}

    def pieces(self, i: int, start: int, end: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(arena bytes, their rightful names) of bytes start .. end of row i's tensor."""
        tensor, names = self.model.rows[i], self.names[self.model.storage[i]]
        row_bytes = tensor.row_bytes if tensor.ring else tensor.nbytes
        while start < end:
            row, within = divmod(start, row_bytes)
            size = min(row_bytes - within, end - start)
            place = tensor.offset + row % max(1, tensor.ring) * row_bytes + within
            if place < 0 or place + size > len(self.owner):
                raise TinysenseError(f"unsafe memory plan: tensor {i} lies at {place} with {size} "
                                     f"bytes, outside the arena of {len(self.owner)}")  # fmt: skip
            yield self.owner[place : place + size], names[start : start + size]
            start += size

    def write(self, i: int, start: int, end: int) -> None:
        """These bytes of tensor i are made."""
        for found, names in self.pieces(i, start, end):
            found[:] = names

    def check(self, i: int, start: int, end: int, who: str) -> None:
        """These bytes of tensor i are still there."""
        for found, names in self.pieces(i, start, end):
            wrong = np.flatnonzero(found != names)
            if len(wrong):
                owner, byte = divmod(int(found[wrong[0]]), _OWNER)
                other = f"byte {byte} of tensor {owner}" if owner >= 0 else "nothing of use"
                raise TinysenseError(
                    f"unsafe memory plan: {who} needs byte {int(names[wrong[0]]) % _OWNER} of "
                    f"tensor {i}, where there is {other}"
                )


@dataclass
class _Call:
    """An op bound to its rows; ``first`` and ``last`` rows needed per row made."""

    index: int
    op: Op
    access: Access
    reads: dict[int, tuple[np.ndarray, np.ndarray]]
    result: int
    scratch: tuple[int, ...]
    sums: int | None

    @property
    def who(self) -> str:
        return f"op {self.index} {self.op.name}"


class _Runner:
    def __init__(self, model: Layout, arena: _Arena, promises: Mapping[int, Promise]) -> None:
        self.model, self.arena = model, arena
        segments = [k for k, op in enumerate(model.ops) if op.name == "SEGMENT"]
        self.members = {k + 1 + i for k in segments for i in range(model.ops[k].params[0])}
        none = Promise()
        self.calls = [None if k in segments else self._bind(k, op, promises.get(k, none))
                      for k, op in enumerate(model.ops)]  # fmt: skip

    def _bind(self, k: int, op: Op, promise: Promise) -> _Call:
        rows = self.model.rows
        access = access_of(op, rows, promise)
        if k in self.members:
            access = replace(access, ahead=False)
        extra = tuple(i for i in op.outputs[1:] if i != ABSENT)
        sums = extra[0] if access.sums and extra else None
        if sums is not None:
            access, extra = access.fed_by_rows(rows[op.inputs[0]]), ()
        given = [i for i in op.inputs if i != ABSENT and not rows[i].constant]
        reads = {i: access.needs(rows[i]) for i in given}
        if access.ahead and not op.backward:
            reads = {i: _uncopied(*needs) for i, needs in reads.items()}
        return _Call(k, op, access, reads, op.outputs[0], extra, sums)

    def run(self, start: int, end: int) -> None:
        """Records start .. end, members with their segment."""
        k = start
        while k < end:
            call = self.calls[k]
            if call is None:
                count = self.model.ops[k].params[0]
                self._segment(k, count)
                k += count
            elif call.access.rows:
                made = range(call.access.calls * call.access.images)
                for y in reversed(made) if call.op.backward else made:
                    self._row(call, y)
            else:
                self._whole(call)
            k += 1

    def _whole(self, call: _Call) -> None:
        """All is read, all is written, and unless written over on purpose all is still there."""
        rows, arena = self.model.rows, self.arena
        for again in (False, True):
            for i in call.reads:
                if not (again and self._on_purpose(call, i)):
                    arena.check(i, 0, rows[i].nbytes, call.who)
            if not again:
                self._noise(call)
                arena.write(call.result, 0, rows[call.result].nbytes)
                self._noise(call, call.access.under)
                arena.check(call.result, 0, rows[call.result].nbytes, call.who)

    def _row(self, call: _Call, y: int) -> None:
        """Row y: what it is made of is there before it is written, and after."""
        for again in (False, True):
            for i, (first, last) in call.reads.items():
                size = self.model.rows[i].row_bytes
                start, end = int(first[y]) * size, (int(last[y]) + 1) * size
                if start < end and not (again and self._on_purpose(call, i)):
                    self.arena.check(i, start, end, call.who)
            if again:
                continue
            self._noise(call)
            if call.sums is not None:
                self._sum(call, call.sums, y)
            elif call.access.pixels and not call.op.backward and self._near(call):
                self._pixels(call, y)
            else:
                size = self.model.rows[call.result].row_bytes
                self.arena.write(call.result, y * size, (y + 1) * size)

    def _on_purpose(self, call: _Call, i: int) -> bool:
        """Whether the result may take the bytes of operand i, and does."""
        if call.access.pixels or call.access.ahead:
            return not call.op.backward
        rows = self.model.rows
        x, y = rows[i], rows[call.result]
        operands = [n for n, operand in enumerate(call.op.inputs) if operand == i]
        allowed = any(n in call.access.same for n in operands)
        if len(call.access.same) > 1:
            allowed &= len({rows[n].dims for n in (*call.op.inputs, call.result)}) == 1
        return allowed and x.offset == y.offset and x.ring == y.ring

    def _near(self, call: _Call) -> bool:
        """Whether a result that may be made pixel by pixel touches its input."""
        (i,) = call.reads
        x, y = self.model.rows[i], self.model.rows[call.result]
        return x.offset < y.offset + y.stored_bytes and y.offset < x.offset + x.stored_bytes

    def _pixels(self, call: _Call, y: int) -> None:
        (i,) = call.reads
        x, made = self.model.rows[i], self.model.rows[call.result]
        columns = made.dims[2]
        given, pixel = x.row_bytes // columns, made.row_bytes // columns
        for p in range(y * columns, (y + 1) * columns):
            self.arena.check(i, p * given, (p + 1) * given, call.who)
            self.arena.write(call.result, p * pixel, (p + 1) * pixel)

    def _sum(self, call: _Call, sums: int, y: int) -> None:
        size = self.model.rows[sums].nbytes
        if y == 0:
            self.arena.write(sums, 0, size)
        self.arena.check(sums, 0, size, call.who)
        if y == call.access.calls - 1:
            self.arena.write(call.result, 0, self.model.rows[call.result].nbytes)

    def _noise(self, call: _Call, start: int = 0) -> None:
        for i in call.scratch:
            for found, _ in self.arena.pieces(i, start, self.model.rows[i].nbytes):
                found[:] = _NOISE

    def _segment(self, k: int, count: int) -> None:
        """The core's loop: the last op asks for rows, each makes what it is asked for."""
        record = self.model.ops[k]
        progress = record.outputs[0]
        progress_bytes = self.model.rows[progress].nbytes
        members = [self.calls[k + 1 + i] for i in range(count)]
        words = [record.params[1 + 2 * i : 3 + 2 * i] for i in range(count)]
        done, pushed = [0] * count, 0
        waiting: list[int] = []
        self.arena.write(progress, 0, progress_bytes)
        while True:
            self.arena.check(progress, 0, progress_bytes, f"op {k} SEGMENT")
            i = waiting[-1] if waiting else count - 1
            call = members[i]
            assert call is not None
            n = min(words[i][0] >> 16 & 255, _calls(call) - done[i])
            before = self._missing(members, words[i], done, pushed, done[i] + n - 1) if n else None
            if before == _PUSHED:
                size = self.model.rows[0].row_bytes
                self.arena.write(0, pushed * size, (pushed + 1) * size)
                pushed += 1
            elif before is not None:
                waiting.append(before)
            else:
                self._rows(call, done[i], n)
                done[i] += n
                if not waiting and done[i] == _calls(call):
                    return
                waiting = waiting[:-1]

    def _rows(self, call: _Call, first: int, count: int) -> None:
        if call.access.rows:
            for y in range(first, first + count):
                self._row(call, y)
        else:
            self._whole(call)

    def _missing(
        self, members: Sequence[_Call | None], words: Sequence[int], done: Sequence[int],
        pushed: int, row: int,
    ) -> int | None:  # fmt: skip
        stride, lead = words[1] & 0xFFFF, words[1] >> 16
        need = row * stride + lead + 1
        for p in (words[0] & 255, words[0] >> 8 & 255):
            if p == _PUSHED and pushed < min(self.model.rows[0].dims[1], need):
                return p
            if p < _PUSHED:
                producer = members[p]
                assert producer is not None
                rows = _calls(producer)
                if done[p] < (rows if producer.sums is not None else min(rows, need)):
                    return p
        return None


def _uncopied(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(first, last) of the rows that are read for each row made where each is read once."""
    copied = np.append(0, np.maximum.accumulate(last)[:-1] + 1)
    return np.maximum(first, copied), last


def _calls(call: _Call) -> int:
    """Rows a member makes, or takes; an op that does not go by rows makes all at once."""
    return call.access.calls if call.access.rows else 1
