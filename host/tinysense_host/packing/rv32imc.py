"""Constants for RV32IMC: those of Cortex-M0 with signed weights."""

from __future__ import annotations

from collections.abc import Sequence

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing.armv6m import Kernels, pack_with
from tinysense_host.packing.packed import Packed

__all__ = ["pack_op"]

_RV32IMC = Kernels(weight_offset=0, x_offset=0, pixels=4, pieces=False)


def pack_op(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """The op as this core runs it, None where it stays portable."""
    return pack_with(_RV32IMC, op, tensors)
