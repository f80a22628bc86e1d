"""The loader: every numbered invariant of models/FORMAT.md, and damage of every kind."""

from __future__ import annotations

import ctypes
import re
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import core_build
import core_files as files
import core_plans
import numpy as np
import pytest

HERE = Path(__file__).parent
ERRORS = core_build.errors()
MODELS = files.models()
Damage = Callable[[bytes], bytes]


def section(data: bytes, tag: str) -> int:
    """Offset of a section."""
    for i in range(data[7]):
        found, offset, _ = struct.unpack_from("<4sII", data, 32 + 12 * i)
        if found == tag.encode():
            return int(offset)
    raise AssertionError(tag)


def row_of(data: bytes, tag: str) -> int:
    """Offset of a section's row in the section table."""
    return next(32 + 12 * i for i in range(data[7]) if data[32 + 12 * i :][:4] == tag.encode())


def header(offset: int, layout: str, value: int) -> Damage:
    return lambda data: files.patched(data, offset, layout, value)


def table(tag: str, offset: int, layout: str, value: int) -> Damage:
    return lambda data: files.patched(data, row_of(data, tag) + offset, layout, value)


def tens(index: int, offset: int, layout: str, value: int) -> Damage:
    return lambda data: files.patched(data, section(data, "TENS") + 32 * index + offset, layout, value)


def tens_dims(index: int, *dims: int) -> Damage:
    """All four dims of a tensor."""

    def damage(data: bytes) -> bytes:
        at = section(data, "TENS") + 32 * index
        return data[: at + 8] + struct.pack("<4I", *dims) + data[at + 24 :]

    return damage


def prog(offset: int, layout: str, value: int) -> Damage:
    return lambda data: files.patched(data, section(data, "PROG") + offset, layout, value)


