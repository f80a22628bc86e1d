"""Random window models, made as graphs: rows in time, branches, strides, all that may stream."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tinysense_host.graph import Graph, Node, OptionValue, Quant, Tensor

__all__ = ["SAME", "VALID", "Net", "layers", "noise", "random_net"]

SAME, VALID = 0, 1


class Net:
    """Appends layers; the newest tensor is ``x``. Quantisation is drawn so that outputs vary."""

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.x = self.given = self.activation(shape)

    def pick(self, *options: int) -> int:
        return options[int(self.rng.integers(len(options)))]

    def shape(self, index: int | None = None) -> tuple[int, ...]:
        return self.tensors[self.x if index is None else index].shape

    def activation(self, shape: tuple[int, ...], like: int | None = None,
                   scale: float = 0.05) -> int:  # fmt: skip
        zero = int(self.rng.integers(-90, 90))
        quant = Quant(np.array([scale], np.float32), np.array([zero]))
        if like is not None:
            quant = self.tensors[like].quant
        return self._add(Tensor(0, f"t{len(self.tensors)}", "int8", shape, quant))

    def constant(self, data: np.ndarray, dtype: str, scale: float = 0.0) -> int:
        quant = Quant(np.array([scale], np.float32), np.array([0])) if scale else None
        return self._add(Tensor(0, "c", dtype, data.shape, quant, data.astype(dtype)))

    def _add(self, tensor: Tensor) -> int:
        index = len(self.tensors)
        self.tensors.append(Tensor(index, tensor.name, tensor.dtype, tensor.shape, tensor.quant,
                                   tensor.data))  # fmt: skip
        return index

    def op(self, name: str, inputs: list[int], out: int, **options: OptionValue) -> int:
        self.nodes.append(Node(len(self.nodes), name, tuple(inputs), (out,), options))
        self.x = out
        return out

    def graph(self, *outputs: int) -> Graph:
        return Graph("net", tuple(self.tensors), tuple(self.nodes), (self.given,),
                     outputs or (self.x,))  # fmt: skip

    # ---- layers ----

    def weights(self, shape: tuple[int, ...], taps: int) -> int:
        scale = 0.9 / (73 * math.sqrt(taps))    # a sum is about as wide as its input
        return self.constant(self.rng.integers(-127, 128, shape), "int8", scale)

    def bias(self, units: int, weights: int) -> int:
        quant = self.tensors[weights].quant
        assert quant is not None
        scale = 0.05 * float(quant.scale[0])
        return self.constant(self.rng.integers(-2, 3, units) * int(0.4 / scale), "int32", scale)

    def conv(self, out: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1),
             dilation: tuple[int, int] = (1, 1), padding: int = VALID,
             depthwise: bool = False) -> int:  # fmt: skip
        x, (_, h, w, c) = self.x, self.shape()
        units = c * out if depthwise else out
        shape = (1, *kernel, units) if depthwise else (units, *kernel, c)
        weights = self.weights(shape, math.prod(kernel) * (1 if depthwise else c))
        bias = self.bias(units, weights)
        size = self.sizes((h, w), kernel, stride, dilation, padding)
        y = self.activation((1, *size, units))
        more: dict[str, OptionValue] = {"depth_multiplier": out} if depthwise else {}
        return self.op(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [x, weights, bias], y,
            padding=padding, stride_h=stride[0], stride_w=stride[1], dilation_h=dilation[0],
            dilation_w=dilation[1], activation=self.pick(0, 1), **more)  # fmt: skip

    @staticmethod
    def sizes(size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int],
              dilation: tuple[int, int], padding: int) -> tuple[int, int]:  # fmt: skip
        found = []
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
            found.append(-(-n // s) if padding == SAME else (n - (k - 1) * d - 1) // s + 1)
        return found[0], found[1]

    def pool(self, name: str, kernel: tuple[int, int], stride: tuple[int, int],
             padding: int = VALID) -> int:  # fmt: skip
        x, (_, h, w, c) = self.x, self.shape()
        size = self.sizes((h, w), kernel, stride, (1, 1), padding)
        y = self.activation((1, *size, c), like=x)
        return self.op(name, [x], y, padding=padding, stride_h=stride[0], stride_w=stride[1],
                       filter_h=kernel[0], filter_w=kernel[1], activation=0)  # fmt: skip

    def table(self, name: str) -> int:
        x = self.x
        quant = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(name)
        y = self.activation(self.shape())
        if quant:
            self.tensors[y] = Tensor(y, "table", "int8", self.shape(x), Quant(
                np.array([quant[0]], np.float32), np.array([quant[1]])))  # fmt: skip
        return self.op(name, [x], y)

    def reshape(self, shape: tuple[int, ...]) -> int:
        x = self.x
        return self.op("RESHAPE", [x, self.constant(np.array(shape), "int32")],
                       self.activation(shape, like=x))  # fmt: skip

    def crop(self, source: int, axis: int, first: int, size: int, step: int = 1) -> int:
        shape = self.shape(source)
        rank = len(shape)
        begin, end = [0] * rank, list(shape)
        begin[axis], end[axis] = first, first + size
        made = tuple(-(-size // step) if i == axis else d for i, d in enumerate(shape))
        bounds = [self.constant(np.array(v), "int32") for v in
                  (begin, end, [step if i == axis else 1 for i in range(rank)])]  # fmt: skip
        return self.op("STRIDED_SLICE", [source, *bounds], self.activation(made, like=source))

    def pair(self, name: str, a: int, b: int) -> int:
        return self.op(name, [a, b], self.activation(self.shape(a), scale=0.08), activation=0)

    def concatenation(self, a: int, b: int) -> int:
        shape = self.shape(a)
        y = self.activation((*shape[:-1], shape[-1] + self.shape(b)[-1]), like=a)
        return self.op("CONCATENATION", [a, b], y, axis=len(shape) - 1, activation=0)

    def mean(self, *axes: int) -> int:
        x, shape = self.x, self.shape()
        made = tuple(d for i, d in enumerate(shape) if i not in axes)
        return self.op("MEAN", [x, self.constant(np.array(axes), "int32")],
                       self.activation(made, scale=0.03), keep_dims=False)  # fmt: skip

    def dense(self, units: int, keep: bool = False) -> int:
        x, shape = self.x, self.shape()
        depth = shape[-1] if keep else math.prod(shape)
        weights = self.weights((units, depth), depth)
        bias = self.bias(units, weights)
        y = self.activation((*shape[:-1], units) if keep else (1, units))
        return self.op("FULLY_CONNECTED", [x, weights, bias], y, activation=0, weights_format=0,
                       keep_num_dims=keep)  # fmt: skip

    def softmax(self) -> int:
        x = self.x
        y = self.activation(self.shape())
        self.tensors[y] = Tensor(y, "softmax", "int8", self.shape(x), Quant(
            np.array([1 / 256], np.float32), np.array([-128])))  # fmt: skip
        return self.op("SOFTMAX", [x], y, beta=1.0)


def layers(make: Callable[[Net], object], shape: tuple[int, ...] = (1, 21, 4, 2)) -> Graph:
    net = Net(7, shape)
    make(net)
    return net.graph()


def noise(graph: Graph, count: int, seed: int = 0) -> np.ndarray:
    """(count, *input shape) int8."""
    given = graph.tensors[graph.inputs[0]]
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (count, *given.shape)).astype(given.dtype)


def random_net(seed: int) -> Graph:
    """A model of a few layers over (time, features) in one of the layouts that there are."""
    rng = np.random.default_rng(seed)
    rows, width, channels = int(rng.integers(22, 60)), int(rng.integers(1, 6)), 1
    layout = seed % 4
    if layout == 0:         # rows of channels, as Keras' Conv1D has them
        net = Net(seed, (1, rows, width + 3))
        net.reshape((1, 1, rows, width + 3))
    elif layout == 1:
        net = Net(seed, (1, rows, width, channels))
    elif layout == 2:
        net = Net(seed, (1, rows * width * 2))
        net.reshape((1, rows, width, 2))
    else:
        net = Net(seed, (1, rows, 1, width + 3))
    for _ in range(int(rng.integers(1, 6))):
        _layer(net, 2 if layout == 0 else 1)
    _end(net, 2 if layout == 0 else 1)
    return net.graph()


def _along(axis: int, time: int, other: int) -> tuple[int, int]:
    return (time, other) if axis == 1 else (other, time)


def _layer(net: Net, axis: int) -> None:
    shape = net.shape()
    time, width, kind = shape[axis], shape[3 - axis], net.pick(*range(8))
    if time < 9 and kind not in (4, 5):
        return
    k, s = net.pick(1, 2, 3, 5), net.pick(1, 1, 1, 2, 3)
    wide = min(width, net.pick(1, 2, 3))
    if kind in (0, 1):
        kernel, stride = _along(axis, k, wide), _along(axis, s, net.pick(1, 2))
        padding = net.pick(SAME, VALID) if k == 1 else VALID    # along the features only
        net.conv(net.pick(3, 4, 6), kernel, stride, padding=padding,
                 depthwise=kind == 1 and shape[3] <= 6 and net.pick(0, 1) == 1)  # fmt: skip
    elif kind == 2:
        net.conv(1, _along(axis, 3, 1), dilation=_along(axis, net.pick(1, 2, 4), 1), depthwise=True)
    elif kind == 3:
        name = ("AVERAGE_POOL_2D", "MAX_POOL_2D")[net.pick(0, 1)]
        net.pool(name, _along(axis, net.pick(2, 3), wide), _along(axis, net.pick(1, 2), 1))
    elif kind == 4:
        net.table(("LOGISTIC", "TANH", "RELU", "QUANTIZE")[net.pick(0, 1, 2, 3)])
    elif kind == 5:
        net.dense(net.pick(4, 5), keep=True)
    else:
        _branch(net, axis, kind)


def _branch(net: Net, axis: int, kind: int) -> None:
    """Two ways from one tensor: through a convolution, and cropped along time to its length."""
    before, k = net.x, net.pick(2, 3, 5)
    side = net.conv(net.shape()[3], _along(axis, k, 1))
    time = net.shape(side)[axis]
    other = net.crop(before, axis, net.pick(*range(k)), time)
    if kind == 6:
        net.pair(("ADD", "MUL", "SUB")[net.pick(0, 1, 2)], side, other)
    else:
        net.tensors[side] = Tensor(side, "side", "int8", net.shape(side), net.tensors[other].quant)
        net.concatenation(side, other)


def _end(net: Net, axis: int) -> None:
    kind = net.pick(0, 1, 2, 3, 4)
    if kind == 0:
        net.mean(1, 2)
    elif kind == 1:
        h, w = net.shape()[1:3]
        net.pool("AVERAGE_POOL_2D", (h, w), (h, w))
    elif kind == 2:
        net.reshape((1, math.prod(net.shape())))
    elif kind == 3:
        net.mean(axis)
    if kind < 4:
        net.dense(3)
        net.softmax()
