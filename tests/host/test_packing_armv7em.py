"""Constants for Arm's DSP extension: what is packed, what is refused, and why it is exact."""

from __future__ import annotations

import numpy as np
import pytest

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing import armv7em
from tinysense_host.packing.armv7em import pack_op

RNG = np.random.default_rng(4)


def constant(values) -> Tensor:
    values = np.asarray(values)
    return Tensor(str(values.dtype), values.shape, data=values)


def layer(name: str, w: np.ndarray, x: tuple[int, ...], y: tuple[int, ...], *, window=(1, 1, 1, 1, 0, 0),
          bias=None, mult=None, shift=None, act=(-128, 127), zeros=(3, -5)):  # fmt: skip
    n = y[-1]
    tensors = [
        Tensor("int8", x, zero_point=zeros[0], scale=0.5),
        Tensor("int8", y, zero_point=zeros[1], scale=0.5),
        constant(w.astype(np.int8)),
        constant(np.broadcast_to(0 if bias is None else bias, n).astype(np.int32)),
        constant(np.broadcast_to(2**30 + 12345 if mult is None else mult, n).astype(np.int32)),
        constant(np.broadcast_to(-8 if shift is None else shift, n).astype(np.int8)),
    ]
    window = () if name == "FULLY_CONNECTED" else window
    return Op(name, (0, 2, 3, 4, 5), (1,), (*window, *act)), tensors


def weights(*shape: int) -> np.ndarray:
    return RNG.integers(-127, 128, shape)


def pointwise(w: np.ndarray, **how):
    n, depth = w.shape
    return layer("CONV_2D", w.reshape(n, 1, 1, depth), (1, 4, 4, depth), (1, 4, 4, n), **how)


def as_c(x: int, mult: int, shift: int, once: bool) -> int:
    """device/core/fixed.h in Python's integers."""
    if once:
        n = 31 - shift
        return (x * mult + (1 << (n - 1))) >> n
    if shift > 0:
        return ((x << shift) * mult + (1 << 30)) >> 31
    high, n = (x * mult + (1 << 30)) >> 31, -shift
    mask = (1 << n) - 1
    return (high >> n) + ((high & mask) > (mask >> 1) + (high < 0))