def param(index: int, value: int) -> Damage:
    """Parameter of the first op."""

    def damage(data: bytes) -> bytes:
        at = section(data, "PROG")
        operands = data[at + 4] + data[at + 5]
        return files.patched(data, at + 8 + (operands + 1) // 2 * 4 + 4 * index, "i", value)

    return damage


def constant(tensor: int, layout: str, value: int, index: int = 0) -> Damage:
    """An element of a constant tensor."""

    def damage(data: bytes) -> bytes:
        at = struct.unpack_from("<I", data, section(data, "TENS") + 32 * tensor + 4)[0]
        return files.patched(data, at + struct.calcsize(layout) * index, layout, value)

    return damage


def feat(offset: int, layout: str, value: int) -> Damage:
    return lambda data: files.patched(data, section(data, "FEAT") + offset, layout, value)


def gold(offset: int, value: int) -> Damage:
    return lambda data: files.patched(data, section(data, "GOLD") + offset, "I", value)


def word(index: int, value: int) -> Damage:
    """A parameter word of the segment that PROG begins with: 0 is the count of ops."""
    return prog(12 + 4 * index, "i", value)


CONV, DEPTHWISE, POOL, DENSE = 48, 100, 152, 200    # records of the segment's ops, in PROG
PRODUCERS = 1 << 16 | 255 << 8                      # step 1, no second input
# (invariant, model, damage, error, op, tensor): tensors are x y w bias mult shift.
CASES = [
    (1, "conv", header(0, "B", 0x55), "MAGIC", -1, -1),
    (1, "conv", header(4, "H", 0), "VERSION", -1, -1),
    (1, "conv", header(4, "H", 1), "VERSION", -1, -1),
    (1, "conv", header(6, "B", 1), "TARGET", -1, -1),
    (1, "conv", header(6, "B", 255), "TARGET", -1, -1),
    (1, "conv", header(8, "I", 569), "TRUNCATED", -1, -1),
    (1, "conv", header(8, "I", 31), "TRUNCATED", -1, -1),
    (1, "conv", header(8, "I", 0xFFFFFFFF), "TRUNCATED", -1, -1),
    (1, "conv", header(12, "I", 0x80000000), "SECTION", -1, -1),
    (2, "conv", header(7, "B", 17), "SECTION", -1, -1),
    (2, "conv", header(7, "B", 3), "SECTION", -1, -1),
    (2, "conv", header(7, "B", 0), "SECTION", -1, -1),
    (2, "conv", header(28, "B", 1), "SECTION", -1, -1),
    (2, "conv", header(31, "B", 1), "SECTION", -1, -1),
    (2, "conv", header(20, "H", 5), "SECTION", -1, -1),
    (2, "conv", header(20, "H", 7), "SECTION", -1, -1),
    (2, "conv", header(24, "B", 0), "SECTION", -1, -1),
    (2, "conv", header(24, "B", 9), "SECTION", -1, -1),
    (2, "conv", header(25, "B", 0), "SECTION", -1, -1),
    (2, "conv", header(25, "B", 6), "SECTION", -1, -1),
    (2, "conv", table("META", 0, "I", 0x41414141), "SECTION", -1, -1),
    (2, "conv", table("TENS", 0, "I", 0x4154454D), "SECTION", -1, -1),      # META twice
    (2, "conv", table("META", 4, "I", 64), "SECTION", -1, -1),              # in the table
    (2, "conv", table("META", 4, "I", 81), "SECTION", -1, -1),
    (2, "conv", table("TENS", 4, "I", 80), "SECTION", -1, -1),              # over META
    (2, "conv", table("DATA", 4, "I", 0xFFFFFFF0), "SECTION", -1, -1),
    (2, "conv", table("DATA", 8, "I", 0xFFFFFFFF), "SECTION", -1, -1),
    (2, "conv", table("META", 8, "I", 4097), "SECTION", -1, -1),
    (3, "conv", tens(0, 0, "B", 5), "TENSOR", -1, 0),
    (3, "conv", tens(1, 1, "B", 5), "TENSOR", -1, 1),
    (3, "conv", tens(2, 2, "B", 2), "TENSOR", -1, 2),
    (3, "conv", tens(3, 3, "B", 1), "TENSOR", -1, 3),
    (3, "conv", tens(0, 4, "I", 1), "TENSOR", -1, 0),
    (3, "conv", tens(1, 4, "I", 140), "TENSOR", -1, 1),
    (3, "conv", tens(1, 4, "I", 0xFFFFFFFC), "TENSOR", -1, 1),
    (3, "conv", tens(2, 4, "I", 0), "TENSOR", -1, 2),
    (3, "conv", tens(5, 4, "I", 0xFFFFFFFC), "TENSOR", -1, 5),
    (3, "conv", tens(0, 8, "I", 0), "TENSOR", -1, 0),
    (3, "conv", tens(0, 8, "I", 0xFFFFFFFF), "TENSOR", -1, 0),
    (3, "conv", tens(0, 20, "I", 0x40000000), "TENSOR", -1, 0),
    (3, "conv", tens(3, 8, "I", 2), "TENSOR", -1, 3),                       # unused, not 1
    (3, "conv", tens_dims(0, 1 << 16, 1 << 16, 1 << 16, 1 << 16), "TENSOR", -1, 0),   # 2^64
    (3, "conv", tens_dims(0, 1, 1, 1 << 31, 2), "TENSOR", -1, 0),           # 2^32
    (3, "conv", tens(0, 24, "i", 128), "TENSOR", -1, 0),
    (3, "conv", tens(0, 24, "i", -129), "TENSOR", -1, 0),
    (3, "lut_u8", tens(0, 24, "i", -1), "TENSOR", -1, 0),
    (3, "lut_u8", tens(0, 24, "i", 256), "TENSOR", -1, 0),
    (3, "conv", tens(3, 24, "i", 1), "TENSOR", -1, 3),
    (3, "conv", tens(0, 28, "I", 0x7F800000), "TENSOR", -1, 0),             # infinity
    (3, "conv", tens(0, 28, "I", 0x7FC00000), "TENSOR", -1, 0),             # not a number
    (3, "conv", tens(0, 28, "I", 0xBF800000), "TENSOR", -1, 0),             # -1.0
    (3, "conv", header(12, "I", 208), "TENSOR", -1, 1),                     # arena 4 short
    (4, "conv", header(25, "B", 2), "TENSOR", -1, 2),
    (5, "conv", prog(0, "H", 0), "OPCODE", 0, -1),
    (5, "conv", prog(0, "H", 999), "OPCODE", 0, -1),
    (5, "conv", prog(2, "H", 0), "OP", 0, -1),
    (5, "conv", prog(2, "H", 12), "OP", 0, -1),
    (5, "conv", prog(2, "H", 0xFFFF), "OP", 0, -1),
    (5, "conv", prog(4, "B", 4), "OP", 0, -1),
    (5, "conv", prog(5, "B", 2), "OP", 0, -1),
    (5, "conv", prog(6, "H", 2), "OP", 0, -1),
    (5, "conv", prog(6, "H", 0x100), "OP", 0, -1),
    (5, "conv", prog(8, "H", 6), "OP", 0, -1),
    (5, "conv", prog(18, "H", 2), "OP", 0, 2),                              # output: weights
    (5, "conv", header(22, "H", 2), "OP", 1, -1),
    (5, "conv", table("PROG", 8, "I", 48), "OP", 0, -1),                    # a word short
    (5, "conv", table("PROG", 8, "I", 51), "SECTION", -1, -1),
    (5, "conv", table("PROG", 8, "I", 4), "OP", 0, -1),
    (5, "conv", table("PROG", 8, "I", 56), "SECTION", -1, -1),              # a word over
    (5, "conv", header(22, "H", 0), "SECTION", -1, -1),
    (5, "add", prog(14, "H", 1), "OP", 0, -1),                              # padding not zero
    (6, "conv", tens(0, 0, "B", 1), "OP", 0, 0),
    (6, "conv", tens(2, 0, "B", 1), "OP", 0, 2),
    (6, "conv", tens(0, 20, "I", 3), "SHAPE", 0, 2),                        # 3 channels, depth 4
    (6, "conv", tens(1, 20, "I", 5), "SHAPE", 0, 2),
    (6, "conv", tens(3, 20, "I", 5), "SHAPE", 0, 3),
    (6, "conv", tens(3, 0, "B", 4), "OP", 0, 3),
    (6, "conv", tens(4, 20, "I", 5), "SHAPE", 0, 4),
    (6, "conv", tens(5, 20, "I", 7), "SHAPE", 0, 5),
    (6, "conv", tens(0, 8, "I", 2), "TENSOR", -1, 0),
    (6, "conv_1d", tens(1, 8, "I", 1), "SHAPE", 0, 1),                      # batches differ
    (6, "depthwise", tens(2, 8, "I", 2), "SHAPE", 0, 2),
    (6, "depthwise", tens(2, 20, "I", 2), "SHAPE", 0, 2),
    (6, "fully_connected", tens(2, 20, "I", 6), "SHAPE", 0, 2),
    (6, "fully_connected", tens(1, 20, "I", 4), "SHAPE", 0, 1),
    (6, "max_pool", tens(1, 20, "I", 2), "SHAPE", 0, 1),
    (6, "mean", tens(1, 20, "I", 4), "SHAPE", 0, 1),
    (6, "mean", param(0, 16), "OP", 0, -1),
    (6, "mean", param(0, 4), "SHAPE", 0, 1),
    (6, "add", tens(1, 20, "I", 2), "SHAPE", 0, 2),
    (6, "add_broadcast", tens(0, 16, "I", 2), "SHAPE", 0, 2),
    (6, "pad", param(0, 2), "SHAPE", 0, 1),
    (6, "pad", param(1, -1), "SHAPE", 0, 1),
    (6, "pad", param(8, 128), "OP", 0, -1),
    (6, "softmax", tens(1, 20, "I", 5), "SHAPE", 0, 1),
    (6, "softmax", tens(1, 24, "i", -127), "OP", 0, 1),
    (6, "lut", tens(2, 20, "I", 255), "SHAPE", 0, 2),
    (6, "lut", tens(0, 0, "B", 2), "OP", 0, 0),
    (6, "lut", tens(2, 0, "B", 1), "OP", 0, 2),
    (6, "quantize", tens(1, 20, "I", 5), "SHAPE", 0, 1),
    (6, "quantize", tens(1, 28, "I", 0), "OP", 0, 1),
    (6, "dequantize", tens(0, 28, "I", 0), "OP", 0, 0),
    (6, "copy", tens(1, 20, "I", 4), "SHAPE", 0, 1),
    (7, "conv", param(0, 0), "SHAPE", 0, 1),
    (7, "conv", param(1, 32769), "SHAPE", 0, 1),
    (7, "conv", param(2, -1), "SHAPE", 0, 1),
    (7, "conv", param(4, -1), "SHAPE", 0, 1),
    (7, "conv", param(4, 3), "SHAPE", 0, 1),                                # all padding
    (7, "conv", param(0, 3), "SHAPE", 0, 1),                                # beyond the end
    (7, "conv", param(5, 0x7FFFFFFF), "SHAPE", 0, 1),
    (7, "average_pool", param(2, 0), "SHAPE", 0, 1),
    (7, "average_pool", param(2, 1), "SHAPE", 0, 1),                        # pad 1, kernel 1
    (7, "average_pool", param(0, 4), "SHAPE", 0, 1),
    (8, "conv", constant(4, "i", -1), "OP", 0, 4),
    (8, "conv", constant(4, "i", -(2**31), 5), "OP", 0, 4),
    (8, "conv", constant(5, "b", -32, 5), "OP", 0, 5),
    (8, "conv", constant(5, "b", 31), "OP", 0, 5),
    (8, "conv", param(6, -129), "OP", 0, -1),
    (8, "conv", param(7, 128), "OP", 0, -1),
    (8, "depthwise", param(6, 101), "OP", 0, -1),
    (8, "conv", tens(2, 24, "i", 1), "OP", 0, 2),
    (8, "fully_connected", tens(2, 24, "i", -1), "OP", 0, 2),
    (8, "max_pool", tens(1, 24, "i", 4), "OP", 0, -1),
    (8, "mean", param(1, -1), "OP", 0, -1),
    (8, "mean", param(2, 31), "OP", 0, -1),
    (8, "add", param(0, 23), "OP", 0, -1),
    (8, "add", param(2, 1), "OP", 0, -1),
    (8, "add", param(5, -1), "OP", 0, -1),
    (8, "add", param(6, -32), "OP", 0, -1),
    (8, "softmax", param(1, 31), "OP", 0, -1),
    (8, "softmax", param(1, -1), "OP", 0, -1),
    (8, "softmax", param(1, 24), "OP", 0, -1),                              # 248 << 24
    (8, "softmax", param(2, 1), "OP", 0, -1),
    (9, "chain", feat(0, "H", 0), "FEATURES", -1, -1),
    (9, "chain", feat(0, "H", 17), "FEATURES", -1, -1),
    (9, "chain", feat(2, "H", 0), "FEATURES", -1, -1),
    (9, "chain", feat(4, "H", 73), "FEATURES", -1, -1),
    (9, "chain", feat(6, "H", 6), "FEATURES", -1, -1),
    (9, "chain", feat(8, "I", 87), "FEATURES", -1, -1),
    (9, "chain", feat(12, "I", 700), "FEATURES", -1, -1),
    (9, "chain", feat(16, "H", 99), "FEATURES", -1, -1),
    (9, "chain", feat(18, "H", 0), "FEATURES", -1, -1),
    (9, "chain", feat(20, "i", 9), "FEATURES", -1, -1),
    (10, "chain", gold(0, 0), "GOLDEN", -1, -1),
    (10, "chain", gold(0, 2), "GOLDEN", -1, -1),
    (10, "chain", gold(0, 0xFFFFFFFF), "GOLDEN", -1, -1),
    (10, "chain", gold(4, 0), "GOLDEN", -1, -1),
    (10, "chain", gold(8, 84), "GOLDEN", -1, -1),
    (10, "chain", gold(12, 8), "GOLDEN", -1, -1),
    (3, "backward", tens(0, 3, "B", 6), "TENSOR", -1, 0),                   # a ring of two images
    (3, "segment", tens(2, 3, "B", 99), "TENSOR", -1, 2),                   # beyond the arena
    (3, "lut", tens(0, 0, "B", 6), "TENSOR", -1, 0),                        # s4 in the arena
    (6, "average_pool_sums", param(2, 3), "OP", 0, 2),                      # not all of H
    (6, "average_pool_sums", param(4, 1), "OP", 0, 2),                      # padding above
    (12, "segment", tens(5, 3, "B", 1), "OP", 0, 5),
    (4, "conv", tens(0, 3, "B", 2), "TENSOR", -1, 0),
    (4, "conv", tens(1, 3, "B", 2), "TENSOR", -1, 1),
    (4, "pushed", word(1, PRODUCERS | 255), "TENSOR", -1, 0),               # a ring, not pushed
    (5, "conv", prog(8, "H", 0xFFFF), "OP", 0, -1),                         # absent
    (5, "conv", header(26, "H", 2), "SECTION", -1, -1),
    (5, "segment", header(26, "H", 3), "OP", 0, -1),                        # ends in a segment
    (5, "segment", header(26, "H", 5), None, -1, -1),
    (11, "fully_connected", tens(0, 3, "B", 1), "OP", 0, 0),
    (11, "average_pool_sums", tens(2, 3, "B", 1), "OP", 0, 2),
    (11, "mean", prog(6, "B", 1), "OP", 0, -1),
    (11, "average_pool_sums", prog(6, "B", 1), "OP", 0, -1),
    (11, "fully_connected", prog(6, "B", 1), "OP", 0, -1),
    (12, "segment", word(0, 0), "OP", 0, -1),
    (12, "segment", word(0, 5), "OP", 0, -1),
    (12, "segment", word(0, 256), "OP", 0, -1),
    (12, "segment", word(0, -1), "OP", 0, -1),
    (12, "segment", header(22, "H", 4), "OP", 0, -1),                       # three ops of four
    (12, "segment", word(3, PRODUCERS | 1), "OP", 0, -1),                   # makes its own input
    (12, "segment", word(3, PRODUCERS | 2), "OP", 0, -1),
    (12, "segment", word(1, PRODUCERS & 0xFFFF | 255), "OP", 0, -1),        # step 0
    (12, "segment", word(1, PRODUCERS | 255 | 1 << 24), "OP", 0, -1),
    (12, "segment", word(2, 0xFFFF), "OP", 0, -1),                          # stride -1
    (12, "segment", prog(6, "B", 1), "OP", 0, -1),
    (12, "segment", prog(CONV + 6, "B", 1), "OP", 1, -1),                   # backward
    (12, "segment", prog(POOL, "H", 32), "OP", 3, -1),                      # segment in a segment
    (12, "segment", tens(5, 0, "B", 0), "OP", 0, 5),                        # progress not u8
    (12, "segment", tens(5, 20, "I", 15), "OP", 0, 5),
    (12, "pushed", header(26, "H", 5), "OP", 0, -1),                        # pushed in the prologue
    (12, "pushed", header(24, "B", 2), "OP", 0, -1),                        # two inputs
]  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_valid_files_are_taken(name: str) -> None:
    data = MODELS[name]
    code, op, tensor = core_build.check(data)
    assert (code, op, tensor) == (struct.unpack_from("<I", data, 12)[0], -1, -1)


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{i}-{n}-{k}" for k, (i, n, *_) in enumerate(CASES)]
)
def test_invariant(case: tuple[int, str, Damage, str | None, int, int]) -> None:
    _, name, damage, error, op, tensor = case
    data = damage(MODELS[name])
    assert data != MODELS[name]
    if error is None:       # allowed
        assert core_build.check(data)[0] > 0
    else:
        assert core_build.check(data) == (ERRORS[f"TS_ERR_{error}"], op, tensor)


