"""A recorder's folder on a board: what is there, bytes of it, removal; nothing said is trusted.

`read_piece` is the only way bytes of a file come: in blocks where the board has a receiver,
else as text that a program there prints.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from ..device import Device
from ..errors import TinysenseError
from ..link.transport import BoardError, LinkError
from .times import PLAUSIBLE_US, Pair

__all__ = ["HEADER", "PIECE", "Listing", "Piece", "Segment", "is_segment", "listing", "names_shown",
           "prefix_crc", "read_piece", "read_text", "remove", "set_time"]

HEADER = 192            # bytes of a segment's beginning that tell it from others
PIECE = 16384           # bytes asked for at once; each comes with its CRC
TRIES = 3
SLOW_BYTES_S = 500      # a link slower than this has failed
_SEGMENT = re.compile(r"[0-9]{6}\.tsr\Z")
_SIZE_LIMIT = 1 << 40
_OWN = ("clock.txt", "state.txt")   # the recorder's other files
_SHOWN = 60             # characters of a name in a message

Piece = Callable[[Device, str, int, int], bytes]

_LIST = """
def _ts_list(d):
 import json, os
 from binascii import crc32
 b = bytearray({header})
 for f in os.ilistdir(d):
  p = d + "/" + f[0]
  s = c = -1
  try:
   if not f[1] & 0x4000:
    s = os.stat(p)[6]
    c = 0
    if f[0][-4:] == ".tsr":
     with open(p, "rb") as g:
      c = crc32(b[:g.readinto(b)]) & 0xFFFFFFFF
  except OSError:
   c = -1
  print(json.dumps([f[0], s, c]))
_ts_list({folder!r})
del _ts_list
"""
_PIECE = """
def _ts_piece(p, at, n):
 from binascii import b2a_base64, crc32
 b = bytearray(768)
 m = memoryview(b)
 c = 0
 with open(p, "rb") as f:
  f.seek(at)
  while n > 0:
   k = f.readinto(m[:min(n, 768)])
   if not k:
    break
   c = crc32(m[:k], c)
   n -= k
   print(b2a_base64(m[:k]).decode(), end="")
 print("=%d" % (c & 0xFFFFFFFF))
_ts_piece({path!r}, {at}, {size})
"""
_SUM = """
def _ts_sum(p, n):
 from binascii import crc32
 b = bytearray(2048)
 m = memoryview(b)
 c = 0
 with open(p, "rb") as f:
  while n > 0:
   k = f.readinto(m[:min(n, 2048)])
   if not k:
    break
   c = crc32(m[:k], c)
   n -= k
 print(c & 0xFFFFFFFF)
_ts_sum({path!r}, {size})
"""
_REMOVE = """
def _ts_remove(p, size, crc):
 import os
 from binascii import crc32
 b = bytearray({header})
 with open(p, "rb") as f:
  k = f.readinto(b)
 if os.stat(p)[6] == size and crc32(b[:k]) & 0xFFFFFFFF == crc:
  os.remove(p)
  print(1)
 else:
  print(0)
_ts_remove({path!r}, {size}, {crc})
"""
_CLOCK = """
from tinysense.field.boot import boot_id as _ts_boot, set_time as _ts_set
from tinysense.sensing.timebase import device_clock as _ts_clock
_ts_now = bytearray(8)
print(1)
"""
_SET_TIME = """
_ts_clock().stamp(_ts_now)
_ts_fault = 0
try:
 _ts_set({utc_us}, {folder!r})
except OSError as e:
 _ts_fault = e.errno or 5
import json
print(json.dumps([_ts_boot(), int.from_bytes(_ts_now, "little"), _ts_fault]))
"""


@dataclass(frozen=True)
class Segment:
    """A segment on the board; ``crc`` is that of its first HEADER bytes, -1 if unreadable."""

    name: str
    size: int
    crc: int

    @property
    def number(self) -> int:
        """Its number; later ones are larger."""
        return int(self.name[:6])

    @property
    def key(self) -> str:
        """What tells it from all others, also after names began anew."""
        return f"{self.name[:6]}-{self.crc:08x}"


@dataclass(frozen=True)
class Listing:
    """Segments by name, and names that are none of a recorder's."""

    segments: tuple[Segment, ...]
    refused: tuple[str, ...]


def is_segment(name: str) -> bool:
    """Whether a name is exactly that of a segment: nothing else ever becomes a path."""
    return bool(_SEGMENT.match(name))


def listing(device: Device, folder: str) -> Listing:
    """What the recorder's folder holds; TinysenseError where there is none."""
    try:
        rows = _rows(device, folder)
    except BoardError as error:
        if error.errno in (2, 19, 20):
            raise TinysenseError(
                f"no folder {folder} on {device.port}: nothing was recorded there, or its card is "
                f"not mounted", "name another with --folder") from error  # fmt: skip
        raise
    segments, refused = [], []
    for name, size, crc in rows:
        if is_segment(name) and size >= 0:
            segments.append(Segment(name, size, crc))
        elif name not in _OWN and not name.endswith(".part"):
            refused.append(name)
    names = [segment.name for segment in segments]
    if len(set(names)) != len(names):
        raise _garbage(device, "the same name twice")
    return Listing(tuple(sorted(segments, key=lambda s: s.name)), tuple(sorted(refused)))


def _rows(device: Device, folder: str) -> list[tuple[str, int, int]]:
    """(name, bytes, CRC of the header) of all there is."""
    if device.remote:
        return [_row(device, told) for told in device.rows("recorded", folder)]
    text = device.exec(_LIST.format(header=HEADER, folder=folder), timeout=120.0)
    rows = []
    for line in text.splitlines():
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            raise _garbage(device, repr(line[:_SHOWN])) from None
        rows.append(_row(device, told))
    return rows


