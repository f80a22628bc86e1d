"""The bytes of a .tsm, section by section: models/FORMAT.md. model.py puts them together."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinysense.errors import ModelError
from tinysense.features import Sensor
from tinysense_host.corefiles import OpRow, op_rows
from tinysense_host.errors import TinysenseError
from tinysense_host.modelparts import ABSENT, BACKWARD, DTYPES, Golden, Op, Tensor, storage_dtype

__all__ = ["CONVERT_AGAIN", "MAGIC", "VERSION", "Header", "expect", "join_sections",
           "lay_out_constants", "read_gold", "read_header", "read_meta", "read_ops",
           "read_sections", "read_tensors", "section_offset", "section_offsets", "write_gold",
           "write_meta", "write_op", "write_tensors"]  # fmt: skip

MAGIC = b"TSM\x1a"
VERSION = 2
CONVERT_AGAIN = "Copy the file again or convert the model again"

_HEADER = struct.Struct("<4sHBBIIIHHBBH4x")
_SECTION = struct.Struct("<4sII")
_TENSOR = struct.Struct("<BBBBI4Iif")
_RECORD = struct.Struct("<HHBBBB")
_GOLD = struct.Struct("<IIII")
_TAGS = (b"META", b"FEAT", b"TENS", b"PROG", b"DATA", b"GOLD")
_REQUIRED = (b"META", b"TENS", b"PROG", b"DATA")
_META_MAX = 4096
# Not in ops.def: the one record whose parameters are as many as its ops ask for.
_SEGMENT = OpRow("SEGMENT", 32, 0, 1, 1, False)


@dataclass(frozen=True)
class Header:
    """What the first 32 bytes tell, magic, version and size aside."""

    target: int
    n_sections: int
    arena_bytes: int
    crc: int
    n_tensors: int
    n_ops: int
    n_inputs: int
    n_outputs: int
    n_init: int

    def pack(self, size: int) -> bytes:
        """The bytes, for a file of ``size``."""
        return _HEADER.pack(
            MAGIC, VERSION, self.target, self.n_sections, size, self.arena_bytes, self.crc,
            self.n_tensors, self.n_ops, self.n_inputs, self.n_outputs, self.n_init,
        )  # fmt: skip


def expect(condition: bool, what: str) -> None:
    """Raises for a damaged file unless the condition holds."""
    if not condition:
        raise TinysenseError(f"damaged .tsm: {what}", CONVERT_AGAIN)


def _padded(size: int, unit: int = 4) -> int:
    return -(-size // unit) * unit


# ---- header and section table ----


def read_header(blob: bytes) -> Header:
    """The header, as far as it can be judged alone."""
    expect(len(blob) >= _HEADER.size,
           f"expected a header of {_HEADER.size} bytes, got a file of {len(blob)}")  # fmt: skip
    magic, version, target, n_sections, size, arena, crc, *counts = _HEADER.unpack_from(blob)
    if magic != MAGIC:
        raise TinysenseError(f"not a .tsm model file: expected {MAGIC!r} first, got {magic!r}")
    if version != VERSION:
        raise TinysenseError(
            f"expected .tsm version {VERSION}, got version {version}",
            "Update tinysense on this computer, or convert the model again",
        )
    expect(size == len(blob), f"header says {size} bytes, the file has {len(blob)}")
    expect(blob[28:32] == bytes(4), "reserved bytes of the header are not zero")
    return Header(target, n_sections, arena, crc, *counts)


def read_sections(blob: bytes, count: int) -> dict[bytes, bytes]:
    """tag -> bytes; refuses sections that are unknown, missing or out of place."""
    end = _HEADER.size + count * _SECTION.size
    expect(count <= 16 and end <= len(blob), f"{count} sections do not fit")
    sections: dict[bytes, bytes] = {}
    order = -1
    for i in range(count):
        tag, offset, size = _SECTION.unpack_from(blob, _HEADER.size + i * _SECTION.size)
        expect(tag in _TAGS, f"unknown section {tag!r}")
        expect(_TAGS.index(tag) > order, f"section {tag.decode()} is out of order")
        expect(
            offset % 16 == 0 and offset >= end and offset + size <= len(blob),
            f"section {tag.decode()} at {offset} with {size} bytes does not fit",
        )
        order, end = _TAGS.index(tag), offset + size
        sections[tag] = blob[offset:end]
    for tag in _REQUIRED:
        expect(tag in sections, f"section {tag.decode()} is missing")
    return sections


def section_offset(blob: bytes, wanted: bytes) -> int:
    """Where a section of a checked file begins, 0 where it has none."""
    for i in range(blob[7]):
        tag, offset, _ = _SECTION.unpack_from(blob, _HEADER.size + i * _SECTION.size)
        if tag == wanted:
            return int(offset)
    return 0


def section_offsets(sizes: Sequence[int]) -> list[int]:
    """Where sections of these sizes begin, and where the last one ends."""
    at = _HEADER.size + len(sizes) * _SECTION.size
    offsets = []
    for size in sizes:
        offsets.append(at := _padded(at, 16))
        at += size
    return [*offsets, at]


def join_sections(parts: Sequence[tuple[bytes, bytes]]) -> bytearray:
    """The file with its section table; the header is left zero."""
    *offsets, total = section_offsets([len(body) for _, body in parts])
    blob = bytearray(total)
    for row, ((tag, body), offset) in enumerate(zip(parts, offsets, strict=True)):
        _SECTION.pack_into(blob, _HEADER.size + row * _SECTION.size, tag, offset, len(body))
        blob[offset : offset + len(body)] = body
    return blob


# ---- META ----


def read_meta(raw: bytes) -> dict[str, Any]:
    """META, an object with at least name and labels."""
    expect(len(raw) <= _META_MAX, f"META has {len(raw)} bytes, at most {_META_MAX} are allowed")
    try:
        meta = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise TinysenseError(f"damaged .tsm: META is no JSON ({error})", CONVERT_AGAIN) from error
    _check_meta(meta)
    return dict(meta)


def _check_meta(meta: object) -> None:
    expect(isinstance(meta, dict), "META is no JSON object")
    assert isinstance(meta, dict)
    expect(isinstance(meta.get("name"), str), "META lacks the model's name")
    labels = meta.get("labels")
    expect(
        isinstance(labels, list) and all(isinstance(label, str) for label in labels),
        "META lacks the labels",
    )
    if meta.get("sensor") is not None:
        try:
            Sensor(meta["sensor"])  # the board's own check
        except ModelError as error:
            raise TinysenseError(f"damaged .tsm: META: {error}", CONVERT_AGAIN) from error


def write_meta(meta: dict[str, Any]) -> bytes:
    """META's bytes: the same for equal objects."""
    _check_meta(meta)
    raw = json.dumps(meta, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    if len(raw) > _META_MAX:
        raise TinysenseError(
            f"META of the model has {len(raw)} bytes, at most {_META_MAX} are allowed",
            "Shorten the labels or the description",
        )
    return raw


# ---- TENS and DATA ----


def read_tensors(
    blob: bytes, sections: dict[bytes, bytes], count: int, arena_bytes: int
) -> list[Tensor]:
    """The tensor table; constants come with their values."""
    raw = sections[b"TENS"]
    expect(len(raw) == count * _TENSOR.size, f"TENS has {len(raw)} bytes for {count} tensors")
    first = section_offset(blob, b"DATA")
    rooms = (0, arena_bytes), (first, first + len(sections[b"DATA"]))
    tensors = []
    for i in range(count):
        code, rank, place, ring, offset, *dims, zero_point, scale = _TENSOR.unpack_from(
            raw, i * _TENSOR.size
        )
        expect(
            code < len(DTYPES) and rank <= 4 and place <= 1,
            f"tensor {i} has an unknown type, rank or place",
        )
        expect(all(dims) and dims[: 4 - rank] == [1] * (4 - rank), f"tensor {i} has shape {dims}")
        expect(ring == 0 or (not place and dims[0] == 1 and ring <= dims[1]),
               f"tensor {i} of shape {dims} has a ring of {ring} rows")  # fmt: skip
        shape = tuple(dims[4 - rank :])
        tensor = Tensor(DTYPES[code], shape, offset, zero_point, scale, None, ring)
        start, end = rooms[place]
        expect(
            offset % 4 == 0 and offset >= start and offset + tensor.stored_bytes <= end,
            f"tensor {i} of {tensor.stored_bytes} bytes at {offset} does not fit {end}",
        )
        tensors.append(_with_data(tensor, blob) if place else tensor)
    return tensors


def _with_data(t: Tensor, blob: bytes) -> Tensor:
    if t.dtype == "int4":
        packed = np.frombuffer(blob, np.uint8, t.nbytes, t.offset)
        pairs = np.stack([packed << 4, packed & 0xF0], axis=1).view(np.int8) >> 4
        data = pairs.reshape(-1)[: t.elements]
    else:
        data = np.frombuffer(blob, np.dtype(t.dtype).newbyteorder("<"), t.elements, t.offset)
    return Tensor(t.dtype, t.shape, 0, t.zero_point, t.scale, data.reshape(t.shape))


def _stored(tensor: Tensor, data: np.ndarray) -> bytes:
    values = np.ascontiguousarray(data, storage_dtype(tensor.dtype).newbyteorder("<"))
    if tensor.dtype != "int4":
        return values.tobytes()
    flat = np.append(values.reshape(-1), np.zeros(values.size % 2, np.int8)).view(np.uint8)
    return ((flat[0::2] & 15) | (flat[1::2] << 4)).astype(np.uint8).tobytes()


def lay_out_constants(tensors: Sequence[Tensor]) -> tuple[bytes, dict[int, int]]:
    """(DATA, place of each constant in it); equal bytes are stored once."""
    seen: dict[bytes, int] = {}
    places: dict[int, int] = {}
    data = bytearray()
    for i, tensor in enumerate(tensors):
        if tensor.data is None:
            continue
        raw = _stored(tensor, tensor.data)
        if len(raw) != tensor.nbytes:
            raise TinysenseError(f"constant {i} needs {tensor.nbytes} bytes, got {len(raw)}")
        if raw not in seen:
            seen[raw] = len(data)
            data += raw + b"\0" * (_padded(len(raw)) - len(raw))
        places[i] = seen[raw]
    return bytes(data), places


def write_tensors(tensors: Sequence[Tensor], places: dict[int, int], base: int) -> bytes:
    """TENS, with DATA beginning at ``base`` of the file."""
    rows = []
    for i, t in enumerate(tensors):
        offset = base + places[i] if t.constant else t.offset
        rows.append(
            _TENSOR.pack(DTYPES.index(t.dtype), len(t.shape), int(t.constant), t.ring, offset,
                         *t.dims, t.zero_point, t.scale)
        )  # fmt: skip
    return b"".join(rows)


# ---- PROG ----


def read_ops(raw: bytes, count: int, n_tensors: int) -> list[Op]:
    """Op records, the members of a segment behind it like any other."""
    names = {row.opcode: row for row in (*op_rows().values(), _SEGMENT)}
    ops: list[Op] = []
    at = 0
    for i in range(count):
        expect(at + _RECORD.size <= len(raw), f"op {i} lies outside the program")
        opcode, words = struct.unpack_from("<HH", raw, at)
        if opcode not in names:
            raise TinysenseError(
                f"op {i} of the .tsm has opcode {opcode}, which this tinysense does not know",
                "Update tinysense on this computer, or convert the model again",
            )
        expect(words >= 2 and at + 4 * words <= len(raw), f"op {i} lies outside the program")
        ops.append(_read_op(raw[at : at + 4 * words], i, names[opcode], n_tensors))
        at += 4 * words
    expect(at == len(raw), f"{len(raw) - at} bytes follow the last op")
    return ops


def _read_op(record: bytes, i: int, row: OpRow, n_tensors: int) -> Op:
    _, words, n_in, n_out, flags, zero = _RECORD.unpack_from(record)
    begin = _RECORD.size + _padded(2 * (n_in + n_out))
    n_params = words - begin // 4
    expect(
        (n_in, n_out, zero) == (row.n_in, row.n_out, 0) and flags <= BACKWARD
        and _takes_params(row, n_params),
        f"op {i} {row.name} has a wrong length, flags or number of operands",
    )  # fmt: skip
    indices = struct.unpack_from(f"<{n_in + n_out}H", record, _RECORD.size)
    for k, index in enumerate(indices):
        absent = index == ABSENT and bool(row.optional >> k & 1)
        expect(absent or index < n_tensors, f"op {i} {row.name} names tensor {index}")
    params = struct.unpack_from(f"<{n_params}i", record, begin)
    return Op(row.name, _trimmed(indices[:n_in]), _trimmed(indices[n_in:]), params, flags)


def _takes_params(row: OpRow, count: int) -> bool:
    """A segment has one parameter, and two more for each of its ops."""
    return count == row.n_params or (row is _SEGMENT and count % 2 == 1 and count >= 3)


def _trimmed(operands: tuple[int, ...]) -> tuple[int, ...]:
    """Without the absent ones at the end."""
    while operands and operands[-1] == ABSENT:
        operands = operands[:-1]
    return operands


def _filled(operands: Iterable[int], count: int) -> tuple[int, ...]:
    given = tuple(operands)
    return given + (ABSENT,) * (count - len(given))


def write_op(op: Op) -> bytes:
    """One record."""
    row = _SEGMENT if op.name == "SEGMENT" else op_rows()[op.name]
    inputs, outputs = _filled(op.inputs, row.n_in), _filled(op.outputs, row.n_out)
    lacks = sum(1 << i for i, x in enumerate((*inputs, *outputs)) if x == ABSENT) & ~row.optional
    whole = (len(inputs), len(outputs)) == (row.n_in, row.n_out) and not lacks
    if not whole or not _takes_params(row, len(op.params)):
        raise TinysenseError(
            f"{op.name} takes {row.n_in} inputs, {row.n_out} outputs and {row.n_params} "
            f"parameters, got {len(op.inputs)}, {len(op.outputs)} and {len(op.params)}"
        )
    try:
        operands = struct.pack(f"<{len(inputs) + len(outputs)}H", *inputs, *outputs)
        operands += b"\0" * (_padded(len(operands)) - len(operands))
        body = operands + struct.pack(f"<{len(op.params)}i", *op.params)
    except struct.error as error:
        raise TinysenseError(f"{op.name} with parameters {op.params}: {error}") from error
    words = (_RECORD.size + len(body)) // 4
    return _RECORD.pack(row.opcode, words, row.n_in, row.n_out, op.flags, 0) + body


# ---- GOLD ----


def read_gold(raw: bytes, given: int, wanted: int) -> Golden:
    """Vectors of a model that takes ``given`` bytes and gives ``wanted``."""
    expect(len(raw) >= _GOLD.size, "GOLD is shorter than its header")
    count, *sizes = _GOLD.unpack_from(raw)
    row = sum(_padded(size) for size in sizes)
    expect(len(raw) == _GOLD.size + count * row, f"GOLD has {len(raw)} bytes for {count} vectors")
    window, *inside = sizes
    expect(
        inside == [given, wanted] and window % 2 == 0,
        f"GOLD holds {inside[0]} -> {inside[1]} bytes, the model takes {given} and gives {wanted}",
    )
    table = np.frombuffer(raw, np.uint8, count * row, _GOLD.size).reshape(count, row)
    a, b = _padded(window), _padded(window) + _padded(given)
    windows = np.ascontiguousarray(table[:, :window]).view("<i2")
    return Golden(windows, table[:, a : a + given], table[:, b : b + wanted])


def write_gold(gold: Golden) -> bytes:
    """GOLD."""
    parts = [
        np.ascontiguousarray(gold.windows.astype("<i2")).view(np.uint8).reshape(len(gold), -1),
        gold.inputs,
        gold.outputs,
    ]
    sizes = [part.shape[1] for part in parts]
    padded = [np.pad(p, ((0, 0), (0, _padded(n) - n))) for p, n in zip(parts, sizes, strict=True)]
    return _GOLD.pack(len(gold), *sizes) + np.concatenate(padded, axis=1).tobytes()
