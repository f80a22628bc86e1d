"""Constants for Cortex-M0: their layout, and where the kernels' limits are."""

from __future__ import annotations

import numpy as np
import pytest

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing.armv6m import pack_op
from tinysense_host.packing.packed import Packed

MULT = 1 << 30


def constant(values: object, dtype: str = "int32") -> Tensor:
    data = np.array(values, dtype)
    return Tensor(dtype, data.shape, data=data)


def conv(weights: np.ndarray, bias: list[int], shifts: list[int], *, zero: tuple[int, int] = (0, 0),
         params: tuple[int, ...] = (1, 1, 1, 1, 0, 0, -128, 127), name: str = "CONV_2D",
         x: tuple[int, ...] | None = None, y: tuple[int, ...] | None = None) -> Packed | None:  # fmt: skip
    """Packs a layer of 6x6 pixels unless x and y say otherwise."""
    n = len(bias)
    depth = weights.shape[3]
    tensors = [
        Tensor("int8", x or (1, 6, 6, depth), zero_point=zero[0], scale=0.1),
        Tensor("int8", y or (1, 6, 6, n), zero_point=zero[1], scale=0.1),
        constant(weights, "int8"), constant(bias), constant([MULT] * n), constant(shifts, "int8"),
    ]  # fmt: skip
    return pack_op(Op(name, (0, 2, 3, 4, 5), (1,), params), tensors)


def one_by_one(weights: list[list[int]], bias: list[int], shifts: list[int], **how: object) -> Packed | None:
    return conv(np.array(weights, np.int8).reshape(len(bias), 1, 1, -1), bias, shifts, **how)  # type: ignore[arg-type]


def test_blocks_of_four_channels_with_their_scales_behind() -> None:
    packed = one_by_one([[1, 2], [3, 4], [5, 6], [7, 8], [-127, 127]], [10, 20, 30, 40, 50],
                        [-5, -6, -7, -8, -9], zero=(3, 0))  # fmt: skip
    assert packed is not None and packed.name == "PACKED_CONV_2D" and packed.words is not None
    assert packed.params[8:] == (1, 1, 0, 0) and packed.pixel_block == 2
    block = 4 + 8                       # words: 2 taps padded to 4, of 4 channels; 4 scales
    assert packed.words.shape == (2 * block,)
    bytes_ = packed.words.view(np.uint8)
    assert bytes_[:16].tolist() == [129, 131, 133, 135, 130, 132, 134, 136] + [0] * 8
    assert bytes_[4 * block : 4 * block + 8].tolist() == [1, 0, 0, 0, 255, 0, 0, 0]
    first = packed.words[4:6]           # bias less (zero point + 128) x weights, shift 9 + 5
    assert first.tolist() == [(10 - 131 * 3) * 256 + 14, MULT]
    assert packed.words[10:12].tolist() == [(40 - 131 * 15) * 256 + 17, MULT]


def test_scratch_holds_a_word_for_each_tap_and_what_lies_beside_the_image() -> None:
    weights = np.full((4, 3, 2, 5), 1, np.int8)
    packed = conv(weights, [0] * 4, [-9] * 4, params=(1, 1, 1, 1, 1, 0, -128, 127))
    assert packed is not None
    assert packed.scratch_bytes == 4 * 32 + 4 * 3 + 2 * 5      # 30 taps padded to 32
    assert packed.pixel_block == 0
    pointwise = one_by_one([[1] * 5], [0], [-9])
    assert pointwise is not None and pointwise.scratch_bytes == 4 * 8


@pytest.mark.parametrize("largest, kernel", [
    (2**20 - 1, 0), (2**20, 1), (2**23 - 1, 1), (2**23, None), (2**31, None),
])  # fmt: skip
def test_sums_choose_the_scaling(largest: int, kernel: int | None) -> None:
    taps = 16
    packed = one_by_one([[127] * taps], [largest - 127 * 127 * taps], [-16])
    assert (packed.params[10] if packed else None) == kernel


def test_a_channel_that_cannot_vary_has_no_weights() -> None:
    packed = one_by_one([[1, 1], [1, 1]], [2**30, 5], [-1, -1], zero=(0, 7))
    assert packed is not None and packed.words is not None
    bytes_ = packed.words.view(np.uint8)
    assert bytes_[:8:4].tolist() == [128, 128]      # weight 0
    assert packed.words[4] >> 8 == 4 * 120          # 127 less the zero point, in quarter steps
    assert packed.words[4] & 255 == 9 + 1


@pytest.mark.parametrize("shifts, kernel", [
    ([-1, -9], 0), ([0, 0], 2), ([8, 0], 2), ([9, 0], None), ([0, -1], None),
])  # fmt: skip
def test_left_shifts_round_once_or_stay_portable(shifts: list[int], kernel: int | None) -> None:
    packed = one_by_one([[1], [1]], [0, 0], shifts)
    assert (packed.params[10] if packed else None) == kernel


