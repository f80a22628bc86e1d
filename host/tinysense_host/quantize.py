"""Quantisation arithmetic, exactly as TensorFlow Lite's reference kernels do it.

Everything is Python ints and IEEE doubles, or float32 where TFLite uses
float32, so that tables and multipliers are equal to the bit. Values q stand
for scale * (q - zero_point).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = [
    "INT8_MAX",
    "INT8_MIN",
    "Affine",
    "activation_range",
    "dense_multiplier",
    "hard_swish_table",
    "interpolation_table",
    "leaky_relu_table",
    "logistic_table",
    "mean_multiplier",
    "multiply",
    "power_of_two",
    "quantize_multiplier",
    "relu_table",
    "requantize_table",
    "round_away",
    "softmax_parameters",
    "tanh_table",
    "to_int16",
]

INT8_MIN, INT8_MAX = -128, 127
_INT32_MAX = 2**31 - 1
_RANGES = {
    "int8": (INT8_MIN, INT8_MAX), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), _INT32_MAX),
}  # fmt: skip


@dataclass(frozen=True)
class Affine:
    """Per-tensor quantisation; ``scale`` is a float32 value held in a double."""

    scale: float
    zero_point: int


def round_away(x: float) -> int:
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
    mult = round_away(fraction * 2**31)
    if mult == 2**31:
        mult //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return mult, shift


def dense_multiplier(real: float, bound: int, low: int, high: int) -> tuple[int, int] | None:
    """(mult, shift) that, rounded once with halves up, give what doubles do; None: there are none.

    TFLite's reference FULLY_CONNECTED multiplies sums by ``real`` in double
    precision and rounds halves away from zero. ``bound`` is the largest sum,
    results count from ``low`` to ``high``. quantize_multiplier's 31 bits are
    right but for sums next to a tie; a step up or down then is.
    """
    mult, shift = quantize_multiplier(real)
    if mult == 0 or not -31 <= shift <= 30:
        return mult, shift
    steps = np.arange(low + 1, high + 1, dtype=np.float64)
    first = np.ceil((steps - 0.5) / real)   # the smallest sum that gives the step, or next to it
    for _ in range(2):
        first -= _in_doubles(first - 1, real) >= steps
    for _ in range(3):
        first += _in_doubles(first, real) < steps
    least, most = 1, _INT32_MAX
    for step, sum_ in zip(steps.astype(int).tolist(), first.astype(int).tolist(), strict=True):
        half = (2 * step - 1) << (30 - shift)
        # sum_ * m >= half, and (sum_ - 1) * m < half
        if 0 < sum_ <= bound:
            least = max(least, -(-half // sum_))
        elif -bound <= sum_ < 0:
            most = min(most, half // sum_)
        before = sum_ - 1
        if 0 < before <= bound:
            most = min(most, -(-half // before) - 1)
        elif -bound <= before < 0:
            least = max(least, half // before + 1)
        if (sum_ == 0 and half > 0) or (before == 0 and half <= 0):
            return None
    return (min(max(mult, least), most), shift) if least <= most else None


def _in_doubles(sums: np.ndarray, real: float) -> np.ndarray:
    """Sums times ``real``, halves away from zero."""
    scaled = sums * real
    return np.asarray(np.sign(scaled) * np.floor(np.abs(scaled) + 0.5))


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


def activation_range(activation: str, out: Affine, dtype: str = "int8") -> tuple[int, int]:
    """Bounds of a fused activation in output steps; KeyError for another one."""
    low, high = {"NONE": (None, None), "RELU": (0.0, None), "RELU6": (0.0, 6.0),
                 "RELU_N1_TO_1": (-1.0, 1.0)}[activation]  # fmt: skip
    least, most = _RANGES[dtype]
    return (
        least if low is None else max(least, _step(low, out)),
        most if high is None else min(most, _step(high, out)),
    )


def _step(value: float, out: Affine) -> int:
    return out.zero_point + round_away(float(np.float32(value) / np.float32(out.scale)))


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


def leaky_relu_table(source: Affine, out: Affine, alpha: float) -> list[int]:
    """256 answers of LEAKY_RELU, for inputs -128 .. 127; scales are divided in float32."""
    ratio = np.float32(source.scale) / np.float32(out.scale)
    slope = np.float32(source.scale) * np.float32(alpha) / np.float32(out.scale)
    positive, negative = (quantize_multiplier(float(real)) for real in (ratio, slope))
    return [
        min(INT8_MAX, max(INT8_MIN, out.zero_point + multiply(
            q - source.zero_point, *(positive if q >= source.zero_point else negative))))
        for q in _inputs("int8")
    ]  # fmt: skip


def to_int16(mult: int) -> int:
    """A multiplier of 31 bits with 15: DownScaleInt32ToInt16Multiplier."""
    return 2**15 - 1 if mult >= _INT32_MAX - 2**15 else (mult + 2**15) >> 16


def _saturate16(x: int) -> int:
    return min(2**15 - 1, max(-(2**15), x))


def _high_multiply16(a: int, b: int) -> int:
    """round(a * b / 2**15), halves up; b is no negative number."""
    return (a * b + 2**14) >> 15


def hard_swish_table(source: Affine, out: Affine) -> list[int]:
    """256 answers of HARD_SWISH, for inputs -128 .. 127, in TFLite's 16-bit fixed point.

    Raises OverflowError where TFLite refuses: an output finer than 1/128 of the input.
    """
    fine = np.float32(1 / 128) * np.float32(source.scale)
    out_mult, out_shift = quantize_multiplier(float(fine / np.float32(out.scale)))
    if out_shift > 0:
        raise OverflowError
    mult, shift = quantize_multiplier(float(fine / np.float32(3 / 32768)))
    out16, gate16 = to_int16(out_mult), to_int16(mult)
    answers = []
    for q in _inputs("int8"):
        x = (q - source.zero_point) * 128
        gate = _saturate16(x << (shift - 1)) if shift > 0 else x
        gate = _high_multiply16(gate, gate16)
        gate = _saturate16(gate * 2) if shift > 0 else _rounding_shift(gate, -shift)
        gate = (gate + 2**15) >> 1
        product = gate * _high_multiply16(x, out16)
        # Division in C drops the fraction.
        scaled = _rounding_shift(abs(product) // 2**15 * (-1 if product < 0 else 1), -out_shift)
        answers.append(min(INT8_MAX, max(INT8_MIN, scaled + out.zero_point)))
    return answers


def tanh_table(source: Affine) -> list[int]:
    """256 answers of TANH, for inputs -128 .. 127; output scale 1/128, zero point 0.

    A table in float32, as for LOGISTIC; from double, so that it does not depend on the machine.
    """
    unit = np.float32(source.scale)
    answers = []
    for q in _inputs("int8"):
        x = unit * np.float32(q - source.zero_point)
        step = np.float32(math.tanh(float(x))) * np.float32(128)
        answers.append(min(INT8_MAX, max(INT8_MIN, round_away(float(step)))))
    return answers


def power_of_two(scale: float) -> int | None:
    """n where scale is 2**n within a thousandth of n, as TFLite's CheckedLog2 has it."""
    power = math.log2(scale)
    return round(power) if abs(power - round(power)) < 1e-3 else None


def interpolation_table(
    function: Callable[[float], float], source_scale: float, source_zero: int, out_scale: float
) -> list[int]:
    """513 points of a function of int16, in int16 with zero point 0.

    TFLite's LUTPopulate in double precision: each point is moved by half of
    what the straight line to the next is off in the middle.
    """
    least, most, steps = -(2**15), 2**15 - 1, 512
    low = source_scale * (least - source_zero)
    step = (source_scale * (most - source_zero) - low) / steps
    unit = 2**16 / (out_scale * most - out_scale * least)
    points = []
    for i in range(steps):
        value = function(low + i * step) * unit
        middle = round_away(function(low + i * step + step / 2) * unit)
        line = round_away((function(low + (i + 1) * step) * unit + round_away(value)) / 2)
        points.append(round_away(value) - round_away((line - middle) / 2))
    points.append(round_away(function(source_scale * (most - source_zero)) * unit))
    return [min(most, max(least, point)) for point in points]


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
        answers.append(min(INT8_MAX, round_away(float(score)) + INT8_MIN))
    return answers
