"""The model file .tsm, typed: read, write, check. Bytes: models/FORMAT.md.

In memory a constant is an array, not an offset: write() lays constants out,
equal ones once, so that the same model gives the same bytes every time.
"""

from __future__ import annotations

import binascii
import json
import math
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinysense_host.corefiles import error_texts, op_rows
from tinysense_host.errors import TinysenseError

__all__ = ["DTYPES", "VERSION", "Fault", "Geometry", "Golden", "ModelFile", "Op", "Tensor",
           "core_fault", "section_offset"]  # fmt: skip

MAGIC = b"TSM\x1a"
VERSION = 1
DTYPES = ("int8", "uint8", "int16", "int32", "float32")

_HEADER = struct.Struct("<4sHBBIIIHHBB6x")
_SECTION = struct.Struct("<4sII")
_TENSOR = struct.Struct("<BBBBI4Iif")
_FEAT = struct.Struct("<HHHHII")
_GOLD = struct.Struct("<IIII")
_TAGS = (b"META", b"FEAT", b"TENS", b"PROG", b"DATA", b"GOLD")
_REQUIRED = (b"META", b"TENS", b"PROG", b"DATA")
_META_MAX = 4096
_BYTES_MAX = 2**31 - 1
_ROWS_MAX = 2**16 - 1
_CONVERT_AGAIN = "Copy the file again or convert the model again"


@dataclass(frozen=True, eq=False)
class Tensor:
    """A row of the tensor table; ``shape`` is outermost first, rank 0 to 4.

    A constant has ``data``; any other tensor lies at ``offset`` in the arena.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int = 0
    zero_point: int = 0
    scale: float = 0.0
    data: np.ndarray | None = None

    @property
    def constant(self) -> bool:
        return self.data is not None

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.elements * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class Op:
    """An op record: ``name`` from ops.def, tensor numbers, s32 parameters."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    params: tuple[int, ...] = ()


@dataclass(frozen=True)
class Geometry:
    """Windows of ``window`` frames, every ``hop`` frames; ``outputs`` values each."""

    channels: int
    window: int
    hop: int
    outputs: int
    work_bytes: int


@dataclass(frozen=True, eq=False)
class Golden:
    """Windows (n, frames x channels) int16 or (n, 0); inputs and outputs (n, bytes) uint8."""

    windows: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray

    def __len__(self) -> int:
        return len(self.inputs)


