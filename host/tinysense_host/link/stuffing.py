"""Frames to a board (models/FORMAT.md, section 4): byte 3, Ctrl-C, never stands in them."""

from __future__ import annotations

import binascii
import struct

__all__ = ["FILLER", "MAX_PAYLOAD", "request", "stuff", "unstuff"]

SYNC = b"\xa5\x5a"
MAX_PAYLOAD = 1024
# More than any frame has: a board that waits for the rest of a damaged one gets it.
FILLER = b"\xff" * 1060
_HEAD = struct.Struct("<BBH")
_RUN = 254


def stuff(data: bytes) -> bytes:
    """COBS for the value 3: the same data without that byte, 1 in 254 longer and 1 more."""
    out = bytearray()
    for part in data.split(b"\x03"):
        at = 0
        while len(part) - at >= _RUN:
            out.append(255)
            out += part[at:at + _RUN]
            at += _RUN
        code = len(part) - at + 1
        out.append(0 if code == 3 else code)
        out += part[at:]
    return bytes(out)


def unstuff(data: bytes) -> bytes | None:
    """What was stuffed, None where it can't have been."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at] or 3
        run = data[at + 1:at + code]
        if len(run) != code - 1 or 3 in run:
            return None
        out += run
        at += code
        if at < len(data) and code != 255:
            out.append(3)
    return bytes(out)


def request(kind: int, number: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """A frame's bytes on their way to the board."""
    body = _HEAD.pack(kind, flags, number) + payload
    stuffed = stuff(body + binascii.crc32(body).to_bytes(4, "little"))
    n = len(stuffed)
    return SYNC + bytes([0x80 | n & 0x7F, 0x80 | n >> 7]) + stuffed
