"""Random graphs of several ops, with branches: what single-op models cannot show.

Every tensor is (1, H, W, C) int8 until a head flattens it. Steps take what was
made before, the newest most often; a tensor that nothing reads is an output.
Zero weights, drowned biases, borders of zero points and activations without a
change of scale are drawn often, since rewriting looks for them.
"""

from __future__ import annotations

import math

import models
import numpy as np
from builder import Builder
from models import SAME, VALID

__all__ = ["CASES", "graph"]

_MOST = 600     # elements of a tensor


class _Draw:
    """A model in the making: tensors by index with shape, scale and zero point."""

    def __init__(self, rng):
        self.rng, self.b = rng, Builder()
        self.shape, self.quant, self.read = {}, {}, set()
        self.inputs = []
        self.dead = self.pick(5, 30, 60)    # percent of channels without weights

    def pick(self, *options):
        return options[int(self.rng.integers(len(options)))]

    def chance(self, percent):
        return int(self.rng.integers(100)) < percent

    def new_quant(self, scale=None):
        return (scale or models.scale_of(self.rng, -6, -2), models.zero_of(self.rng))

    def tensor(self, shape, quant):
        name = f"t{len(self.shape)}"
        i = self.b.tensor(name, shape, scale=quant[0], zero_point=quant[1])
        self.shape[i], self.quant[i] = tuple(shape), (float(np.float32(quant[0])), quant[1])
        return i

    def input(self, shape):
        self.inputs.append(self.tensor(shape, self.new_quant()))
        return self.inputs[-1]

    def constant(self, shape, dtype, data, **quant):
        return self.b.tensor(f"c{len(self.b.graph.tensors)}", shape, dtype, data=data, **quant)

    def op(self, name, inputs, shape, quant, **options):
        """Append an op over inputs; its output."""
        out = self.tensor(shape, quant)
        self.b.op(name, inputs, [out], **options)
        self.read.update(i for i in inputs if i in self.shape)
        return out

    def some(self):
        """A tensor to go on with: mostly the newest."""
        known = list(self.shape)
        return known[-1] if self.chance(65) else known[int(self.rng.integers(len(known)))]

    def same_shape(self, x):
        """Another tensor of this shape, if there is one; else x again."""
        found = [i for i, s in self.shape.items() if s == self.shape[x] and i != x]
        return found[int(self.rng.integers(len(found)))] if found else x

    def requantized(self, x, quant):
        if self.quant[x] == (float(np.float32(quant[0])), quant[1]):
            return x
        return self.op("QUANTIZE", [x], self.shape[x], quant)


def _weights(d, shape, axis):
    """Weights; some channels have none, some read only one input."""
    w = d.rng.integers(-127, 128, shape)
    for c in range(shape[axis]):
        if d.chance(d.dead):
            w[(slice(None),) * axis + (c,)] = 0
    if axis == 0 and d.chance(30):
        w[..., int(d.rng.integers(shape[-1]))] = 0
    return w


def _bias(d, n):
    """Biases; some so large that the activation clips whatever comes."""
    b = d.rng.integers(-3000, 3000, n)
    b[d.rng.random(n) < d.dead / 200] = d.pick(-(10**8), 10**8)
    return b


def conv(d, x):
    depthwise, (_, h, w, c) = d.chance(40), d.shape[x]
    kernel = (int(d.rng.integers(1, 4)), int(d.rng.integers(1, 4)))
    stride = d.pick((1, 1), (1, 1), (2, 2), (1, 2))
    dilation = d.pick((1, 1), (1, 1), (1, 1), (2, 1)) if stride == (1, 1) else (1, 1)
    reach = [(k - 1) * s + 1 for k, s in zip(kernel, dilation, strict=True)]
    padding = SAME if reach[0] > h or reach[1] > w else d.pick(SAME, VALID)
    out = c if depthwise else int(d.pick(1, 4, 5, 8, 12))
    return conv_of(d, x, out, depthwise, kernel, stride, dilation, padding)