@dataclass(eq=False)
class ModelFile:
    """One model. The first n_inputs tensors are its inputs, the next n_outputs its outputs."""

    meta: dict[str, Any]
    tensors: list[Tensor]
    ops: list[Op]
    n_inputs: int
    n_outputs: int
    arena_bytes: int
    feat: bytes | None = None
    gold: Golden | None = None
    target: int = 0
    data: bytes = field(default=b"", repr=False)  # DATA as read; write() makes it anew

    @property
    def name(self) -> str:
        return str(self.meta["name"])

    @property
    def labels(self) -> list[str]:
        return list(self.meta["labels"])

    @property
    def inputs(self) -> list[Tensor]:
        return self.tensors[: self.n_inputs]

    @property
    def outputs(self) -> list[Tensor]:
        return self.tensors[self.n_inputs : self.n_inputs + self.n_outputs]

    @classmethod
    def load(cls, path: str | Path) -> ModelFile:
        """Read the file at ``path``."""
        try:
            return cls.read(Path(path).read_bytes())
        except OSError as error:
            raise TinysenseError(f"cannot read {path}: {error.strerror}") from error
        except TinysenseError as error:
            raise TinysenseError(f"{path}: {error.message}", error.hint) from error

    @classmethod
    def read(cls, blob: bytes) -> ModelFile:
        """Parse and check everything, checksum and program included."""
        header = _read_header(blob)
        sections = _read_sections(blob, header.n_sections)
        if binascii.crc32(blob[20:]) != header.crc:
            raise TinysenseError("checksum of the .tsm differs: it was damaged", _CONVERT_AGAIN)
        tensors = _read_tensors(blob, sections, header.n_tensors, header.arena_bytes)
        model = cls(
            meta=_read_meta(sections[b"META"]),
            tensors=tensors,
            ops=_read_ops(sections[b"PROG"], header.n_ops, len(tensors)),
            n_inputs=header.n_inputs,
            n_outputs=header.n_outputs,
            arena_bytes=header.arena_bytes,
            feat=sections.get(b"FEAT"),
            target=header.target,
            data=sections[b"DATA"],
        )
        _expect(
            1 <= model.n_inputs <= 8
            and 1 <= model.n_outputs <= 8
            and model.n_inputs + model.n_outputs <= len(tensors),
            f"{model.n_inputs} inputs and {model.n_outputs} outputs in {len(tensors)} tensors",
        )
        if b"GOLD" in sections:
            model.gold = _read_gold(sections[b"GOLD"], model)
        fault = core_fault(blob)
        if fault:
            raise TinysenseError(f"the .tsm is refused by the core: {fault}", _CONVERT_AGAIN)
        return model

    def feature_geometry(self) -> Geometry:
        """Header of FEAT; all zero for a model without features."""
        if self.feat is None:
            return Geometry(0, 0, 0, 0, 0)
        _expect(len(self.feat) >= _FEAT.size, "FEAT is shorter than its header")
        channels, window, hop, _, outputs, work_bytes = _FEAT.unpack_from(self.feat)
        return Geometry(channels, window, hop, outputs, work_bytes)

    def write(self) -> bytes:
        """The bytes of the file; equal models give equal bytes."""
        if self.arena_bytes > _BYTES_MAX or max(len(self.tensors), len(self.ops)) > _ROWS_MAX:
            raise TinysenseError(
                f"a model of {len(self.tensors)} tensors, {len(self.ops)} ops and an arena of "
                f"{self.arena_bytes} bytes: at most {_ROWS_MAX}, {_ROWS_MAX} and {_BYTES_MAX}",
                "Make the model smaller",
            )
        meta = _write_meta(self.meta)
        program = b"".join(_write_op(op) for op in self.ops)
        parts = [(b"META", meta), (b"TENS", b"\0" * (_TENSOR.size * len(self.tensors))),
                 (b"PROG", program), (b"DATA", b"")]  # fmt: skip
        if self.feat is not None:
            parts.insert(1, (b"FEAT", self.feat))
        data, places = _lay_out_constants(self.tensors)
        if self.gold is not None:
            parts.append((b"GOLD", _write_gold(self.gold)))
        sizes = {tag: len(body) for tag, body in parts} | {b"DATA": len(data)}
        offsets, total = _offsets(sizes)
        bodies = dict(parts)
        bodies[b"TENS"] = _write_tensors(self.tensors, places, offsets[b"DATA"])
        bodies[b"DATA"] = data
        blob = bytearray(total)
        for row, tag in enumerate(sizes):
            at = _HEADER.size + row * _SECTION.size
            _SECTION.pack_into(blob, at, tag, offsets[tag], sizes[tag])
            blob[offsets[tag] : offsets[tag] + sizes[tag]] = bodies[tag]
        self._write_header(blob, len(sizes), 0)
        self._write_header(blob, len(sizes), binascii.crc32(bytes(blob[20:])))
        return bytes(blob)

    def _write_header(self, blob: bytearray, n_sections: int, crc: int) -> None:
        _HEADER.pack_into(
            blob, 0, MAGIC, VERSION, self.target, n_sections, len(blob), self.arena_bytes, crc,
            len(self.tensors), len(self.ops), self.n_inputs, self.n_outputs,
        )  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Why the core refuses a file; op and tensor are -1 where none is to blame."""

    text: str
    op: int
    tensor: int

    def __str__(self) -> str:
        parts = [("op", self.op), ("tensor", self.tensor)]
        where = ", ".join(f"{what} {n}" for what, n in parts if n >= 0)
        return f"{self.text} ({where})" if where else self.text


def core_fault(blob: bytes) -> Fault | None:
    """What the core's loader, the one on the board, finds wrong with a file."""
    import _tinysense

    fault = array("i", [-1, -1])
    result = int(_tinysense.model_check(blob, fault))
    if result >= 0:
        return None
    return Fault(error_texts().get(result, f"error {result}"), fault[0], fault[1])


