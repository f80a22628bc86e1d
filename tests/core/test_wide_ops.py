"""Ops on int16, with int4 weights, and with state, against formulas in Python's numbers.

That the formulas are TFLite's is shown by tests/golden; here are extremes that
no converter makes.
"""

from __future__ import annotations

import struct

import core_build
import core_files as files
import core_files_wide as wide
import numpy as np
import pytest
from core_files import MULT, THERE, Writer
from test_ops import twice

LOW, HIGH = -(2**15), 2**15 - 1


def sums_only(name: str, sums: list[int], mult: list[int], shift: list[int], dense: bool) -> bytes:
    """A layer whose sums are its biases: its input is zero."""
    w = Writer()
    n = len(sums)
    x, y = w.tensor((1, 1, 1, 1), "s16"), w.tensor((1, 1, 1, n), "s16")
    shape = (n, 1) if dense else (n, 1, 1, 1)
    operands = [
        x, w.tensor(shape, values=0), w.tensor((n,), "s64", values=np.array(sums), scale=0),
        w.tensor((n,), "s64" if dense else "s32", values=np.array(mult), scale=0),
        w.tensor((n,), "s8", values=shift, scale=0),
    ]  # fmt: skip
    w.op(name, operands, y, [*([] if dense else [1, 1, 1, 1, 0, 0]), LOW, HIGH])
    return w.data()


def clamped(values: list[int]) -> np.ndarray:
    return np.clip(np.array(values, object), LOW, HIGH).astype(np.int64)


def away(x: float) -> int:
    """The nearest whole number, halves away from zero."""
    whole, rest = divmod(abs(x), 1)
    return int(np.copysign(whole + (rest >= 0.5), x))


def test_dense_layers_scale_as_doubles_do() -> None:
    """Sums up to 2^53, multipliers of all sizes, and sums right between two steps."""
    rng = np.random.default_rng(5)
    sums, mult, shift = [], [], []
    for bits in range(1, 53):
        for _ in range(6):
            m = int(rng.integers(2**52, 2**53))
            n = int(np.clip(bits + 52 - rng.integers(1, 16), 1, 127))
            s = int(rng.integers(2 ** (bits - 1), 2**bits)) * int(rng.choice([-1, 1]))
            sums.append(s), mult.append(m), shift.append(n)
    for half in (1, 3, 5, 999, 65533):
        for s in (half, -half):
            sums.append(s), mult.append(2**52), shift.append(53)
    x = np.zeros((1, 1, 1, 1), np.int16)
    data = sums_only("MIXED_FULLY_CONNECTED", sums, mult, shift, dense=True)
    got = core_build.run(data, [x], "<i2")
    wanted = [
        away(float(s) * (m * 2.0**-n)) for s, m, n in zip(sums, mult, shift, strict=True)
    ]
    np.testing.assert_array_equal(got, clamped(wanted))
    assert len(set(got.tolist())) > 100


@pytest.mark.parametrize("shift", [-31, -20, -1, 0, 1, 7])
def test_convolutions_scale_64_bits_with_one_rounding(shift: int) -> None:
    base = 2 ** (30 - shift)
    sums = [0, 1, -1, base, -base, base + 2**13, -base - 2**13, 2**46, -(2**46),
            *np.random.default_rng(3).integers(-base, base, 50).tolist()]  # fmt: skip
    sums = [min(2**46, max(-(2**46), s)) for s in sums]
    mult = [1, 32767, 16384, *range(17000, 17000 + len(sums) - 3)]
    data = sums_only("MIXED_CONV_2D", sums, mult, [shift] * len(sums), dense=False)
    got = core_build.run(data, [np.zeros((1, 1, 1, 1), np.int16)], "<i2")
    n = 15 - shift
    scaled = [(s * m + 2 ** (n - 1)) >> n for s, m in zip(sums, mult, strict=True)]
    wraps = [(v + 2**31) % 2**32 - 2**31 for v in scaled]   # TFLite keeps 32 bits
    np.testing.assert_array_equal(got, clamped(wraps))


def nibbles(values: np.ndarray) -> np.ndarray:
    flat = np.append(values.reshape(-1), [0] * (values.size % 2)).astype(np.int64) & 15
    return (flat[0::2] | flat[1::2] << 4).astype(np.uint8).view(np.int8)


