from __future__ import annotations

import math

import numpy as np
import pytest

from tinysense_host import quantize as q
from tinysense_host.quantize import Affine

# real multiplier -> (mult, shift), checked against TFLite's QuantizeMultiplier
MULTIPLIERS = [
    (0.0, (0, 0)),
    (1.0, (2**30, 1)),
    (0.5, (2**30, 0)),
    (0.25, (2**30, -1)),
    (math.nextafter(1.0, 0.0), (2**30, 1)),  # rounds up to the next power
    (3.0, (3 * 2**29, 2)),
    (2.0**-32, (2**30, -31)),
    (math.nextafter(2.0**-32, 0.0), (2**30, -31)),
    (2.0**-33, (0, 0)),  # below the smallest shift
]


@pytest.mark.parametrize(("real", "expected"), MULTIPLIERS)
def test_quantize_multiplier(real: float, expected: tuple[int, int]) -> None:
    assert q.quantize_multiplier(real) == expected


@pytest.mark.parametrize("real", [1e-9, 0.0003, 0.1, 0.7, 0.99999, 1.5, 77.0, 1e6])
def test_multiplier_is_the_nearest_of_31_bits(real: float) -> None:
    mult, shift = q.quantize_multiplier(real)
    assert 2**30 <= mult < 2**31
    assert abs(mult / 2**31 * 2.0**shift - real) <= real * 2.0**-31


# x, (mult, shift), result: halves away from zero after a rounded high multiply
PRODUCTS = [
    (1, (2**30, 1), 1),
    (3, (2**30, 0), 2),
    (-3, (2**30, 0), -1),
    (5, (2**30, -1), 2),
    (-5, (2**30, -1), -1),
    (-6, (2**30, -1), -2),
    (0, (0, 0), 0),
    (100, (0, 0), 0),
]


@pytest.mark.parametrize(("x", "scale", "expected"), PRODUCTS)
def test_multiply(x: int, scale: tuple[int, int], expected: int) -> None:
    assert q.multiply(x, *scale) == expected


RANGES = [
    ("NONE", Affine(0.1, 0), (-128, 127)),
    ("RELU", Affine(0.1, -20), (-20, 127)),
    ("RELU", Affine(0.1, -128), (-128, 127)),
    ("RELU6", Affine(0.1, -20), (-20, 40)),
    ("RELU6", Affine(0.01, -20), (-20, 127)),
    ("RELU_N1_TO_1", Affine(0.1, 3), (-7, 13)),
    ("RELU6", Affine(12.0, 0), (0, 1)),  # a half is rounded away from zero
]


@pytest.mark.parametrize(("activation", "out", "expected"), RANGES)
def test_activation_range(activation: str, out: Affine, expected: tuple[int, int]) -> None:
    assert q.activation_range(activation, out) == expected


def test_activation_that_cannot_be_fused() -> None:
    with pytest.raises(KeyError):
        q.activation_range("TANH", Affine(0.1, 0))


def test_relu_divides_the_scales_in_float32() -> None:
    """A double would give 51 for the input 81 steps above zero; TFLite gives 50."""
    source = Affine(float.fromhex("0x1.2b1b4p-7"), -101)
    out = Affine(float.fromhex("0x1.dfc14p-7"), -83)
    table = q.relu_table(source, out, "RELU6")
    exact = 81 * source.scale / out.scale
    assert exact > 50.5
    assert table[-20 + 128] == -83 + 50


def test_requantize_between_int8_and_uint8_is_a_shift_of_128() -> None:
    table = q.requantize_table(Affine(0.5, -128), "int8", Affine(0.5, 0), "uint8")
    assert table == list(range(256))


def test_requantize_saturates() -> None:
    table = q.requantize_table(Affine(1.0, 0), "int8", Affine(0.25, 0), "int8")
    assert (table[0], table[128], table[129], table[255]) == (-128, 0, 4, 127)


@pytest.mark.parametrize("scale", [0.001, 0.03, 0.1, 1.0, 8.0, 1000.0])
def test_logistic_is_within_half_a_step(scale: float) -> None:
    for index, got in enumerate(q.logistic_table(Affine(scale, 3))):
        x = (index - 128 - 3) * scale
        real = 256 / (1 + math.exp(-x)) if x > -700 else 0.0
        assert abs(got + 128 - min(real, 255)) <= 0.5001


def test_softmax_parameters_of_a_known_model() -> None:
    mult, shift, diff_min = q.softmax_parameters(0.1, 1.0)
    assert mult / 2**31 * 2**shift == pytest.approx(0.1 * 2**26, rel=1e-9)
    assert diff_min == -math.floor(31 * 2.0**26 / 2.0**shift)


@pytest.mark.parametrize("count", [1, 2, 3, 100, 196, 65535])
def test_mean_multiplier_folds_the_count_in(count: int) -> None:
    mult, shift = q.mean_multiplier(0.05, 0.03, count)
    assert mult / 2**31 * 2.0**shift == pytest.approx(0.05 / 0.03 / count, rel=1e-6)
    assert 0 <= mult < 2**31


def _once(sums: np.ndarray, mult: int, shift: int) -> np.ndarray:
    return (sums * mult + (1 << (30 - shift))) >> (31 - shift)


def _in_doubles(sums: np.ndarray, real: float) -> np.ndarray:
    scaled = sums.astype(np.float64) * real
    return (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5)).astype(np.int64)


@pytest.mark.parametrize("real", [2.0**-k for k in range(-2, 12)] + [
    0.375, 3 * 2.0**-9, 0.0123456789, 0.999999999, 1 / 3, 7e-10, 1e-9, 5.0, 255 / 256])  # fmt: skip
def test_dense_multiplier_gives_what_doubles_give_for_every_sum(real: float) -> None:
    bound, (low, high) = 40_000, (-255, 255)
    found = q.dense_multiplier(real, bound, low, high)
    assert found is not None
    sums = np.arange(-bound, bound + 1, dtype=np.int64)
    got, wanted = _once(sums, *found), _in_doubles(sums, real)
    np.testing.assert_array_equal(np.clip(got, low, high), np.clip(wanted, low, high))


def test_dense_multiplier_is_the_usual_one_where_no_sum_is_near_a_tie() -> None:
    rng = np.random.default_rng(3)
    for real in 2.0 ** rng.uniform(-12, -4, 50):
        found = q.dense_multiplier(float(real), 10**6, -255, 255)
        usual = q.quantize_multiplier(float(real))
        assert found is not None and found[1] == usual[1] and abs(found[0] - usual[0]) <= 2


def test_halves_below_zero_need_another_multiplier() -> None:
    """With 2^-1 as it is, -3/2 becomes -1: the search can fail without a step up."""
    assert _once(np.array([-3]), *q.quantize_multiplier(0.5))[0] == -1
    assert q.dense_multiplier(0.5, 10, -9, 9) == (2**30 + 1, 0)


def test_dense_multiplier_of_sums_that_all_vanish() -> None:
    assert q.dense_multiplier(1e-12, 1000, -128, 127) == (0, 0)