def conv_of(d, x, out, depthwise=False, kernel=(3, 3), stride=(1, 1), dilation=(1, 1),
            padding=SAME):  # fmt: skip
    """A convolution with ``out`` channels; depthwise ones keep those of x."""
    _, h, w, c = d.shape[x]
    shape = (1, *(models._out_size(n, k, s, q, padding) for n, k, s, q in
                  zip((h, w), kernel, stride, dilation, strict=True)), out)  # fmt: skip
    sw = [models.scale_of(d.rng, -10, -5) for _ in range(out)]
    axis, size = (3, (1, *kernel, c)) if depthwise else (0, (out, *kernel, c))
    terms = kernel[0] * kernel[1] * (1 if depthwise else c)
    operands = [x, d.constant(size, "int8", _weights(d, size, axis), scale=sw, axis=axis),
                d.constant((out,), "int32", _bias(d, out),
                           scale=np.multiply(d.quant[x][0], sw))]  # fmt: skip
    options = {"depthMultiplier": 1} if depthwise else {}
    return d.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", operands, shape,
                d.new_quant(models._out_scale(d.rng, d.quant[x][0], sw, terms)),
                padding=padding, strideH=stride[0], strideW=stride[1],
                dilationHFactor=dilation[0], dilationWFactor=dilation[1],
                fusedActivationFunction=d.pick(0, 1, 3), **options)  # fmt: skip


def bordered(d, x):
    """A border of zero points, then a convolution or pool that could pad by itself."""
    y = pad(d, x)
    return d.pick(conv, conv, pool)(d, y) if y is not None else None


def transpose_conv(d, x):
    n, h, w, c = d.shape[x]
    if 4 * h * w * 3 > _MOST:
        return None
    out, kernel = int(d.pick(1, 3)), d.pick((2, 2), (3, 3))
    sw = [models.scale_of(d.rng, -10, -5) for _ in range(out)]
    weights = _weights(d, (out, *kernel, c), 0)
    shape = (n, 2 * h, 2 * w, out)
    operands = [d.constant((4,), "int32", shape),
                d.constant(weights.shape, "int8", weights, scale=sw), x]  # fmt: skip
    scale = models._out_scale(d.rng, d.quant[x][0], sw, kernel[0] * c)
    return d.op("TRANSPOSE_CONV", operands, shape, d.new_quant(scale), padding=SAME, strideH=2,
                strideW=2)  # fmt: skip


def pool(d, x):
    n, h, w, c = d.shape[x]
    kernel = (int(d.rng.integers(1, min(h, 3) + 1)), int(d.rng.integers(1, min(w, 3) + 1)))
    stride, padding = d.pick((1, 1), (2, 2)), d.pick(SAME, VALID)
    shape = (n, models._out_size(h, kernel[0], stride[0], 1, padding),
             models._out_size(w, kernel[1], stride[1], 1, padding), c)  # fmt: skip
    return d.op(d.pick("MAX_POOL_2D", "AVERAGE_POOL_2D"), [x], shape, d.quant[x], padding=padding,
                strideH=stride[0], strideW=stride[1], filterHeight=kernel[0],
                filterWidth=kernel[1], fusedActivationFunction=d.pick(0, 0, 1))  # fmt: skip


def pad(d, x):
    n, h, w, c = d.shape[x]
    amounts = [(0, 0), *([int(v) for v in d.rng.integers(0, 3, 2)] for _ in range(2)), (0, 0)]
    shape = (n, h + sum(amounts[1]), w + sum(amounts[2]), c)
    if math.prod(shape) > _MOST:
        return None
    operands = [x, d.constant((4, 2), "int32", amounts)]
    if d.chance(25):
        value = [int(d.rng.integers(-128, 128))]
        operands.append(d.constant((1,), "int8", value, scale=d.quant[x][0],
                                   zero_point=d.quant[x][1]))  # fmt: skip
    return d.op("PAD" if len(operands) == 2 else "PADV2", operands, shape, d.quant[x])


def binary(d, x):
    op = d.pick("ADD", "ADD", "SUB", "MUL", "MINIMUM", "MAXIMUM")
    if op in ("MINIMUM", "MAXIMUM"):
        quant = d.quant[x]
        other = d.requantized(d.same_shape(x), quant)
        return d.op(op, [x, other], d.shape[x], quant)
    if d.chance(40):
        shape = d.pick((1,), (d.shape[x][3],))
        scale, zero = d.new_quant()
        other = d.constant(shape, "int8", d.rng.integers(-128, 128, shape), scale=scale,
                           zero_point=zero)  # fmt: skip
    else:
        other = d.same_shape(x)
        scale = d.quant[other][0]
    typical = d.quant[x][0] * scale * 60 if op == "MUL" else d.quant[x][0] + scale
    order = [x, other] if d.chance(50) else [other, x]
    return d.op(op, order, d.shape[x], d.new_quant(float(np.float32(typical))),
                fusedActivationFunction=d.pick(0, 0, 1, 3))  # fmt: skip


