"""What can still be read of recordings: of damaged files, folders, and images of flash or cards."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..dataset import Dataset
from ..errors import TinysenseError
from .blocks import BLOCK, Block, scan
from .images import Raw, file_systems, scan_image
from .littlefs_files import littlefs_files
from .storing import Source, Stored, store
from .times import CLOCK_FILE, Pair, TrueTimes, read_pairs

__all__ = ["Recovered", "recover"]


@dataclass
class Recovered:
    """What was found and what became of it.

    ``blocks``: whole ones, each once; ``outside`` of them in no file (deleted, or
    of a broken file system); ``damaged``: places where one began.
    """

    recordings: list[Stored] = field(default_factory=list)
    files: int = 0
    blocks: int = 0
    outside: int = 0
    damaged: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass
class _Pile:
    """Blocks as they are found, each kept once."""

    blocks: dict[tuple[int, int, int], Block] = field(default_factory=dict)
    sources: dict[int, Source] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)

    def add(self, blocks: Iterable[Block]) -> int:
        """How many of them are new."""
        before = len(self.blocks)
        for block in blocks:
            self.blocks.setdefault((block.id, block.index, block.crc), block)
        return len(self.blocks) - before


def recover(path: Path, dataset: Dataset, person: str = "", session: str = "") -> Recovered:
    """Puts every block that is whole into a dataset, as recordings; what it has already stays."""
    done, pile = Recovered(), _Pile()
    if path.is_dir():
        _read_folder(path, done, pile)
    elif path.is_file():
        _read_file(path, done, pile)
    else:
        raise TinysenseError(f"no file or folder at {path}", "check the path")
    done.blocks = len(pile.blocks)
    if not pile.blocks:
        newer = f"; {done.notes[0]}" if done.notes else ""
        raise TinysenseError(
            f"{path} holds no block of a recording that is whole ({done.damaged} damaged{newer})",
            "give a .tsr, a folder of them, or an image of a board's flash or card")  # fmt: skip
    times = TrueTimes(pile.pairs)
    done.notes += times.notes
    done.recordings = store(dataset, pile.blocks.values(), times, sources=pile.sources,
                            person=person, session=session)
    return done


def _read_folder(folder: Path, done: Recovered, pile: _Pile) -> None:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        if path.name.endswith((".tsr", ".tsr.part")):
            _add_segment(path.name, path.read_bytes(), done, pile)
        elif path.name == CLOCK_FILE:
            pile.pairs += read_pairs(path.read_text(encoding="ascii", errors="replace"))[0]


def _read_file(path: Path, done: Recovered, pile: _Pile) -> None:
    if path.name.endswith((".tsr", ".tsr.part")):
        _add_segment(path.name, path.read_bytes(), done, pile)
        clock = path.with_name(CLOCK_FILE)
        if clock.is_file():
            pile.pairs += read_pairs(clock.read_text(encoding="ascii", errors="replace"))[0]
        return
    if path.stat().st_size == 0:
        return
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        _read_file_systems(path, data, done, pile)
        image = scan_image(data)
    done.outside = pile.add(image.blocks)
    done.damaged += image.damaged
    pile.pairs += image.pairs


def _read_file_systems(path: Path, data: Raw, done: Recovered, pile: _Pile) -> None:
    for begin in file_systems(data):
        files = littlefs_files(path, begin)
        if files is None and begin:
            files = littlefs_files(path, begin - BLOCK)     # its first block lacks the name
        if files is None:
            done.notes.append(f"the littlefs at byte {begin} cannot be mounted: its blocks were "
                              f"looked for one by one")
        for name, content in (files or {}).items():
            if name.endswith("/" + CLOCK_FILE):
                pile.pairs += read_pairs(content.decode("ascii", "replace"))[0]
            else:
                _add_segment(name, content, done, pile)


def _add_segment(name: str, data: bytes, done: Recovered, pile: _Pile) -> None:
    found = scan(data)
    done.files += 1
    pile.add(found.blocks)
    damaged = found.damaged
    if damaged:     # bytes may be missing or too many: blocks elsewhere than every 4 kB
        damaged = max(0, damaged - pile.add(scan_image(data).blocks))
    done.damaged += damaged
    if found.newer:
        done.notes.append(f"{name}: {found.newer}")
    for id in {block.id for block in found.blocks}:
        old = pile.sources.get(id, Source(name.rsplit("/", maxsplit=1)[-1]))
        pile.sources[id] = Source(old.file, old.damaged + damaged)
