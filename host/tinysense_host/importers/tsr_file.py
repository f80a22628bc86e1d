"""Recordings made on a board: .tsr files, and the segments of field recorders, which are joined."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..dataset import Recording
from ..errors import TinysenseError
from ..field.blocks import BLOCK, Block, Scan, scan
from ..field.joining import Joined, join, label_of, name_of, recording_of
from ..field.times import CLOCK_FILE, TrueTimes, read_pairs
from .facts import Facts, Imported, id_of

__all__ = ["read_tsr", "read_tsrs"]

_SEGMENT = re.compile(r"[0-9]{6}(-[0-9a-f]{8})?\.tsr\Z")


def read_tsr(path: Path, facts: Facts) -> Imported:
    """Reads one file; lost frames and damaged blocks become gaps."""
    found = _scanned(path)
    first, *others = join(found.blocks)
    stray = sum(len(one.blocks) for one in others)
    return _imported(first, path, _times([path]), facts, found.damaged + stray)


def read_tsrs(paths: Sequence[Path], facts: Facts) -> list[Imported]:
    """Reads files together: segments of one recording become one, in any order.

    A clock.txt beside them gives true times. Of a recorder's segments those in
    which not one block was finished are passed over.
    """
    blocks: list[Block] = []
    origin: dict[int, Path] = {}
    damaged: dict[int, int] = {}
    kept = [p for p in paths if not (_SEGMENT.match(p.name) and p.stat().st_size < BLOCK)]
    for path in kept or paths:
        found = _scanned(path)
        for block in found.blocks:
            origin.setdefault(block.id, path)
        id = found.blocks[0].id
        damaged[id] = damaged.get(id, 0) + found.damaged
        blocks += found.blocks
    times = _times(paths)
    return [
        _imported(one, origin[one.id], times, facts, damaged.get(one.id, 0)) for one in join(blocks)
    ]


def _scanned(path: Path) -> Scan:
    try:
        found = scan(path.read_bytes())
    except OSError as error:
        raise TinysenseError(f"cannot read {path}: {error.strerror or error}") from error
    if found.newer:
        raise TinysenseError(f"{path}: {found.newer}")
    if not any(len(block.frames) for block in found.blocks):
        what = f"holds none that is whole in {found.damaged}" if found.damaged else "has none"
        raise TinysenseError(
            f"{path}: expected blocks of a .tsr, of {BLOCK} bytes each; it {what}",
            "copy it from the board again, or see what `tinysense recover` finds")  # fmt: skip
    return found


def _times(paths: Sequence[Path]) -> TrueTimes:
    pairs = []
    for folder in dict.fromkeys(path.parent for path in paths):
        clock = folder / CLOCK_FILE
        if clock.is_file():
            pairs += read_pairs(clock.read_text(encoding="ascii", errors="replace"))[0]
    return TrueTimes(pairs)


def _imported(
    one: Joined, path: Path, times: TrueTimes, facts: Facts, damaged: int
) -> Imported:
    segment = _SEGMENT.match(path.name)
    id, session = (name_of(one, times), "") if segment else (id_of(path), path.stem)
    recording: Recording = recording_of(
        one, id, times, person=facts.person, session=facts.session or session,
        device=facts.device, file=path.name, damaged=damaged + one.contrary,
    )  # fmt: skip
    if facts.rate_hz is not None:
        recording = replace(recording, rate_mhz=round(facts.rate_hz * 1000))
    labels = label_of(recording, facts.label or one.blocks[0].label)
    return Imported(recording, tuple(labels), 0, damaged + one.contrary)