# ---- reading ----


@dataclass(frozen=True)
class _Header:
    target: int
    n_sections: int
    arena_bytes: int
    crc: int
    n_tensors: int
    n_ops: int
    n_inputs: int
    n_outputs: int


def _expect(condition: bool, what: str) -> None:
    if not condition:
        raise TinysenseError(f"damaged .tsm: {what}", _CONVERT_AGAIN)


def _read_header(blob: bytes) -> _Header:
    if len(blob) < _HEADER.size:
        raise TinysenseError(
            f"damaged .tsm: expected a header of {_HEADER.size} bytes, got a file of {len(blob)}",
            _CONVERT_AGAIN,
        )
    magic, version, target, n_sections, size, arena, crc, *counts = _HEADER.unpack_from(blob)
    if magic != MAGIC:
        raise TinysenseError(f"not a .tsm model file: expected {MAGIC!r} first, got {magic!r}")
    if version != VERSION:
        raise TinysenseError(
            f"expected .tsm version {VERSION}, got version {version}",
            "Update tinysense on this computer, or convert the model again",
        )
    _expect(size == len(blob), f"header says {size} bytes, the file has {len(blob)}")
    _expect(blob[26:32] == bytes(6), "reserved bytes of the header are not zero")
    return _Header(target, n_sections, arena, crc, *counts)


def _read_sections(blob: bytes, count: int) -> dict[bytes, bytes]:
    end = _HEADER.size + count * _SECTION.size
    _expect(count <= 16 and end <= len(blob), f"{count} sections do not fit")
    sections: dict[bytes, bytes] = {}
    order = -1
    for i in range(count):
        tag, offset, size = _SECTION.unpack_from(blob, _HEADER.size + i * _SECTION.size)
        _expect(tag in _TAGS, f"unknown section {tag!r}")
        _expect(_TAGS.index(tag) > order, f"section {tag.decode()} is out of order")
        _expect(
            offset % 16 == 0 and offset >= end and offset + size <= len(blob),
            f"section {tag.decode()} at {offset} with {size} bytes does not fit",
        )
        order, end = _TAGS.index(tag), offset + size
        sections[tag] = blob[offset:end]
    for tag in _REQUIRED:
        _expect(tag in sections, f"section {tag.decode()} is missing")
    return sections


def _read_meta(raw: bytes) -> dict[str, Any]:
    _expect(len(raw) <= _META_MAX, f"META has {len(raw)} bytes, at most {_META_MAX} are allowed")
    try:
        meta = json.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise TinysenseError(f"damaged .tsm: META is no JSON ({error})", _CONVERT_AGAIN) from error
    _check_meta(meta)
    return dict(meta)


def _check_meta(meta: object) -> None:
    _expect(isinstance(meta, dict), "META is no JSON object")
    assert isinstance(meta, dict)
    _expect(isinstance(meta.get("name"), str), "META lacks the model's name")
    labels = meta.get("labels")
    _expect(
        isinstance(labels, list) and all(isinstance(label, str) for label in labels),
        "META lacks the labels",
    )


