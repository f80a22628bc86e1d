"""Which rows of its inputs an op reads for which rows of its output.

A row is an index along the second of four dimensions: H of NHWC, time of
sequences. Everything the planner knows about a kernel stands here: what it may
overlap and how it streams follows from that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinysense_host.corefiles import op_rows
from tinysense_host.modelparts import Op, Tensor

__all__ = ["WHOLE", "Access", "Promise", "access_of"]

WHOLE = 32767       # lead of an op that needs all its input first
_POOL_ROWS_MAX = 2**16 - 1


@dataclass(frozen=True)
class Promise:
    """What a kernel does beyond what all kernels of its op do.

    ``pixels`` P > 0: it reads blocks of P pixels, upwards, before it writes
    them. ``ahead``: called once for all rows, it has copied the rows of x that
    a row needs before it writes that row, and reads none of them again.
    ``under``: so many bytes of y's end may lie at the beginning of its
    scratch, or past it.
    """

    pixels: int = 0
    ahead: bool = False
    under: int = 0


_NONE = Promise()


@dataclass(frozen=True)
class Access:
    """``calls`` rows of each image are made, or taken in where it accumulates.

    Row r needs the input rows r * stride - back .. r * stride + lead, as far
    as they exist. ``rows`` False: the op reads all before it is sure to be
    done with anything. ``same``: operands whose bytes the output may take
    exactly. ``pixels`` P: blocks of P pixels are read before they are written,
    upwards, each pixel alone; 0: not so. ``ahead``, ``under``: as in Promise.
    ``sums``: fed row by row it needs this many bytes for sums, 0: it cannot.
    ``forward``: never from the last row to the first, for each needs the one before.
    """

    calls: int
    images: int = 1
    rows: bool = False
    stride: int = 0
    lead: int = WHOLE
    back: int = 0
    same: tuple[int, ...] = ()
    pixels: int = 0
    ahead: bool = False
    under: int = 0
    sums: int = 0
    forward: bool = False

    def needs(self, tensor: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(first, last) row of an input needed for each row made, images one after another.

        last < first where none is. Rows count on from image to image.
        """
        images, height = tensor.dims[:2]
        if not self.rows or images != self.images:
            count = self.calls * self.images
            return np.zeros(count, np.int64), np.full(count, images * height - 1)
        made = np.arange(self.calls, dtype=np.int64)
        first = np.maximum(made * self.stride - self.back, 0)
        last = np.minimum(made * self.stride + self.lead, height - 1)
        if height == 1 and self.stride == 1 and self.lead == self.back == 0:
            first = last = np.zeros(self.calls, np.int64)   # one row for all
        starts = np.arange(images, dtype=np.int64)[:, None] * height
        return (first + starts).reshape(-1), (last + starts).reshape(-1)

    def fed_by_rows(self, tensor: Tensor) -> Access:
        """Of an op with ``sums``: as it is when it takes rows of ``tensor`` as they come."""
        return replace(self, calls=tensor.dims[1], rows=True, stride=1, lead=0, back=0)


_Rows = Sequence[Tensor]


def access_of(op: Op, rows: _Rows, promise: Promise = _NONE) -> Access:
    """What is known of an op; ``promise`` is its packer's."""
    y = rows[op.outputs[0]].dims
    whole = Access(y[1], y[0], same=_SAME.get(op.name, ()), under=promise.under)
    if op.name == "PACKED_FULLY_CONNECTED":
        return replace(whole, pixels=promise.pixels)
    if not op_rows()[op.name].rows or op.name not in _BY_ROWS:
        return _with_sums(op, rows, whole)
    return _with_sums(op, rows, _BY_ROWS[op.name](op, rows, whole, promise))


def _window(op: Op, rows: _Rows, whole: Access, stride: int, reach: int, pad: int) -> Access:
    return replace(whole, rows=True, stride=stride, lead=reach - pad, back=pad)


