"""Raw images of flash and cards: blocks wherever they lie, whatever is left of the file system.

FAT keeps a block in one piece where a cluster is 4 kB or more. littlefs does
not: the blocks of a file begin with pointers to earlier ones (its SPEC.md,
"CTZ skip-lists"), so what it stores in them is shifted by some words and ends
in the file's next block, which only points back. That one is found by its
pointer, and the checksum says whether it was the right one.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from .blocks import BLOCK, MAGIC, Block, parse
from .times import Pair, read_pairs

__all__ = ["Image", "Raw", "file_systems", "places", "scan_image"]

Raw = bytes | mmap.mmap

_SUPERBLOCK = b"littlefs"
_SUPERBLOCK_AT = 8      # in its block
_FIRST_DATA = 2         # blocks 0 and 1 of a littlefs are its superblock
_POINTERS = 20          # in a file's block, at most: enough for 4 GB
_SECTOR = 512
_FLASH_BYTES = 64 << 20     # times are looked for in images of flash, not of cards
_PAIR = re.compile(rb"(?<![0-9])[0-9]{1,10} [0-9]{1,16} 1[0-9]{15}(?=\r?\n)")


@dataclass
class Image:
    """What an image holds: whole blocks, places where one began but is not whole, times."""

    blocks: list[Block] = field(default_factory=list)
    damaged: int = 0
    pairs: list[Pair] = field(default_factory=list)


def scan_image(data: Raw) -> Image:
    """Every block of recordings in an image, and pairs of times."""
    image, successors = Image(), None
    for at in places(data, MAGIC):
        block = _whole(data[at : at + BLOCK])
        if block is None:
            if successors is None:
                successors = _successors(data)
            block = _stitched(data, at, successors)
        if block is not None:
            image.blocks.append(block)
        elif at % _SECTOR == 0 or _header_fits(data, at):
            image.damaged += 1
    if len(data) <= _FLASH_BYTES:
        text = b"\n".join(match[0] for match in _PAIR.finditer(data)).decode("ascii")
        image.pairs = read_pairs(text)[0]
    return image


def file_systems(data: Raw) -> list[int]:
    """Where littlefs file systems may begin: one or both of their first two blocks say so."""
    numbers = [at // BLOCK for at in places(data, _SUPERBLOCK) if at % BLOCK == _SUPERBLOCK_AT]
    return [number * BLOCK for number in numbers if number - 1 not in numbers]


def places(data: Raw, what: bytes) -> Iterator[int]:
    """Where some bytes occur."""
    at = data.find(what)
    while at >= 0:
        yield at
        at = data.find(what, at + 1)


def _whole(data: bytes) -> Block | None:
    try:
        return parse(data) if len(data) == BLOCK else None
    except ValueError:
        return None


def _header_fits(data: Raw, at: int) -> bool:
    """Whether the magic is the beginning of a header, not four bytes by chance."""
    if at + 8 > len(data):
        return False
    version, size = struct.unpack_from("<HH", data, at + 4)
    return (version, size) in ((1, 96), (2, 192))


def _successors(data: Raw) -> dict[int, list[int]]:
    """By each block of a littlefs: the blocks whose first pointer leads to it.

    Pointers count from the file system's beginning, which in an image of
    all flash is where its superblock is.
    """
    count = len(data) // BLOCK
    bases = {0} | {
        at // BLOCK - k
        for at in places(data, _SUPERBLOCK) if at % BLOCK == _SUPERBLOCK_AT
        for k in (0, 1) if at // BLOCK >= k
    }  # fmt: skip
    found: dict[int, list[int]] = {}
    for number in range(count):
        (pointer,) = struct.unpack_from("<I", data, number * BLOCK)
        for base in bases:
            if pointer >= _FIRST_DATA and base + pointer < count:
                found.setdefault(base + pointer, []).append(number)
    return found


def _stitched(data: Raw, at: int, successors: dict[int, list[int]]) -> Block | None:
    """A block that begins at ``at`` and goes on in the file's next block of littlefs."""
    number, inside = divmod(at, BLOCK)
    begun = data[at : (number + 1) * BLOCK]
    if not inside:
        return None
    for following in successors.get(number, ()):
        for pointers in range(1, _POINTERS + 1):
            rest = following * BLOCK + 4 * pointers
            block = _whole(begun + data[rest : rest + inside])
            if block is not None:
                return block
    return None
