"""A small FlatBuffers reader that trusts nothing.

Tables, vectors and strings are read where they lie; every offset is checked
against the buffer before it is followed, so damaged bytes end in a
TinysenseError and never in an IndexError or a read from the wrong end.
Format: flatbuffers.dev/internals. Numbers are little-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from tinysense_host.errors import TinysenseError

__all__ = ["Table", "root"]


class _Bytes:
    """The buffer and the only functions that index it."""

    def __init__(self, data: bytes, kind: str) -> None:
        self.data = data
        self.kind = kind

    def fail(self, what: str, at: int) -> TinysenseError:
        """The error for damage at a byte."""
        return TinysenseError(
            f"damaged {self.kind}: {what} at byte {at} of {len(self.data)}",
            "Copy or download the file again",
        )

    def number(self, code: str, at: int) -> int | float:
        """The number at a byte; ``code`` as in the struct module."""
        size = struct.calcsize("<" + code)
        if at < 0 or at + size > len(self.data):
            raise self.fail("a number lies outside the file", at)
        value: int | float = struct.unpack_from("<" + code, self.data, at)[0]
        return value

    def u32(self, at: int) -> int:
        """The unsigned word at a byte."""
        return int(self.number("I", at))

    def follow(self, at: int) -> int:
        """Position that the unsigned offset stored at ``at`` leads to."""
        target = at + self.u32(at)
        if target + 4 > len(self.data):
            raise self.fail("an offset leads outside the file", at)
        return target

    def span(self, at: int, size: int) -> tuple[int, int]:
        """(start, count) of the vector whose length word is at ``at``."""
        count = self.u32(at)
        if at + 4 + count * size > len(self.data):
            raise self.fail(f"a vector of {count} x {size} bytes does not fit", at)
        return at + 4, count


class Table:
    """One table; fields are addressed by their slot number in the schema."""

    def __init__(self, source: _Bytes, at: int) -> None:
        self._source = source
        self._at = at
        self._vtable = at - int(source.number("i", at))
        self._vtable_bytes = int(source.number("H", self._vtable))
        if self._vtable_bytes < 4 or self._vtable + self._vtable_bytes > len(source.data):
            raise source.fail("a table's field list is damaged", at)

    def _field(self, slot: int) -> int:
        """Position of a field, 0 where it is absent."""
        entry = 4 + 2 * slot
        if entry + 2 > self._vtable_bytes:
            return 0
        offset = int(self._source.number("H", self._vtable + entry))
        return self._at + offset if offset else 0

    def position(self, slot: int) -> int:
        """Where in the file a field lies, 0 where it is absent."""
        return self._field(slot)

    def integer(self, slot: int, code: str, default: int = 0) -> int:
        """A whole number; ``code`` as in the struct module ("b", "i", "I", ...)."""
        at = self._field(slot)
        return int(self._source.number(code, at)) if at else default

    def real(self, slot: int, default: float = 0.0) -> float:
        """A 32-bit float."""
        at = self._field(slot)
        return float(self._source.number("f", at)) if at else default

    def text(self, slot: int) -> str:
        """A UTF-8 text, "" where the field is absent."""
        at = self._field(slot)
        if not at:
            return ""
        start, count = self._source.span(self._source.follow(at), 1)
        return self._source.data[start : start + count].decode("utf-8", "replace")

    def table(self, slot: int) -> Table | None:
        """A table inside, None where the field is absent."""
        at = self._field(slot)
        return Table(self._source, self._source.follow(at)) if at else None

    def tables(self, slot: int) -> Iterator[Table]:
        """The tables of a vector, none where the field is absent."""
        at = self._field(slot)
        if not at:
            return
        start, count = self._source.span(self._source.follow(at), 4)
        for i in range(count):
            yield Table(self._source, self._source.follow(start + 4 * i))

    def array(self, slot: int, dtype: str) -> np.ndarray | None:
        """A read-only vector of numbers, None where the field is absent."""
        at = self._field(slot)
        if not at:
            return None
        kind = np.dtype(dtype)
        start, count = self._source.span(self._source.follow(at), kind.itemsize)
        return np.frombuffer(self._source.data, kind, count, start)


def root(data: bytes, identifier: bytes, kind: str) -> Table:
    """The root table of ``data``; ``identifier`` is the four bytes at offset 4."""
    source = _Bytes(data, kind)
    if len(data) < 8 or data[4:8] != identifier:
        raise TinysenseError(
            f"not a {kind}: expected {identifier.decode()} at byte 4, got {data[4:8]!r}",
            "Give the file that tf.lite.TFLiteConverter wrote",
        )
    return Table(source, source.follow(0))
