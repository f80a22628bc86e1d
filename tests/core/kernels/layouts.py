"""Where a single op's tensors may lie: apart, every overlap that a plan may choose, and rings.

The distances are worked out here from the contract of an op (device/core/op.h)
alone, not by the planner: the two are to agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinysense_host.modelfile import ModelFile, Op, Tensor
from tinysense_host.modelparts import BACKWARD

IDENTITY = Tensor("int8", (256,), data=np.arange(-128, 128).astype(np.int8))
THERE, PUSHED = 255, 254    # producers of a segment's inputs that no op of it makes
WINDOWED = ("CONV_2D", "DEPTHWISE_CONV_2D")


def _aligned(n: int) -> int:
    return -(-n // 4) * 4


def place(m: ModelFile, offsets: dict[int, int], flags: int = 0) -> ModelFile:
    """Tensors at their offsets; those without one (scratch, rings) behind all that have one."""
    end = max(_aligned(o + m.tensors[i].stored_bytes) for i, o in offsets.items())
    tensors: list[Tensor] = []
    for i, t in enumerate(m.tensors):
        if t.constant:
            tensors.append(t)
            continue
        at = offsets.get(i, end)
        end += _aligned(t.stored_bytes) if i not in offsets else 0
        tensors.append(replace(t, offset=at))
    ops = [replace(op, flags=flags) for op in m.ops]
    return replace(m, tensors=tensors, arena_bytes=end, ops=ops)


def apart(m: ModelFile) -> ModelFile:
    """Inputs and outputs one behind the other."""
    offsets, at = {}, 0
    for i in range(m.n_inputs + m.n_outputs):
        offsets[i] = at
        at += _aligned(m.tensors[i].stored_bytes)
    return place(m, offsets)


@dataclass(frozen=True)
class Rows:
    """Row y of the output is made of input rows y * stride - pad .. y * stride + lead."""

    stride: int
    pad: int
    lead: int

    def first(self, y: int, rows: int) -> int:
        """First input row needed, of ``rows``."""
        return min(max(0, y * self.stride - self.pad), rows)

    def end(self, y: int, rows: int) -> int:
        """Input rows needed end before this one."""
        return min(rows, max(0, y * self.stride + self.lead + 1))

    def ring(self, step: int) -> int:
        """Input rows that ``step`` output rows are made of."""
        return (step - 1) * self.stride + self.pad + self.lead + 1


def rows_of(m: ModelFile) -> Rows:
    """Of the one op of a model."""
    op = m.ops[0]
    if op.name.removeprefix("PACKED_") not in WINDOWED:
        return Rows(1, 0, 0)
    kernel = op.params[8] if op.name.startswith("PACKED_") else m.tensors[op.inputs[1]].dims[1]
    return Rows(op.params[0], op.params[4], (kernel - 1) * op.params[2] - op.params[4])


def forward_distance(x: Tensor, y: Tensor, rows: Rows) -> int:
    """Least bytes that x must lie above y: row y ends before any input row still needed begins."""
    return _aligned(max(0, *((i + 1) * y.row_bytes - rows.first(i, x.dims[1]) * x.row_bytes
                             for i in range(y.dims[1]))))


def backward_distance(x: Tensor, y: Tensor, rows: Rows) -> int:
    """Least bytes that y must lie above x when rows are made from the last to the first."""
    return _aligned(max(0, *(rows.end(i, x.dims[1]) * x.row_bytes - i * y.row_bytes
                             for i in range(y.dims[1]))))


def over_input(m: ModelFile, pixel_block: int) -> Iterator[ModelFile]:
    """A windowed op with its output over its input: upwards, downwards, pixel by pixel."""
    x, y, rows = m.tensors[0], m.tensors[1], rows_of(m)
    yield place(m, {0: forward_distance(x, y, rows), 1: 0})
    yield place(m, {0: 0, 1: backward_distance(x, y, rows)}, BACKWARD)
    if pixel_block:
        more = max(0, y.dims[3] - x.dims[3])
        yield place(m, {0: _aligned((x.dims[1] * x.dims[2] - 1) * more), 1: 0})


def _ring(t: Tensor, rows: int) -> Tensor:
    """A tensor of which ``rows`` rows are held, whole where a ring saves nothing."""
    return replace(t, ring=rows if rows < min(t.dims[1], 256) else 0)


def _segment(m: ModelFile, tensors: Sequence[Tensor], ops: Sequence[Op],
             steps: Sequence[tuple[int, int, int, Rows]]) -> ModelFile:  # fmt: skip
    """``steps``: for each op the producers of two inputs, rows per call, and rows needed."""
    params = [len(ops)]
    for first, second, step, rows in steps:
        params += [first | second << 8 | step << 16, (rows.stride & 0xFFFF) | rows.lead << 16]
    progress = Tensor("uint8", (1, 1, 1, _aligned(3 * len(ops) + 4)))
    head = Op("SEGMENT", (), (len(tensors),), tuple(params))
    return apart(replace(m, tensors=[*tensors, progress], ops=[head, *ops]))


def streamed(m: ModelFile, step: int, inner_step: int) -> ModelFile:
    """The op between copies (LUT), its inputs and its output in the smallest rings there are."""
    op, rows, n = m.ops[0], rows_of(m), m.n_inputs
    tensors = list(m.tensors)
    table = len(tensors)
    tensors.append(IDENTITY)
    place_of = {}
    for i in range(n + 1):
        held = rows.ring(step) + inner_step - 1 if i < n else step + inner_step - 1
        place_of[i] = len(tensors)
        tensors.append(_ring(m.tensors[i], held))
    copies = [Op("LUT", (i, table), (place_of[i],)) for i in range(n)]
    inner = replace(op, inputs=tuple(place_of.get(i, i) for i in op.inputs),
                    outputs=(place_of[n], *op.outputs[1:]))  # fmt: skip
    last = Op("LUT", (place_of[n], table), (n,))
    alone = Rows(1, 0, 0)
    steps = [(THERE, THERE, inner_step, alone)] * n
    steps += [(0, 1 if n == 2 else THERE, step, rows), (n, THERE, inner_step, alone)]
    return _segment(m, tensors, [*copies, inner, last], steps)


def pushed(m: ModelFile, step: int) -> ModelFile:
    """The op alone, its input given row by row through the smallest ring there is."""
    rows = rows_of(m)
    held = _ring(m.tensors[0], rows.ring(step))
    return _segment(m, [held, *m.tensors[1:]], m.ops, [(PUSHED, THERE, step, rows)])


def layouts(m: ModelFile, pixel_block: int = 0) -> Iterator[ModelFile]:
    """The model of one op in every layout; the first has all apart."""
    yield apart(m)
    name, x, y = m.ops[0].name.removeprefix("PACKED_"), m.tensors[0], m.tensors[m.n_inputs]
    if name in WINDOWED and x.dims[0] == 1:
        yield from over_input(m, pixel_block)
        yield streamed(m, 1, 1)
        yield streamed(m, 1 + len(m.name) % 3, 2)
        yield pushed(m, 1 + x.dims[3] % 2)
    if name == "ADD" and x.dims[0] == 1 and m.tensors[1].dims == y.dims:
        offsets = {0: 0, 1: _aligned(x.nbytes)}
        yield place(m, {**offsets, 2: 0})
        yield place(m, {**offsets, 2: offsets[1]})
        yield streamed(m, 2, 1)