def activation(d, x):
    op = d.pick("RELU", "RELU", "RELU6", "TANH", "LOGISTIC", "HARD_SWISH", "LEAKY_RELU", "QUANTIZE")
    quant = {"TANH": (1 / 128, 0), "LOGISTIC": (1 / 256, -128)}.get(op)
    if quant is None:
        quant = d.quant[x] if d.chance(50) and op != "HARD_SWISH" else d.new_quant()
    if op == "HARD_SWISH":
        quant = (max(quant[0], d.quant[x][0]), quant[1])
    options = {"alpha": 0.25} if op == "LEAKY_RELU" else {}
    return d.op(op, [x], d.shape[x], quant, **options)


def joined(d, x):
    n, h, w, _ = d.shape[x]
    fits = [i for i, s in d.shape.items() if s[:3] == (n, h, w)]
    parts = [x, *(fits[int(d.rng.integers(len(fits)))] for _ in range(int(d.rng.integers(1, 3))))]
    channels = sum(d.shape[i][3] for i in parts)
    if n * h * w * channels > _MOST:
        return None
    parts = [d.requantized(i, d.quant[x]) for i in parts]
    return d.op("CONCATENATION", parts, (n, h, w, channels), d.quant[x], axis=3)


def cut(d, x):
    shape = d.shape[x]
    axis = int(d.rng.integers(1, 4))
    if shape[axis] < 2:
        return None
    begin, size = [0] * 4, list(shape)
    begin[axis] = int(d.rng.integers(0, shape[axis]))
    size[axis] = int(d.rng.integers(1, shape[axis] - begin[axis] + 1))
    operands = [x, d.constant((4,), "int32", begin), d.constant((4,), "int32", size)]
    return d.op("SLICE", operands, size, d.quant[x])


def turned(d, x):
    order = d.pick((0, 2, 1, 3), (0, 3, 1, 2), (0, 1, 3, 2))
    return d.op("TRANSPOSE", [x, d.constant((4,), "int32", order)],
                [d.shape[x][a] for a in order], d.quant[x])  # fmt: skip


def reshaped(d, x):
    n, h, w, c = d.shape[x]
    shape = d.pick((n, w, h, c), (n, 1, h * w, c), (n, h, 1, w * c), (n, h * w, 1, c))
    return d.op("RESHAPE", [x, d.constant((4,), "int32", shape)], shape, d.quant[x])


def resized(d, x):
    n, h, w, c = d.shape[x]
    size = (int(d.rng.integers(1, 2 * h + 1)), int(d.rng.integers(1, 2 * w + 1)))
    if n * size[0] * size[1] * c > _MOST:
        return None
    return d.op("RESIZE_NEAREST_NEIGHBOR", [x, d.constant((2,), "int32", size)],
                (n, *size, c), d.quant[x], halfPixelCenters=d.chance(50))  # fmt: skip


def reduced(d, x):
    n, h, w, c = d.shape[x]
    operands = [x, d.constant((2,), "int32", (1, 2))]
    if d.chance(70):
        return d.op("MEAN", operands, (n, 1, 1, c), d.new_quant(), keepDims=True)
    return d.op("REDUCE_MAX", operands, (n, 1, 1, c), d.quant[x], keepDims=True)


def head(d, x):
    """Dense over all elements, and perhaps scores."""
    depth, units = math.prod(d.shape[x]), int(d.pick(2, 4, 8))
    flat = d.op("RESHAPE", [x, d.constant((2,), "int32", (1, depth))], (1, depth), d.quant[x])
    sw = models.scale_of(d.rng, -10, -5)
    weights = _weights(d, (units, depth), 0)
    operands = [flat, d.constant(weights.shape, "int8", weights, scale=sw),
                d.constant((units,), "int32", _bias(d, units), scale=d.quant[x][0] * sw)]  # fmt: skip
    scale = models._out_scale(d.rng, d.quant[x][0], sw, depth)
    y = d.op("FULLY_CONNECTED", operands, (1, units), d.new_quant(scale),
             fusedActivationFunction=d.pick(0, 1))  # fmt: skip
    return d.op("SOFTMAX", [y], (1, units), (1 / 256, -128), beta=1.0) if d.chance(50) else y


_STEPS = (conv,) * 6 + (activation,) * 3 + (binary,) * 3 + (
    pool, pad, bordered, joined, cut, turned, reshaped, resized, reduced, transpose_conv)  # fmt: skip