@pytest.mark.parametrize(
    ("channels", "groups", "out", "fits"),
    [(4, 2, 6, True), (4, 2, 5, False), (4, 4, 4, True), (4, 4, 6, False), (6, 3, 4, False)],
)
def test_groups_part_inputs_and_outputs(channels: int, groups: int, out: int, fits: bool) -> None:
    code, op, tensor = core_build.check(files.conv((1, 5, 6, channels), out=out, groups=groups))
    assert code > 0 if fits else (code, op, tensor) == (ERRORS["TS_ERR_SHAPE"], 0, 2)


@pytest.mark.parametrize(
    ("k", "n", "fits"), [(65535, 1, True), (65536, 1, False), (1, 65536, True)]
)
def test_sums_are_bounded(k: int, n: int, fits: bool) -> None:
    code, op, tensor = core_build.check(files.fully_connected(1, k, n, 1))
    assert code > 0 if fits else (code, op, tensor) == (ERRORS["TS_ERR_SHAPE"], 0, 2)


@pytest.mark.parametrize(("n", "fits"), [(4095, True), (4096, False)])
def test_softmax_rows_are_bounded(n: int, fits: bool) -> None:
    code, op, tensor = core_build.check(
        files.unary("SOFTMAX", (1, n), (1, n), [1 << 30, 22, -248], zero_points=(3, -128)))  # fmt: skip
    assert code > 0 if fits else (code, op, tensor) == (ERRORS["TS_ERR_SHAPE"], 0, 1)