def test_what_stays_portable() -> None:
    assert conv(np.ones((4, 1, 1, 3), np.int8), [0] * 4, [-8] * 4, x=(1, 6, 6, 6)) is None   # groups
    multiplied = np.ones((1, 3, 3, 8), np.int8)
    assert conv(multiplied, [0] * 8, [-8] * 8, name="DEPTHWISE_CONV_2D", x=(1, 6, 6, 4)) is None
    a, y = Tensor("int8", (1, 2, 2, 4)), Tensor("int8", (1, 2, 2, 4))
    b = Tensor("int8", (1, 1, 1, 4))
    assert pack_op(Op("ADD", (0, 1), (2,), (20, MULT, 0, MULT, 0, MULT, -18, -128, 127)),
                   [a, b, y]) is None   # broadcasting
    assert pack_op(Op("COPY", (0,), (1,)), [a, y]) is None


DEPTHWISE = np.arange(9, dtype=np.int8).reshape(1, 3, 3, 1).repeat(4, 3)


def depthwise(params: tuple[int, ...], x: tuple[int, ...] = (1, 6, 6, 4),
              y: tuple[int, ...] = (1, 6, 6, 4)) -> Packed:  # fmt: skip
    packed = conv(DEPTHWISE, [100] * 4, [-8] * 4, name="DEPTHWISE_CONV_2D", x=x, y=y,
                  params=(*params, -128, 127), zero=(2, 0))  # fmt: skip
    assert packed is not None and packed.words is not None
    return packed


def test_depthwise_rows_keep_their_bias_and_positions_fold_it() -> None:
    rows, positions = depthwise((1, 1, 1, 1, 1, 1)), depthwise((2, 2, 1, 1, 1, 1), y=(1, 3, 3, 4))
    assert rows.params[10] == 4 and positions.params[10] == 0
    assert rows.scratch_bytes == 0 and positions.scratch_bytes == 4 * 9 + 4
    for packed, bias in ((rows, 100), (positions, 100 - 2 * 36)):
        assert packed.words is not None and packed.words.shape == (4 * 5,)
        assert packed.words.view(np.uint8)[:12].tolist() == [*range(9), 0, 0, 0]
        assert packed.words[3] == bias * 256 + 9 + 8


@pytest.mark.parametrize("params, x, y, by_rows", [
    ((2, 1, 1, 1, 1, 1), (1, 6, 6, 4), (1, 3, 6, 4), True),     # strides and dilations of rows
    ((1, 1, 2, 1, 2, 1), (1, 6, 6, 4), (1, 6, 6, 4), True),
    ((1, 2, 1, 1, 1, 1), (1, 6, 6, 4), (1, 6, 3, 4), False),    # of columns
    ((1, 1, 1, 2, 1, 2), (1, 6, 6, 4), (1, 6, 6, 4), False),
    ((1, 1, 1, 1, 0, 0), (1, 6, 6, 4), (1, 4, 4, 4), True),
    ((1, 1, 1, 1, 0, 0), (1, 6, 6, 4), (1, 4, 3, 4), False),    # columns nobody needs
    ((1, 1, 1, 1, 1, 1), (1, 6, 2, 4), (1, 6, 2, 4), True),
    ((1, 1, 1, 1, 1, 1), (1, 6, 1, 4), (1, 6, 1, 4), False),
])  # fmt: skip
def test_which_depthwise_layers_go_by_rows(params: tuple[int, ...], x: tuple[int, ...],
                                           y: tuple[int, ...], by_rows: bool) -> None:  # fmt: skip
    assert (depthwise(params, x, y).params[10] == 4) == by_rows


def test_depthwise_of_one_channel_is_a_convolution() -> None:
    packed = conv(DEPTHWISE, [0] * 4, [-8] * 4, name="DEPTHWISE_CONV_2D", x=(1, 6, 6, 1),
                  params=(1, 1, 1, 1, 1, 1, -128, 127))  # fmt: skip
    assert packed is not None and packed.name == "PACKED_CONV_2D"


@pytest.mark.parametrize("depth, outputs", [(4, 8), (5, 8), (8, 9), (640, 128)])
def test_dense_blocks_of_eight_channels(depth: int, outputs: int) -> None:
    tensors = [Tensor("int8", (1, depth), scale=0.1), Tensor("int8", (1, outputs), scale=0.1),
               constant(np.ones((outputs, depth)), "int8"), constant([0] * outputs),
               constant([MULT]), constant([-6], "int8")]  # fmt: skip
    packed = pack_op(Op("FULLY_CONNECTED", (0, 2, 3, 4, 5), (1,), (-128, 127)), tensors)
    assert packed is not None and packed.words is not None
    padded, blocks = -(-depth // 4) * 4, -(-outputs // 8)
    assert packed.words.shape == (blocks * (2 * padded + 16),)
    assert packed.params == (-128, 127, 2, depth)
    assert packed.scratch_bytes == (0 if depth % 4 == 0 else padded)
