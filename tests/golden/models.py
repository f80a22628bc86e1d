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


def mean(rng, x=(1, 5, 4, 3), axes=(1, 2), keep_dims=False, same_quant=False, op="MEAN"):
    reduced = {a % len(x) for a in axes}
    shape = [1 if i in reduced else d for i, d in enumerate(x) if keep_dims or i not in reduced]
    quant = {"scale": scale_of(rng), "zero_point": zero_of(rng)}
    same = same_quant or op == "REDUCE_MAX"
    ratio = 2.0 ** rng.uniform(-2.5, 1)
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