@pytest.mark.parametrize("once", [False, True])
def test_scaling_is_that_of_the_core(once: bool) -> None:
    count = 5000
    shift = RNG.integers(-31, 8, count)
    x = RNG.integers(-(2**31), 2**31, count) >> np.maximum(shift, 0)
    x[: count // 2] >>= 14
    mult = RNG.choice([0, 1, 2**30, 2**31 - 1, 1_518_500_250], count)
    found = armv7em._scale(x, mult, shift, once)
    assert found.tolist() == [as_c(*map(int, v), once) for v in zip(x, mult, shift, strict=True)]


def words(groups: int, depth: int, scaling: int = 3) -> int:
    return groups * (4 + depth + 4 * scaling)


@pytest.mark.parametrize(
    ("n", "depth", "groups", "padded"),
    [(4, 4, 1, 4), (1, 1, 1, 4), (5, 6, 2, 8), (64, 40, 16, 40), (67, 67, 17, 68)],
)
def test_streams_are_whole_groups_of_whole_quads(n: int, depth: int, groups: int, padded: int) -> None:
    packed = pack_op(*pointwise(weights(n, depth)))
    assert packed is not None and packed.words is not None
    assert (packed.name, packed.inputs, packed.pixel_block) == ("PACKED_CONV_2D", (0,), 2)
    assert packed.words.dtype == np.int32 and len(packed.words) == words(groups, padded)
    assert packed.scratch_bytes == 4 * padded


def test_the_two_channels_of_a_lane_can_be_told_apart() -> None:
    w = weights(4, 8)
    packed = pack_op(*pointwise(w, bias=[5, -6, 7, 800]))
    assert packed is not None and packed.words is not None
    start = np.array([5, -6, 7, 800]) - 3 * w.sum(1)
    assert packed.words[:4].tolist() == [start[0], 256 * start[1] + start[0],
                                         start[2], 256 * start[3] + start[2]]  # fmt: skip
    pairs = packed.words[4:12].reshape(4, 2)
    order = [(0, 2), (1, 3), (4, 6), (5, 7)]
    for lanes, ks in zip(pairs, order, strict=True):
        for half, word in enumerate(lanes):
            low, high = int(np.int16(word & 0xFFFF)), word >> 16
            for lane, k in ((low, ks[0]), (high, ks[1])):
                even = (lane + 128) % 256 - 128
                assert [even, (lane - even) // 256] == w[2 * half : 2 * half + 2, k].tolist()


def test_lowest_weights_where_a_lane_has_no_room_stay_portable() -> None:
    w = weights(4, 8)
    w[1, 3] = -128
    w[0, 3] = 5
    assert pack_op(*pointwise(w)) is not None
    w[0, 3] = -1
    assert pack_op(*pointwise(w)) is None
    w[1, 3] = -127
    w[0] = -128
    assert pack_op(*pointwise(w)) is not None


def test_sums_beyond_24_bits_of_an_odd_channel_stay_portable() -> None:
    w = np.full((4, 259), 127)
    zeros = (-128, 0)
    assert pack_op(*pointwise(w, zeros=zeros)) is not None
    assert pack_op(*pointwise(w, zeros=zeros, bias=[0, 1000, 0, 0])) is None
    assert pack_op(*pointwise(w, zeros=zeros, bias=[1000, 0, 1000, 0])) is not None


@pytest.mark.parametrize(("bias", "mult", "shift", "value"), [
    (2**30, 2**30, -8, 127), (-(2**30), 2**30, -8, -128), (9, 0, -3, -5), (2**29, 2**30, -31, -5),
])  # fmt: skip
def test_channels_that_cannot_vary_are_constants(bias: int, mult: int, shift: int, value: int) -> None:
    w = weights(4, 8)
    op, tensors = pointwise(w, bias=[bias, 1, 2, 3], mult=[mult, 2**30, 2**30, 2**30],
                            shift=[shift, -8, -8, -8])  # fmt: skip
    packed = pack_op(op, tensors)
    assert packed is not None and packed.words is not None
    assert packed.words[0] == 0
    assert packed.words[12:15].tolist() == [0, 2 * value, 1]


def test_a_sum_that_wraps_stays_portable() -> None:
    assert pack_op(*pointwise(weights(4, 8), bias=[2**31 - 1, 0, 0, 0])) is None


def test_channels_without_a_right_shift_scale_all_channels_the_general_way() -> None:
    packed = pack_op(*pointwise(weights(4, 8), shift=[0, -8, 2, -1]))
    assert packed is not None and packed.words is not None
    assert packed.params[-1] == 2
    scaling = packed.words[12:].reshape(4, 5)
    assert scaling[:, 2:].tolist() == [[1, 2, 0], [8, 1, -(2**31)], [1, 4, 0], [1, 1, -(2**31)]]


def test_reading_is_chosen_by_what_lies_together() -> None:
    def kernel_of(depth: int, kernel: int, window=(1, 1, 1, 1, 1, 1)) -> int:
        op, tensors = layer("CONV_2D", weights(4, kernel, kernel, depth), (1, 8, 8, depth),
                            (1, 8, 8, 4), window=window)  # fmt: skip
        packed = pack_op(op, tensors)
        assert packed is not None
        return packed.params[10]

    assert [kernel_of(8, 3), kernel_of(3, 3), kernel_of(7, 3)] == [1, 2, 2]
    assert kernel_of(7, 1, (1, 1, 1, 1, 0, 0)) == 0


def test_groups_stay_portable() -> None:
    assert pack_op(*layer("CONV_2D", weights(4, 3, 3, 2), (1, 8, 8, 4), (1, 6, 6, 4))) is None


@pytest.mark.parametrize(("channels", "outputs", "name"), [
    (1, 8, "PACKED_CONV_2D"), (3, 6, "PACKED_CONV_2D"), (4, 4, "PACKED_DEPTHWISE_CONV_2D"),
    (7, 7, "PACKED_DEPTHWISE_CONV_2D"), (4, 8, None),
])  # fmt: skip
def test_depthwise_of_few_channels_is_a_convolution(channels: int, outputs: int, name: str | None) -> None:
    packed = pack_op(*layer("DEPTHWISE_CONV_2D", weights(1, 3, 3, outputs), (1, 8, 8, channels),
                            (1, 6, 6, outputs)))  # fmt: skip
    assert (packed and packed.name) == name


def test_depthwise_streams_repeat_channels_to_fill_the_last_four() -> None:
    w = weights(1, 3, 3, 6)
    packed = pack_op(*layer("DEPTHWISE_CONV_2D", w, (1, 8, 8, 6), (1, 6, 6, 6)))
    assert packed is not None and packed.words is not None
    blocks = packed.words.reshape(2, 4 + 18 + 12)
    assert (blocks[0, 2:4] == blocks[1, 0:2]).all()
    assert packed.scratch_bytes == 0


@pytest.mark.parametrize(("x", "y", "stride", "pad", "scratch"), [
    ((8, 8), (6, 6), (1, 1), (0, 0), 0), ((8, 8), (6, 6), (1, 1), (0, 1), 8),
    ((8, 8), (6, 6), (1, 1), (1, 0), 8), ((8, 8), (4, 4), (2, 2), (0, 0), 8),
    ((9, 9), (4, 4), (2, 2), (0, 0), 0), ((9, 8), (4, 4), (2, 2), (0, 0), 8)])
def test_depthwise_keeps_a_pixel_of_padding_only_where_there_is_padding(
    x: tuple[int, int], y: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int],
    scratch: int,
) -> None:
    packed = pack_op(*layer("DEPTHWISE_CONV_2D", weights(1, 3, 3, 6), (1, *x, 6), (1, *y, 6),
                            window=(*stride, 1, 1, *pad)))  # fmt: skip
    assert packed is not None and packed.scratch_bytes == scratch


def test_deep_inputs_are_not_widened() -> None:
    def dense(depth: int):
        return pack_op(*layer("FULLY_CONNECTED", weights(4, depth) // 8, (1, depth), (1, 4)))

    small, deep, odd = dense(256), dense(260), dense(261)
    assert small and (small.scratch_bytes, small.params[2]) == (512, 1)
    assert deep and (deep.scratch_bytes, deep.params[2]) == (0, 5)
    assert odd and (odd.scratch_bytes, odd.params[2]) == (528, 1)


def addition(shape_b=(1, 4, 4, 8), left=20, **how):
    tensors = [Tensor("int8", shape, zero_point=z, scale=s) for shape, z, s in
               (((1, 4, 4, 8), -128, 0.039), (shape_b, 4, 0.104), ((1, 4, 4, 8), -128, 0.0509))]
    top = 2 * 0.104
    scales = []
    for real in (0.039 / top, 0.104 / top, top / (0.0509 * 2**20)):
        mantissa, exponent = np.frexp(real)
        scales += [round(float(mantissa) * 2**31), int(exponent)]
    return Op("ADD", (0, 1), (2,), (left, *scales, -128, 127)), tensors


def test_addition_has_one_multiplier_for_each_input() -> None:
    packed = pack_op(*addition())
    assert packed is not None and packed.words is None
    assert packed.params[:2] == pytest.approx((0.039 / 0.0509 * 2**21, 0.104 / 0.0509 * 2**21), rel=1e-5)
    assert pack_op(*addition(shape_b=(1, 1, 1, 8))) is None


def test_other_ops_stay_portable() -> None:
    assert pack_op(Op("SOFTMAX", (0,), (1,), (1, 2, 3)), []) is None
