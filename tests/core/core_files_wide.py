"""Tiny .tsm files for ops that keep state, on int16, or with int4 weights."""

from __future__ import annotations

import numpy as np
from core_files import MULT, SHIFT, Writer, weights


def fill() -> bytes:
    """State that begins with one byte throughout; y is x plus all inputs since the reset."""
    w = Writer(n_init=1)
    x, y, state = (w.tensor((1, 2, 3)) for _ in range(3))
    w.record(33, [], [state], [7])
    w.op("ADD", [x, state], state, [1, 1 << 30, 0, 1 << 30, 0, (1 << 31) - 1, 0, -128, 127])
    w.op("COPY", [state], y)
    return w.data()


def shift_in() -> bytes:
    """y is the last two inputs."""
    w = Writer(n_init=1)
    x, y, state = w.tensor((1, 1, 2, 3)), w.tensor((1, 2, 2, 3)), w.tensor((1, 2, 2, 3))
    w.record(33, [], [state], [7])
    w.op("SHIFT_IN", [x], state)
    w.op("COPY", [state], y)
    return w.data()


def svdf(state: str = "s16", n: int = 2, k: int = 5, units: int = 3, rank: int = 2,
         steps: int = 4, kept: bool = True) -> bytes:  # fmt: skip
    """``kept`` False: the state is a constant of the file."""
    w = Writer(n_init=int(kept))
    filters, zero = units * rank, -9 if state == "s8" else 0
    x, y = w.tensor((n, k), zero_point=3), w.tensor((n, units), zero_point=-128)
    held = w.tensor((n, filters * steps), state, zero, values=None if kept else 0)
    time = np.arange(filters * steps).reshape(filters, steps) * 991 % 255 - 127
    operands = [
        x, w.tensor((filters, k), values=weights(filters, k)),
        w.tensor((filters, steps), state, values=time * (255 if state == "s16" else 1)),
        w.tensor((units,), "s32", values=np.arange(units) * 4000 - 900, scale=0), held,
    ]  # fmt: skip
    if kept:
        w.record(33, [], [held], [zero & 255])
    shift = -14 if state == "s16" else -6
    w.op("SVDF", operands, y, [rank, MULT, -2, MULT, shift])
    return w.data()


def lstm(steps: int = 3, k: int = 4, cells: int = 2, bits: int = 4, clip: int = 20000,
         kept: bool = True) -> bytes:  # fmt: skip
    """``kept`` False: the cells are a constant of the file."""
    w = Writer(n_init=1 + kept)
    x, y = w.tensor((1, steps, 1, k), zero_point=5), w.tensor((1, steps, 1, cells), zero_point=-3)
    hidden, cell = w.tensor((1, cells), zero_point=-3), w.tensor((1, cells), "s16", values=None if kept else 0)
    constants = [
        w.tensor((4, cells, k), values=weights(4, cells, k)),
        w.tensor((4, cells, cells), values=weights(4, cells, cells)),
        w.tensor((8 * cells,), "s32", values=np.arange(8 * cells) * 300 - 900, scale=0),
    ]
    w.record(33, [], [hidden], [-3 & 255])
    if kept:
        w.record(33, [], [cell], [0])
    scaling = [v for gate in range(8) for v in (MULT + 99 * gate, -gate % 3)]
    w.op("UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *constants, hidden, cell], y,
         [*scaling, bits, clip, MULT, -22])  # fmt: skip
    return w.data()


def wide(name: str, x: tuple[int, ...], y: tuple[int, ...], params: list[int],
         tables: tuple[int, ...] = (), dtypes: tuple[str, str] = ("s16", "s16"),
         zero_points: tuple[int, int] = (0, 0)) -> bytes:  # fmt: skip
    """An op of one activation; ``tables``: how many points each of its constants has."""
    w = Writer()
    ix, iy = w.tensor(x, dtypes[0], zero_points[0]), w.tensor(y, dtypes[1], zero_points[1])
    constants = [w.tensor((n,), "s16", values=np.arange(n) * 60 % 32768) for n in tables]
    w.op(name, [ix, *constants], iy, params)
    return w.data()


def pair(name: str, params: list[int], b: tuple[int, ...] = (1, 2, 3, 4)) -> bytes:
    w = Writer(2, 1)
    a, b, y = (w.tensor(s, "s16") for s in ((1, 2, 3, 4), b, (1, 2, 3, 4)))
    w.op(name, [a, b], y, params)
    return w.data()


