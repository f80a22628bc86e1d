"""Tiny .tsm files for the int8 ops that join, cut, move and compare; whole, or row by row."""

from __future__ import annotations

import numpy as np
from core_files import ABSENT, MULT, THERE, Writer, weights

Shape = tuple[int, ...]


def table(w: Writer, x: int, y: int) -> None:
    """A LUT in front of or behind the op that is tried, so that it streams."""
    values = np.arange(256) * 77 % 256 - 128
    w.op("LUT", [x, w.tensor((256,), values=values)], y)


def streamed(name: str, xs: list[Shape], y: Shape, params: list[int], constants: list[object],
             stream: tuple[int, int, int] | None = None, missing: int = 0) -> bytes:  # fmt: skip
    """x -> LUT -> op -> LUT -> y, with one or two operands made of x.

    ``stream``: stride, lead and rows held; None: every tensor is whole.
    ``constants``: (values, type) of further operands; ``missing``: absent ones.
    """
    w = Writer(len(xs), 1)
    given = [w.tensor(x, zero_point=3) for x in xs]
    out = w.tensor(y, zero_point=-5)
    held, step = (stream[2], 1) if stream else (0, 1)
    made = [w.tensor(x, zero_point=3 + i, ring=held) for i, x in enumerate(xs)]
    between = w.tensor(y, zero_point=-5, ring=1 if stream else 0)
    if stream:
        n = len(xs)
        tables = [(THERE, THERE, 1, 1, 0)] * n
        second = 1 if n == 2 else THERE
        w.segment(w.tensor((4 * (n + 2) + 8,), "u8"), *tables,
                  (0, second, step, stream[0], stream[1]), (n, THERE, 1, 1, 0))  # fmt: skip
    for x, a in zip(given, made, strict=True):
        table(w, x, a)
    operands = [*made, *(w.tensor(np.shape(v), t, values=v, scale=0 if t != "s8" else 1.0)
                         for v, t in constants)]  # fmt: skip
    w.op(name, operands + [ABSENT] * missing, between, params)
    table(w, between, out)
    return w.data()


def join(a: Shape = (1, 3, 2, 3), b: Shape = (1, 3, 2, 2), y: Shape = (1, 3, 2, 5),
         inputs: int = 2) -> bytes:  # fmt: skip
    w = Writer(2, 1)
    ia, ib, iy = w.tensor(a), w.tensor(b), w.tensor(y)
    parts = ([ia, ib] * 4)[:inputs]
    w.op("CONCATENATION", parts + [ABSENT] * (8 - inputs), iy)
    return w.data()


def pair(name: str, params: list[int], a: Shape = (1, 2, 3, 4), b: Shape = (1, 2, 3, 4),
         y: Shape = (1, 2, 3, 4)) -> bytes:  # fmt: skip
    w = Writer(2, 1)
    ia, ib, iy = w.tensor(a, zero_point=1), w.tensor(b, zero_point=-2), w.tensor(y, zero_point=4)
    w.op(name, [ia, ib], iy, params)
    return w.data()


def copied(x: Shape, y: Shape, params: list[int], dtype: str = "s8") -> bytes:
    w = Writer()
    ix, iy = w.tensor(x, dtype), w.tensor(y, dtype)
    w.op("STRIDED_COPY", [ix], iy, params)
    return w.data()


def arg_max(x: Shape = (1, 2, 5, 3), y: Shape = (2, 3), dtype: str = "s32") -> bytes:
    w = Writer()
    ix, iy = w.tensor(x), w.tensor(y, dtype, scale=0)
    w.op("ARG_MAX", [ix], iy)
    return w.data()


def resize(rows: tuple[int, ...] = (0, 0, 1, 2, 2), columns: tuple[int, ...] = (1, 0, 1, 1),
           x: Shape = (1, 3, 2, 3)) -> bytes:  # fmt: skip
    w = Writer()
    ix, iy = w.tensor(x), w.tensor((x[0], len(rows), len(columns), x[3]))
    indices = [w.tensor((len(v),), "s16", values=v, scale=0) for v in (rows, columns)]
    w.op("RESIZE_NEAREST_NEIGHBOR", [ix, *indices], iy)
    return w.data()


def transpose_conv(x: Shape = (1, 3, 4, 5), y: Shape = (1, 6, 8, 3), kernel: tuple[int, int] = (3, 3),
                   stride: tuple[int, int] = (2, 2), pad: tuple[int, int] = (0, 0)) -> bytes:  # fmt: skip
    w = Writer()
    ix, iy = w.tensor(x, zero_point=3), w.tensor(y, zero_point=-5)
    w.op("TRANSPOSE_CONV", [ix, *_operands(w, y[3], kernel, x[3])], iy, [*stride, *pad, -100, 90])
    return w.data()


def _operands(w: Writer, outputs: int, kernel: tuple[int, int], depth: int) -> list[int]:
    filters = weights(outputs, *kernel, depth)
    n = np.arange(outputs)
    return [w.tensor(filters.shape, values=filters), *(
        w.tensor((outputs,), t, values=v, scale=0)
        for v, t in ((n * 40 - 50, "s32"), (MULT + 7 * n, "s32"), (-7 - n % 2, "s8"))
    )]  # fmt: skip


PRODUCT = [MULT, -6, -120, 110]
SLOPES = [MULT, 1, MULT, -5]


def models() -> dict[str, bytes]:
    """A tiny valid file for every op."""
    return {
        "mul": pair("MUL", PRODUCT),
        "mul_broadcast": pair("MUL", PRODUCT, (1, 1, 3, 1), (2, 2, 1, 4), (2, 2, 3, 4)),
        "minimum": pair("MINIMUM", []),
        "maximum": pair("MAXIMUM", [], b=(1, 1, 1, 4)),
        "prelu": pair("PRELU", SLOPES, b=(1, 1, 1, 4)),
        "concatenation": join(),
        "concatenation_eight": join(y=(1, 3, 2, 20), inputs=8),
        "strided_copy": copied((1, 6, 5, 4), (1, 3, 5, 2), [21, 40, 4, 2]),
        "strided_copy_backward": copied((1, 3, 4, 5), (1, 3, 4, 5), [59, -20, -5, -1], "s16"),
        "transposed": copied((2, 3, 4, 5), (2, 5, 3, 4), [0, 1, 20, 5]),
        "arg_max": arg_max(),
        "arg_max_int64": arg_max(dtype="s64"),
        "resize": resize(),
        "transpose_conv": transpose_conv(),
        "transpose_conv_padded": transpose_conv((2, 2, 3, 2), (2, 4, 5, 3), (2, 4), (2, 1), (1, 2)),
    }
