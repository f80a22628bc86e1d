"""Whether a sound file ends before its own header says: decoders take what is there, silently.

RIFF and AIFF: IBM and Microsoft, "Multimedia Programming Interface and Data
Specifications 1.0" (1991); Apple, "Audio Interchange File Format" (1989).
Ogg pages: RFC 3533, section 6.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO

__all__ = ["missing"]

_UNKNOWN = (0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000, 0xFFFFF000, 0xFFFFFFFF)  # written to a pipe
_SOUND = (b"data", b"SSND")
_LAST_PAGE = 4  # of an Ogg page's flags
_OGG_PAGE_MAX = 65307


def missing(path: Path) -> str:
    """What is missing at the end of a WAV, AIFF or Ogg file; "" for whole and for other files."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(12)
        if head[:4] in (b"RIFF", b"RIFX", b"FORM") and len(head) == 12:
            return _chunks(file, size, "<" if head[:4] == b"RIFF" else ">")
        if head[:4] == b"OggS":
            return _pages(file, size)
    return ""


def _chunks(file: BinaryIO, size: int, order: str) -> str:
    """Walks the chunks up to the samples."""
    while len(head := file.read(8)) == 8:
        kind, length = struct.unpack(order + "4sI", head)
        left = size - file.tell()
        if kind in _SOUND:
            if length in _UNKNOWN or length <= left:
                return ""
            return f"{left} of {length} bytes of sound are there"
        if length > left:
            break
        file.seek(length + length % 2, os.SEEK_CUR)
    return "its chunk of sound is not there"


def _pages(file: BinaryIO, size: int) -> str:
    """The last page must be whole and say that it is the last."""
    file.seek(max(0, size - 2 * _OGG_PAGE_MAX))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) - at < 27:
        return "its last page is not whole"
    segments = tail[at + 26]
    sizes = tail[at + 27 : at + 27 + segments]
    if len(sizes) < segments or at + 27 + segments + sum(sizes) > len(tail):
        return "its last page is not whole"
    if not tail[at + 5] & _LAST_PAGE:
        return "the page that ends it is not there"
    return ""