@pytest.mark.parametrize(
    ("elements", "dtype", "fault"), [(6, "s8", None), (5, "s8", 0), (7, "s8", 0), (6, "u8", 0)]
)
def test_features_fill_the_input(elements: int, dtype: str, fault: int | None) -> None:
    section = files.feat(2, 3, 1, [(files.RAW, [0, *files.IDENTITY])], 6, 12 + 8)
    writer = files.Writer()
    x, y = writer.tensor((elements,), dtype), writer.tensor((elements,), dtype)
    writer.op("COPY", [x], y)
    code, op, tensor = core_build.check(writer.data(section))
    if fault is None:
        assert code > 0
    else:
        assert (code, op, tensor) == (ERRORS["TS_ERR_FEATURES"], -1, fault)


def test_a_ring_has_one_image() -> None:
    w = files.Writer()
    x, y = w.tensor((2, 4, 1, 4)), w.tensor((2, 4, 1, 4))
    ring = w.tensor((2, 4, 1, 4), ring=4)
    for a, b in ((x, ring), (ring, y)):
        w.op("MAX_POOL_2D", [a], b, [1, 1, 1, 1, 0, 0, -128, 127])
    assert core_build.check(w.data()) == (ERRORS["TS_ERR_TENSOR"], -1, ring)