def _read_tensors(
    blob: bytes, sections: dict[bytes, bytes], count: int, arena_bytes: int
) -> list[Tensor]:
    raw = sections[b"TENS"]
    _expect(len(raw) == count * _TENSOR.size, f"TENS has {len(raw)} bytes for {count} tensors")
    first = section_offset(blob, b"DATA")
    tensors = []
    for i in range(count):
        code, rank, place, zero, offset, *dims, zero_point, scale = _TENSOR.unpack_from(
            raw, i * _TENSOR.size
        )
        _expect(
            code < len(DTYPES) and rank <= 4 and place <= 1 and zero == 0,
            f"tensor {i} has an unknown type, rank or place",
        )
        _expect(all(dims) and dims[: 4 - rank] == [1] * (4 - rank), f"tensor {i} has shape {dims}")
        tensor = Tensor(DTYPES[code], tuple(dims[4 - rank :]), offset, zero_point, scale)
        room = len(sections[b"DATA"]) + first if place else arena_bytes
        _expect(
            offset % 4 == 0 and offset >= (first if place else 0)
            and offset + tensor.nbytes <= room,
            f"tensor {i} of {tensor.nbytes} bytes at {offset} does not fit {room}",
        )  # fmt: skip
        tensors.append(_with_data(tensor, blob) if place else tensor)
    return tensors


def section_offset(blob: bytes, wanted: bytes) -> int:
    """Where a section of a checked file begins, 0 where it has none."""
    for i in range(blob[7]):
        tag, offset, _ = _SECTION.unpack_from(blob, _HEADER.size + i * _SECTION.size)
        if tag == wanted:
            return int(offset)
    return 0


def _with_data(t: Tensor, blob: bytes) -> Tensor:
    kind = np.dtype(t.dtype).newbyteorder("<")
    data = np.frombuffer(blob, kind, t.elements, t.offset).reshape(t.shape)
    return Tensor(t.dtype, t.shape, 0, t.zero_point, t.scale, data)


