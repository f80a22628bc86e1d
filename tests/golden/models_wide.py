"""Models with int16 activations, or with int4 weights. As models.py has them."""

from __future__ import annotations

import math

import numpy as np
from builder import Builder
from models import ACT, SAME, VALID, _out_size, scale_of, zero_of

_HIGHEST = {"int8": 127, "int16": 32767, "int4": 7}


def _quant(rng, dtype, scale):
    return {"dtype": dtype, "scale": float(np.float32(scale)),
            "zero_point": zero_of(rng) if dtype == "int8" else 0}  # fmt: skip


def _layer(rng, dtype, weights, channels, terms, per_channel, gain):
    """(quantisation of x, of w, of y, scale of the bias) with outputs that use their range."""
    sx = scale_of(rng, -7, -3) if dtype == "int8" else scale_of(rng, -14, -10)
    sw = [scale_of(rng, -8, -4) for _ in range(channels)] if per_channel else scale_of(rng, -8, -4)
    typical = sx * float(np.mean(sw)) * _HIGHEST[dtype] * _HIGHEST[weights] / 3 * math.sqrt(terms)
    y = _quant(rng, dtype, typical * 2 / _HIGHEST[dtype] / gain * 2.0 ** rng.uniform(-1, 1))
    return _quant(rng, dtype, sx), {"dtype": weights, "scale": sw}, y, np.multiply(sx, sw)


def _weights(rng, shape, dtype):
    return rng.integers(-_HIGHEST[dtype], _HIGHEST[dtype] + 1, shape)


def _bias(rng, b, dtype, scale, channels, name="int64"):
    values = rng.integers(-(10**4), 10**4, channels) * (300 if dtype == "int16" else 1)
    return b.tensor("b", (channels,), name if dtype == "int16" else "int32", scale, data=values)