def _row(device: Device, told: object) -> tuple[str, int, int]:
    if isinstance(told, list) and len(told) == 3:
        name, size, crc = told
        fine = isinstance(name, str) and type(size) is int and type(crc) is int
        if fine and -1 <= size < _SIZE_LIMIT and -1 <= crc < 1 << 32:
            return name, size, crc
    raise _garbage(device, repr(told)[:_SHOWN])


def _garbage(device: Device, what: str) -> LinkError:
    return LinkError(f"the board on {device.port} answered {what} where its files were expected",
                     "reset the board and try again")


def names_shown(names: tuple[str, ...], most: int = 5) -> str:
    """Names from a board for people: quoted, cut, a few of them."""
    shown = [repr(n if len(n) <= _SHOWN else n[:_SHOWN] + "…") for n in names[:most]]
    more = len(names) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def read_piece(device: Device, path: str, at: int, size: int) -> bytes:
    """Bytes [at, at + size) of a file, whole and as the board read them; fewer at its end only."""
    blocks = getattr(device.transport, "read", None)
    data: bytes | None = blocks(path, at, size) if blocks else None
    return _printed_piece(device, path, at, size) if data is None else data


def _printed_piece(device: Device, path: str, at: int, size: int) -> bytes:
    code = _PIECE.format(path=path, at=at, size=size)
    for attempt in range(TRIES):
        text = device.exec(code, timeout=20.0 + 2 * size / SLOW_BYTES_S)
        try:
            return _checked(text, size)
        except ValueError as error:
            why = str(error)
            if attempt + 1 == TRIES:
                raise LinkError(
                    f"{path} came damaged from {device.port} {TRIES} times at byte {at}: {why}",
                    "check cable and supply, then pull again: it goes on there") from None
    raise AssertionError


def _checked(text: str, size: int) -> bytes:
    body, mark, crc = text.rstrip().rpartition("=")
    # The mark follows a line's end; base64's own = ends none but the line before.
    if not mark or not (crc.isascii() and crc.isdigit()) or (body and not body.endswith("\n")):
        raise ValueError("no checksum came")
    try:
        data = b"".join(base64.b64decode(line, validate=True) for line in body.split())
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(data) > size or binascii.crc32(data) != int(crc):
        raise ValueError("the checksum differs")
    return data


def prefix_crc(device: Device, path: str, size: int) -> int:
    """CRC-32 of the first bytes of a file, as the board reads them."""
    blocks = getattr(device.transport, "prefix_crc", None)
    crc: int | None = blocks(path, size) if blocks else None
    if crc is not None:
        return crc
    found = device.ask(_SUM.format(path=path, size=size), timeout=30.0 + size / 20_000)
    if type(found) is not int:
        raise _garbage(device, repr(found)[:_SHOWN])
    return found


def read_text(device: Device, path: str, limit: int) -> str:
    """A small text file's beginning, "" where there is none."""
    try:
        return read_piece(device, path, 0, limit).decode("utf-8", "replace")
    except BoardError as error:
        if error.errno is None:
            raise
        return ""


def remove(device: Device, folder: str, segment: Segment) -> bool:
    """Removes a segment that is still as it was listed; False where it is not."""
    path = f"{folder}/{segment.name}"
    if device.remote:
        return device.call("recorded_remove", path=path, size=segment.size,
                           crc=segment.crc) is True
    code = _REMOVE.format(header=HEADER, path=path, size=segment.size, crc=segment.crc)
    return bool(device.ask(code, timeout=60.0) == 1)


def set_time(device: Device, folder: str, now: Callable[[], float]) -> tuple[Pair | None, str]:
    """Writes a pair of times on the board: (the pair, why it could not be kept there or made).

    now: UTC in seconds. Half of what asking takes is added.
    """
    try:
        _ready_for_time(device, folder)
        begin = now()
        _ready_for_time(device, folder, again=True)
        utc_us = round((now() + (now() - begin) / 2) * 1e6)
        if not PLAUSIBLE_US[0] <= utc_us < PLAUSIBLE_US[1]:
            return None, "this computer's clock is not set: recordings get no true times"
        if device.remote:
            told = device.call("recorded_time", folder=folder, utc_us=utc_us)
        else:
            told = device.ask(_SET_TIME.format(utc_us=utc_us, folder=folder), timeout=30.0)
    except BoardError as error:
        if error.kind in ("ImportError", "AttributeError"):
            return None, ("the board has no tinysense that knows the time: recordings get no true "
                          "times (tinysense setup brings it)")
        return None, f"no pair of times could be made ({error.kind}: {error.text})"
    boot, device_us, fault = _numbers(device, told)
    if fault == 2:
        return Pair(boot, device_us, utc_us), ""    # no folder, which listing() says better
    why = f"the board could not keep the time (errno {fault}: is it full?)" if fault else ""
    return Pair(boot, device_us, utc_us), why


def _ready_for_time(device: Device, folder: str, again: bool = False) -> None:
    """Lets the board import what it takes; again: only to see how long a question takes."""
    if device.remote:
        device.call("recorded_time", folder=folder)
    else:
        device.ask("print(1)" if again else _CLOCK, timeout=30.0)


def _numbers(device: Device, told: object) -> tuple[int, int, int]:
    fine = isinstance(told, list) and len(told) == 3 and all(type(n) is int for n in told)
    if not fine or not 0 < told[0] < 1 << 32 or not 0 <= told[1] < 1 << 63:  # type: ignore[index]
        raise _garbage(device, repr(told)[:_SHOWN])
    return told[0], told[1], told[2]  # type: ignore[index]

