"""Ops for Helium (Cortex-M55, M85): constants as device/core/arch/mve*.c read them.

A layer's constant is a sequence of groups of four outputs: bias, multiplier
and shift of each, then their weights in blocks of 16 bytes, output by output.
The zero point of x is folded into the bias. Layers that scale up and
grouped convolutions stay portable.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinysense_host.modelfile import Op, Tensor
from tinysense_host.packing import linear_add
from tinysense_host.packing.packed import Packed

__all__ = ["pack_op"]

_BLOCK = 16             # bytes multiplied at once
_GROUP = 4              # outputs scaled at once
_CHUNK = 16             # channels of a depthwise layer that one pass lays apart
_STRIP_BYTES = 2560     # scratch that a layer may take for speed
_COPY_BYTES = 512       # pixels of a 1x1 layer that are read before they are written
_SIDE_MAX = 4095        # of kernels, strides and blocks of positions


def pack_op(op: Op, tensors: Sequence[Tensor]) -> Packed | None:
    """The op as Helium's kernels take it; None where it stays portable."""
    packers = {
        "CONV_2D": _conv, "DEPTHWISE_CONV_2D": _depthwise, "FULLY_CONNECTED": _fully_connected,
        "ADD": _add,
    }  # fmt: skip
    pack = packers.get(op.name)
    return pack(op, [tensors[i] for i in op.operands]) if pack else None


def _conv(op: Op, operands: list[Tensor]) -> Packed | None:
    """CONV_2D without groups."""
    x, w = operands[0], _weights(operands)
    if w is None or w.shape[3] != x.dims[3]:
        return None
    return _window(op, operands, w)


