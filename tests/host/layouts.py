"""Programs for tests of the planner, built op by op; weights are zeros, only shapes matter."""

from __future__ import annotations

import random

import numpy as np

from tinysense_host.modelparts import Op, Tensor
from tinysense_host.planning import Layout


class Graph:
    """Rows and ops; every method returns the row it made."""

    def __init__(self, shape: tuple[int, ...], inputs: int = 1) -> None:
        self.rows = [Tensor("int8", shape) for _ in range(inputs)]
        self.storage = list(range(inputs))
        self.ops: list[Op] = []
        self.n_inputs = inputs
        self.n_init = 0

    def dims(self, row: int) -> tuple[int, int, int, int]:
        return self.rows[row].dims

    def row(self, shape: tuple[int, ...], dtype: str = "int8", of: int | None = None) -> int:
        self.rows.append(Tensor(dtype, shape))
        self.storage.append(len(self.rows) - 1 if of is None else self.storage[of])
        return len(self.rows) - 1

    def constant(self, shape: tuple[int, ...], dtype: str = "int8") -> int:
        row = self.row(shape, dtype)
        self.rows[row] = Tensor(dtype, shape, data=np.zeros(shape, dtype))
        return row

    def op(self, name: str, inputs: list[int], shape: tuple[int, ...], params: tuple[int, ...] = (),
           dtype: str = "int8") -> int:
        y = self.row(shape, dtype)
        self.ops.append(Op(name, tuple(inputs), (y,), params))
        return y

    def conv(self, x: int, out: int, kernel=(3, 3), stride=(1, 1), same=True, dilation=1,
             name="CONV_2D") -> int:
        n, h, w, c = self.dims(x)
        sizes, pads = [], []
        for size, taps, step in zip((h, w), kernel, stride, strict=True):
            reach = (taps - 1) * dilation
            count = -(-size // step) if same else -(-(size - reach) // step)
            sizes.append(count)
            pads.append(max(0, (count - 1) * step + reach + 1 - size) // 2 if same else 0)
        weights = (out, *kernel, c) if name == "CONV_2D" else (1, *kernel, out)
        rest = [self.constant(weights), self.constant((out,), "int32"),
                self.constant((out,), "int32"), self.constant((out,))]
        params = (*stride, dilation, dilation, *pads, -128, 127)
        return self.op(name, [x, *rest], (n, *sizes, out), params)

    def depthwise(self, x: int, **how) -> int:
        return self.conv(x, self.dims(x)[3], name="DEPTHWISE_CONV_2D", **how)

    def pool(self, x: int, size=2, name="MAX_POOL_2D") -> int:
        n, h, w, c = self.dims(x)
        params = (size, size, size, size, 0, 0, -128, 127)
        return self.op(name, [x], (n, h // size, w // size, c), params)

    def pool_row(self, x: int, size: int) -> int:
        n, h, w, c = self.dims(x)
        return self.op("MAX_POOL_2D", [x], (n, h, w // size, c),
                       (1, size, 1, size, 0, 0, -128, 127))

    def average(self, x: int) -> int:
        n, h, w, c = self.dims(x)
        return self.op("AVERAGE_POOL_2D", [x], (n, 1, 1, c), (h, w, h, w, 0, 0, -128, 127))

    def mean(self, x: int) -> int:
        n, _, _, c = self.dims(x)
        return self.op("MEAN", [x], (n, c), (6, 1 << 30, 0))

    def add(self, a: int, b: int) -> int:
        return self.op("ADD", [a, b], self.rows[a].shape, (20, 1, 0, 1, 0, 1, 0, -128, 127))

    def lut(self, x: int) -> int:
        return self.op("LUT", [x, self.constant((256,))], self.rows[x].shape)

    def pad(self, x: int, top: int, bottom: int, left: int = 0, right: int = 0) -> int:
        n, h, w, c = self.dims(x)
        params = (0, 0, top, bottom, left, right, 0, 0, 0)
        return self.op("PAD", [x], (n, h + top + bottom, w + left + right, c), params)

    def dense(self, x: int, units: int) -> int:
        depth = self.rows[x].elements
        rest = [self.constant((units, depth)), self.constant((units,), "int32"),
                self.constant((1,), "int32"), self.constant((1,))]
        return self.op("FULLY_CONNECTED", [x, *rest], (1, units), (-128, 127))

    def softmax(self, x: int) -> int:
        return self.op("SOFTMAX", [x], self.rows[x].shape, (1 << 30, 0, -100))

    def reshape(self, x: int, shape: tuple[int, ...]) -> int:
        return self.row(shape, of=x)

    def layout(self, *outputs: int) -> Layout:
        """The program with these rows as outputs, which come behind the inputs."""
        first = [*range(self.n_inputs), *outputs]
        order = first + [i for i in range(len(self.rows)) if i not in first]
        place = {old: new for new, old in enumerate(order)}
        group: dict[int, int] = {}
        storage = [group.setdefault(self.storage[old], place[old]) for old in order]
        ops = [Op(op.name, tuple(place[i] for i in op.inputs), tuple(place[i] for i in op.outputs),
                  op.params) for op in self.ops]
        return Layout([self.rows[i] for i in order], storage, ops, self.n_inputs, len(outputs),
                      self.n_init)


def mobile(blocks: int = 4, size: int = 32, channels: int = 8) -> Layout:
    """Depthwise and 1x1 convolutions in turn, an average, a dense layer, softmax."""
    g = Graph((1, size, size, 1))
    x = g.conv(0, channels, stride=(2, 2))
    for i in range(blocks):
        x = g.depthwise(x, stride=(2, 2) if i == 1 else (1, 1))
        x = g.conv(x, channels * (2 if i else 1), kernel=(1, 1))
    return g.layout(g.softmax(g.dense(g.average(x), 5)))


def residual(blocks: int = 2, size: int = 20, channels: int = 6) -> Layout:
    """Two convolutions beside an identity or a 1x1 with stride, added, in turn."""
    g = Graph((1, size, size, 3))
    x = g.conv(0, channels)
    for i in range(blocks):
        step, out = ((2, 2), channels * 2) if i else ((1, 1), channels)
        y = g.conv(g.conv(x, out, stride=step), out)
        x = g.add(g.conv(x, out, kernel=(1, 1), stride=step) if i else x, y)
    return g.layout(g.softmax(g.dense(g.average(x), 4)))


def chance(seed: int) -> Layout:
    """A program by chance: windows of every kind, residuals, views, one or two outputs."""
    rng = random.Random(seed)
    batch = 2 if rng.random() < 0.1 else 1
    g = Graph((batch, rng.randint(1, 14), rng.randint(1, 9), rng.choice((1, 3, 4))))
    x, kept = 0, []
    for _ in range(rng.randint(1, 9)):
        x = _layer(g, rng, x)
        if rng.random() < 0.3:
            kept.append(x)
        same = [k for k in kept if k != x and g.rows[k].shape == g.rows[x].shape]
        if same and rng.random() < 0.7:
            x = g.add(*rng.sample([same[-1], x], 2))
    outputs = [x]
    if kept and kept[-1] != x and rng.random() < 0.2:
        outputs.append(kept[-1])
    if batch == 1 and len(outputs) == 1 and rng.random() < 0.5:
        outputs = [g.softmax(g.dense(rng.choice((g.average, g.mean, lambda r: r))(x), 4))]
    return g.layout(*outputs)


def _layer(g: Graph, rng: random.Random, x: int) -> int:
    n, h, w, c = g.dims(x)
    how = {"kernel": (rng.randint(1, min(h, 4)), rng.randint(1, min(w, 4))),
           "stride": (rng.randint(1, 3), rng.randint(1, 2)), "same": rng.random() < 0.6}
    kind = rng.randrange(9)
    if kind < 3:
        return g.conv(x, rng.choice((1, 2, 4, 8)), **how)
    if kind < 5:
        return g.depthwise(x, **how)
    if kind == 5 and min(h, w) > 1:
        return g.pool(x, 2, rng.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D")))
    if kind == 6 and h < 30:
        return g.pad(x, rng.randint(0, 3), rng.randint(0, 2), rng.randint(0, 1))
    if kind == 7 and n == 1:
        return g.reshape(x, (1, w, h, c))
    return g.conv(x, c, kernel=(1, 1)) if rng.random() < 0.5 else g.lut(x)
