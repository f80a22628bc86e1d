"""When each tensor of a program is alive: the part of a plan that no address changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from tinysense_host.modelparts import ABSENT, Op, Tensor
from tinysense_host.planning.access import Access, Promise, access_of

__all__ = ["Lifetimes", "Plannable", "Step", "lifetimes"]


class Plannable(Protocol):
    """What a plan is made for; a Program is one, a Layout another.

    ``storage[i]`` is the row whose bytes row i is: itself, or another for an
    alias. Inputs are the first rows, outputs come behind them; the first
    ``n_init`` ops set the state.
    """

    @property
    def rows(self) -> list[Tensor]: ...
    @property
    def storage(self) -> list[int]: ...
    @property
    def ops(self) -> list[Op]: ...
    @property
    def n_inputs(self) -> int: ...
    @property
    def n_outputs(self) -> int: ...
    @property
    def n_init(self) -> int: ...


@dataclass(frozen=True)
class Step:
    """One op, and the rows it reads and writes in the arena; its result is written first."""

    op: Op
    access: Access
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    read_storages: tuple[int, ...]
    written_storages: tuple[int, ...]


@dataclass(frozen=True)
class Lifetimes:
    """Storages are named by the row that owns the bytes.

    ``first[s]`` is the op that makes storage s, -1 for inputs and state;
    ``last[s]`` the last op that reads or makes it, len(steps) for outputs and
    state. ``readers[s]`` are op numbers, ascending.
    """

    rows: Sequence[Tensor]
    storage: Sequence[int]
    steps: tuple[Step, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    state: tuple[int, ...]
    n_init: int
    size: Mapping[int, int]
    first: Mapping[int, int]
    last: Mapping[int, int]
    readers: Mapping[int, tuple[int, ...]]

    def read_by(self, k: int) -> tuple[int, ...]:
        """Storages that op k reads, each once."""
        return self.steps[k].read_storages

    def written_by(self, k: int) -> tuple[int, ...]:
        """Storages that op k writes, its result first."""
        return self.steps[k].written_storages

    def alive_before(self, k: int) -> list[int]:
        """Storages made before op k and needed by it or later."""
        return [s for s in self.size if self.first[s] < k <= self.last[s]]

    def made(self, s: int) -> bool:
        """Whether an op, and no input or state, is where the storage begins."""
        return self.first[s] >= 0


def lifetimes(task: Plannable, promises: Mapping[int, Promise] | None = None) -> Lifetimes:
    """Of every storage; ``promises`` are those of packed ops by op number."""
    given = promises or {}
    steps = tuple(_step(op, task, given.get(k, Promise())) for k, op in enumerate(task.ops))
    size: dict[int, int] = {}
    for i, row in enumerate(task.rows):
        if not row.constant:
            owner = task.storage[i]
            size[owner] = max(size.get(owner, 0), row.nbytes)
    n = task.n_inputs
    inputs = tuple(dict.fromkeys(task.storage[:n]))
    outputs = tuple(dict.fromkeys(task.storage[n : n + task.n_outputs]))
    uses = _uses(steps)
    state = tuple(s for s in size if s not in inputs and _is_state(uses.get(s, []), task.n_init))
    first = {s: uses[s][0][0] if s in uses else -1 for s in size}
    last = {s: uses[s][-1][0] if s in uses else -1 for s in size}
    first.update(dict.fromkeys((*inputs, *state), -1))
    last.update(dict.fromkeys((*outputs, *state), len(steps)))
    readers = {s: tuple(k for k, reads in uses.get(s, []) if reads) for s in size}
    return Lifetimes(task.rows, task.storage, steps, inputs, outputs, state, task.n_init, size,
                     first, last, readers)  # fmt: skip


def _step(op: Op, task: Plannable, promise: Promise) -> Step:
    rows, storage = task.rows, task.storage
    reads = tuple(i for i in op.inputs if i != ABSENT and not rows[i].constant)
    writes = tuple(i for i in op.outputs if i != ABSENT)
    owners = [tuple(dict.fromkeys(storage[i] for i in side)) for side in (reads, writes)]
    return Step(op, access_of(op, rows, promise), reads, writes, *owners)


def _uses(steps: Sequence[Step]) -> dict[int, list[tuple[int, bool]]]:
    """storage -> (op, whether it reads), in order; reading comes before writing."""
    uses: dict[int, list[tuple[int, bool]]] = {}
    for k, step in enumerate(steps):
        for s in step.read_storages:
            uses.setdefault(s, []).append((k, True))
        for s in step.written_storages:
            uses.setdefault(s, []).append((k, False))
    return uses


def _is_state(uses: Sequence[tuple[int, bool]], n_init: int) -> bool:
    """Set by the prologue and used later, or read by an inference before it is written."""
    later = [(k, reads) for k, reads in uses if k >= n_init]
    return bool(later) and (len(later) < len(uses) or later[0][1])
