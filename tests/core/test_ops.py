"""Ops on hand-built files against the formulas in Python's whole numbers.

That the formulas are TFLite's is shown by tests/golden; here are the shapes
that no converter makes, and both ways of rounding side by side.
"""

from __future__ import annotations

import itertools

import core_build
import core_files as files
import numpy as np
import pytest

MULT = files.MULT


def inputs(shape: tuple[int, ...], kind: str) -> np.ndarray:
    if kind == "random":
        return np.random.default_rng(3).integers(-128, 128, shape).astype(np.int8)
    return np.full(shape, -128 if kind == "low" else 127, np.int8)


KINDS = ("random", "low", "high")


def twice(x: int, mult: int, shift: int) -> int:
    """Rounded high multiply, then a right shift with halves away from zero."""
    high = (x * 2 ** max(shift, 0) * mult + 2**30) >> 31
    n = max(-shift, 0)
    return high if n == 0 else (abs(high) + 2 ** (n - 1) >> n) * (1 if high >= 0 else -1)


def once(x: int, mult: int, shift: int) -> int:
    return (x * mult + 2 ** (30 - shift)) >> (31 - shift)


def requantised(acc: np.ndarray, rule, n: int, zero: int, act=(-128, 127)) -> np.ndarray:  # type: ignore[no-untyped-def]
    """acc is (.., channels) without bias; the constants are core_files' own."""
    out = np.empty(acc.shape, np.int64)
    for index in np.ndindex(acc.shape):
        c = index[-1]
        i = c if n > 1 else 0
        v = rule(int(acc[index]) + 40 * c - 50, MULT + 7 * i, files.SHIFT - i % 2)
        out[index] = min(act[1], max(act[0], v + zero))
    return out


