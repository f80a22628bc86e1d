"""Two ops into one, and none where nothing is left to do."""

from __future__ import annotations

import dataclasses

import numpy as np

from tinysense_host.program import Program
from tinysense_host.rewriting.uses import Uses

__all__ = ["drop_unread", "fuse_pads", "fuse_tables"]

# Where the bounds of the activation stand among an op's parameters.
_BOUNDS = {
    "ADD": 7, "AVERAGE_POOL_2D": 6, "CONV_2D": 6, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 0,
    "MAX_POOL_2D": 6, "MUL": 2, "TRANSPOSE_CONV": 4,
}  # fmt: skip


def _name(p: Program, k: int) -> str:
    return p.graph.describe(p.origin[k])


def _put(params: tuple[int, ...], at: int, *values: int) -> tuple[int, ...]:
    return (*params[:at], *values, *params[at + len(values) :])


# ---- tables ----


def fuse_tables(p: Program) -> None:
    """Tables: two in a row are one, one that only clamps is an activation, identity is none."""
    k = 0
    while k < len(p.ops):
        op = p.ops[k]
        if op.name == "LUT" and k >= p.n_init and _fuse_table(p, Uses(p), k):
            k = 0
        else:
            k += 1


def _fuse_table(p: Program, uses: Uses, k: int) -> bool:
    return _drop_identity(p, uses, k) or _join_tables(p, uses, k) or _clamp_before(p, uses, k)


def _table(p: Program, k: int) -> np.ndarray:
    """(256) the table of LUT k, in the order of its input's values."""
    data = p.rows[p.ops[k].inputs[1]].data
    assert data is not None
    return data.reshape(-1)


def _inputs_of(dtype: str) -> np.ndarray:
    return np.arange(256) - (128 if dtype == "int8" else 0)


def _drop_identity(p: Program, uses: Uses, k: int) -> bool:
    (x, _), (y,) = p.ops[k].inputs, p.ops[k].outputs
    if p.rows[x].dtype != p.rows[y].dtype or uses.writer(y) != k or uses.writer(x) is None:
        return False
    if not np.array_equal(_table(p, k), _inputs_of(p.rows[x].dtype)):
        return False
    p.rewrites.append(f"{_name(p, k)} dropped: it changes nothing")
    old, new = p.storage[y], p.storage[x]
    p.storage = [new if s == old else s for s in p.storage]
    uses.remove({k})
    return True


def _only_reader(uses: Uses, row: int, k: int) -> int | None:
    """The op that makes a row which op k alone reads."""
    return uses.writer(row) if uses.private(row) and uses.read_by(row) == [k] else None


def _join_tables(p: Program, uses: Uses, k: int) -> bool:
    x = p.ops[k].inputs[0]
    before = _only_reader(uses, x, k)
    if before is None or p.ops[before].name != "LUT":
        return False
    first, second = _table(p, before).astype(np.int64), _table(p, k)
    flip = 128 if p.rows[x].dtype == "int8" else 0
    table = p.constant(second[first + flip], str(second.dtype))
    p.rewrites.append(f"{_name(p, before)} fused with {_name(p, k)}: one table")
    source, shape = p.ops[before].inputs[0], p.rows[p.ops[k].outputs[0]].shape
    if p.rows[source].shape != shape:
        source = p.view(source, shape)
    uses.replace(k, inputs=(source, table))
    uses.remove({before})
    return True


def _clamp_before(p: Program, uses: Uses, k: int) -> bool:
    (x, _), (y,) = p.ops[k].inputs, p.ops[k].outputs
    before = _only_reader(uses, x, k)
    if before is None or p.ops[before].name not in _BOUNDS or uses.writer(y) != k:
        return False
    table = _table(p, k)
    low, high = int(table[0]), int(table[-1])
    same = (p.rows[x].dtype, p.rows[x].zero_point) == (p.rows[y].dtype, p.rows[y].zero_point)
    if not same or not np.array_equal(table, np.clip(_inputs_of("int8"), low, high)):
        return False
    op, at = p.ops[before], _BOUNDS[p.ops[before].name]
    bounds = [min(high, max(low, v)) for v in op.params[at : at + 2]]
    made = op.outputs[0]
    old, new = p.storage[made], p.storage[y]
    p.storage = [new if s == old else s for s in p.storage]
    if p.rows[made].shape != p.rows[y].shape or p.rows[made].scale != p.rows[y].scale:
        target = p.add(dataclasses.replace(p.rows[made], scale=p.rows[y].scale), y)
    else:
        target = y
    p.rewrites.append(f"{_name(p, k)} fused into {_name(p, before)}")
    uses.replace(before, outputs=(target, *op.outputs[1:]), params=_put(op.params, at, *bounds))
    uses.remove({k})
    return True


