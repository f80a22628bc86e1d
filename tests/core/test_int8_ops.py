"""Ops that join, cut, move and compare, against formulas in Python's whole numbers."""

from __future__ import annotations

import itertools

import core_build
import core_files_int8 as files
import numpy as np
import pytest
from core_files import MULT, weights
from test_ops import twice

ERRORS = core_build.errors()
EXTREMES = np.array([-128, -127, -1, 0, 1, 2, 126, 127], np.int8)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Random bytes, the extremes among them."""
    values = np.random.default_rng(seed).integers(-128, 128, shape).astype(np.int8)
    flat = values.reshape(-1)
    flat[: len(EXTREMES)] = EXTREMES[: len(flat)]
    return values


def clipped(values: np.ndarray, low: int = -128, high: int = 127) -> np.ndarray:
    return np.clip(values, low, high)


PAIRS = [((1, 2, 3, 4), (1, 2, 3, 4)), ((1, 2, 3, 4), (1, 1, 1, 4)), ((1, 1, 1, 1), (1, 2, 3, 4)),
         ((1, 2, 1, 4), (1, 1, 3, 1)), ((2, 1, 3, 1), (1, 2, 1, 4)), ((3, 2, 1, 1), (3, 2, 5, 1)),
         ((1, 1, 1, 1), (1, 1, 1, 1)), ((2, 2, 3, 4), (1, 1, 3, 4))]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_products(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    y, va, vb = np.broadcast_shapes(a, b), noise(a), noise(b, 1)
    wanted = np.vectorize(lambda p, q: twice((int(p) - 1) * (int(q) + 2), MULT, -6) + 4)(va, vb)
    got = core_build.run(files.pair("MUL", files.PRODUCT, a, b, y), [va, vb])
    np.testing.assert_array_equal(got.reshape(y), clipped(wanted, -120, 110))


@pytest.mark.parametrize(("a", "b"), PAIRS)
@pytest.mark.parametrize("name", ["MINIMUM", "MAXIMUM"])
def test_extremes(name: str, a: tuple[int, ...], b: tuple[int, ...]) -> None:
    y, va, vb = np.broadcast_shapes(a, b), noise(a), noise(b, 1)
    got = core_build.run(files.pair(name, [], a, b, y), [va, vb])
    wanted = {"MINIMUM": np.minimum, "MAXIMUM": np.maximum}[name](va, vb)
    np.testing.assert_array_equal(got.reshape(y), wanted)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_slopes(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    y, va, vb = np.broadcast_shapes(a, b), noise(a), noise(b, 1)

    def one(p: int, q: int) -> int:
        v = int(p) - 1
        return 4 + (twice(v, MULT, 1) if v >= 0 else twice(v * (int(q) + 2), MULT, -5))

    got = core_build.run(files.pair("PRELU", files.SLOPES, a, b, y), [va, vb])
    np.testing.assert_array_equal(got.reshape(y), clipped(np.vectorize(one)(va, vb)))


@pytest.mark.parametrize("left", [(1, 1, 1, 1), (1, 3, 2, 3), (2, 2, 1, 7)])
@pytest.mark.parametrize("channels", [1, 4])
def test_side_by_side(left: tuple[int, ...], channels: int) -> None:
    right = (*left[:3], channels)
    y = (*left[:3], left[3] + channels)
    a, b = noise(left), noise(right, 1)
    got = core_build.run(files.join(left, right, y), [a, b])
    np.testing.assert_array_equal(got.reshape(y), np.concatenate([a, b], axis=3))


def test_eight_side_by_side() -> None:
    a, b = noise((1, 3, 2, 3)), noise((1, 3, 2, 2), 1)
    got = core_build.run(files.join(y=(1, 3, 2, 20), inputs=8), [a, b])
    np.testing.assert_array_equal(got.reshape(1, 3, 2, 20), np.concatenate([a, b] * 4, axis=3))


SLICES = [
    (slice(None), slice(None), slice(None)), (slice(1, 5, 2), slice(None), slice(None)),
    (slice(None), slice(2, 3), slice(1, 4)), (slice(None, None, -1), slice(None, None, -2), slice(3, 0, -3)),
    (slice(5, 6), slice(4, 5), slice(3, 4)), (slice(0, 1), slice(None), slice(None, None, 3)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["s8", "u8", "s16", "s32", "f32"])
@pytest.mark.parametrize("part", SLICES)
@pytest.mark.parametrize("images", [1, 2])
def test_slices(part: tuple[slice, ...], dtype: str, images: int) -> None:
    kind = {"s8": "i1", "u8": "u1", "s16": "<i2", "s32": "<i4", "f32": "<f4"}[dtype]
    x = np.arange(images * 120).reshape(images, 6, 5, 4).astype(kind)
    wanted = x[(slice(None), *part)]
    ranges = [range(n)[s] for n, s in zip((6, 5, 4), part, strict=True)]
    steps = [r.step * s for r, s in zip(ranges, (20, 4, 1), strict=True)]
    start = sum(r.start * s for r, s in zip(ranges, (20, 4, 1), strict=True))
    got = core_build.run(files.copied(x.shape, wanted.shape, [start, *steps], dtype), [x], kind)
    np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_other_orders(order: tuple[int, ...]) -> None:
    x, strides = noise((2, 3, 4, 5)), {1: 20, 2: 5, 3: 1}
    wanted = x.transpose(0, *order)
    data = files.copied(x.shape, wanted.shape, [0, *(strides[a] for a in order)])
    np.testing.assert_array_equal(core_build.run(data, [x]).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("dtype", ["s32", "s64"])
@pytest.mark.parametrize("shape", [(1, 2, 5, 3), (1, 1, 1, 1), (2, 3, 4, 1), (1, 1, 300, 2)])
def test_where_the_largest_is(shape: tuple[int, ...], dtype: str) -> None:
    x = noise(shape) // 16      # many equals: the first one counts
    data = files.arg_max(shape, (shape[0], shape[1], shape[3]), dtype)
    got = core_build.run(data, [x], {"s32": "<i4", "s64": "<i8"}[dtype])
    np.testing.assert_array_equal(got, x.argmax(axis=2).reshape(-1))


@pytest.mark.parametrize("rows", [(0, 0, 1, 2, 2), (2, 0), (1,)])
@pytest.mark.parametrize("columns", [(1, 0, 1, 1), (0,)])
@pytest.mark.parametrize("images", [1, 2])
def test_resize(rows: tuple[int, ...], columns: tuple[int, ...], images: int) -> None:
    x = noise((images, 3, 2, 3))
    wanted = x[:, rows][:, :, columns]
    got = core_build.run(files.resize(rows, columns, x.shape), [x])
    np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)


# x, y height and width and channels, kernel, stride, pad
TRANSPOSED = [
    ((1, 3, 4, 5), (6, 8, 3), (3, 3), (2, 2), (0, 0)), ((1, 1, 1, 1), (1, 1, 1), (1, 1), (1, 1), (0, 0)),
    ((2, 2, 3, 2), (4, 5, 3), (2, 4), (2, 1), (1, 2)), ((1, 4, 4, 3), (9, 9, 2), (3, 3), (2, 2), (0, 0)),
    ((1, 2, 2, 3), (6, 6, 2), (1, 2), (3, 3), (0, 0)), ((1, 3, 3, 1), (2, 2, 1), (5, 5), (2, 2), (4, 3)),
    ((1, 5, 1, 4), (12, 3, 2), (4, 3), (2, 2), (1, 0)),
]  # fmt: skip


@pytest.mark.parametrize("case", TRANSPOSED)
def test_transposed_convolution(case) -> None:  # type: ignore[no-untyped-def]
    shape, (height, width, outputs), kernel, stride, pad = case
    x, w = noise(shape), weights(outputs, *kernel, shape[3]).astype(np.int64)
    y = (shape[0], height, width, outputs)
    acc = np.zeros(y, np.int64)
    for n, iy, ix, ky, kx in itertools.product(*(range(v) for v in (*shape[:3], *kernel))):
        oy, ox = iy * stride[0] + ky - pad[0], ix * stride[1] + kx - pad[1]
        if 0 <= oy < height and 0 <= ox < width:
            acc[n, oy, ox] += w[:, ky, kx] @ (x[n, iy, ix].astype(np.int64) - 3)
    wanted = np.empty(y, np.int64)
    for i in np.ndindex(y):
        o = i[3]
        wanted[i] = twice(int(acc[i]) + 40 * o - 50, MULT + 7 * o, -7 - o % 2) - 5
    got = core_build.run(files.transpose_conv(shape, y, kernel, stride, pad), [x])
    np.testing.assert_array_equal(got.reshape(y), clipped(wanted, -100, 90))


# ---- row by row: the same as whole ----

_FILTERS = weights(3, 3, 2, 2)
_PER_CHANNEL = [([40, -50, 7], "s32"), ([MULT, MULT + 9, MULT], "s32"), ([-7, -8, -7], "s8")]
STREAMED = {
    "mul": ("MUL", [(1, 6, 2, 3)] * 2, (1, 6, 2, 3), files.PRODUCT, [], (1, 0, 1)),
    "minimum": ("MINIMUM", [(1, 6, 2, 3)] * 2, (1, 6, 2, 3), [], [], (1, 0, 2)),
    "maximum_of_a_column": ("MAXIMUM", [(1, 6, 1, 3), (1, 6, 4, 1)], (1, 6, 4, 3), [], [], (1, 0, 1)),
    "prelu": ("PRELU", [(1, 6, 2, 3)], (1, 6, 2, 3), files.SLOPES,
              [(np.array([[[[9, -30, 100]]]]), "s8")], (1, 0, 1)),
    "strided_copy": ("STRIDED_COPY", [(1, 7, 3, 2)], (1, 3, 2, 2), [8, 12, -2, 1], [], (2, 1, 1)),
    "strided_copy_columns": ("STRIDED_COPY", [(1, 6, 3, 2)], (1, 6, 1, 6), [0, 6, 0, 1], [], (1, 0, 1)),
    "resize": ("RESIZE_NEAREST_NEIGHBOR", [(1, 3, 2, 3)], (1, 6, 2, 3), [],
               [([0, 0, 1, 1, 2, 2], "s16"), ([1, 0], "s16")], (1, 0, 3)),
    "transpose_conv": ("TRANSPOSE_CONV", [(1, 3, 3, 2)], (1, 6, 6, 3), [2, 2, 0, 0, -128, 127],
                       [(_FILTERS, "s8"), *_PER_CHANNEL], (1, 0, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", STREAMED)
def test_by_rows_through_rings(name: str) -> None:
    *arguments, stream = STREAMED[name]
    xs = [noise(shape, i) for i, shape in enumerate(arguments[1])]
    whole = core_build.run(files.streamed(*arguments), xs)
    np.testing.assert_array_equal(core_build.run(files.streamed(*arguments, stream), xs), whole)
    assert len(set(whole.tolist())) > 3


def test_concatenation_by_rows() -> None:
    xs = [noise((1, 6, 2, 3)), noise((1, 6, 2, 1), 1)]
    arguments = ("CONCATENATION", [x.shape for x in xs], (1, 6, 2, 4), [], [])
    whole = core_build.run(files.streamed(*arguments, missing=6), xs)
    got = core_build.run(files.streamed(*arguments, (1, 0, 1), 6), xs)
    np.testing.assert_array_equal(got, whole)


# ---- what the checks refuse ----

BAD = {
    "mul: negative multiplier": (files.pair("MUL", [-1, -6, -120, 110]), "OP"),
    "mul: shift": (files.pair("MUL", [MULT, 31, -120, 110]), "OP"),
    "mul: bounds out of order": (files.pair("MUL", [MULT, 0, 5, 4]), "OP"),
    "mul: shapes": (files.pair("MUL", files.PRODUCT, b=(1, 2, 2, 4)), "SHAPE"),
    "minimum: shapes": (files.pair("MINIMUM", [], a=(1, 2, 3, 5)), "SHAPE"),
    "maximum: images": (files.pair("MAXIMUM", [], b=(2, 2, 3, 4)), "SHAPE"),
    "prelu: slope": (files.pair("PRELU", [MULT, 0, MULT, -32]), "OP"),
    "concatenation: channels": (files.join(y=(1, 3, 2, 6)), "SHAPE"),
    "concatenation: columns": (files.join(b=(1, 3, 1, 2)), "SHAPE"),
    "concatenation: images": (files.join(y=(2, 3, 2, 5)), "SHAPE"),
    "strided_copy: behind the end": (files.copied((1, 6, 5, 4), (1, 3, 5, 2), [42, 40, 4, 2]), "OP"),
    "strided_copy: before the start": (files.copied((1, 6, 5, 4), (1, 3, 5, 2), [79, -40, 4, 2]), "OP"),
    "strided_copy: start": (files.copied((1, 6, 5, 4), (1, 1, 1, 1), [-1, 0, 0, 0]), "OP"),
    "strided_copy: overflow": (
        files.copied((1, 6, 5, 4), (1, 3, 5, 2), [0, -(2**31), 2**31 - 1, 1]), "OP"),
    "strided_copy: sums that cancel": (
        files.copied((1, 6, 5, 4), (1, 3, 5, 2), [0, 2**30, -(2**29), 1]), "OP"),
    "strided_copy: images": (files.copied((2, 6, 5, 4), (1, 3, 5, 2), [0, 0, 0, 0]), "SHAPE"),
    "arg_max: count": (files.arg_max(y=(2, 4)), "SHAPE"),
    "arg_max: type": (files.arg_max(dtype="s16"), "OP"),
    "resize: row beyond": (files.resize(rows=(0, 3)), "OP"),
    "resize: column before": (files.resize(columns=(0, -1)), "OP"),
    "transpose_conv: stride": (files.transpose_conv(stride=(0, 2)), "SHAPE"),
    "transpose_conv: padding": (files.transpose_conv(pad=(-1, 0)), "SHAPE"),
    "transpose_conv: images": (files.transpose_conv(y=(2, 6, 8, 3)), "SHAPE"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    data, error = BAD[name]
    code, op, _ = core_build.check(data)
    assert (code, op) == (ERRORS[f"TS_ERR_{error}"], 0)


def test_a_ring_must_hold_what_a_row_is_made_of() -> None:
    """Rows of a transposed tensor are made of all rows: no ring can hold them."""
    data = files.streamed("STRIDED_COPY", [(1, 4, 4, 1)], (1, 4, 4, 1), [0, 1, 4, 1], [], (1, 0, 1))
    assert core_build.check(data)[:2] == (ERRORS["TS_ERR_OP"], 2)


def test_sums_of_a_transposed_convolution_are_bounded() -> None:
    fits = files.transpose_conv((1, 1, 1, 7281), (1, 1, 1, 1), (3, 3), (1, 1))
    assert core_build.check(fits)[0] > 0
    beyond = files.transpose_conv((1, 1, 1, 7282), (1, 1, 1, 1), (3, 3), (1, 1))
    assert core_build.check(beyond)[0] == ERRORS["TS_ERR_SHAPE"]