def convolved(x, w, stride, dilation, pad, out_shape, groups, depthwise=False):  # type: ignore[no-untyped-def]
    """x with its zero point taken off; plain sums over the taps inside."""
    acc = np.zeros(out_shape, np.int64)
    for n, oy, ox, o in np.ndindex(*out_shape):
        for ky, kx in itertools.product(range(w.shape[1]), range(w.shape[2])):
            y, c = oy * stride[0] + ky * dilation[0] - pad[0], ox * stride[1] + kx * dilation[1] - pad[1]
            if not (0 <= y < x.shape[1] and 0 <= c < x.shape[2]):
                continue
            if depthwise:
                acc[n, oy, ox, o] += x[n, y, c, o // (out_shape[3] // x.shape[3])] * w[0, ky, kx, o]
            else:
                first = o // (out_shape[3] // groups) * w.shape[3]
                acc[n, oy, ox, o] += x[n, y, c, first : first + w.shape[3]] @ w[o, ky, kx]
    return acc


# x, kernel, out, groups, stride, dilation, pad, y height and width
CONVS = [
    ((1, 1, 1, 1), (1, 1), 1, 1, (1, 1), (1, 1), (0, 0), (1, 1)),
    ((1, 5, 6, 4), (3, 2), 6, 1, (1, 1), (1, 1), (0, 0), (3, 5)),
    ((1, 5, 6, 4), (3, 3), 3, 1, (2, 2), (1, 1), (1, 1), (3, 3)),
    ((2, 4, 5, 3), (3, 3), 5, 1, (1, 2), (1, 1), (1, 0), (4, 2)),
    ((1, 5, 6, 4), (3, 2), 6, 2, (1, 1), (1, 1), (1, 1), (5, 6)),
    ((1, 3, 4, 6), (1, 1), 9, 3, (1, 1), (1, 1), (0, 0), (3, 4)),
    ((1, 3, 4, 4), (2, 2), 4, 4, (1, 1), (1, 1), (1, 1), (4, 5)),
    ((1, 3, 7, 2), (3, 3), 4, 1, (1, 1), (2, 3), (2, 3), (3, 7)),
    ((1, 2, 3, 2), (2, 2), 4, 1, (1, 1), (5, 4), (4, 3), (2, 3)),
    ((1, 1, 9, 3), (1, 5), 7, 1, (1, 3), (1, 1), (0, 4), (1, 4)),
    ((1, 3, 3, 5), (3, 3), 8, 1, (1, 1), (1, 1), (2, 2), (5, 5)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", CONVS)
def test_conv(row, kind: str) -> None:  # type: ignore[no-untyped-def]
    shape, kernel, out, groups, stride, dilation, pad, size = row
    y = (shape[0], *size, out)
    data = files.conv(shape, kernel, out, groups, stride, dilation, pad, y, act=(-90, 80))
    x, w = inputs(shape, kind), files.weights(out, *kernel, shape[3] // groups)
    acc = convolved(x.astype(np.int64) - 3, w, stride, dilation, pad, y, groups)
    wanted = requantised(acc, twice, out, -5, (-90, 80))
    np.testing.assert_array_equal(core_build.run(data, [x]).reshape(y), wanted)


DEPTHWISE = [
    ((1, 5, 6, 3), (3, 3), 1, (1, 1), (1, 1), (1, 1), (5, 6)),
    ((1, 4, 4, 2), (3, 3), 3, (2, 2), (1, 1), (1, 1), (2, 2)),
    ((2, 1, 9, 16), (1, 4), 1, (1, 2), (1, 1), (0, 1), (1, 4)),
    ((1, 3, 3, 17), (3, 1), 1, (1, 1), (1, 1), (1, 0), (3, 3)),
    ((1, 5, 5, 33), (2, 2), 1, (1, 1), (2, 2), (1, 1), (5, 5)),
    ((1, 2, 2, 1), (2, 2), 17, (1, 1), (3, 3), (2, 2), (2, 2)),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("row", DEPTHWISE)
def test_depthwise(row, kind: str) -> None:  # type: ignore[no-untyped-def]
    shape, kernel, multiplier, stride, dilation, pad, size = row
    out = shape[3] * multiplier
    y = (shape[0], *size, out)
    data = files.depthwise(shape, kernel, multiplier, stride, dilation, pad, y)
    x, w = inputs(shape, kind), files.weights(1, *kernel, out)
    acc = convolved(x.astype(np.int64) - 3, w, stride, dilation, pad, y, 1, depthwise=True)
    wanted = requantised(acc, twice, out, -5, (-100, 100))
    np.testing.assert_array_equal(core_build.run(data, [x]).reshape(y), wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scales", [None, 1])
@pytest.mark.parametrize(("m", "k", "n"), [(1, 1, 1), (1, 7, 3), (2, 8, 4), (3, 9, 5), (1, 300, 9)])
def test_fully_connected(m: int, k: int, n: int, scales: int | None, kind: str) -> None:
    data = files.fully_connected(m, k, n, scales)
    x = inputs((m, k), kind)
    acc = (x.astype(np.int64) - 3) @ files.weights(n, k).T
    wanted = requantised(acc, once, scales or n, -5)
    np.testing.assert_array_equal(core_build.run(data, [x]).reshape(m, n), wanted)


# x height and width, kernel, stride, pad, y height and width
POOLS = [
    ((5, 4), (3, 3), (2, 2), (1, 0), (3, 2)), ((1, 1), (1, 1), (1, 1), (0, 0), (1, 1)),
    ((4, 6), (4, 6), (1, 1), (0, 0), (1, 1)), ((3, 3), (5, 5), (1, 1), (2, 2), (3, 3)),
    ((1, 9), (1, 2), (1, 3), (0, 1), (1, 4)),
]  # fmt: skip


@pytest.mark.parametrize("channels", [1, 15, 16, 17])
@pytest.mark.parametrize("row", POOLS)
def test_pools(row, channels: int) -> None:  # type: ignore[no-untyped-def]
    size, kernel, stride, pad, out = row
    x, y = inputs((1, *size, channels), "random"), (1, *out, channels)
    params = [*stride, *kernel, *pad, -90, 99]
    average, maximum = np.empty(y, np.int64), np.empty(y, np.int64)
    for oy, ox in itertools.product(range(out[0]), range(out[1])):
        top, left = oy * stride[0] - pad[0], ox * stride[1] - pad[1]
        part = x[0, max(top, 0) : top + kernel[0], max(left, 0) : left + kernel[1]].astype(np.int64)
        n = part.shape[0] * part.shape[1]
        total = part.sum(axis=(0, 1))
        average[0, oy, ox] = np.sign(total) * ((np.abs(total) + n // 2) // n)
        maximum[0, oy, ox] = part.max(axis=(0, 1))
    for name, wanted in (("AVERAGE_POOL_2D", average), ("MAX_POOL_2D", maximum)):
        got = core_build.run(files.unary(name, x.shape, y, params), [x])
        np.testing.assert_array_equal(got.reshape(y), np.clip(wanted, -90, 99))


@pytest.mark.parametrize("mask", range(16))
def test_mean_over_every_choice_of_axes(mask: int) -> None:
    x = inputs((2, 3, 4, 5), "random")
    axes = tuple(i for i in range(4) if mask >> i & 1)
    total = (x.astype(np.int64) - 3).sum(axis=axes)
    wanted = [min(127, max(-128, twice(int(v), MULT, -2) - 7)) for v in np.ravel(total)]
    shape = tuple(d for i, d in enumerate(x.shape) if i not in axes)
    data = files.unary("MEAN", x.shape, shape, [mask, MULT, -2], zero_points=(3, -7))
    assert core_build.run(data, [x]).tolist() == wanted


SHAPES = [((1, 2, 3, 4), (1, 2, 3, 4)), ((1, 2, 3, 4), (1, 1, 1, 4)), ((1, 2, 3, 4), (1, 2, 1, 1)),
          ((1, 1, 1, 1), (2, 2, 3, 4)), ((2, 1, 3, 1), (1, 2, 1, 4)), ((1, 1, 1, 1), (1, 1, 1, 1))]  # fmt: skip


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_add_broadcasts(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    y = np.broadcast_shapes(a, b)
    va, vb = inputs(a, "random"), inputs(b, "random")[::-1]
    left, ma, sa, mb, sb, my, sy, *_ = files.ADD
    wanted = np.empty(y, np.int64)
    for i in np.ndindex(y):
        p = int(np.broadcast_to(va, y)[i]) - 1 << left
        q = int(np.broadcast_to(vb, y)[i]) + 2 << left
        wanted[i] = twice(twice(p, ma, sa) + twice(q, mb, sb), my, sy) + 4
    got = core_build.run(files.add(a, b, y), [va, vb])
    np.testing.assert_array_equal(got.reshape(y), np.clip(wanted, -128, 127))


@pytest.mark.parametrize("pads", [((0, 0),) * 4, ((0, 0), (1, 2), (0, 0), (0, 0)),
                                  ((0, 0), (2, 1), (1, 3), (0, 2)), ((0, 0), (0, 0), (0, 0), (4, 0))])  # fmt: skip
def test_pad(pads: tuple[tuple[int, int], ...]) -> None:
    x = inputs((2, 2, 3, 2), "random")
    wanted = np.pad(x, pads, constant_values=-7)
    params = [v for pair in pads for v in pair]
    data = files.unary("PAD", x.shape, wanted.shape, [*params, -7])
    np.testing.assert_array_equal(core_build.run(data, [x]).reshape(wanted.shape), wanted)


@pytest.mark.parametrize("n", [1, 2, 3, 511, 512, 4095])
@pytest.mark.parametrize("kind", KINDS)
def test_softmax_is_near_the_exact_one(n: int, kind: str) -> None:
    """input_mult 2^30, shift 22: an input step is 2^21 / 2^26 = 1 / 32."""
    x = inputs((2, n), kind)
    data = files.unary("SOFTMAX", x.shape, x.shape, [1 << 30, 22, -248], zero_points=(3, -128))
    e = np.exp((x.astype(float) - x.max(axis=1, keepdims=True)) / 32)
    wanted = np.minimum(256 * e / e.sum(axis=1, keepdims=True) - 128, 127)
    assert np.abs(core_build.run(data, [x]).reshape(2, n) - wanted).max() <= 0.51


def test_table_and_copy() -> None:
    x = np.arange(-10, 10, dtype=np.int8)
    assert core_build.run(files.lut(), [x]).tolist() == [
        (int(v) + 128) * 5 % 256 - 128 for v in x
    ]
    u = np.arange(236, 256, dtype=np.uint8)
    assert core_build.run(files.lut("u8"), [u], "u1").tolist() == [int(v) * 5 % 256 for v in u]
    data = files.unary("COPY", (4, 5), (4, 5), [])
    assert core_build.run(data, [x]).tolist() == x.tolist()


def test_quantize_and_dequantize() -> None:
    given = [0.25, -0.25, 0.24, -0.76, 1e30, -1e30, float("inf"), float("-inf"), float("nan"), 62.0]
    wanted = [4, 2, 3, 1, 127, -128, 127, -128, 3, 127]
    data = files.unary("QUANTIZE", (10,), (10,), [], ("f32", "s8"), (0, 3))
    assert core_build.run(data, [np.array(given, np.float32)]).tolist() == wanted
    x = np.array([-128, -1, 3, 127], np.int8)
    data = files.unary("DEQUANTIZE", (4,), (4,), [], ("s8", "f32"), (3, 0))
    assert core_build.run(data, [x], "<f4").tolist() == [-65.5, -2.0, 0.0, 62.0]


def test_ops_run_one_by_one_too() -> None:
    lib, data = core_build.library(), files.chain()
    import ctypes

    results = []
    for whole in (True, False):
        file, arena, state = core_build.aligned(data), np.zeros(26, np.uint32), core_build.State()
        assert lib.ts_model_load(ctypes.byref(state), core_build.pointer(file), len(data),
                                 core_build.pointer(arena), 104) == 0  # fmt: skip
        arena.view(np.int8)[:88] = inputs((88,), "random")
        if whole:
            lib.ts_model_run(ctypes.byref(state))
        else:
            assert [lib.ts_model_run_op(ctypes.byref(state), i) for i in range(3)] == [0, 0, 0]
        results.append(arena.tobytes())
    assert results[0] == results[1]
    assert lib.ts_model_run_op(ctypes.byref(state), 3) < 0
    assert lib.ts_model_run_op(ctypes.byref(state), -1) < 0
