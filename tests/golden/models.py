"""One function per op: a model of that op with random weights and quantisation.

Each takes a random generator and the shape of the case, and returns the
bytes of a .tflite. ``search.py`` draws the shapes at random; ``generate.py``
has the list of boundary cases that is committed.
"""

from __future__ import annotations

import math

import numpy as np
from builder import Builder

SAME, VALID = 0, 1
ACT = {"NONE": 0, "RELU": 1, "RELU_N1_TO_1": 2, "RELU6": 3}


def scale_of(rng, low=-7.0, high=-1.0):
    """A scale that no power of two explains away."""
    return float(np.float32(2.0 ** rng.uniform(low, high)))


def zero_of(rng):
    return int(rng.integers(-128, 128))


def _out_size(size, taps, stride, dilation, padding):
    reach = (taps - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else -(-(size - reach + 1) // stride)


def _out_scale(rng, x_scale, w_scale, terms, gain=1.0):
    """An output scale that uses most of int8 for random weights; ``gain`` over- or underuses it."""
    typical = x_scale * float(np.mean(w_scale)) * 73 * 73 * math.sqrt(terms)
    return float(np.float32(typical / 64 / gain * 2.0 ** rng.uniform(-1.5, 1.5)))


def conv(rng, x=(1, 7, 6, 3), out=4, kernel=(3, 3), stride=(1, 1), dilation=(1, 1), padding=SAME,
         act="NONE", groups=1, per_channel=True, gain=1.0):  # fmt: skip
    n, h, w, c = x
    terms = kernel[0] * kernel[1] * c // groups
    sx = scale_of(rng)
    sw = [scale_of(rng, -10, -4) for _ in range(out)] if per_channel else scale_of(rng, -10, -4)
    shape = (n, _out_size(h, kernel[0], stride[0], dilation[0], padding),
             _out_size(w, kernel[1], stride[1], dilation[1], padding), out)  # fmt: skip
    b = Builder()
    ix = b.tensor("x", x, scale=sx, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (out, *kernel, c // groups))
    iw = b.tensor("w", weights.shape, scale=sw, data=weights)
    values = rng.integers(-2000, 2000, out)
    ib = b.tensor("b", (out,), "int32", np.multiply(sx, sw), data=values)
    iy = b.tensor("y", shape, scale=_out_scale(rng, sx, sw, terms, gain), zero_point=zero_of(rng))
    b.op("CONV_2D", [ix, iw, ib], [iy], padding=padding, strideH=stride[0], strideW=stride[1],
         dilationHFactor=dilation[0], dilationWFactor=dilation[1],
         fusedActivationFunction=ACT[act])  # fmt: skip
    return b.finish([ix], [iy])


def depthwise(rng, x=(1, 7, 6, 3), multiplier=1, kernel=(3, 3), stride=(1, 1), dilation=(1, 1),
              padding=SAME, act="NONE", bias=True, per_channel=True, gain=1.0):  # fmt: skip
    n, h, w, c = x
    out = c * multiplier
    sx = scale_of(rng)
    sw = [scale_of(rng, -10, -4) for _ in range(out)] if per_channel else scale_of(rng, -10, -4)
    shape = (n, _out_size(h, kernel[0], stride[0], dilation[0], padding),
             _out_size(w, kernel[1], stride[1], dilation[1], padding), out)  # fmt: skip
    b = Builder()
    ix = b.tensor("x", x, scale=sx, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (1, *kernel, out))
    iw = b.tensor("w", weights.shape, scale=sw, data=weights, axis=3)
    operands = [ix, iw]
    if bias:
        values = rng.integers(-2000, 2000, out)
        operands.append(b.tensor("b", (out,), "int32", np.multiply(sx, sw), data=values))
    scale = _out_scale(rng, sx, sw, kernel[0] * kernel[1], gain)
    iy = b.tensor("y", shape, scale=scale, zero_point=zero_of(rng))
    b.op("DEPTHWISE_CONV_2D", operands, [iy], padding=padding, strideH=stride[0],
         strideW=stride[1], dilationHFactor=dilation[0], dilationWFactor=dilation[1],
         depthMultiplier=multiplier, fusedActivationFunction=ACT[act])  # fmt: skip
    return b.finish([ix], [iy])


def fully_connected(rng, x=(1, 12), units=5, act="NONE", bias=True, per_channel=False,
                    keep_dims=False, gain=1.0):  # fmt: skip
    depth = x[-1]
    sx = scale_of(rng)
    sw = [scale_of(rng, -10, -4) for _ in range(units)] if per_channel else scale_of(rng, -10, -4)
    shape = (*x[:-1], units) if keep_dims else (math.prod(x) // depth, units)
    b = Builder()
    ix = b.tensor("x", x, scale=sx, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (units, depth))
    iw = b.tensor("w", weights.shape, scale=sw, data=weights)
    values = rng.integers(-2000, 2000, units)
    ib = b.tensor("b", (units,), "int32", np.multiply(sx, sw), data=values) if bias else -1
    iy = b.tensor("y", shape, scale=_out_scale(rng, sx, sw, depth, gain), zero_point=zero_of(rng))
    b.op("FULLY_CONNECTED", [ix, iw, ib], [iy], fusedActivationFunction=ACT[act],
         keepNumDims=keep_dims)  # fmt: skip
    return b.finish([ix], [iy])


def pool(rng, op="MAX_POOL_2D", x=(1, 7, 6, 3), kernel=(2, 2), stride=(2, 2), padding=VALID,
         act="NONE"):  # fmt: skip
    n, h, w, c = x
    shape = (n, _out_size(h, kernel[0], stride[0], 1, padding),
             _out_size(w, kernel[1], stride[1], 1, padding), c)  # fmt: skip
    quant = {"scale": scale_of(rng, -7, -3), "zero_point": zero_of(rng)}
    b = Builder()
    ix, iy = b.tensor("x", x, **quant), b.tensor("y", shape, **quant)
    b.op(op, [ix], [iy], padding=padding, strideH=stride[0], strideW=stride[1],
         filterHeight=kernel[0], filterWidth=kernel[1],
         fusedActivationFunction=ACT[act])  # fmt: skip
    return b.finish([ix], [iy])


def mean(rng, x=(1, 5, 4, 3), axes=(1, 2), keep_dims=False, same_quant=False, op="MEAN",
         ratio=None):  # fmt: skip
    """MEAN, SUM or REDUCE_MAX; ``ratio`` of output scale to input scale."""
    reduced = {a % len(x) for a in axes}
    shape = [1 if i in reduced else d for i, d in enumerate(x) if keep_dims or i not in reduced]
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    same = same_quant or op == "REDUCE_MAX"
    ratio = 2.0 ** rng.uniform(-2.5, 1) if ratio is None else ratio
    other = {"scale": float(np.float32(quant["scale"] * ratio)), "zero_point": zero_of(rng)}
    b = Builder()
    ix, iy = b.tensor("x", x, **quant), b.tensor("y", shape, **(quant if same else other))
    ia = b.tensor("axes", (len(axes),), "int32", data=axes)
    b.op(op, [ix, ia], [iy], keepDims=keep_dims)
    return b.finish([ix], [iy])


def add(rng, x=(1, 4, 4, 3), other=None, act="NONE", constant=False, twice=False, swap=False):
    other = x if other is None else other
    shape = np.broadcast_shapes(x, other)
    s1, s2 = scale_of(rng), scale_of(rng)
    b = Builder()
    ia = b.tensor("a", x, scale=s1, zero_point=zero_of(rng))
    data = rng.integers(-128, 128, other) if constant else None
    ib = ia if twice else b.tensor("b", other, scale=s2, zero_point=zero_of(rng), data=data)
    scale = float(np.float32((s1 + s2) * 2.0 ** rng.uniform(-1.5, 0.5)))
    iy = b.tensor("y", shape, scale=scale, zero_point=zero_of(rng))
    b.op("ADD", [ib, ia] if swap else [ia, ib], [iy], fusedActivationFunction=ACT[act])
    return b.finish([ia] if constant or twice else [ia, ib], [iy])


def pad(rng, x=(1, 4, 3, 2), amounts=((0, 0), (1, 2), (0, 1), (0, 0)), value=None):
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    b = Builder()
    ix = b.tensor("x", x, **quant)
    shape = [d + p + q for d, (p, q) in zip(x, amounts, strict=True)]
    iy = b.tensor("y", shape, **quant)
    operands = [ix, b.tensor("amounts", (len(x), 2), "int32", data=amounts)]
    if value is not None:
        operands.append(b.tensor("value", (1,), data=[value], **quant))
    b.op("PAD" if value is None else "PADV2", operands, [iy])
    return b.finish([ix], [iy])


def softmax(rng, x=(1, 10), scale=None, beta=1.0):
    b = Builder()
    ix = b.tensor("x", x, scale=scale or scale_of(rng, -7, 0), zero_point=zero_of(rng))
    iy = b.tensor("y", x, scale=1 / 256, zero_point=-128)
    b.op("SOFTMAX", [ix], [iy], beta=beta)
    return b.finish([ix], [iy])


def logistic(rng, x=(1, 256), scale=None, zero_point=None):
    b = Builder()
    zero_point = zero_of(rng) if zero_point is None else zero_point
    ix = b.tensor("x", x, scale=scale or scale_of(rng, -7, 0), zero_point=zero_point)
    iy = b.tensor("y", x, scale=1 / 256, zero_point=-128)
    b.op("LOGISTIC", [ix], [iy])
    return b.finish([ix], [iy])


def relu(rng, op="RELU", x=(1, 256), ratio=None):
    sx = scale_of(rng)
    ratio = 2.0 ** rng.uniform(-2, 2) if ratio is None else ratio
    b = Builder()
    ix = b.tensor("x", x, scale=sx, zero_point=zero_of(rng))
    iy = b.tensor("y", x, scale=sx * ratio, zero_point=zero_of(rng))
    b.op(op, [ix], [iy])
    return b.finish([ix], [iy])


def requantize(rng, x=(1, 256), source="int8", target="int8", ratio=None):
    sx = scale_of(rng)
    ratio = 2.0 ** rng.uniform(-3, 3) if ratio is None else ratio
    b = Builder()
    zeros = {"int8": 0, "uint8": 128}
    ix = b.tensor("x", x, source, sx, zero_of(rng) + zeros[source])
    iy = b.tensor("y", x, target, sx * ratio, zero_of(rng) + zeros[target])
    b.op("QUANTIZE", [ix], [iy])
    return b.finish([ix], [iy])


def quantize(rng, x=(1, 200), scale=None):
    b = Builder()
    ix = b.tensor("x", x, "float32")
    iy = b.tensor("y", x, scale=scale or scale_of(rng), zero_point=zero_of(rng))
    b.op("QUANTIZE", [ix], [iy])
    return b.finish([ix], [iy])


def dequantize(rng, x=(1, 256), scale=None):
    b = Builder()
    ix = b.tensor("x", x, scale=scale or scale_of(rng), zero_point=zero_of(rng))
    iy = b.tensor("y", x, "float32")
    b.op("DEQUANTIZE", [ix], [iy])
    return b.finish([ix], [iy])


def _tensor(b, rng, name, shape, low=-7.0, high=-1.0, **given):
    """A tensor of random quantisation."""
    return b.tensor(name, shape, scale=scale_of(rng, low, high), zero_point=zero_of(rng), **given)


def binary(rng, op="MUL", x=(1, 4, 4, 3), other=None, act=None, constant=False, swap=False,
           same_quant=False, gain=1.0):  # fmt: skip
    """SUB, MUL, MINIMUM, MAXIMUM, PRELU; ``other`` is the shape of the second operand."""
    other = x if other is None else other
    shape = np.broadcast_shapes(x, other)
    s1, s2 = scale_of(rng), scale_of(rng)
    quant = {"scale": s1, "zero_point": zero_of(rng)}
    second = quant if same_quant else {"scale": s2, "zero_point": zero_of(rng)}
    b = Builder()
    data = rng.integers(-128, 128, other) if constant else None
    ia, ib = b.tensor("a", x, **quant), b.tensor("b", other, data=data, **second)
    full = {"SUB": s1 + s2, "MUL": s1 * s2 * 100, "PRELU": s1 * max(1.0, s2 * 100)}.get(op, s1)
    scale = float(np.float32(full / gain * 2.0 ** rng.uniform(-1.5, 0.5)))
    made = quant if same_quant else {"scale": scale, "zero_point": zero_of(rng)}
    iy = b.tensor("y", shape, **made)
    options = {} if act is None else {"fusedActivationFunction": ACT[act]}
    b.op(op, [ib, ia] if swap else [ia, ib], [iy], **options)
    return b.finish([ia] if constant else [ia, ib], [iy])


def concatenation(rng, shapes=((1, 3, 4, 2), (1, 3, 4, 5)), axis=-1, constant=None):
    """``constant``: which input is one."""
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    shape = list(shapes[0])
    shape[axis] = sum(s[axis] for s in shapes)
    b = Builder()
    inputs = [b.tensor(f"x{i}", s, data=rng.integers(-128, 128, s) if i == constant else None,
                       **quant) for i, s in enumerate(shapes)]  # fmt: skip
    iy = b.tensor("y", shape, **quant)
    b.op("CONCATENATION", inputs, [iy], axis=axis)
    return b.finish([t for i, t in enumerate(inputs) if i != constant], [iy])


def pack(rng, x=(2, 3), count=3, axis=0):
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    shape = list(x)
    shape.insert(axis if axis >= 0 else axis + len(x) + 1, count)
    b = Builder()
    inputs = [b.tensor(f"x{i}", x, **quant) for i in range(count)]
    iy = b.tensor("y", shape, **quant)
    b.op("PACK", inputs, [iy], valuesCount=count, axis=axis)
    return b.finish(inputs, [iy])


def unpack(rng, x=(2, 3, 4), axis=1):
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    shape = list(x)
    count = shape.pop(axis)
    b = Builder()
    ix = b.tensor("x", x, **quant)
    outs = [b.tensor(f"y{i}", shape, **quant) for i in range(count)]
    b.op("UNPACK", [ix], outs, num=count, axis=axis)
    return b.finish([ix], outs)


def split(rng, x=(1, 4, 3, 6), axis=-1, sizes=(2, 2, 2), equal=True):
    """SPLIT where ``equal``, else SPLIT_V."""
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    b = Builder()
    ix = b.tensor("x", x, **quant)
    shapes = []
    for size in sizes:
        shapes.append(list(x))
        shapes[-1][axis] = x[axis] - sum(sizes) - 1 if size == -1 else size
    outs = [b.tensor(f"y{i}", s, **quant) for i, s in enumerate(shapes)]
    ia = b.tensor("axis", (), "int32", data=axis)
    if equal:
        b.op("SPLIT", [ia, ix], outs, numSplits=len(outs))
    else:
        where = b.tensor("sizes", (len(sizes),), "int32", data=sizes)
        b.op("SPLIT_V", [ix, where, ia], outs, numSplits=len(outs))
    return b.finish([ix], outs)


def strided_slice(rng, x=(1, 6, 5, 4), begin=(0, 1, 0, 1), end=(1, 5, 5, 4), step=(1, 2, 1, 1),
                  shape=None, **masks):  # fmt: skip
    """``shape``: the output's, where masks make it another than begin, end and step do."""
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    if shape is None:
        parts = zip(x, begin, end, step, strict=False)
        shape = [len(range(d)[slice(p, q, s)]) for d, p, q, s in parts] + list(x[len(begin) :])
    b = Builder()
    ix, iy = b.tensor("x", x, **quant), b.tensor("y", shape, **quant)
    bounds = [b.tensor(n, (len(v),), "int32", data=v)
              for n, v in (("begin", begin), ("end", end), ("step", step))]  # fmt: skip
    b.op("STRIDED_SLICE", [ix, *bounds], [iy], **masks)
    return b.finish([ix], [iy])


def slice_(rng, x=(1, 6, 5, 4), begin=(0, 1, 2, 0), size=(1, 3, -1, 2)):
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    shape = [d - p if s == -1 else s for d, p, s in zip(x, begin, size, strict=True)]
    b = Builder()
    ix, iy = b.tensor("x", x, **quant), b.tensor("y", shape, **quant)
    bounds = [b.tensor("begin", (len(x),), "int32", data=begin),
              b.tensor("size", (len(x),), "int32", data=size)]  # fmt: skip
    b.op("SLICE", [ix, *bounds], [iy])
    return b.finish([ix], [iy])


def transpose(rng, x=(1, 3, 4, 5), order=(0, 3, 1, 2)):
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    b = Builder()
    ix = b.tensor("x", x, **quant)
    iy = b.tensor("y", [x[a] for a in order], **quant)
    b.op("TRANSPOSE", [ix, b.tensor("order", (len(x),), "int32", data=order)], [iy])
    return b.finish([ix], [iy])


def tanh(rng, x=(1, 256), scale=None, zero_point=None):
    b = Builder()
    zero_point = zero_of(rng) if zero_point is None else zero_point
    ix = b.tensor("x", x, scale=scale or scale_of(rng, -7, 0), zero_point=zero_point)
    iy = b.tensor("y", x, scale=1 / 128, zero_point=0)
    b.op("TANH", [ix], [iy])
    return b.finish([ix], [iy])


def one_value(rng, op="HARD_SWISH", x=(1, 256), scale=None, ratio=None, zero_point=None, **options):
    """HARD_SWISH and LEAKY_RELU; ``ratio`` of output scale to input scale."""
    sx = scale or scale_of(rng)
    ratio = 2.0 ** rng.uniform(-2, 2) if ratio is None else ratio
    b = Builder()
    zero_point = zero_of(rng) if zero_point is None else zero_point
    ix = b.tensor("x", x, scale=sx, zero_point=zero_point)
    iy = b.tensor("y", x, scale=float(np.float32(sx * ratio)), zero_point=zero_of(rng))
    b.op(op, [ix], [iy], **options)
    return b.finish([ix], [iy])


def arg_max(rng, x=(1, 4, 3, 5), axis=-1, dtype="int32"):
    shape = list(x)
    shape.pop(axis)
    b = Builder()
    ix = _tensor(b, rng, "x", x)
    iy = b.tensor("y", shape, dtype)
    kind = {"int32": 2, "int64": 4}[dtype]
    b.op("ARG_MAX", [ix, b.tensor("axis", (), "int32", data=axis)], [iy], outputType=kind)
    return b.finish([ix], [iy])


def resize(rng, x=(1, 4, 3, 2), size=(8, 6), corners=False, half=False):
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    b = Builder()
    ix = b.tensor("x", x, **quant)
    iy = b.tensor("y", (x[0], *size, x[3]), **quant)
    b.op("RESIZE_NEAREST_NEIGHBOR", [ix, b.tensor("size", (2,), "int32", data=size)], [iy],
         alignCorners=corners, halfPixelCenters=half)  # fmt: skip
    return b.finish([ix], [iy])


def transpose_conv(rng, x=(1, 4, 3, 3), out=2, kernel=(3, 3), stride=(2, 2), padding=SAME,
                   act="NONE", bias=True, per_channel=True, gain=1.0, extra=(0, 0)):  # fmt: skip
    """``extra``: rows and columns more than padding and strides give."""
    n, h, w, c = x
    sx = scale_of(rng)
    sw = [scale_of(rng, -10, -4) for _ in range(out)] if per_channel else scale_of(rng, -10, -4)
    more = (0, 0) if padding == SAME else tuple(max(0, k - s) for k, s in zip(kernel, stride, strict=True))
    shape = (n, h * stride[0] + more[0] + extra[0], w * stride[1] + more[1] + extra[1], out)
    b = Builder()
    ix = b.tensor("x", x, scale=sx, zero_point=zero_of(rng))
    weights = rng.integers(-127, 128, (out, *kernel, c))
    operands = [b.tensor("shape", (4,), "int32", data=shape),
                b.tensor("w", weights.shape, scale=sw, data=weights), ix]  # fmt: skip
    if bias:
        values = rng.integers(-2000, 2000, out)
        operands.append(b.tensor("b", (out,), "int32", np.multiply(sx, sw), data=values))
    terms = max(1, kernel[0] // stride[0]) * max(1, kernel[1] // stride[1]) * c
    iy = b.tensor("y", shape, scale=_out_scale(rng, sx, sw, terms, gain), zero_point=zero_of(rng))
    b.op("TRANSPOSE_CONV", operands, [iy], padding=padding, strideH=stride[0], strideW=stride[1],
         fusedActivationFunction=ACT[act])  # fmt: skip
    return b.finish([ix], [iy])


def tile(rng, x=(1, 3, 4, 2), times=(1, 2, 1, 3), op="TILE"):
    """TILE; or BROADCAST_TO, where x has ones that are repeated."""
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    shape = [d * n for d, n in zip(x, times, strict=True)]
    b = Builder()
    ix, iy = b.tensor("x", x, **quant), b.tensor("y", shape, **quant)
    wanted = times if op == "TILE" else shape
    b.op(op, [ix, b.tensor("times", (len(x),), "int32", data=wanted)], [iy])
    return b.finish([ix], [iy])
