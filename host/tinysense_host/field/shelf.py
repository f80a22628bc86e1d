"""Segments as they came from boards, in a folder of this computer, and an index of them.

    DIR/NNNNNN-CRC.tsr         the segment, whole as far as the board had it
    DIR/NNNNNN-CRC.tsr.part    what has come so far
    DIR/index.json             what is known of each: size, checksum, blocks, whether it is stored
    DIR/clock.txt              pairs of times of all boards (times.py)

CRC is that of the segment's first header, which holds a random number: so two
boards, or a board whose names began anew, do not meet.
"""

from __future__ import annotations

import binascii
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from ..errors import TinysenseError
from ..files import write_atomically
from .blocks import BLOCK, Scan, parse, scan
from .times import CLOCK_FILE, Pair, read_pairs, write_pairs

__all__ = ["Entry", "Shelf"]

INDEX = "index.json"
VERSION = 1
PART = ".part"


@dataclass(frozen=True)
class Entry:
    """A segment that came whole: its bytes, what they hold, and the dataset that has it all."""

    size: int
    crc: int
    blocks: int
    damaged: int
    newer: bool = False
    stored: str = ""

    @property
    def verified(self) -> bool:
        """Whether every whole block in it is good."""
        return not self.damaged and not self.newer


class Shelf:
    """The folder; made when the first bytes come."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries: dict[str, Entry] = _read_index(path / INDEX)

    def file(self, key: str) -> Path:
        """Where a segment is once it is whole."""
        return self.path / f"{key}.tsr"

    def begin(self, key: str) -> Path:
        """The .part to add to. What came before is in it, cut behind its last whole block."""
        part, whole = self._part(key), self.file(key)
        self.path.mkdir(parents=True, exist_ok=True)
        if not part.exists() and whole.exists():
            os.replace(whole, part)
        if not part.exists():
            part.touch()
        os.truncate(part, _verified_bytes(part))
        return part

    def finish(self, key: str) -> None:
        """Checks what has come, makes it durable, and notes it."""
        part, whole = self._part(key), self.file(key)
        data = part.read_bytes()
        found = scan(data)
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, whole)
        _sync_folder(self.path)
        self.entries[key] = Entry(len(data), binascii.crc32(data), len(found.blocks), found.damaged,
                                  bool(found.newer))
        self.save()

    def intact(self, key: str) -> bool:
        """Whether the file is there, byte for byte as it was checked."""
        entry, path = self.entries.get(key), self.file(key)
        if entry is None or not path.is_file() or path.stat().st_size != entry.size:
            return False
        return binascii.crc32(path.read_bytes()) == entry.crc

    def look(self, key: str) -> Scan:
        """What a segment holds, by this version of tinysense."""
        found = scan(self.file(key).read_bytes())
        self.entries[key] = replace(
            self.entries[key], blocks=len(found.blocks), damaged=found.damaged,
            newer=bool(found.newer))  # fmt: skip
        return found

    def mark_stored(self, keys: Iterable[str], dataset: Path) -> None:
        """Notes that a dataset has everything that these segments hold."""
        for key in keys:
            self.entries[key] = replace(self.entries[key], stored=str(dataset.resolve()))
        self.save()

    def has(self, key: str, dataset: Path) -> bool:
        """Whether a segment need not come: it is here, or all of it is in that dataset."""
        entry = self.entries.get(key)
        stored = entry is not None and entry.stored == str(dataset.resolve())
        return stored or entry is not None and self.file(key).is_file()

    def save(self) -> None:
        """Writes the index."""
        rows = {key: asdict(entry) for key, entry in sorted(self.entries.items())}
        text = json.dumps({"version": VERSION, "segments": rows}, indent=1)
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path / INDEX, text.encode())

    def pairs(self) -> list[Pair]:
        """Pairs of times of earlier pulls, in the order in which they came."""
        path = self.path / CLOCK_FILE
        text = path.read_text(encoding="ascii", errors="replace") if path.is_file() else ""
        return read_pairs(text)[0]

    def add_pairs(self, new: Iterable[Pair]) -> list[Pair]:
        """All pairs, with these; written only where some are new."""
        old = self.pairs()
        pairs = list(dict.fromkeys([*old, *new]))
        if len(pairs) > len(old):
            self.path.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path / CLOCK_FILE, write_pairs(pairs).encode())
        return pairs

    def crc_of(self, part: Path, size: int) -> int:
        """CRC-32 of the first bytes of a file."""
        return binascii.crc32(part.read_bytes()[:size])

    def _part(self, key: str) -> Path:
        return self.path / f"{key}.tsr{PART}"


def _verified_bytes(part: Path) -> int:
    """How much of a .part can be believed: up to its last block whose checksum holds."""
    data = part.read_bytes()
    end = len(data) - len(data) % BLOCK
    while end:
        try:
            parse(data[end - BLOCK : end])
            return end
        except ValueError:
            end -= BLOCK
    return 0


def _sync_folder(path: Path) -> None:
    """Makes a rename durable, where the system can."""
    if os.name != "posix":
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _read_index(path: Path) -> dict[str, Entry]:
    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        version, rows = told["version"], told["segments"]
        entries = {str(key): _entry(row) for key, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TinysenseError(f"{path} is damaged ({type(error).__name__})",
                             "remove it: segments are then compared with the board anew") from error
    if version != VERSION:
        raise TinysenseError(f"{path} has version {version}, expected {VERSION}",
                             "update tinysense, or name another folder with --raw")
    return entries


_KINDS: dict[str, type] = {"newer": bool, "stored": str}


def _entry(row: dict[str, object]) -> Entry:
    kinds = {f.name: _KINDS.get(f.name, int) for f in fields(Entry)}
    if set(row) != set(kinds) or any(type(row[name]) is not kind for name, kind in kinds.items()):
        raise ValueError("a row of another shape")
    return Entry(**row)  # type: ignore[arg-type]
