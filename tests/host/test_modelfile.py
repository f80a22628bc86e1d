from __future__ import annotations

import binascii
import struct
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.corefiles import error_texts, op_rows
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import Golden, ModelFile, Op, Tensor

CASES = Path(__file__).parents[1] / "golden" / "cases"


@pytest.fixture(scope="module")
def blob() -> bytes:
    gold = Golden(
        np.zeros((2, 0), np.int16),
        np.arange(2 * 192, dtype=np.uint8).reshape(2, 192),
        np.zeros((2, 4), np.uint8),
    )
    graph = tflite.load(CASES / "keras_conv1d.tflite")
    return convert.convert(graph, labels=["a", "b", "c", "ü"], golden=gold)


def sealed(blob: bytes | bytearray) -> bytes:
    """The file with a checksum that fits, so that what lies behind it is tried."""
    fixed = bytearray(blob)
    fixed[16:20] = struct.pack("<I", binascii.crc32(bytes(fixed[20:])))
    return bytes(fixed)


def test_reading_and_writing_give_the_same_bytes(blob: bytes) -> None:
    model = ModelFile.read(blob)
    assert model.write() == blob
    assert model.labels == ["a", "b", "c", "ü"]
    assert len(model.gold) == 2
    assert model.gold.inputs[1, 0] == 192
    assert model.inputs[0].shape == (1, 64, 3)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.tflite")), ids=lambda p: p.stem)
def test_conversion_is_deterministic_and_survives_a_round_trip(path: Path) -> None:
    graph = tflite.load(path)
    first = convert.convert(graph)
    assert convert.convert(tflite.load(path)) == first
    assert ModelFile.read(first).write() == first


def test_equal_constants_are_stored_once() -> None:
    table = np.arange(256).astype(np.int8)
    rows = [Tensor("int8", (8,), 0), Tensor("int8", (8,), 8)]
    rows += [Tensor("int8", (256,), data=table), Tensor("int8", (256,), data=table.copy())]
    ops = [Op("LUT", (0, 2), (0,)), Op("LUT", (0, 3), (1,))]
    twice = ModelFile({"name": "m", "labels": []}, rows, ops, 1, 1, 16).write()
    once = ModelFile({"name": "m", "labels": []}, rows[:3], ops[:1], 1, 1, 16).write()
    assert len(twice) - len(once) < 128
    assert ModelFile.read(twice).tensors[3].data.tolist() == table.tolist()


def test_alignment_that_the_format_asks_for(blob: bytes) -> None:
    for i in range(blob[7]):
        _, offset, _ = struct.unpack_from("<4sII", blob, 32 + 12 * i)
        assert offset % 16 == 0
    for tensor in ModelFile.read(blob).tensors:
        assert tensor.offset % 4 == 0


def test_truncated_anywhere(blob: bytes) -> None:
    for size in [*range(0, 200), *range(200, len(blob), 37)]:
        with pytest.raises(TinysenseError):
            ModelFile.read(blob[:size])


def test_any_flipped_bit_fails_the_checksum(blob: bytes) -> None:
    for at in range(0, len(blob), 5):
        damaged = bytearray(blob)
        damaged[at] ^= 1 << (at % 8)
        with pytest.raises(TinysenseError):
            ModelFile.read(bytes(damaged))


def test_flipped_bits_behind_a_fitting_checksum_never_escape_as_another_error(blob: bytes) -> None:
    """What a malicious file can do: it is read, or refused as TinysenseError."""
    refused = 0
    end = len(blob) - 500
    for at in range(20, end):
        for bit in (0, 7):
            damaged = bytearray(blob)
            damaged[at] ^= 1 << bit
            try:
                ModelFile.read(sealed(damaged))
            except TinysenseError:
                refused += 1
    assert refused > 200


# what, offset, new bytes, words of the message
HEADER = [
    ("magic", 0, b"TSR\x1a", "not a .tsm"),
    ("future version", 4, b"\x02\x00", "version 1, got version 2.*[Uu]pdate"),
    ("size", 8, b"\xff\xff\x00\x00", "header says 65535 bytes"),
    ("reserved", 30, b"\x01", "reserved"),
    ("sections", 7, b"\x11", "17 sections"),
    ("tensors", 20, b"\xff\xff", "65535 tensors"),
    ("ops", 22, b"\xff\xff", "op"),
    ("no inputs", 24, b"\x00", "0 inputs"),
    ("outputs", 25, b"\x09", "9 outputs"),
    ("section tag", 32, b"XXXX", "unknown section"),
    ("section offset", 36, b"\x01\x00\x00\x00", "does not fit"),
]


@pytest.mark.parametrize(("at", "value", "says"), [row[1:] for row in HEADER],
                         ids=[row[0] for row in HEADER])  # fmt: skip
def test_header(blob: bytes, at: int, value: bytes, says: str) -> None:
    damaged = bytearray(blob)
    damaged[at : at + len(value)] = value
    with pytest.raises(TinysenseError, match=says):
        ModelFile.read(sealed(damaged))


def test_what_only_the_core_can_tell_is_told_with_op_and_tensor(blob: bytes) -> None:
    model = ModelFile.read(blob)
    stride_zero = Op(model.ops[0].name, model.ops[0].inputs, model.ops[0].outputs,
                     (0, *model.ops[0].params[1:]))  # fmt: skip
    model.ops[0] = stride_zero
    with pytest.raises(TinysenseError, match=r"refused by the core: .*op 0"):
        ModelFile.read(model.write())


def test_meta_is_checked_both_ways() -> None:
    rows = [Tensor("int8", (4,)), Tensor("int8", (4,))]
    good = ModelFile({"name": "m", "labels": []}, rows, [Op("COPY", (0,), (1,))], 1, 1, 4)
    good.write()
    for meta in ({}, {"name": "m"}, {"name": 1, "labels": []}, {"name": "m", "labels": "ab"}):
        good.meta = meta
        with pytest.raises(TinysenseError, match="META"):
            good.write()
    good.meta = {"name": "m", "labels": ["x" * 5000]}
    with pytest.raises(TinysenseError, match="at most 4096"):
        good.write()


def test_lists_shared_with_the_core() -> None:
    rows = op_rows()
    assert rows["CONV_2D"].opcode == 1
    assert (rows["ADD"].n_in, rows["ADD"].n_out, rows["ADD"].n_params) == (2, 1, 9)
    assert len({row.opcode for row in rows.values()}) == len(rows)
    assert "not a .tsm" in error_texts()[-3]
