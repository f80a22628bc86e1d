"""The model file .tsm, typed: read, write, check. Bytes: models/FORMAT.md.

In memory a constant is an array, not an offset: write() lays constants out,
equal ones once, so that the same model gives the same bytes every time.
"""

from __future__ import annotations

import binascii
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinysense_host.corefiles import error_texts
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import sections as tsm
from tinysense_host.modelfile.sections import CONVERT_AGAIN, expect
from tinysense_host.modelparts import Geometry, Golden, Op, Tensor

__all__ = ["Fault", "ModelFile", "core_fault"]

_BYTES_MAX = 2**31 - 1
_ROWS_MAX = 2**16 - 1


@dataclass(eq=False)
class ModelFile:
    """One model. The first n_inputs tensors are its inputs, the next n_outputs its outputs.

    The first n_init ops set the state and run at load and reset only. The
    members of a SEGMENT are the ops behind it.
    """

    meta: dict[str, Any]
    tensors: list[Tensor]
    ops: list[Op]
    n_inputs: int
    n_outputs: int
    arena_bytes: int
    feat: bytes | None = None
    gold: Golden | None = None
    target: int = 0
    n_init: int = 0
    data: bytes = field(default=b"", repr=False)  # DATA as read; write() makes it anew

    @property
    def name(self) -> str:
        return str(self.meta["name"])

    @property
    def labels(self) -> list[str]:
        return list(self.meta["labels"])

    @property
    def runs_here(self) -> bool:
        """Whether the core on this computer takes the file: a portable one, or one for it."""
        import _tinysense

        return self.target in (0, _tinysense.target())

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
        header = tsm.read_header(blob)
        sections = tsm.read_sections(blob, header.n_sections)
        if binascii.crc32(blob[20:]) != header.crc:
            raise TinysenseError("checksum of the .tsm differs: it was damaged", CONVERT_AGAIN)
        tensors = tsm.read_tensors(blob, sections, header.n_tensors, header.arena_bytes)
        model = cls(
            meta=tsm.read_meta(sections[b"META"]),
            tensors=tensors,
            ops=tsm.read_ops(sections[b"PROG"], header.n_ops, len(tensors)),
            n_inputs=header.n_inputs,
            n_outputs=header.n_outputs,
            arena_bytes=header.arena_bytes,
            feat=sections.get(b"FEAT"),
            target=header.target,
            n_init=header.n_init,
            data=sections[b"DATA"],
        )
        model._expect_counts()
        if b"GOLD" in sections:
            sides = model.inputs[0].nbytes, model.outputs[0].nbytes
            model.gold = tsm.read_gold(sections[b"GOLD"], *sides)
        fault = core_fault(blob) if model.runs_here else None
        if fault:
            raise TinysenseError(f"the .tsm is refused by the core: {fault}", CONVERT_AGAIN)
        return model

    def _expect_counts(self) -> None:
        count = len(self.tensors)
        expect(
            1 <= self.n_inputs <= 8 and 1 <= self.n_outputs <= 8
            and self.n_inputs + self.n_outputs <= count,
            f"{self.n_inputs} inputs and {self.n_outputs} outputs in {count} tensors",
        )  # fmt: skip
        expect(self.n_init <= len(self.ops), f"{self.n_init} of {len(self.ops)} ops set the state")

    def feature_geometry(self) -> Geometry:
        """What the core says of FEAT; Geometry() for a model without features."""
        import _tinysense

        if self.feat is None:
            return Geometry()
        info = array("I", [0] * 8)
        code = int(_tinysense.features_info(self.feat, info))
        expect(code >= 0, f"FEAT: {error_texts().get(code, f'error {code}')}")
        return Geometry(*info)

    def write(self) -> bytes:
        """The bytes of the file; equal models give equal bytes."""
        if self.arena_bytes > _BYTES_MAX or max(len(self.tensors), len(self.ops)) > _ROWS_MAX:
            raise TinysenseError(
                f"a model of {len(self.tensors)} tensors, {len(self.ops)} ops and an arena of "
                f"{self.arena_bytes} bytes: at most {_ROWS_MAX}, {_ROWS_MAX} and {_BYTES_MAX}",
                "Make the model smaller",
            )
        data, places = tsm.lay_out_constants(self.tensors)
        table = tsm.write_tensors(self.tensors, places, 0)      # its size counts, for DATA's place
        bodies = {
            b"META": tsm.write_meta(self.meta),
            b"FEAT": self.feat,
            b"TENS": table,
            b"PROG": b"".join(tsm.write_op(op) for op in self.ops),
            b"DATA": data,
            b"GOLD": None if self.gold is None else tsm.write_gold(self.gold),
        }
        parts = {tag: body for tag, body in bodies.items() if body is not None}
        offsets = tsm.section_offsets([len(body) for body in parts.values()])
        at = offsets[list(parts).index(b"DATA")]
        parts[b"TENS"] = tsm.write_tensors(self.tensors, places, at)
        blob = tsm.join_sections(list(parts.items()))
        blob[:32] = self._header(len(parts), 0).pack(len(blob))
        blob[:32] = self._header(len(parts), binascii.crc32(bytes(blob[20:]))).pack(len(blob))
        return bytes(blob)

    def _header(self, n_sections: int, crc: int) -> tsm.Header:
        return tsm.Header(
            self.target, n_sections, self.arena_bytes, crc, len(self.tensors), len(self.ops),
            self.n_inputs, self.n_outputs, self.n_init,
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