@pytest.mark.parametrize("depthwise", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_int4_weights_are_those_of_int8(channels: int, depthwise: bool) -> None:
    """The same small weights, packed: rows of filters begin in the middle of bytes."""
    x, kernel = (2, 4, 5, channels), (3, 2)
    n = channels * 2 if depthwise else 3
    shape = (1, *kernel, n) if depthwise else (n, *kernel, channels)
    values = np.arange(np.prod(shape)).reshape(shape) * 7 % 16 - 8
    outputs = []
    for name, dtype in (("", "s8"), ("MIXED_", "s4")):
        w = Writer()
        ix, iy = w.tensor(x, zero_point=3), w.tensor((2, 4, 3, n), zero_point=-5)
        packed = nibbles(values)
        iw = w.tensor((packed.size,) if dtype == "s4" else shape, dtype, values=packed
                      if dtype == "s4" else values)  # fmt: skip
        w.rows[iw][1], w.rows[iw][5:9] = 4, shape
        rest = files._weighted_operands(w, values, n)[1:]
        w.op(f"{name}{'DEPTHWISE_' if depthwise else ''}CONV_2D", [ix, iw, *rest], iy,
             [1, 2, 1, 1, 1, 0, -100, 100])  # fmt: skip
        given = np.random.default_rng(1).integers(-128, 128, x).astype(np.int8)
        outputs.append(core_build.run(w.data(), [given]))
    np.testing.assert_array_equal(*outputs)
    assert len(set(outputs[0].tolist())) > 10


def streamed(plain: bool, step: int) -> bytes:
    """int16 convolution of stride 2 into a ring, then to int8."""
    w = Writer()
    x, y = w.tensor((1, 9, 4, 2), "s16"), w.tensor((1, 4, 2, 3))
    between = w.tensor((1, 4, 2, 3), "s16", ring=0 if plain else step)
    if not plain:
        w.segment(w.tensor((12,), "u8"), (THERE, THERE, step, 2, 2), (0, THERE, 1, 1, 0))
    operands = [
        x, w.tensor((3, 3, 2, 2), values=files.weights(3, 3, 2, 2)),
        w.tensor((3,), "s64", values=[5, -90000, 7], scale=0),
        w.tensor((3,), "s32", values=[20000, 30000, 25000], scale=0),
        w.tensor((3,), "s8", values=[-8, -9, -7], scale=0),
    ]  # fmt: skip
    w.op("MIXED_CONV_2D", operands, between, [2, 1, 1, 2, 0, 0, LOW, HIGH])
    w.op("REQUANTIZE", [between], y, [MULT, -7, -128, 127])
    return w.data()


@pytest.mark.parametrize("step", [1, 2, 3])
def test_int16_rows_stream_through_rings(step: int) -> None:
    x = np.random.default_rng(8).integers(LOW, HIGH + 1, (1, 9, 4, 2)).astype(np.int16)
    whole = core_build.run(streamed(True, 1), [x])
    np.testing.assert_array_equal(core_build.run(streamed(False, step), [x]), whole)
    assert len(set(whole.tolist())) > 10


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_lstm_goes_on_where_it_stopped(steps: int) -> None:
    """Seven steps in one run are seven runs of one step."""
    x = np.random.default_rng(2).integers(-128, 128, (1, 7, 1, 4)).astype(np.int8)
    whole = core_build.run(wide.lstm(7), [x])
    runs = [[x[:, at : at + steps]] for at in range(0, 7 - 7 % steps, steps)]
    got = np.concatenate(core_build.sequence(wide.lstm(steps), runs))
    np.testing.assert_array_equal(got, whole[: got.size])


def svdf_formula(x: np.ndarray, state: np.ndarray, zeros: tuple[int, int]) -> list[int]:
    """wide.svdf with one image and rank 2: state is (6, 4) without its zero point, and changes."""
    highest = 32767 if zeros[1] == 0 else 127
    time = np.arange(24).reshape(6, 4) * 991 % 255 - 127
    time = time * (255 if zeros[1] == 0 else 1)
    dots = (x.astype(np.int64) - zeros[0]) @ files.weights(6, 5).T
    state[:, :-1] = state[:, 1:]
    state[:, -1] = [min(highest, max(-highest - 1, twice(int(d), MULT, -2))) for d in dots]
    if zeros[1]:    # the zero point is added in 8 bits
        state[:, -1] = (state[:, -1] + zeros[1] + 128) % 256 - 128 - zeros[1]
    sums = (state * time).sum(1).reshape(3, 2).sum(1) + np.arange(3) * 4000 - 900
    shift = -14 if zeros[1] == 0 else -6
    return [min(127, max(-128, twice(int(s), MULT, shift) - 128)) for s in sums]


@pytest.mark.parametrize(("state", "zero"), [("s16", 0), ("s8", -9)])
def test_svdf(state: str, zero: int) -> None:
    rng = np.random.default_rng(4)
    runs = [rng.integers(-128, 128, 5).astype(np.int8) for _ in range(20)]
    runs += [np.full(5, 127, np.int8), np.full(5, -128, np.int8)] * 3
    held = np.zeros((6, 4), np.int64)
    wanted = [svdf_formula(x, held, (3, zero)) for x in runs]
    got = core_build.sequence(wide.svdf(state, 1), [[x] for x in runs])
    np.testing.assert_array_equal(got, wanted)


def test_state_outside_the_arena_or_of_another_size_is_refused() -> None:
    errors = core_build.errors()
    for data in (wide.svdf(kept=False), wide.lstm(kept=False)):
        assert core_build.check(data)[0] in (errors["TS_ERR_OP"], errors["TS_ERR_SHAPE"])
    for data, elements, op in ((wide.svdf(), 23, 1), (wide.lstm(), 1, 2)):
        at = struct.unpack_from("<I", data, 32 + 12 + 4)[0] + 2 * 32 + 20    # TENS, row 2, dims[3]
        damaged = files.patched(data, at, "I", elements)
        assert core_build.check(damaged) == (errors["TS_ERR_SHAPE"], op, 2)