def mixed(name: str, x: tuple[int, ...], y: tuple[int, ...], w_shape: tuple[int, ...],
          params: list[int], dtype: str = "s16", w_dtype: str = "s8", bias: str = "s64") -> bytes:  # fmt: skip
    """A layer with weights; as many channels as y has."""
    w = Writer()
    zeros = (3, -5) if dtype == "s8" else (0, 0)
    ix, iy = w.tensor(x, dtype, zeros[0]), w.tensor(y, dtype, zeros[1])
    n = y[-1]
    dense = name == "MIXED_FULLY_CONNECTED"
    mult = (1 << 52) + np.arange(n) * 12345 if dense else (
        (20000 if bias == "s64" else MULT) + np.arange(n) * 7)
    shift = 58 if dense else SHIFT
    highest = 32767 if dtype == "s16" else 127
    constants = [
        w.tensor(w_shape, w_dtype, values=weights(*w_shape)),
        w.tensor((n,), bias, values=np.arange(n) * 400 - 500, scale=0),
        w.tensor((n,), "s64" if dense else "s32", values=mult, scale=0),
        w.tensor((n,), "s8", values=shift - np.arange(n) % 2, scale=0),
    ]
    w.op(name, [ix, *constants], iy, [*params, -highest - 1, highest])
    return w.data()


WINDOW = [2, 1, 1, 1, 1, 0]     # strides, dilations, pads


def models() -> dict[str, bytes]:
    conv = ("MIXED_CONV_2D", (1, 5, 4, 2), (1, 3, 3, 3), (3, 3, 2, 2), WINDOW)
    grouped = ("MIXED_CONV_2D", (1, 5, 4, 4), (1, 3, 3, 6), (6, 3, 2, 2), WINDOW)
    depthwise = ("MIXED_DEPTHWISE_CONV_2D", (1, 5, 4, 2), (1, 3, 3, 4), (1, 3, 2, 4), WINDOW)
    dense = ("MIXED_FULLY_CONNECTED", (2, 7), (2, 3), (3, 7), [])
    return {
        "fill": fill(),
        "shift_in": shift_in(),
        "svdf": svdf(),
        "svdf_int8": svdf("s8", 1),
        "lstm": lstm(),
        "requantize": wide("REQUANTIZE", (2, 5), (2, 5), [MULT, -7, -128, 127], (), ("s16", "s8"),
                           (0, 7)),
        "requantize_int32": wide("REQUANTIZE", (2, 5), (2, 5), [MULT, 3, -(2**31), 2**31 - 1], (),
                                 ("s16", "s32")),
        "logistic_int16": wide("LOGISTIC_S16", (2, 5), (2, 5), [24000, 3, 0], (256,)),
        "tanh_int16": wide("LOGISTIC_S16", (2, 5), (2, 5), [24000, 3, 1], (256,)),
        "softmax_int16": wide("SOFTMAX_S16", (2, 5), (2, 5), [MULT, 1], (513, 513)),
        "softmax_int8_int16": wide("SOFTMAX", (2, 6), (2, 6), [1 << 30, 22, -248], (),
                                   ("s8", "s16"), (3, -32768)),
        "quantize_int16": wide("QUANTIZE", (2, 5), (2, 5), [], (), ("f32", "s16")),
        "dequantize_uint8": wide("DEQUANTIZE", (2, 5), (2, 5), [], (), ("u8", "f32"), (9, 0)),
        "average_pool_int16": wide("AVERAGE_POOL_2D_S16", (1, 5, 4, 3), (1, 3, 2, 3),
                                   [2, 2, 3, 3, 1, 0, -900, 9999]),
        "max_pool_int16": wide("MAX_POOL_2D_S16", (1, 5, 4, 3), (1, 3, 2, 3),
                               [2, 2, 3, 3, 1, 0, -900, 9999]),
        "mean_int16": wide("MEAN_S16", (1, 3, 4, 5), (1, 5), [6, MULT, -3]),
        "add_int16": pair("ADD_S16", [15, MULT, 0, MULT, -1, MULT, -14, -32768, 32767]),
        "mul_int16": pair("MUL_S16", [MULT, -14, -9, 32767], (1, 1, 3, 1)),
        "mixed_conv": mixed(*conv),
        "mixed_conv_groups": mixed(*grouped, bias="s32"),
        "mixed_conv_int4": mixed(*conv, dtype="s8", w_dtype="s4", bias="s32"),
        "mixed_depthwise": mixed(*depthwise),
        "mixed_depthwise_int4": mixed(*depthwise, dtype="s8", w_dtype="s4", bias="s32"),
        "mixed_fully_connected": mixed(*dense),
        "mixed_fully_connected_int4": mixed(*dense, dtype="s8", w_dtype="s4", bias="s32"),
    }  # fmt: skip