@pytest.mark.parametrize(("mask", "y", "fits"), [(6, 5, True), (2, 5, True), (12, 3, False), (14, 1, False)])
def test_a_mean_sums_rows_over_h(mask: int, y: int, fits: bool) -> None:
    data = files.sums("MEAN", (1, 3, 1, 5), (1, y), [mask, 1 << 30, -3], (3, -7))
    code, op, tensor = core_build.check(data)
    assert code > 0 if fits else (code, op, tensor) == (ERRORS["TS_ERR_OP"], 0, 2)


@pytest.mark.parametrize(("images", "rows", "fits"), [(1, 65535, True), (2, 9, False), (1, 65536, False)])
def test_segments_are_of_one_image_and_16_bits_of_rows(images: int, rows: int, fits: bool) -> None:
    w = files.Writer()
    x, y = w.tensor((images, rows, 1, 1)), w.tensor((images, rows, 1, 1))
    w.segment(w.tensor((8,), "u8"), (files.THERE, files.THERE, 1, 1, 0))
    w.op("MAX_POOL_2D", [x], y, [1, 1, 1, 1, 0, 0, -128, 127])
    code, op, tensor = core_build.check(w.data())
    assert code > 0 if fits else (code, op, tensor) == (ERRORS["TS_ERR_OP"], 1, y)