def _read_ops(raw: bytes, count: int, n_tensors: int) -> list[Op]:
    names = {row.opcode: row for row in op_rows().values()}
    ops: list[Op] = []
    at = 0
    for i in range(count):
        _expect(at + 8 <= len(raw), f"op {i} lies outside the program")
        opcode, words, n_in, n_out, zero = struct.unpack_from("<HHBBH", raw, at)
        if opcode not in names:
            raise TinysenseError(
                f"op {i} of the .tsm has opcode {opcode}, which this tinysense does not know",
                "Update tinysense on this computer, or convert the model again",
            )
        row = names[opcode]
        operands = -(-(n_in + n_out) * 2 // 4) * 4
        length = 8 + operands + 4 * row.n_params
        _expect(
            (n_in, n_out, zero) == (row.n_in, row.n_out, 0)
            and words * 4 == length and at + length <= len(raw),
            f"op {i} {row.name} has a wrong length or number of operands",
        )  # fmt: skip
        indices = struct.unpack_from(f"<{n_in + n_out}H", raw, at + 8)
        _expect(max(indices) < n_tensors, f"op {i} {row.name} names tensor {max(indices)}")
        params = struct.unpack_from(f"<{row.n_params}i", raw, at + 8 + operands)
        ops.append(Op(row.name, indices[:n_in], indices[n_in:], params))
        at += length
    _expect(at == len(raw), f"{len(raw) - at} bytes follow the last op")
    return ops


def _padded(size: int, unit: int = 4) -> int:
    return -(-size // unit) * unit


def _read_gold(raw: bytes, model: ModelFile) -> Golden:
    _expect(len(raw) >= _GOLD.size, "GOLD is shorter than its header")
    count, *sizes = _GOLD.unpack_from(raw)
    row = sum(_padded(size) for size in sizes)
    _expect(len(raw) == _GOLD.size + count * row, f"GOLD has {len(raw)} bytes for {count} vectors")
    window, given, wanted = sizes
    _expect(
        (given, wanted) == (model.inputs[0].nbytes, model.outputs[0].nbytes) and window % 2 == 0,
        f"GOLD holds {given} -> {wanted} bytes, the model takes {model.inputs[0].nbytes} "
        f"and gives {model.outputs[0].nbytes}",
    )
    table = np.frombuffer(raw, np.uint8, count * row, _GOLD.size).reshape(count, row)
    a, b = _padded(window), _padded(window) + _padded(given)
    windows = np.ascontiguousarray(table[:, :window]).view("<i2")
    return Golden(windows, table[:, a : a + given], table[:, b : b + wanted])


# ---- writing ----


def _write_meta(meta: dict[str, Any]) -> bytes:
    _check_meta(meta)
    raw = json.dumps(meta, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    if len(raw) > _META_MAX:
        raise TinysenseError(
            f"META of the model has {len(raw)} bytes, at most {_META_MAX} are allowed",
            "Shorten the labels or the description",
        )
    return raw


def _write_op(op: Op) -> bytes:
    row = op_rows()[op.name]
    counts = (len(op.inputs), len(op.outputs), len(op.params))
    if counts != (row.n_in, row.n_out, row.n_params):
        raise TinysenseError(
            f"{op.name} takes {row.n_in} inputs, {row.n_out} outputs and {row.n_params} "
            f"parameters, got {counts}"
        )
    try:
        operands = struct.pack(f"<{len(op.inputs) + len(op.outputs)}H", *op.inputs, *op.outputs)
        operands += b"\0" * (_padded(len(operands)) - len(operands))
        body = operands + struct.pack(f"<{row.n_params}i", *op.params)
    except struct.error as error:
        raise TinysenseError(f"{op.name} with parameters {op.params}: {error}") from error
    return struct.pack("<HHBBH", row.opcode, 2 + len(body) // 4, row.n_in, row.n_out, 0) + body


def _write_gold(gold: Golden) -> bytes:
    parts = [
        np.ascontiguousarray(gold.windows.astype("<i2")).view(np.uint8).reshape(len(gold), -1),
        gold.inputs,
        gold.outputs,
    ]
    sizes = [part.shape[1] for part in parts]
    padded = [np.pad(p, ((0, 0), (0, _padded(n) - n))) for p, n in zip(parts, sizes, strict=True)]
    return _GOLD.pack(len(gold), *sizes) + np.concatenate(padded, axis=1).tobytes()


def _lay_out_constants(tensors: Sequence[Tensor]) -> tuple[bytes, dict[int, int]]:
    """(DATA, place of each constant in it); equal bytes are stored once."""
    seen: dict[bytes, int] = {}
    places: dict[int, int] = {}
    data = bytearray()
    for i, tensor in enumerate(tensors):
        if tensor.data is None:
            continue
        raw = np.ascontiguousarray(tensor.data, np.dtype(tensor.dtype).newbyteorder("<")).tobytes()
        if len(raw) != tensor.nbytes:
            raise TinysenseError(f"constant {i} needs {tensor.nbytes} bytes, got {len(raw)}")
        if raw not in seen:
            seen[raw] = len(data)
            data += raw + b"\0" * (_padded(len(raw)) - len(raw))
        places[i] = seen[raw]
    return bytes(data), places


def _offsets(sizes: dict[bytes, int]) -> tuple[dict[bytes, int], int]:
    at = _HEADER.size + len(sizes) * _SECTION.size
    offsets = {}
    for tag, size in sizes.items():
        offsets[tag] = at = _padded(at, 16)
        at += size
    return offsets, at


def _write_tensors(tensors: Sequence[Tensor], places: dict[int, int], base: int) -> bytes:
    rows = []
    for i, t in enumerate(tensors):
        dims = (1,) * (4 - len(t.shape)) + t.shape
        offset = base + places[i] if t.constant else t.offset
        rows.append(
            _TENSOR.pack(DTYPES.index(t.dtype), len(t.shape), int(t.constant), 0, offset, *dims,
                         t.zero_point, t.scale)
        )  # fmt: skip
    return b"".join(rows)