def conv(rng, x=(1, 6, 5, 3), out=4, kernel=(3, 2), stride=(1, 1), dilation=(1, 1), padding=SAME,
         act="NONE", groups=1, dtype="int16", weights="int8", depthwise=False, bias="int64",
         per_channel=True, gain=1.0):  # fmt: skip
    n, h, w, c = x
    out = c * out if depthwise else out
    terms = kernel[0] * kernel[1] * (1 if depthwise else c // groups)
    qx, qw, qy, sb = _layer(rng, dtype, weights, out, terms, per_channel, gain)
    shape = (1, *kernel, out) if depthwise else (out, *kernel, c // groups)
    b = Builder()
    ix = b.tensor("x", x, **qx)
    iw = b.tensor("w", shape, **qw, data=_weights(rng, shape, weights), axis=3 if depthwise else 0)
    ib = _bias(rng, b, dtype, sb, out, bias)
    spatial = (_out_size(s, *how, padding) for s, *how in
               zip((h, w), kernel, stride, dilation, strict=True))  # fmt: skip
    iy = b.tensor("y", (n, *spatial, out), **qy)
    options = {"padding": padding, "strideH": stride[0], "strideW": stride[1],
               "dilationHFactor": dilation[0], "dilationWFactor": dilation[1],
               "fusedActivationFunction": ACT[act]}  # fmt: skip
    if depthwise:
        options["depthMultiplier"] = out // c
    elif bias == "int32" and dtype == "int16":
        options["quantizedBiasType"] = 2
    b.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [ix, iw, ib], [iy], **options)
    return b.finish([ix], [iy])


def fully_connected(rng, x=(3, 12), units=7, act="NONE", dtype="int16", weights="int8",
                    bias="int64", per_channel=False, gain=1.0, exact=False):  # fmt: skip
    qx, qw, qy, sb = _layer(rng, dtype, weights, units, x[-1], per_channel, gain)
    if exact:  # powers of two: many sums lie right between two steps
        qx["scale"], qw["scale"], qy["scale"], sb = 2.0**-3, 2.0**-2, 2.0**5, 2.0**-5
    b = Builder()
    ix = b.tensor("x", x, **qx)
    w = _weights(rng, (units, x[-1]), weights)
    iw = b.tensor("w", w.shape, **qw, data=w)
    ib = _bias(rng, b, dtype, sb, units, bias) if bias else -1
    iy = b.tensor("y", (*x[:-1], units), **qy)
    options = {"quantizedBiasType": 2} if bias == "int32" and dtype == "int16" else {}
    b.op("FULLY_CONNECTED", [ix, iw, ib], [iy], fusedActivationFunction=ACT[act],
         keepNumDims=True, **options)  # fmt: skip
    return b.finish([ix], [iy])


def binary(rng, op="ADD", x=(1, 3, 4, 5), other=None, act="NONE", ratio=1.0):
    other = other or x
    sa, sb = scale_of(rng, -14, -11), scale_of(rng, -14, -11)
    sy = (sa + sb) * ratio if op == "ADD" else sa * sb * 32768 * ratio / 2
    b = Builder()
    ia, ib = b.tensor("a", x, "int16", sa), b.tensor("b", other, "int16", sb)
    iy = b.tensor("y", np.broadcast_shapes(x, other), "int16", float(np.float32(sy)))
    options = {"potScaleInt16": False} if op == "ADD" else {}
    b.op(op, [ia, ib], [iy], fusedActivationFunction=ACT[act], **options)
    return b.finish([ia, ib], [iy])


def pool(rng, op="AVERAGE_POOL_2D", x=(1, 7, 6, 3), kernel=(3, 2), stride=(2, 2), padding=VALID,
         act="NONE"):  # fmt: skip
    shape = (x[0], _out_size(x[1], kernel[0], stride[0], 1, padding),
             _out_size(x[2], kernel[1], stride[1], 1, padding), x[3])  # fmt: skip
    scale = scale_of(rng, -13, -11)
    b = Builder()
    ix, iy = b.tensor("x", x, "int16", scale), b.tensor("y", shape, "int16", scale)
    b.op(op, [ix], [iy], padding=padding, strideH=stride[0], strideW=stride[1],
         filterHeight=kernel[0], filterWidth=kernel[1],
         fusedActivationFunction=ACT[act])  # fmt: skip
    return b.finish([ix], [iy])


def mean(rng, x=(1, 5, 4, 3), axes=(1, 2), keep_dims=False, ratio=0.4):
    shape = [1 if i in axes else d for i, d in enumerate(x) if keep_dims or i not in axes]
    scale = scale_of(rng, -13, -11)
    b = Builder()
    ix = b.tensor("x", x, "int16", scale)
    iy = b.tensor("y", shape, "int16", float(np.float32(scale * ratio)))
    b.op("MEAN", [ix, b.tensor("axes", (len(axes),), "int32", data=axes)], [iy],
         keepDims=keep_dims)  # fmt: skip
    return b.finish([ix], [iy])


def pad(rng, x=(1, 3, 4, 2), amounts=((0, 0), (1, 2), (0, 3), (1, 0))):
    scale = scale_of(rng, -13, -11)
    b = Builder()
    ix = b.tensor("x", x, "int16", scale)
    shape = tuple(d + sum(a) for d, a in zip(x, amounts, strict=True))
    iy = b.tensor("y", shape, "int16", scale)
    b.op("PAD", [ix, b.tensor("amounts", (len(x), 2), "int32", data=amounts)], [iy])
    return b.finish([ix], [iy])


def unary(rng, op="LOGISTIC", x=(1, 3, 50), scale=None, out=2.0**-15, **options):
    b = Builder()
    scale = scale_of(rng, -14, -11) if scale is None else scale
    ix, iy = b.tensor("x", x, "int16", scale), b.tensor("y", x, "int16", out)
    b.op(op, [ix], [iy], **options)
    return b.finish([ix], [iy])


def softmax(rng, x=(4, 10), source="int16", beta=1.0, scale=None):
    b = Builder()
    scale = scale_of(rng, -12, -11) if scale is None else scale
    ix = b.tensor("x", x, **_quant(rng, source, scale))
    last = (2.0**-15, 0) if source == "int16" else (2.0**-16, -32768)
    iy = b.tensor("y", x, "int16", *last)
    b.op("SOFTMAX", [ix], [iy], beta=beta)
    return b.finish([ix], [iy])


def requantize(rng, source="int16", target="int8", ratio=200.0, x=(1, 4, 30)):
    b = Builder()
    scale = scale_of(rng, -8, -5)
    ix = b.tensor("x", x, source, scale, zero_of(rng) if source == "int8" else 0)
    last = float(np.float32(scale * ratio))
    iy = b.tensor("y", x, target, last, zero_of(rng) if target == "int8" else 0)
    b.op("QUANTIZE", [ix], [iy])
    return b.finish([ix], [iy])


def to_float(rng, source="int16", x=(1, 4, 30)):
    b = Builder()
    zero = int(rng.integers(0, 256)) if source == "uint8" else 0
    ix, iy = b.tensor("x", x, source, scale_of(rng, -9, -5), zero), b.tensor("y", x, "float32")
    b.op("DEQUANTIZE", [ix], [iy])
    return b.finish([ix], [iy])


def from_float(rng, target="int16", x=(1, 4, 30)):
    b = Builder()
    zero = int(rng.integers(0, 256)) if target == "uint8" else 0
    ix, iy = b.tensor("x", x, "float32"), b.tensor("y", x, target, scale_of(rng, -9, -5), zero)
    b.op("QUANTIZE", [ix], [iy])
    return b.finish([ix], [iy])


_CONVS = {
    "": {},
    "_valid": {"padding": VALID, "stride": (2, 1)},
    "_dilated": {"x": (1, 9, 8, 2), "dilation": (2, 3)},
    "_batch": {"x": (2, 4, 5, 2)},
    "_relu6": {"act": "RELU6"},
    "_saturating": {"gain": 30.0},
}

CASES = {
    **{f"conv_int16{k}": ("conv", v) for k, v in _CONVS.items()},
    "conv_int16_groups": ("conv", {"x": (1, 5, 5, 6), "groups": 2}),
    "conv_int16_bias32": ("conv", {"bias": "int32"}),
    "conv_int16_wide": ("conv", {"x": (1, 2, 2, 300), "kernel": (1, 1)}),
    "conv_int16_int4": ("conv", {"weights": "int4"}),
    **{f"conv_int4{k}": ("conv", v | {"weights": "int4", "dtype": "int8"})
       for k, v in _CONVS.items()},
    **{f"depthwise_int16{k}": ("conv", v | {"depthwise": True, "out": 1})
       for k, v in _CONVS.items()},
    "depthwise_int16_multiplier": ("conv", {"depthwise": True, "out": 3}),
    "depthwise_int4": ("conv", {"depthwise": True, "out": 1, "weights": "int4", "dtype": "int8"}),
    "depthwise_int4_multiplier": (
        "conv", {"depthwise": True, "out": 3, "weights": "int4", "dtype": "int8"}),
    "fc_int16": ("fully_connected", {}),
    "fc_int16_per_channel": ("fully_connected", {"per_channel": True}),
    "fc_int16_relu": ("fully_connected", {"act": "RELU"}),
    "fc_int16_no_bias": ("fully_connected", {"bias": None}),
    "fc_int16_bias32": ("fully_connected", {"bias": "int32"}),
    "fc_int16_long": ("fully_connected", {"x": (1, 700), "units": 3}),
    "fc_int16_halves": ("fully_connected", {"exact": True}),
    "fc_int16_saturating": ("fully_connected", {"gain": 50.0}),
    "fc_halves": ("fully_connected", {"dtype": "int8", "exact": True}),
    "fc_int4": ("fully_connected", {"weights": "int4", "dtype": "int8"}),
    "fc_int4_odd": (
        "fully_connected", {"x": (2, 13), "weights": "int4", "dtype": "int8",
                                 "per_channel": True}),
    "fc_int4_halves": ("fully_connected", {"weights": "int4", "dtype": "int8", "exact": True}),
    "fc_int16_int4": ("fully_connected", {"weights": "int4"}),
    "add_int16": ("binary", {}),
    "add_int16_channels": ("binary", {"other": (1, 1, 1, 5)}),
    "add_int16_rows": ("binary", {"other": (1, 3, 1, 1)}),
    "add_int16_relu": ("binary", {"act": "RELU"}),
    "add_int16_saturating": ("binary", {"ratio": 0.05}),
    "mul_int16": ("binary", {"op": "MUL"}),
    "mul_int16_channels": ("binary", {"op": "MUL", "other": (1, 1, 1, 5)}),
    "mul_int16_relu6": ("binary", {"op": "MUL", "act": "RELU6", "ratio": 0.2}),
    "average_pool_int16": ("pool", {}),
    "average_pool_int16_same": ("pool", {"padding": SAME, "act": "RELU"}),
    "average_pool_int16_whole": ("pool", {"kernel": (7, 6)}),
    "max_pool_int16": ("pool", {"op": "MAX_POOL_2D"}),
    "max_pool_int16_same": ("pool", {"op": "MAX_POOL_2D", "padding": SAME, "act": "RELU6"}),
    "mean_int16": ("mean", {}),
    "mean_int16_same_quant": ("mean", {"ratio": 1.0, "keep_dims": True}),
    "mean_int16_channels": ("mean", {"axes": (3,)}),
    "mean_int16_apart": ("mean", {"x": (2, 5, 4, 3), "axes": (1, 3)}),
    "pad_int16": ("pad", {}),
    "pad_int16_3d": ("pad", {"x": (1, 9, 4), "amounts": ((0, 0), (4, 0), (0, 1))}),
    "logistic_int16": ("unary", {}),
    "logistic_int16_power": ("unary", {"scale": 2.0**-12}),
    "logistic_int16_coarse": ("unary", {"scale": 0.01}),
    "tanh_int16": ("unary", {"op": "TANH"}),
    "tanh_int16_power": ("unary", {"op": "TANH", "scale": 2.0**-11}),
    "tanh_int16_fine": ("unary", {"op": "TANH", "scale": 0.00002}),
    "relu_int16": ("unary", {"op": "RELU", "scale": 0.0007, "out": 0.0005}),
    "relu6_int16": ("unary", {"op": "RELU6", "scale": 0.0007, "out": 0.0005}),
    "softmax_int16": ("softmax", {}),
    "softmax_int16_sharp": ("softmax", {"scale": 0.01, "beta": 2.0}),
    "softmax_int16_one": ("softmax", {"x": (3, 1)}),
    "softmax_int16_flat": ("softmax", {"scale": 1e-6, "x": (1, 300)}),
    "softmax_int8_int16": ("softmax", {"source": "int8", "scale": 0.1}),
    "quantize_int16_int8": ("requantize", {}),
    "quantize_int16_int16": ("requantize", {"target": "int16", "ratio": 0.7}),
    "quantize_int16_int32": ("requantize", {"target": "int32", "ratio": 2.0}),
    "quantize_int32_int16": ("requantize", {"source": "int32", "target": "int16", "ratio": 70000.0}),
    "quantize_int32_int8": ("requantize", {"source": "int32", "ratio": 3e7}),
    "quantize_float_int16": ("from_float", {}),
    "quantize_float_uint8": ("from_float", {"target": "uint8"}),
    "dequantize_int16": ("to_float", {}),
    "dequantize_uint8": ("to_float", {"source": "uint8"}),
}  # fmt: skip
