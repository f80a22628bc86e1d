"""Remove channels that never change: what they add to others becomes part of a bias.

A channel may go when every op that reads it can do without: a convolution
takes a constant into its bias (where no position sees padding in its place,
or the constant is the zero point, which padding is), an op that works channel
by channel loses its own channel with it. Nothing is rounded, so all bytes of
the outputs stay what they were.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tinysense_host.modelparts import Op, Tensor
from tinysense_host.program import Program
from tinysense_host.rewriting.ranges import Bounds, absent_taps, channel_bounds
from tinysense_host.rewriting.uses import Uses

__all__ = ["multiply_adds", "remove_constant_channels"]

_UNIT = 4   # kernels work on groups of four channels: a part of a group saves nothing
_BY_CHANNEL = ("ADD", "AVERAGE_POOL_2D", "LUT", "MAXIMUM", "MAX_POOL_2D", "MEAN", "MINIMUM", "MUL",
               "SHIFT_IN")  # fmt: skip
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def remove_constant_channels(p: Program) -> None:
    """Make weights, biases and tensors smaller by the channels that may go."""
    before = multiply_adds(p)
    removal = _Removal(p)
    gone = removal.settle()
    if not gone:
        return
    removal.apply()
    after = multiply_adds(p)
    p.rewrites.append(
        f"{gone} channels removed that never change: {before:,} multiply-adds become {after:,}"
    )


def multiply_adds(p: Program) -> int:
    """Products of weights and inputs in one inference, padding included."""
    total = 0
    for op in p.ops:
        if op.name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            y = p.rows[op.outputs[0]]
            total += y.elements // y.dims[3] * p.rows[op.inputs[1]].elements
        elif op.name == "FULLY_CONNECTED":
            w = p.rows[op.inputs[1]].dims
            total += p.rows[op.outputs[0]].elements * w[3]
    return total


class _Removal:
    """``gone[s]``: (channels) bool, which channels of storage s may go; shrinks until all agree."""

    def __init__(self, p: Program) -> None:
        self.p = p
        self.uses = Uses(p)
        self.bounds = channel_bounds(p)
        self.gone: dict[int, np.ndarray] = {}
        for k, op in enumerate(p.ops):
            out = op.outputs[0]
            if k >= p.n_init and self._own(out) and self._can_lose(op):
                self.gone[p.storage[out]] = np.ones(p.rows[out].dims[3], bool)

    def _own(self, row: int) -> bool:
        """Whether only ops see these bytes: made by one, or a state whose first value is known."""
        if self.uses.private(row):
            return True
        k = self.uses.shifted(row)
        return k is not None and self._may_set(self.p.ops[k], self.p.rows[row].dims[3])

    def _may_set(self, op: Op, channels: int) -> bool:
        """Whether a prologue op can set fewer channels of a state."""
        if op.name == "FILL":
            return True
        x, y = (self.p.rows[i] for i in (op.inputs[0], op.outputs[0]))
        return op.name == "STRIDED_COPY" and x.constant and (
            x.elements == x.dims[3] == y.dims[3] == channels)  # fmt: skip

    def _can_lose(self, op: Op) -> bool:
        """Whether the op can be made with fewer output channels at all."""
        rows, y = self.p.rows, self.p.rows[op.outputs[0]].dims
        x = rows[op.inputs[0]].dims if op.inputs else (0, 0, 0, 0)
        w = rows[op.inputs[1]].dims if op.name in _WEIGHTED else (0, 0, 0, 0)
        if op.name == "CONV_2D":
            return w[3] == x[3]
        if op.name == "DEPTHWISE_CONV_2D":
            return y[3] == x[3]
        if op.name == "FULLY_CONNECTED":
            return w[2] == y[3]
        return op.name in _BY_CHANNEL and self._channels_match(op)

    def _channels_match(self, op: Op) -> bool:
        rows, y = self.p.rows, self.p.rows[op.outputs[0]].dims
        if op.name == "MEAN" and op.params[0] & 8:
            return False
        operands = [rows[i] for i in op.inputs if not (op.name == "LUT" and rows[i].constant)]
        same = [t for t in operands if t.dims[3] == y[3]]
        return all(t in same or (t.constant and t.dims[3] == 1) for t in operands)

    # ---- what may go ----

    def settle(self) -> int:
        """Shrink ``gone`` until every op agrees; how many channels go."""
        while True:
            while any([self._restrict(k, op) for k, op in enumerate(self.p.ops)]):
                pass
            if not self._keep_groups():
                return sum(int(gone.sum()) for gone in self.gone.values())

    def _of(self, row: int) -> np.ndarray | None:
        """The channels that go of the storage of a row, if any could."""
        return self.gone.get(self.p.storage[row])

    def _keep(self, row: int, keep: np.ndarray | bool) -> bool:
        """Keep channels of a row's storage; whether that is news."""
        gone = self._of(row)
        if gone is None or not (gone & keep).any():
            return False
        gone &= ~np.broadcast_to(keep, gone.shape)
        return True

    def _restrict(self, k: int, op: Op) -> bool:
        """What this op needs of its operands and output; whether anything changed."""
        if k < self.p.n_init:
            lasting = self._own(op.outputs[0])
            return False if lasting else any([self._keep(i, True) for i in op.operands])
        if op.name in ("CONV_2D", "FULLY_CONNECTED"):
            return self._restrict_inputs(op)
        x_rows = [i for i in op.inputs if not self.p.rows[i].constant]
        tied = op.name == "DEPTHWISE_CONV_2D" or op.name in _BY_CHANNEL
        if not tied or not self._can_lose(op) or any(self._of(i) is None for i in x_rows):
            return any([self._keep(i, True) for i in (*x_rows, *op.outputs)])
        rows = [*x_rows, op.outputs[0]]
        gone = [self._of(i) for i in rows]
        if any(g is None or len(g) != self.p.rows[i].dims[3]
               for g, i in zip(gone, rows, strict=True)):  # fmt: skip
            return any([self._keep(i, True) for i in rows])
        common = np.logical_and.reduce([g for g in gone if g is not None])
        return any([self._keep(i, ~common) for i in rows])

    def _restrict_inputs(self, op: Op) -> bool:
        gone = self._of(op.inputs[0])
        if gone is None:
            return False
        products = self._products(op, len(gone))
        if products is None:
            return self._keep(op.inputs[0], True)
        lives = self._of(op.outputs[0])
        live = np.ones(len(products), bool) if lives is None else ~lives
        constant = self._bounds(op.inputs[0]).constant
        fixed = constant & ~self._uneven(op, products[live])
        unread = ~products[live].any(axis=(0, 1))
        return self._keep(op.inputs[0], ~(fixed | unread))

    def _bounds(self, row: int) -> Bounds:
        found = self.bounds.get(self.p.storage[row])
        channels = len(self.gone[self.p.storage[row]])
        if found is None or len(found.low) != channels:
            return Bounds(np.full(channels, -128), np.full(channels, 127))
        return found

    def _products(self, op: Op, channels: int) -> np.ndarray | None:
        """Weights as (outputs, taps, channels); None where the input's channels are not seen."""
        w = self.p.rows[op.inputs[1]]
        assert w.data is not None
        outputs = w.dims[0] if op.name == "CONV_2D" else w.dims[2]
        per_output = w.elements // outputs
        if per_output % channels or (op.name == "CONV_2D" and w.dims[3] != channels):
            return None
        return w.data.astype(np.int64).reshape(outputs, per_output // channels, channels)

    def _uneven(self, op: Op, products: np.ndarray) -> np.ndarray:
        """(channels) bool: padding stands in for the constant somewhere, and differs from it."""
        if op.name != "CONV_2D":
            return np.zeros(products.shape[2], bool)
        x, w, y = (self.p.rows[i] for i in (*op.inputs[:2], op.outputs[0]))
        absent = absent_taps(op, x, y, w.dims[1:3]).reshape(-1)
        differs = self._bounds(op.inputs[0]).low != x.zero_point
        return np.asarray(differs & products[:, absent].any(axis=(0, 1)))

    def _keep_groups(self) -> bool:
        """Whole groups of channels go, the same in storages that are tied; whether news."""
        changed = False
        for gone in self.gone.values():
            left = len(gone) - int(gone.sum())
            unit = _UNIT if len(gone) % _UNIT == 0 else 1
            wanted = max(unit, -(-left // unit) * unit)
            if wanted > left:
                gone[np.flatnonzero(gone)[: wanted - left]] = False
                changed = True
        return changed

    # ---- doing it ----

    def apply(self) -> None:
        """Slice tensors, weights and constants; fold constants into biases."""
        for op_number, op in enumerate(self.p.ops):
            if op_number >= self.p.n_init:
                _SLICERS.get(op.name, _slice_operands)(self, op_number, op)
            elif (gone := self.losing(op.outputs[0])) is not None and op.inputs:
                self.replace(op_number, 0, np.compress(~gone, self.constant(op_number, 0), axis=-1))
        for i, row in enumerate(self.p.rows):
            gone = self.gone.get(self.p.storage[i])
            if gone is not None and gone.any() and not row.constant:
                self.p.rows[i] = _narrower(row, gone)

    def losing(self, row: int) -> np.ndarray | None:
        """Channels that go of a row's storage; None for none."""
        gone = self._of(row)
        return gone if gone is not None and gone.any() else None

    def replace(self, k: int, operand: int, data: np.ndarray) -> None:
        """Another constant for an operand of op k."""
        op = self.p.ops[k]
        old = self.p.rows[op.inputs[operand]]
        new = self.p.add(dataclasses.replace(old, shape=data.shape, data=data))
        inputs = (*op.inputs[:operand], new, *op.inputs[operand + 1 :])
        self.p.ops[k] = dataclasses.replace(op, inputs=inputs)

    def constant(self, k: int, operand: int) -> np.ndarray:
        """Values of a constant operand of op k as it is now."""
        data = self.p.rows[self.p.ops[k].inputs[operand]].data
        assert data is not None
        return data

    def slice_inputs(self, k: int, op: Op) -> None:
        """CONV_2D and FULLY_CONNECTED: constants into the bias, their weights away."""
        gone = self.losing(op.inputs[0])
        if gone is None:
            return
        products = self._products(op, len(gone))
        assert products is not None
        bounds, zero = self._bounds(op.inputs[0]), self.p.rows[op.inputs[0]].zero_point
        values = np.where(gone & bounds.constant, bounds.low - zero, 0)
        bias = self.constant(k, 2).reshape(-1).astype(np.int64) + (products.sum(axis=1) @ values)
        self.replace(k, 2, _wrapped(bias))
        w = self.constant(k, 1)
        kept = products[:, :, ~gone].astype(np.int8)
        shape = (*w.shape[:-1], w.shape[-1] // len(gone) * int((~gone).sum()))
        self.replace(k, 1, kept.reshape(shape))

    def slice_outputs(self, k: int, op: Op, axis: int) -> None:
        """An op with weights: those of channels that go, with bias, multiplier and shift."""
        gone = self.losing(op.outputs[0])
        if gone is None:
            return
        self.replace(k, 1, np.compress(~gone, self.constant(k, 1), axis=axis))
        for operand in (2, 3, 4):
            values = self.constant(k, operand).reshape(-1)
            if len(values) == len(gone):
                self.replace(k, operand, values[~gone])


def _wrapped(values: np.ndarray) -> np.ndarray:
    """As int32 keeps them: sums wrap on the device, too."""
    return ((values + 2**31) % 2**32 - 2**31).astype(np.int32)


def _narrower(row: Tensor, gone: np.ndarray) -> Tensor:
    last = row.shape[-1]
    return dataclasses.replace(
        row, shape=(*row.shape[:-1], last // len(gone) * int((~gone).sum()))
    )


def _slice_conv(r: _Removal, k: int, op: Op) -> None:
    r.slice_inputs(k, op)
    r.slice_outputs(k, op, 0)


def _slice_dense(r: _Removal, k: int, op: Op) -> None:
    r.slice_inputs(k, op)
    r.slice_outputs(k, op, len(r.constant(k, 1).shape) - 2)


def _slice_depthwise(r: _Removal, k: int, op: Op) -> None:
    r.slice_outputs(k, op, 3)


def _slice_operands(r: _Removal, k: int, op: Op) -> None:
    """Constants that hold one value per channel; a table holds none."""
    gone = r.losing(op.outputs[0]) if op.name in _BY_CHANNEL and op.name != "LUT" else None
    for operand, i in enumerate(op.inputs):
        row = r.p.rows[i]
        if gone is not None and row.data is not None and row.dims[3] == len(gone):
            r.replace(k, operand, np.compress(~gone, row.data, axis=-1))


_SLICERS: dict[str, Callable[[_Removal, int, Op], None]] = {
    "CONV_2D": _slice_conv,
    "DEPTHWISE_CONV_2D": _slice_depthwise,
    "FULLY_CONNECTED": _slice_dense,
}