# ---- borders ----


def fuse_pads(p: Program) -> None:
    """A border of zero points in front of convolutions is their own padding."""
    k = p.n_init
    while k < len(p.ops):
        if p.ops[k].name == "PAD" and _fuse_pad(p, Uses(p), k):
            continue
        k += 1


def _fuse_pad(p: Program, uses: Uses, k: int) -> bool:
    (x,), (y,), params = p.ops[k].inputs, p.ops[k].outputs, p.ops[k].params
    if any(params[i] for i in (0, 1)) or not uses.private(y) or not uses.read_by(y):
        return False
    if len(uses.writers.get(p.storage[x], [])) > 1:
        return False  # a state: what is read here may be written before it is read there
    readers = uses.read_by(y)
    borders = [_border(p, reader, y, params) for reader in readers]
    for reader, border in zip(readers, borders, strict=True):
        if border is None or not _takes_border(p, reader, border, params[8]):
            return False
    for reader, border in zip(readers, borders, strict=True):
        assert border is not None
        op = p.ops[reader]
        sizes = [d - a - b for d, (a, b) in zip(p.rows[op.inputs[0]].dims, border, strict=True)]
        source = x if p.rows[x].dims == tuple(sizes) else p.view(x, tuple(sizes))
        pads = (op.params[4] + border[1][0], op.params[5] + border[2][0])
        uses.replace(reader, inputs=(source, *op.inputs[1:]), params=_put(op.params, 4, *pads))
        p.rewrites.append(f"{_name(p, k)} fused into {_name(p, reader)}")
    uses.remove({k})
    return True


Border = list[tuple[int, int]]


def _border(p: Program, reader: int, y: int, params: tuple[int, ...]) -> Border | None:
    """(before, after) along the four dims that the reader sees, which may name them otherwise."""
    seen, made = p.rows[p.ops[reader].inputs[0]].dims, p.rows[y].dims
    amounts = [(params[2 * i], params[2 * i + 1]) for i in range(4)]
    whole = [(d, pair) for d, pair in zip(made, amounts, strict=True) if d > 1]
    if [d for d in seen if d > 1] != [d for d, _ in whole]:
        return None
    pairs = iter(whole)
    border = [next(pairs)[1] if d > 1 else (0, 0) for d in seen]
    return None if any(border[0]) or any(border[3]) else border


def _takes_border(p: Program, reader: int, border: Border, value: int) -> bool:
    """Whether an op can pad its first operand by itself: the value is what it skips."""
    op, x = p.ops[reader], p.ops[reader].inputs[0]
    others = {p.storage[i] for i in op.inputs[1:]}
    if op.name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D") or p.storage[x] in others:
        return False
    if op.name == "MAX_POOL_2D":
        stride, kernel, skipped = op.params[:2], op.params[2:4], -128
        dilation: tuple[int, ...] = (1, 1)
    else:
        stride, dilation, kernel = op.params[:2], op.params[2:4], p.rows[op.inputs[1]].dims[1:3]
        skipped = p.rows[x].zero_point
    sizes, out = p.rows[x].dims[1:3], p.rows[op.outputs[0]].dims[1:3]
    for axis in (0, 1):
        inside = sizes[axis] - sum(border[1 + axis])
        pad, reach = op.params[4 + axis] + border[1 + axis][0], (kernel[axis] - 1) * dilation[axis]
        if pad > reach or (out[axis] - 1) * stride[axis] - pad >= inside:
            return False
    return value == skipped


# ---- what nobody reads ----


def drop_unread(p: Program) -> None:
    """Ops whose outputs no op reads, and that are no output or state of the model."""
    while True:
        uses = Uses(p)
        dead = {
            k for k, op in enumerate(p.ops)
            if all(uses.private(i) and not uses.read_by(i) and uses.writer(i) == k
                   for i in op.outputs)
        }  # fmt: skip
        if not dead:
            return
        p.rewrites += [f"{_name(p, k)} dropped: nothing reads it" for k in sorted(dead)]
        uses.remove(dead)
