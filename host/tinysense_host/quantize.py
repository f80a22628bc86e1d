"""Quantisation arithmetic, exactly as TensorFlow Lite's reference kernels do it.

Everything is Python ints and IEEE doubles, or float32 where TFLite uses
float32, so that tables and multipliers are equal to the bit. Values q stand
for scale * (q - zero_point).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = [
    "INT8_MAX",
    "INT8_MIN",
    "Affine",
    "activation_range",
    "logistic_table",
    "mean_multiplier",
    "multiply",
    "quantize_multiplier",
    "relu_table",
    "requantize_table",
    "softmax_parameters",
]

INT8_MIN, INT8_MAX = -128, 127
_INT32_MAX = 2**31 - 1
_RANGES = {"int8": (INT8_MIN, INT8_MAX), "uint8": (0, 255)}


@dataclass(frozen=True)
class Affine:
    """Per-tensor quantisation; ``scale`` is a float32 value held in a double."""

    scale: float
    zero_point: int


def _round_away(x: float) -> int:
    """C's round(): halves away from zero. Python's round() goes to even."""
    return int(math.copysign(math.floor(abs(x) + 0.5), x)) if abs(x) < 2**52 else int(x)


def quantize_multiplier(real: float) -> tuple[int, int]:
    """(mult, shift) with real ~ mult / 2**31 * 2**shift, mult in [2**30, 2**31).

    TFLite's QuantizeMultiplier: 31 bits, rounded away from zero; multipliers
    under 2**-32 become 0.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mult = _round_away(fraction * 2**31)
    if mult == 2**31:
        mult //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return mult, shift


def mean_multiplier(source_scale: float, out_scale: float, count: int) -> tuple[int, int]:
    """(mult, shift) that turns a sum of ``count`` steps into a mean, as TFLite folds 1/count in."""
    mult, shift = quantize_multiplier(source_scale / out_scale)
    spare = min(count.bit_length() - 1, 32, 31 + shift)
    return (mult << spare) // count, shift - spare


def _rounding_high_multiply(a: int, b: int) -> int:
    """round(a * b / 2**31), halves up; never called with both at -2**31."""
    return (a * b + 2**30) >> 31


def _rounding_shift(x: int, exponent: int) -> int:
    """x / 2**exponent, halves away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + (1 if (x & mask) > threshold else 0)


def multiply(x: int, mult: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier, the form that rounds twice."""
    left, right = max(shift, 0), max(-shift, 0)
    return _rounding_shift(_rounding_high_multiply(_wrap(x << left), mult), right)


def _wrap(x: int) -> int:
    """What an int32 keeps of x."""
    return (x + 2**31) % 2**32 - 2**31


def activation_range(activation: str, out: Affine) -> tuple[int, int]:
    """Bounds of a fused activation in output steps; KeyError for another one."""
    low, high = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0),
                 "RELU_N1_TO_1": (-1.0, 1.0)}[activation]  # fmt: skip
    return (
        INT8_MIN if low is None else max(INT8_MIN, _step(low, out)),
        INT8_MAX if high is None else min(INT8_MAX, _step(high, out)),
    )


def _step(value: float, out: Affine) -> int:
    return out.zero_point + _round_away(float(np.float32(value) / np.float32(out.scale)))


def _inputs(dtype: str) -> range:
    low, high = _RANGES[dtype]
    return range(low, high + 1)


def relu_table(source: Affine, out: Affine, activation: str) -> list[int]:
    """256 answers of a RELU or RELU6 that stands alone, for inputs -128 .. 127.

    TFLite divides the scales in float32 here, and in double for QUANTIZE.
    """
    ratio = float(np.float32(source.scale) / np.float32(out.scale))
    low, high = activation_range(activation, out)
    return _scaled(source, "int8", quantize_multiplier(ratio), out.zero_point, low, high)


def requantize_table(source: Affine, source_dtype: str, out: Affine, out_dtype: str) -> list[int]:
    """256 answers of a QUANTIZE between int8 and uint8, from the lowest input up."""
    multiplier = quantize_multiplier(source.scale / out.scale)
    return _scaled(source, source_dtype, multiplier, out.zero_point, *_RANGES[out_dtype])


def _scaled(
    source: Affine, dtype: str, multiplier: tuple[int, int], zero_point: int, low: int, high: int
) -> list[int]:
    return [
        min(high, max(low, zero_point + multiply(q - source.zero_point, *multiplier)))
        for q in _inputs(dtype)
    ]


def _input_radius(integer_bits: int, left_shift: int) -> int:
    """Largest |difference| that the fixed-point functions take; CalculateInputRadius."""
    largest = ((1 << integer_bits) - 1) * 2.0 ** (31 - integer_bits) / 2.0**left_shift
    return math.floor(largest)


def softmax_parameters(scale: float, beta: float) -> tuple[int, int, int]:
    """(input_mult, input_shift, diff_min) of the fixed-point softmax, 5 integer bits."""
    integer_bits = 5
    real = min(beta * scale * 2.0 ** (31 - integer_bits), 2.0**31 - 1.0)
    mult, shift = quantize_multiplier(real)
    # At 31 the radius is 0: only the largest score counts, and nothing is scaled any more.
    return mult, min(shift, 30), -_input_radius(integer_bits, shift)


def logistic_table(source: Affine) -> list[int]:
    """256 answers of LOGISTIC, for inputs -128 .. 127; output scale 1/256, zero point -128.

    TFLite 2.21 fills a table in float32, in its reference kernels too; the
    fixed-point logistic of older versions differs in about 1 of 200,000 entries.
    """
    one, unit = np.float32(1), np.float32(source.scale)
    answers = []
    for q in _inputs("int8"):
        x = unit * np.float32(q - source.zero_point)
        # From double, so that it is the float nearest to the truth on every machine.
        exp = np.float32(math.exp(min(-float(x), 88.0)))
        score = one / (one + exp) * np.float32(256)
        answers.append(min(INT8_MAX, _round_away(float(score)) + INT8_MIN))
    return answers