_NETWORK = (conv,) * 5 + (activation, binary, bordered, bordered, pool)


def graph(rng):
    """The bytes of a .tflite of 3 to 12 steps."""
    d = _Draw(rng)
    d.input((1, int(rng.integers(1, 9)), int(rng.integers(1, 9)), int(d.pick(1, 2, 4, 8))))
    if d.chance(20):
        d.input((1, int(rng.integers(1, 5)), int(rng.integers(1, 5)), 4))
    steps = _NETWORK if d.chance(50) else _STEPS
    for _ in range(int(rng.integers(3, 13))):
        d.pick(*steps)(d, d.some())
    if d.chance(50):
        head(d, d.some())
    if len(d.shape) == len(d.inputs):
        activation(d, d.inputs[0])
    outputs = [i for i in d.shape if i not in d.read and i not in d.inputs][-8:]
    return d.b.finish(d.inputs, outputs)


# ---- chosen graphs ----


def tables_across_reshape(rng):
    """Two activations with a change of shape between them."""
    d = _Draw(rng)
    x = d.op("RELU", [d.input((1, 4, 1, 5))], (1, 4, 1, 5), d.new_quant())
    y = d.op("RESHAPE", [x, d.constant((4,), "int32", (1, 1, 4, 5))], (1, 1, 4, 5), d.quant[x])
    return d.b.finish(d.inputs, [d.op("TANH", [y], (1, 1, 4, 5), (1 / 128, 0))])


def clamp_behind(rng):
    """Activations that keep the quantisation, behind an op that can do it too."""
    d = _Draw(rng)
    x = conv_of(d, d.input((1, 5, 4, 4)), 6)
    y = d.op("RELU6", [x], d.shape[x], d.quant[x])
    return d.b.finish(d.inputs, [d.op("RELU", [y], d.shape[x], d.quant[x])])


def border(rng, value=None, reader="conv", before=(1, 1), after=(1, 1)):
    """PAD, or PADV2 with ``value``, in front of a convolution or pool."""
    d = _Draw(rng)
    x = d.input((1, 6, 5, 4))
    rows, columns = zip(before, after, strict=True)
    operands = [x, d.constant((4, 2), "int32", ((0, 0), rows, columns, (0, 0)))]
    if value is not None:
        operands.append(d.constant((1,), "int8", [value], scale=d.quant[x][0],
                                   zero_point=d.quant[x][1]))  # fmt: skip
    shape = (1, 6 + sum(rows), 5 + sum(columns), 4)
    y = d.op("PAD" if value is None else "PADV2", operands, shape, d.quant[x])
    if reader == "conv":
        return d.b.finish(d.inputs, [conv_of(d, y, 5, stride=(2, 1), padding=VALID)])
    made = (1, shape[1] - 2, shape[2] - 2, 4)
    z = d.op("MAX_POOL_2D", [y], made, d.quant[x], padding=VALID, strideH=1, strideW=1,
             filterHeight=3, filterWidth=3)  # fmt: skip
    return d.b.finish(d.inputs, [z])


def constant_channels(rng, pool_between=False):
    """Channels without weights, through depthwise, ADD and a table, up to a dense layer."""
    d = _Draw(rng)
    d.dead = 60
    x = conv_of(d, d.input((1, 6, 6, 3)), 16)
    y = conv_of(d, x, 16, depthwise=True)
    z = d.op("ADD", [x, y], d.shape[x], d.new_quant(), fusedActivationFunction=1)
    z = d.op("RELU6", [z], d.shape[z], d.new_quant())
    z = pool(d, z) if pool_between else z
    z = conv_of(d, z, 8)
    return d.b.finish(d.inputs, [head(d, z)])


CASES = {
    # The output of those left out is constant, which shows nothing.
    **{f"graph_{i}": ("graph", {}) for i in range(27) if i not in (17, 19, 22)},
    "tables_across_reshape": ("tables_across_reshape", {}),
    "clamp_behind_conv": ("clamp_behind", {}),
    "border_of_zero_points": ("border", {}),
    "border_beyond_the_kernel": ("border", {"before": (3, 4), "after": (3, 3)}),
    "border_of_another_value": ("border", {"value": 7}),
    "border_before_pool": ("border", {"value": -128, "reader": "pool"}),
    "constant_channels": ("constant_channels", {}),
    "constant_channels_pooled": ("constant_channels", {"pool_between": True}),
}
