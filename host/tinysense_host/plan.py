"""Where every activation lies in the arena.

An activation lives from the op that makes it to the last op that reads it;
inputs from the start, outputs to the end. Two that live at the same time may
not share a byte. Offsets are found by best fit in several orders, and the
smallest arena wins; ``lower_bound`` tells how far that can be from the best.

``plan`` takes blocks, not tensors, so that another source of blocks (ops that
overlap their operands at a safe distance, row rings) needs no change here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinysense_host.errors import TinysenseError
from tinysense_host.program import Program

__all__ = ["ALIGNMENT", "Block", "check", "lower_bound", "place", "plan", "storage_blocks"]

ALIGNMENT = 4

# Ops whose kernels read each element before they write it: the result may take
# its first operand's bytes (for ADD, also the second's).
_IN_PLACE = {"ADD": 2, "COPY": 1, "LUT": 1, "QUANTIZE": 1, "SOFTMAX": 1}


@dataclass(frozen=True)
class Block:
    """``size`` bytes needed from before op ``first`` to after op ``last``."""

    size: int
    first: int
    last: int

    def meets(self, other: Block) -> bool:
        """Whether both are needed at the same time."""
        return self.first <= other.last and other.first <= self.last


def plan(program: Program) -> tuple[list[int], int]:
    """(offset of each row, 0 for constants; arena bytes)."""
    owner = _share_in_place(program)
    blocks = storage_blocks(program, owner)
    offsets, arena = place(list(blocks.values()))
    check(list(blocks.values()), offsets, arena)
    at = dict(zip(blocks, offsets, strict=True))
    return [0 if r.constant else at[owner[i]] for i, r in enumerate(program.rows)], arena


def storage_blocks(program: Program, owner: Sequence[int]) -> dict[int, Block]:
    """owner row -> block, for all rows in the arena; ``owner`` groups rows that share bytes."""
    end = len(program.ops)
    spans: dict[int, list[int]] = {}
    for i, row in enumerate(program.rows):
        if row.constant:
            continue
        uses = [k for k, op in enumerate(program.ops) if i in op.inputs or i in op.outputs]
        uses += [-1] if i < program.n_inputs else []
        uses += [end] if program.n_inputs <= i < program.n_inputs + program.n_outputs else []
        size = -(-row.nbytes // ALIGNMENT) * ALIGNMENT
        span = spans.setdefault(owner[i], [0, end, -1])
        span[0] = max(span[0], size)
        span[1] = min([span[1], *uses])
        span[2] = max([span[2], *uses])
    return {i: Block(*span) for i, span in spans.items()}


def _share_in_place(program: Program) -> list[int]:
    """program.storage with results of element-wise ops moved onto dying operands."""
    owner = list(program.storage)
    for k, op in enumerate(program.ops):
        out = op.outputs[0]
        for i in op.inputs[: _IN_PLACE.get(op.name, 0)]:
            if _may_share(program, owner, k, i, out):
                old, new = owner[out], owner[i]
                owner = [new if o == old else o for o in owner]
                break
    return owner


def _may_share(program: Program, owner: Sequence[int], k: int, source: int, out: int) -> bool:
    rows, op = program.rows, program.ops[k]
    if rows[source].constant or owner[source] == owner[out]:
        return False
    shapes = {rows[i].shape for i in (*op.inputs, out)}
    if op.name == "ADD" and len(shapes) > 1:
        return False  # a repeated operand is read again after its bytes were written
    if rows[out].nbytes > rows[source].nbytes:
        return False
    blocks = storage_blocks(program, owner)
    return blocks[owner[source]].last == k and blocks[owner[out]].first == k


def lower_bound(blocks: Sequence[Block]) -> int:
    """No plan can be smaller than the bytes alive at the worst op."""
    instants = {b.first for b in blocks}
    return max((sum(b.size for b in blocks if b.first <= t <= b.last) for t in instants), default=0)


_ORDERS: tuple[Callable[[Block], tuple[int, ...]], ...] = (
    lambda b: (-b.size, b.first),
    lambda b: (-b.size * (b.last - b.first + 1), b.first),
    lambda b: (b.first - b.last, -b.size),
    lambda b: (b.first, -b.size),
    lambda b: (-b.last, -b.size),
)


def place(blocks: Sequence[Block]) -> tuple[list[int], int]:
    """(offset of each block, arena bytes): best fit in several orders, the smallest wins."""
    target = lower_bound(blocks)
    best: tuple[list[int], int] | None = None
    for key in _ORDERS:
        order = sorted(range(len(blocks)), key=lambda i: (key(blocks[i]), i))
        offsets = _best_fit(blocks, order)
        arena = max((o + b.size for o, b in zip(offsets, blocks, strict=True)), default=0)
        if best is None or arena < best[1]:
            best = offsets, arena
        if arena == target:
            break
    assert best is not None
    return best


def _best_fit(blocks: Sequence[Block], order: Sequence[int]) -> list[int]:
    """Each block into the tightest gap left by those placed before that it meets."""
    offsets = [0] * len(blocks)
    placed: list[int] = []
    for i in order:
        taken = sorted((offsets[j], blocks[j].size) for j in placed if blocks[j].meets(blocks[i]))
        offsets[i] = _gap(taken, blocks[i].size)
        placed.append(i)
    return offsets


def _gap(taken: Sequence[tuple[int, int]], size: int) -> int:
    best, best_room, at = -1, 0, 0
    for offset, length in taken:
        room = offset - at
        if room >= size and (best < 0 or room < best_room):
            best, best_room = at, room
        at = max(at, offset + length)
    return at if best < 0 else best


def check(blocks: Sequence[Block], offsets: Sequence[int], arena: int) -> None:
    """Refuse a plan in which two living blocks share a byte, or one leaves the arena."""
    for i, (block, offset) in enumerate(zip(blocks, offsets, strict=True)):
        if offset < 0 or offset % ALIGNMENT or offset + block.size > arena:
            raise TinysenseError(
                f"unsafe memory plan: block {i} of {block.size} bytes at {offset}, arena {arena}"
            )
        for j in range(i):
            other, at = blocks[j], offsets[j]
            if block.meets(other) and offset < at + other.size and at < offset + block.size:
                raise TinysenseError(
                    f"unsafe memory plan: blocks {j} at {at} and {i} at {offset} share bytes "
                    f"while both live"
                )