def _window(op: Op, operands: list[Tensor], w: np.ndarray) -> Packed | None:
    """w is (Co, kh, kw, Ci)."""
    x, y = operands[0], operands[-1]
    groups = _groups(operands, _undilated(w, op.params[3]).transpose(0, 2, 1, 3), most=0)
    kernel_h, kernel_w = w.shape[1:3]
    stride_h, stride_w, _, dilation_w, *_ = op.params
    wide = (kernel_w - 1) * dilation_w + 1
    if groups is None or max(wide, kernel_h, stride_w) >= _SIDE_MAX or x.dims[3] >= 1 << 16:
        return None
    column = kernel_h * x.dims[3]
    alone = (kernel_h, wide, stride_h, stride_w, *x.dims[1:3]) == (1, 1, 1, 1, *y.dims[1:3])
    if alone:
        pixels = min(max(2, _COPY_BYTES // column // 2 * 2), y.dims[1] * y.dims[2], _SIDE_MAX)
    else:
        pixels = _share(y.dims[2], (_STRIP_BYTES // column - wide) // stride_w + 1)
    return Packed(
        "PACKED_CONV_2D", op.inputs[:1], (*op.params, kernel_h, kernel_w, 0, pixels), groups,
        ((pixels - 1) * stride_w + wide) * column + _BLOCK, pixels if alone else 0,
    )  # fmt: skip


def _depthwise(op: Op, operands: list[Tensor]) -> Packed | None:
    """DEPTHWISE_CONV_2D; with one input channel it is a convolution."""
    x, y, w = operands[0], operands[-1], _weights(operands)
    if w is None:
        return None
    if x.dims[3] == 1:
        return _window(op, operands, w.transpose(3, 1, 2, 0))
    kernel_h, kernel_w = w.shape[1:3]
    stride_w, dilation_w = op.params[1], op.params[3]
    wide = (kernel_w - 1) * dilation_w + 1
    if max(kernel_h, wide, stride_w) >= _SIDE_MAX:
        return None
    taps = _undilated(w.transpose(3, 1, 2, 0), dilation_w).transpose(0, 2, 1, 3)
    groups = _groups(operands, taps, most=0)
    if groups is None or x.dims[3] >= 1 << 16:
        return None
    swapped = x.dims[2] == y.dims[2] == wide == 1 and op.params[2] == 1
    rows, positions, stride, taps, together = kernel_h, y.dims[2], stride_w, wide, _CHUNK
    if swapped:         # rows of a sequence are laid apart like columns of a picture
        rows, positions, stride, taps = 1, y.dims[1], op.params[0], kernel_h
        together = -(-x.dims[3] // _CHUNK) * _CHUNK
    pixels = _share(positions, (_STRIP_BYTES // (rows * together) - taps) // stride + 1)
    plane = ((pixels - 1) * stride + taps) * rows
    if plane * _CHUNK >= 1 << 16:
        return None
    chunks = min(-(-x.dims[3] // _CHUNK), max(1, _STRIP_BYTES // (plane * _CHUNK)))
    return Packed(
        "PACKED_DEPTHWISE_CONV_2D", op.inputs[:1],
        (*op.params, kernel_h, kernel_w, 0, chunks * _CHUNK << 12 | pixels), groups,
        plane * _CHUNK * chunks + _BLOCK,
    )  # fmt: skip


def _fully_connected(op: Op, operands: list[Tensor]) -> Packed | None:
    w = _weights(operands)
    y = operands[-1]
    if w is None or w.shape[2] != y.dims[3]:
        return None
    groups, depth = _groups(operands, w[0, 0], most=-1), w.shape[3]
    if groups is None:
        return None
    scratch = depth + _BLOCK if depth % _BLOCK else 0
    return Packed("PACKED_FULLY_CONNECTED", op.inputs[:1], (*op.params, 0, depth), groups, scratch)


def _add(op: Op, operands: list[Tensor]) -> Packed | None:
    a, b, y = operands
    if not a.dims == b.dims == y.dims:
        return None
    found = linear_add.fit((a.zero_point, b.zero_point, y.zero_point), op.params)
    if found is None:
        return None
    params = (found.a_mult, found.b_mult, found.offset, found.shift, *op.params[-2:], 0, 0)
    return Packed("PACKED_ADD", op.inputs, params)


def _weights(operands: list[Tensor]) -> np.ndarray | None:
    """Constant int8 weights in four dims, for int8 activations."""
    x, w, y = operands[0], operands[1], operands[-1]
    if w.data is None or {x.dtype, w.dtype, y.dtype} != {"int8"}:
        return None
    return np.asarray(w.data).reshape(w.dims)


def _undilated(w: np.ndarray, dilation: int) -> np.ndarray:
    """(N, kh, kw, C) with zeros between columns, so that they lie side by side."""
    wide = np.zeros((*w.shape[:2], (w.shape[2] - 1) * dilation + 1, w.shape[3]), np.int8)
    wide[:, :, ::dilation] = w
    return wide


def _share(positions: int, most: int) -> int:
    """Positions in blocks of equal size, at most ``most`` each where that is possible."""
    blocks = -(-positions // max(1, min(most, _SIDE_MAX)))
    return -(-positions // blocks)


def _groups(operands: list[Tensor], w: np.ndarray, most: int) -> np.ndarray | None:
    """Words of the layer: w is (N, ...) in the order of x; None if a shift is above ``most``."""
    n = w.shape[0]
    w = w.reshape(n, -1).astype(np.int64)
    bias, mult, shift = (np.asarray(t.data).astype(np.int64).reshape(-1) for t in operands[2:5])
    if shift.max() > most or mult.min() < 0:
        return None
    bias = bias - operands[0].zero_point * w.sum(axis=1)
    padded, blocks = -(-n // _GROUP) * _GROUP, -(-w.shape[1] // _BLOCK)
    params = np.zeros((3, padded), np.int64)
    params[0, :n], params[1, :n], params[2, :n] = bias, mult, shift
    bytes_ = np.zeros((padded, blocks * _BLOCK), np.int8)
    bytes_[:n, : w.shape[1]] = w
    head = params.reshape(3, -1, _GROUP).transpose(1, 0, 2).astype(np.uint64).astype("<u4")
    body = bytes_.reshape(-1, _GROUP, blocks, _BLOCK).transpose(0, 2, 1, 3)
    words = np.ascontiguousarray(body).view("<i4").reshape(len(head), -1)
    return np.concatenate([head.reshape(len(head), -1).view("<i4"), words], axis=1).reshape(-1)
