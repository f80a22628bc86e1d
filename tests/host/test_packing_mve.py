"""Constants in Helium's layout, and ADD with one multiplication for each input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing import linear_add, mve
from tinysense_host.packing.packed import Packed
from tinysense_host.quantize import quantize_multiplier

RNG = np.random.default_rng(1)
Layer = tuple[Op, list[Tensor]]


def constant(values: np.ndarray) -> Tensor:
    return Tensor(str(values.dtype), values.shape, data=values)


def layer(name: str, w: np.ndarray, x: tuple[int, ...], y: tuple[int, ...],
          params: tuple[int, ...], outputs: int, shift: int = -7) -> Layer:  # fmt: skip
    tensors = [
        Tensor("int8", x, zero_point=3, scale=0.5), constant(w),
        constant(RNG.integers(-9999, 9999, outputs).astype(np.int32)),
        constant(RNG.integers(2**30, 2**31, outputs).astype(np.int32)),
        constant(np.full(outputs, shift, np.int8)), Tensor("int8", y, zero_point=-4, scale=0.5),
    ]  # fmt: skip
    return Op(name, (0, 1, 2, 3, 4), (5,), (*params, -128, 127)), tensors


def conv(kernel: tuple[int, int] = (3, 2), channels: int = 5, outputs: int = 6, side: int = 4,
         dilation: int = 1, shift: int = -7) -> Layer:  # fmt: skip
    w = RNG.integers(-127, 128, (outputs, *kernel, channels)).astype(np.int8)
    reach = (kernel[0] - 1, (kernel[1] - 1) * dilation)
    return layer("CONV_2D", w, (1, side + reach[0], side + reach[1], channels),
                 (1, side, side, outputs), (1, 1, 1, dilation, 0, 0), outputs, shift)  # fmt: skip


def pack(made: Layer) -> Packed | None:
    return mve.pack_op(*made)


def unpack(packed: Packed, blocks: int) -> tuple[np.ndarray, np.ndarray]:
    """((3, N) bias, multiplier and shift; (N, bytes) weights), padding included."""
    assert packed.words is not None
    groups = packed.words.reshape(-1, 12 + blocks * 16)
    params = groups[:, :12].reshape(-1, 3, 4).transpose(1, 0, 2).reshape(3, -1)
    weights = np.ascontiguousarray(groups[:, 12:]).view(np.int8).reshape(-1, blocks, 4, 16)
    return params, weights.transpose(0, 2, 1, 3).reshape(-1, blocks * 16)


def test_weights_follow_the_columns_of_the_patch() -> None:
    op, tensors = conv()
    packed = mve.pack_op(op, tensors)
    assert packed is not None
    params, weights = unpack(packed, 2)
    w = tensors[1].data
    assert np.array_equal(weights[:6, :30], w.transpose(0, 2, 1, 3).reshape(6, 30))
    assert not weights[:6, 30:].any()
    assert not weights[6:].any()
    sums = w.reshape(6, -1).astype(int).sum(axis=1)
    assert np.array_equal(params[0, :6], tensors[2].data - 3 * sums)
    assert np.array_equal(params[1, :6], tensors[3].data)
    assert (params[2, :6] == -7).all()
    assert not params[:, 6:].any()


def test_columns_of_a_dilated_kernel_have_zeros_between() -> None:
    op, tensors = conv((1, 3), channels=2, dilation=2)
    packed = mve.pack_op(op, tensors)
    assert packed is not None
    _, weights = unpack(packed, 1)
    taps = weights[:6, :10].reshape(6, 5, 2)
    assert np.array_equal(taps[:, ::2], tensors[1].data.reshape(6, 3, 2))
    assert not taps[:, 1::2].any()


def test_a_bias_that_overflows_wraps_like_the_sums() -> None:
    op, tensors = conv()
    tensors[2] = constant(np.full(6, -(2**31), np.int32))
    tensors[1] = constant(np.full(tensors[1].shape, 127, np.int8))
    packed = mve.pack_op(op, tensors)
    assert packed is not None
    params, _ = unpack(packed, 2)
    assert (params[0, :6] == 2**31 - 3 * 127 * 30).all()


@pytest.mark.parametrize("channels", [1, 15, 16, 17, 64, 300])
def test_pixels_of_1x1_layers_are_read_before_they_are_written(channels: int) -> None:
    packed = pack(conv((1, 1), channels, 8, side=9))
    assert packed is not None
    assert packed.pixel_block == packed.params[-1] >= 2
    assert packed.scratch_bytes == packed.pixel_block * channels + 16


def test_other_layers_promise_nothing_about_pixels() -> None:
    packed = pack(conv())
    assert packed is not None
    assert packed.pixel_block == 0
    assert packed.scratch_bytes == (4 + 1) * 15 + 16


@pytest.mark.parametrize("taps", [(3, 3), (4, 4), (5, 5)])
def test_depthwise(taps: tuple[int, int]) -> None:
    w = RNG.integers(-127, 128, (1, *taps, 20)).astype(np.int8)
    op, tensors = layer("DEPTHWISE_CONV_2D", w, (1, 9, 9, 20), (1, 9, 9, 20),
                        (1, 1, 1, 1, 1, 1), 20)  # fmt: skip
    packed = mve.pack_op(op, tensors)
    assert packed is not None
    n = taps[0] * taps[1]
    _, weights = unpack(packed, -(-n // 16))
    assert np.array_equal(weights[:20, :n], w[0].transpose(2, 1, 0).reshape(20, n))


def test_depthwise_of_one_channel_is_a_convolution() -> None:
    w = RNG.integers(-127, 128, (1, 3, 3, 8)).astype(np.int8)
    packed = pack(layer("DEPTHWISE_CONV_2D", w, (1, 5, 5, 1), (1, 3, 3, 8), (1, 1, 1, 1, 0, 0), 8))
    assert packed is not None
    assert packed.name == "PACKED_CONV_2D"


@pytest.mark.parametrize(("depth", "scratch"), [(15, 31), (16, 0), (17, 33), (640, 0)])
def test_fully_connected_copies_rows_that_are_no_whole_blocks(depth: int, scratch: int) -> None:
    w = RNG.integers(-127, 128, (3, depth)).astype(np.int8)
    packed = pack(layer("FULLY_CONNECTED", w, (1, depth), (1, 3), (), 3))
    assert packed is not None
    assert (packed.params, packed.scratch_bytes) == ((-128, 127, 0, depth), scratch)


@pytest.mark.parametrize("change", [
    lambda op, t: (op, [*t[:4], replace(t[4], data=np.full(6, 1, np.int8)), t[5]]),
    lambda op, t: (op, [replace(t[0], shape=(1, 6, 5, 10)), *t[1:]]),
    lambda op, t: (op, [t[0], replace(t[1], data=None), *t[2:]]),
    lambda op, t: (op, [replace(t[0], dtype="int16"), *t[1:]]),
    lambda op, t: (replace(op, name="SOFTMAX"), t),
], ids=["scales up", "groups", "weights not constant", "int16", "no kernel"])  # fmt: skip
def test_what_stays_portable(change: Callable[[Op, list[Tensor]], Layer]) -> None:
    assert pack(conv()) is not None
    assert pack(change(*conv())) is None


# ---- ADD ----

RESNET = [(0.0393935516, 0.1041949615, 0.0509456731), (0.0447614267, 0.1131188422, 0.0532362163),
          (0.0838583037, 0.2172436416, 0.1270691454)]  # fmt: skip


def add_params(a: float, b: float, y: float, low: int = -128, high: int = 127) -> tuple[int, ...]:
    """As the converter makes them of three scales."""
    top = 2 * max(a, b)
    scales = [quantize_multiplier(v) for v in (a / top, b / top, top / (y * 2**20))]
    return (20, *(n for pair in scales for n in pair), low, high)


def scaled(x: int, mult: int, shift: int) -> int:
    """ts_scale_twice, written the long way."""
    high = (x * mult + 2**30) // 2**31
    half = 2 ** -shift // 2
    return (high + half) >> -shift if high >= 0 else -((-high + half) >> -shift)


@pytest.mark.parametrize("scales", RESNET)
def test_a_fit_is_right_for_all_pairs(scales: tuple[float, float, float]) -> None:
    params, zeros = add_params(*scales), (-17, 4, -128)
    found = linear_add.fit(zeros, params)
    assert found is not None
    left = [scaled((v - zeros[0]) << 20, *params[1:3]) for v in range(-128, 128)]
    right = [scaled((v - zeros[1]) << 20, *params[3:5]) for v in range(-128, 128)]
    for a, in_a in zip(range(-128, 128), left, strict=True):
        for b, in_b in zip(range(-128, 128), right, strict=True):
            wanted = min(127, max(-128, scaled(in_a + in_b, *params[5:7]) + zeros[2]))
            total = a * found.a_mult + b * found.b_mult + found.offset
            assert -(2**31) <= total < 2**31
            assert min(127, max(-128, total >> found.shift)) == wanted


def test_a_given_shift_is_kept() -> None:
    found = linear_add.fit((0, 0, 0), add_params(*RESNET[0]), shift=19)
    assert found is not None
    assert found.shift == 19


def test_scales_that_have_no_fit() -> None:
    params = (20, 2**31 - 1, 0, 2**31 - 1, 0, 2**31 - 1, -9, -128, 127)
    assert linear_add.fit((0, 0, 0), params) is None


def test_most_scales_have_a_fit() -> None:
    scales = 2.0 ** RNG.uniform(-3, 3, (30, 3))
    fits = [linear_add.fit((1, 2, 3), add_params(*s)) for s in scales]
    assert sum(f is not None for f in fits) >= 24