@pytest.mark.parametrize(("rows", "fits"), [(65535, True), (65536, False)])
def test_pushed_rows_are_counted_in_16_bits(rows: int, fits: bool) -> None:
    w = files.Writer()
    x, y = w.tensor((1, rows, 1, 1), ring=1), w.tensor((1, 1, 1, 1))
    w.segment(w.tensor((8,), "u8"), (files.PUSHED, files.THERE, 1, 1, 0))
    w.op("MAX_POOL_2D", [x], y, [1, 1, 1, 1, 0, 0, -128, 127])
    code, op, tensor = core_build.check(w.data())
    assert code > 0 if fits else (code, op, tensor) == (ERRORS["TS_ERR_OP"], 0, x)


def test_every_invariant_of_the_page_is_tested() -> None:
    page = (core_build.ROOT / "models" / "FORMAT.md").read_text()
    listed = page.split("### What the loader checks")[1].split("## 2")[0]
    numbers = {int(n) for n in re.findall(r"^(\d+)\. ", listed, re.MULTILINE)}
    assert numbers == {case[0] for case in CASES}


def test_bytes_behind_the_file_are_not_read() -> None:
    assert core_build.check(MODELS["conv"] + b"\xff" * 9)[0] > 0


@pytest.mark.parametrize("shift", [1, 2, 3])
def test_misaligned_file_and_arena_are_refused(shift: int) -> None:
    lib, data = core_build.library(), MODELS["conv"]
    buffer = core_build.aligned(bytes(shift) + data)
    code = lib.ts_model_check(core_build.pointer(buffer, shift), len(data), None)
    assert code == ERRORS["TS_ERR_ALIGN"]
    file, state = core_build.aligned(data), core_build.State()
    arena = np.zeros(100, np.uint32)
    code = lib.ts_model_load(ctypes.byref(state), core_build.pointer(file), len(data),
                             core_build.pointer(arena, shift), 300)  # fmt: skip
    assert code == ERRORS["TS_ERR_ALIGN"]