def _conv(op: Op, rows: _Rows, whole: Access, promise: Promise) -> Access:
    packed = op.name.startswith("PACKED_")
    kernel = op.params[8:10] if packed else rows[op.inputs[1]].dims[1:3]
    stride_h, stride_w, dilation, _, pad_top, pad_left = op.params[:6]
    found = _window(op, rows, whole, stride_h, (kernel[0] - 1) * dilation, pad_top)
    single = (*kernel, stride_h, stride_w, pad_top, pad_left) == (1, 1, 1, 1, 0, 0)
    if not single or not promise.pixels:
        return replace(found, ahead=promise.ahead and found.images == 1)
    return replace(found, pixels=promise.pixels, same=(0,))


def _pool(op: Op, rows: _Rows, whole: Access, _: Promise) -> Access:
    stride, kernel, pad = op.params[:5:2]
    return _window(op, rows, whole, stride, kernel - 1, pad)


def _pad(op: Op, rows: _Rows, whole: Access, _: Promise) -> Access:
    before = op.params[2]
    if op.params[0] or op.params[1]:
        return whole
    return _window(op, rows, whole, 1, 0, before)


def _pointwise(op: Op, rows: _Rows, whole: Access, _: Promise) -> Access:
    y = rows[op.outputs[0]].dims
    fits = all(rows[i].dims[1] in (1, y[1]) for i in op.inputs if not rows[i].constant)
    return replace(whole, rows=True, stride=1, lead=0, back=0) if fits else whole


def _steps(op: Op, rows: _Rows, whole: Access, _: Promise) -> Access:
    return replace(whole, rows=True, stride=1, lead=0, back=0, forward=True)


def _with_sums(op: Op, rows: _Rows, found: Access) -> Access:
    """Averages over all rows can be fed row by row."""
    if op.name not in ("AVERAGE_POOL_2D", "MEAN"):
        return found
    x, y = rows[op.inputs[0]].dims, rows[op.outputs[0]]
    if op.name == "MEAN":
        whole_height = op.params[0] & 10 == 2 and x[0] == 1     # rows, but not channels
    else:
        _, _, kernel_h, _, pad_top, _ = op.params[:6]
        whole_height = kernel_h >= x[1] and pad_top == 0 and y.dims[0] == 1
    fits = whole_height and y.dims[1] == 1 and x[1] <= _POOL_ROWS_MAX
    return replace(found, sums=4 * y.elements) if fits else found


_BY_ROWS: dict[str, Callable[[Op, _Rows, Access, Promise], Access]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _conv,
    "PACKED_CONV_2D": _conv,
    "PACKED_DEPTHWISE_CONV_2D": _conv,
    "MIXED_CONV_2D": _conv,
    "MIXED_DEPTHWISE_CONV_2D": _conv,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _steps,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D_S16": _pool,
    "MAX_POOL_2D_S16": _pool,
    "PAD": _pad,
    **dict.fromkeys(
        ("ADD", "MUL", "MINIMUM", "MAXIMUM", "PRELU", "PACKED_ADD", "CONCATENATION", "LUT",
         "QUANTIZE", "DEQUANTIZE", "SOFTMAX", "ADD_S16", "MUL_S16", "REQUANTIZE",
         "LOGISTIC_S16", "SOFTMAX_S16"), _pointwise),
}  # fmt: skip

# Operands, one of which the output may take exactly: each element is read
# before it is written. Only where all shapes are equal: a repeated operand is
# read again after its bytes were written.
_SAME: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("ADD", "MUL", "MINIMUM", "MAXIMUM", "PRELU", "PACKED_ADD", "ADD_S16",
                     "MUL_S16"), (0, 1)),
    **dict.fromkeys(("COPY", "LUT", "QUANTIZE", "SOFTMAX", "REQUANTIZE", "LOGISTIC_S16",
                     "SOFTMAX_S16"), (0,)),
}
