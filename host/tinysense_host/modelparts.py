"""The parts of a model in memory: rows of the tensor table, op records, golden vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

__all__ = ["ABSENT", "BACKWARD", "DTYPES", "Geometry", "Golden", "Op", "Tensor", "item_bits",
           "storage_dtype"]  # fmt: skip

DTYPES = ("int8", "uint8", "int16", "int32", "float32", "int64", "int4")
BACKWARD = 1        # of Op.flags
ABSENT = 0xFFFF     # in place of an operand that an op does without


def item_bits(dtype: str) -> int:
    """Bits of one element; int4 is the one that does not fill bytes."""
    return 4 if dtype == "int4" else np.dtype(dtype).itemsize * 8


def storage_dtype(dtype: str) -> np.dtype[np.generic]:
    """What an array of these elements is in memory: int4 values lie one to an int8."""
    return np.dtype("int8" if dtype == "int4" else dtype)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A row of the tensor table; ``shape`` is outermost first, rank 0 to 4.

    A constant has ``data``; any other tensor lies at ``offset`` in the arena.
    Of a tensor with ``ring`` rows (along the second of its four dimensions)
    only the newest lie there, row y at place y % ring; 0: all of it does.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int = 0
    zero_point: int = 0
    scale: float = 0.0
    data: np.ndarray | None = None
    ring: int = 0

    @property
    def constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return -(-self.elements * item_bits(self.dtype) // 8)

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """The shape with ones in front, four dimensions in all."""
        a, b, c, d = (1,) * (4 - len(self.shape)) + self.shape
        return a, b, c, d

    @property
    def row_bytes(self) -> int:
        """Bytes of one row: all that shares an index of the second of the four dimensions."""
        return self.dims[2] * self.dims[3] * item_bits(self.dtype) // 8

    @property
    def stored_bytes(self) -> int:
        """Bytes that lie in the arena: those of the ring, or all."""
        return self.ring * self.row_bytes if self.ring else self.nbytes


@dataclass(frozen=True)
class Op:
    """An op record: ``name`` from ops.def, tensor numbers, s32 parameters.

    An operand may be ABSENT where the op allows it; absent ones at the end of
    ``inputs`` and ``outputs`` are left out.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    params: tuple[int, ...] = ()
    flags: int = 0

    @property
    def backward(self) -> bool:
        """Rows of the output are made from the last to the first."""
        return bool(self.flags & BACKWARD)

    @property
    def operands(self) -> tuple[int, ...]:
        """Tensor numbers of inputs and outputs that are there."""
        return tuple(i for i in (*self.inputs, *self.outputs) if i != ABSENT)


@dataclass(frozen=True)
class Geometry:
    """Windows of ``window`` frames, every ``hop`` frames, each a row of ``row_outputs`` values.

    An input has ``outputs`` values: the newest ``rows`` rows; the next is due
    ``row_stride`` rows later. Without features all is zero but those two.
    """

    channels: int = 0
    window: int = 0
    hop: int = 0
    outputs: int = 0
    work_bytes: int = 0
    rows: int = 1
    row_stride: int = 1
    row_outputs: int = 0

    @property
    def golden_frames(self) -> int:
        """Frames of a golden vector: of the windows that come between two inputs."""
        return self.window + (self.row_stride - 1) * self.hop

    @property
    def new_bytes(self) -> int:
        """Bytes of an input that are new in it."""
        return self.row_stride * self.row_outputs

    @property
    def input_hop(self) -> int:
        """Frames from one input to the next."""
        return self.row_stride * self.hop


@dataclass(frozen=True, eq=False)
class Golden:
    """Windows (n, frames x channels) int16 or (n, 0); inputs and outputs (n, bytes) uint8."""

    windows: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)
