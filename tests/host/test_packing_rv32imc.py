"""Constants for RV32IMC: where they differ from those for Cortex-M0."""

from __future__ import annotations

import numpy as np
import pytest

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing.packed import Packed
from tinysense_host.packing.rv32imc import pack_op

MULT = 1 << 30


def conv(weights: list[int], bias: int, shift: int, zero: int = 0) -> Packed | None:
    """One output of 6x6 pixels."""
    def constant(values: object, dtype: str) -> Tensor:
        data = np.array(values, dtype)
        return Tensor(dtype, data.shape, data=data)

    depth = len(weights)
    tensors = [Tensor("int8", (1, 6, 6, depth), zero_point=zero, scale=0.1),
               Tensor("int8", (1, 6, 6, 1), scale=0.1),
               constant(np.reshape(weights, (1, 1, 1, depth)), "int8"), constant([bias], "int32"),
               constant([MULT], "int32"), constant([shift], "int8")]  # fmt: skip
    return pack_op(Op("CONV_2D", (0, 2, 3, 4, 5), (1,), (1, 1, 1, 1, 0, 0, -128, 127)), tensors)


def test_weights_are_signed_and_shifts_whole() -> None:
    packed = conv([-3, 4, 127, -128], 1000, -7, zero=5)
    assert packed is not None and packed.words is not None
    assert packed.words.view(np.int8)[:16:4].tolist() == [-3, 4, 127, -128]
    assert packed.words[4:6].tolist() == [1000 * 256 + 7, MULT]     # weights sum to 0
    assert packed.pixel_block == 4 and packed.scratch_bytes == 4 * 4


@pytest.mark.parametrize("bias, shift, kernel", [
    (2**23 - 1, -16, 0), (2**23, -16, None), (-(2**23) + 1, -16, 0), (-(2**23), -16, None),
    (0, 0, 2), (0, 1, None), (2**22, -21, 0), (2**22, -22, None),
])  # fmt: skip
def test_limits(bias: int, shift: int, kernel: int | None) -> None:
    packed = conv([127] * 16, bias, shift)
    assert (packed.params[10] if packed else None) == kernel
