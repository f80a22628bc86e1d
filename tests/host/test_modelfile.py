from __future__ import annotations

import binascii
import dataclasses
import struct
from pathlib import Path

import numpy as np
import pytest

import _tinysense
from tinysense_host import convert, tflite
from tinysense_host.corefiles import error_texts, op_rows, target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.hostcore import HostModel
from tinysense_host.modelfile import (
    ABSENT,
    BACKWARD,
    Golden,
    ModelFile,
    Op,
    Tensor,
    section_offset,
)

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


def lut_model(**changes) -> ModelFile:
    """y = table[x] on (1, 4, 2, 3), with constants of every kind beside it."""
    rows = [Tensor("int8", (1, 4, 2, 3), 0), Tensor("int8", (1, 4, 2, 3), 24),
            Tensor("int8", (256,), data=np.zeros(256, np.int8))]  # fmt: skip
    rows += [Tensor(kind, values.shape, data=values) for kind, values in KINDS]
    ops = [Op("LUT", (0, 2), (1,), flags=BACKWARD)]
    made = ModelFile({"name": "m", "labels": []}, rows, ops, 1, 1, 48)
    return dataclasses.replace(made, **changes)


KINDS = [
    ("int4", np.array([[-8, 7, 3], [-1, 0, 5]], np.int8)),
    ("int4", np.array([-3, 2, 1], np.int8)),
    ("int64", np.array([1, -(2**40)], np.int64)),
    ("int16", np.array([-300, 5], np.int16)),
    ("uint8", np.array([255, 0, 1], np.uint8)),
    ("float32", np.array([0.5, -2], np.float32)),
]


def test_constants_of_every_kind() -> None:
    blob = lut_model().write()
    read = ModelFile.read(blob)
    assert read.write() == blob
    for tensor, (kind, values) in zip(read.tensors[3:], KINDS, strict=True):
        assert tensor.dtype == kind
        np.testing.assert_array_equal(tensor.data, values)
    assert [t.nbytes for t in read.tensors[3:]] == [3, 2, 16, 4, 3, 8]
    at = blob.find(bytes([0x78, 0xF3, 0x50]))
    assert at > 0       # -8 7, 3 -1, 0 5: the first in the lower half of a byte


def test_rings_hold_the_newest_rows() -> None:
    model = lut_model()
    model.tensors.append(Tensor("int8", (1, 4, 2, 3), 36, ring=2))
    ring = ModelFile.read(model.write()).tensors[-1]
    assert (ring.ring, ring.row_bytes, ring.stored_bytes, ring.nbytes) == (2, 6, 12, 24)
    for rows, says in ((5, "ring of 5 rows"), (255, "ring of 255")):
        model.tensors[-1] = dataclasses.replace(ring, ring=rows)
        with pytest.raises(TinysenseError, match=says):
            ModelFile.read(model.write())


def test_records_keep_flags_and_absent_operands() -> None:
    assert ModelFile.read(lut_model().write()).ops[0].backward
    rows = [Tensor("int8", (1, 2, 2, 3)), Tensor("int8", (1, 1, 1, 3), 12)]
    mean = ModelFile({"name": "m", "labels": []}, rows, [Op("MEAN", (0,), (1,), (6, 1 << 30, 1))],
                     1, 1, 16)  # fmt: skip
    blob = mean.write()
    assert struct.unpack_from("<2H", blob, section_offset(blob, b"PROG") + 10) == (1, ABSENT)
    assert ModelFile.read(blob).ops == mean.ops
    mean.ops = [Op("MEAN", (ABSENT,), (1,), (6, 1 << 30, 1))]
    with pytest.raises(TinysenseError, match="MEAN takes 1 inputs"):
        mean.write()


def test_files_for_another_core_are_read_but_do_not_run_here() -> None:
    here = _tinysense.target()
    other = next(n for n in target_numbers().values() if n not in (0, here))
    blob = lut_model(target=other).write()
    model = ModelFile.read(blob)
    assert (model.target, model.runs_here) == (other, False)
    with pytest.raises(TinysenseError, match="this computer runs portable ones"):
        HostModel(blob)


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
    ("past version", 4, b"\x01\x00", "version 2, got version 1.*convert the model again"),
    ("future version", 4, b"\x03\x00", "version 2, got version 3.*[Uu]pdate"),
    ("size", 8, b"\xff\xff\x00\x00", "header says 65535 bytes"),
    ("reserved", 30, b"\x01", "reserved"),
    ("sections", 7, b"\x11", "17 sections"),
    ("tensors", 20, b"\xff\xff", "65535 tensors"),
    ("ops", 22, b"\xff\xff", "op"),
    ("ops of the prologue", 26, b"\xff\xff", "65535 of"),
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
