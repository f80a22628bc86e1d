"""Blocks of .tsr files, each checked by itself: the whole ones, and how many are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinysense import recording as tsr
from tinysense.channels import each, joined

from ..dataset import Frames, Numbers, Texts

__all__ = ["BLOCK", "MAGIC", "Block", "Scan", "parse", "scan"]

BLOCK: int = tsr.BLOCK
MAGIC: bytes = tsr.MAGIC


@dataclass(frozen=True)
class Block:
    """A block whose checksum holds; frames (count, channels), units as recordings have them."""

    frames: Frames
    id: int
    index: int
    first: int
    time_us: int
    utc_us: int
    rate_mhz: int
    measured_rate_mhz: int
    lost: int
    boot: int
    units: Texts
    scale: Numbers
    label: str
    note: str
    crc: int

    @property
    def end(self) -> int:
        """Number of the frame after the last one."""
        return self.first + len(self.frames)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What all blocks of one recording have in common."""
        return self.boot, self.frames.shape[1], self.units, self.scale, self.rate_mhz


@dataclass(frozen=True)
class Scan:
    """What a file holds: whole blocks, blocks that are not, bytes after the last of them.

    ``newer``: why blocks cannot be read by this version, "" if none says so.
    """

    blocks: tuple[Block, ...] = ()
    damaged: int = 0
    tail: int = 0
    newer: str = ""


def parse(data: bytes | memoryview) -> Block:
    """One block; RecordingError where it is none, damaged, or of a later version."""
    b = tsr.Block(memoryview(data))
    frames = np.frombuffer(bytes(b.frames), "<i2").reshape(b.count, b.channels)
    units = joined(tuple("" if unit == "none" else unit for unit in each(b.units, b.channels)))
    return Block(
        frames.astype(np.int16), b.id, b.index, b.first, b.time_us, b.utc_us, b.rate_mhz,
        b.measured_rate_mhz, b.lost, b.boot, units, b.scale, b.label, b.note,
        tsr.crc32(data[: b.header + frames.nbytes]),
    )  # fmt: skip


def scan(data: bytes) -> Scan:
    """Every block of a file."""
    found: list[Block] = []
    why: list[str] = []
    whole = len(data) - len(data) % BLOCK
    view = memoryview(data)
    for at in range(0, whole, BLOCK):
        try:
            found.append(parse(view[at : at + BLOCK]))
        except ValueError as error:
            why.append(str(error))
    # Beside blocks that can be read it is damage: versions do not change inside a file.
    newer = "" if found else next((text for text in why if "update tinysense" in text), "")
    return Scan(tuple(found), len(why), len(data) - whole, newer)
