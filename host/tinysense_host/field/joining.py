"""Blocks to recordings: order, losses, and what is missing, by what the blocks themselves say."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tinysense import channels

from ..dataset import Gap, Label, Recording
from .blocks import Block
from .times import TrueTimes, iso

__all__ = ["Joined", "Ranges", "absent", "inside", "join", "label_of", "name_of", "ranges",
           "recording_of", "united"]

Ranges = list[list[int]]  # [[first, last], ..], both included


@dataclass(frozen=True)
class Joined:
    """The blocks of one recording, in order; ``contrary`` ones fit no others and are left out."""

    id: int
    blocks: tuple[Block, ...]
    contrary: int = 0

    @property
    def numbers(self) -> list[int]:
        """Numbers of the blocks, ascending."""
        return [block.index for block in self.blocks]

    @property
    def lost(self) -> int:
        """Frames that the board itself counted as lost."""
        return self.blocks[-1].lost

    @property
    def note(self) -> str:
        """The note of the first block."""
        return self.blocks[0].note

    @property
    def rate_mhz(self) -> int:
        """The measured rate, the latest known; else the nominal one."""
        measured = [block.measured_rate_mhz for block in self.blocks if block.measured_rate_mhz]
        return measured[-1] if measured else self.blocks[0].rate_mhz


def join(found: Iterable[Block]) -> list[Joined]:
    """Recordings of blocks in any order; the same block may come more than once."""
    by_id: dict[int, dict[int, Block]] = {}
    contrary: dict[int, int] = {}
    for block in found:
        first = by_id.setdefault(block.id, {}).setdefault(block.index, block)
        if first.crc != block.crc:
            contrary[block.id] = contrary.get(block.id, 0) + 1
    joined = []
    for id, blocks in by_id.items():
        kept: list[Block] = []
        kind = Counter(block.kind for block in blocks.values()).most_common(1)[0][0]
        for _, block in sorted(blocks.items()):
            if block.kind != kind or kept and block.first < kept[-1].end:
                contrary[id] = contrary.get(id, 0) + 1
            else:
                kept.append(block)
        joined.append(Joined(id, tuple(kept), contrary.get(id, 0)))
    return joined


def recording_of(
    joined: Joined, id: str, times: TrueTimes, *, person: str = "", session: str = "",
    device: str = "", file: str = "", damaged: int = 0, known: Ranges | None = None,
) -> Recording:  # fmt: skip
    """The recording of the blocks; TinysenseError where a recording cannot be so.

    known: numbers of blocks that other recordings hold: what lies before these
    blocks is then not missing.
    """
    blocks = joined.blocks
    head, at, gaps = blocks[0], 0, []
    expected = head.first if known else 0
    for block in blocks:
        if block.first > expected:
            gaps.append(Gap(at, block.first - expected))
        at += len(block.frames)
        expected = block.end
    said = {"note": head.note, "boot": head.boot, "device_time_us": head.time_us}
    count = head.frames.shape[1]
    utc_us = times.utc_us(head.boot, head.time_us) or head.utc_us
    return Recording(
        id=id, frames=np.concatenate([block.frames for block in blocks]),
        rate_mhz=joined.rate_mhz, channels=channels.names(count, head.units), units=head.units,
        scale=head.scale, device=device, time=iso(utc_us), person=person, session=session or id,
        gaps=_merged(gaps),
        source={
            "file": file, "tsr_id": joined.id, "blocks": ranges(joined.numbers),
            "damaged_blocks": damaged, **{key: value for key, value in said.items() if value},
        },
    )  # fmt: skip


def _merged(gaps: Sequence[Gap]) -> tuple[Gap, ...]:
    """Gaps at one place, which blocks without frames leave, as one."""
    out: list[Gap] = []
    for gap in gaps:
        if out and out[-1].start == gap.start:
            out[-1] = Gap(gap.start, out[-1].lost + gap.lost)
        else:
            out.append(gap)
    return tuple(out)


def label_of(recording: Recording, label: str) -> list[Label]:
    """The label of all of a recording, none where it is empty."""
    if not label or not len(recording.frames):
        return []
    return [Label(recording.id, 0, len(recording.frames), label)]


def name_of(joined: Joined, times: TrueTimes) -> str:
    """An id that is the same whenever and from wherever the recording comes: label, time, number.

    >>> # walk_20260704T091500_1a2b3c4d, or walk_1a2b3c4d where the time is unknown
    """
    head = joined.blocks[0]
    label = re.sub(r"[^A-Za-z0-9_.+-]+", "_", head.label).lstrip("_.+-")
    when = iso(times.utc_us(head.boot, head.time_us) or head.utc_us)[:19]
    words = [label or "recording", re.sub(r"[-:]", "", when), f"{joined.id:08x}"]
    return "_".join(word for word in words if word)


def ranges(numbers: Iterable[int]) -> Ranges:
    """[[first, last], ..] of ascending numbers."""
    return united([number, number] for number in numbers)


def united(spans: Iterable[Sequence[int]]) -> Ranges:
    """Ranges in any order, as few as can be."""
    out: Ranges = []
    for first, last in sorted(map(tuple, spans)):
        if out and first <= out[-1][1] + 1:
            out[-1][1] = max(last, out[-1][1])
        else:
            out.append([first, last])
    return out


def inside(spans: Ranges, number: int) -> bool:
    """Whether a number lies in one of such ranges."""
    at = bisect_right(spans, number, key=lambda span: span[0])
    return at > 0 and number <= spans[at - 1][1]


def absent(spans: Ranges) -> Ranges:
    """What lies between 0 and the last of such ranges, in none of them."""
    edges = [[-1, -1], *spans]
    pairs = zip(edges, edges[1:], strict=False)
    return [[a[1] + 1, b[0] - 1] for a, b in pairs if b[0] > a[1] + 1]