@pytest.mark.parametrize(
    ("file_at", "arena_at", "apart"),
    [(0, 192, True), (0, 188, False), (0, 0, False), (32, 0, True), (28, 0, False)],
)
def test_file_and_arena_lie_apart(file_at: int, arena_at: int, apart: bool) -> None:
    lib, data, state = core_build.library(), MODELS["copy"], core_build.State()
    both = np.zeros(100, np.uint32)
    both.view(np.uint8)[file_at : file_at + len(data)] = np.frombuffer(data, np.uint8)
    assert (len(data), core_build.check(data)[0]) == (192, 32)
    code = lib.ts_model_load(ctypes.byref(state), core_build.pointer(both, file_at), len(data),
                             core_build.pointer(both, arena_at), 32)  # fmt: skip
    assert code == (0 if apart else ERRORS["TS_ERR_ARGUMENT"])


@pytest.mark.parametrize("flip", [0, 16, 20, 31, 200, 567])
def test_crc_sees_damage(flip: int) -> None:
    lib, data = core_build.library(), MODELS["conv"]
    assert lib.ts_model_crc(core_build.pointer(core_build.aligned(data)), len(data)) == 0
    hurt = files.patched(data, flip, "B", data[flip] ^ 4)
    code = lib.ts_model_crc(core_build.pointer(core_build.aligned(hurt)), len(hurt))
    assert code == (ERRORS["TS_ERR_CRC"] if flip >= 16 else 0)


def test_no_damage_does_harm(tmp_path: Path) -> None:
    """Cuts, flips and hostile fields, all of them, under sanitizers."""
    program = core_build.build("mutate", [HERE / "mutate.c", HERE / "hostile.c"],
                               core_build.SANITISED)  # fmt: skip
    paths = []
    for name, data in MODELS.items():
        paths.append(tmp_path / f"{name}.tsm")
        paths[-1].write_bytes(data)
    done = subprocess.run([program, "model", *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    refused, taken = (int(n) for n in re.findall(r"\d+", done.stdout))
    assert refused > 100_000 and taken > 100_000


def test_no_plan_does_harm(tmp_path: Path) -> None:
    """Rings that are too small, and more images than an op knows of."""
    program = core_build.build("mutate", [HERE / "mutate.c", HERE / "hostile.c"],
                               core_build.SANITISED)  # fmt: skip
    paths = []
    for name, data in MODELS.items():
        for i, plan in enumerate(core_plans.hostile_plans(data)):
            paths.append(tmp_path / f"{name}-{i}.tsm")
            paths[-1].write_bytes(plan)
    done = subprocess.run([program, "asis", *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    refused, taken = (int(n) for n in re.findall(r"\d+", done.stdout))
    assert refused > 300 and taken > 300


def test_no_damaged_feature_program_does_harm(tmp_path: Path) -> None:
    program = core_build.build("mutate", [HERE / "mutate.c", HERE / "hostile.c"],
                               core_build.SANITISED)  # fmt: skip
    path = tmp_path / "all.feat"
    path.write_bytes(files.every_block())
    done = subprocess.run([program, "features", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
