"""Recordings: .tsr files (models/FORMAT.md, section 2), the same code on board and computer.

A row of 4096-byte blocks, each readable without the others: what a power cut
leaves behind is lost from the first half-written block on, not before.
"""

import os
import struct
from binascii import crc32

from .errors import RecordingError
from .replacing import PART, put_in_place
from .ticks import ticks_us

MAGIC = b"TSR\x1a"
VERSION = 1
BLOCK = 4096
HEADER = 96
UNITS = ("none", "g", "m/s2", "deg/s", "rad/s", "uT", "Pa", "degC", "pcm")
_LAYOUT = "<4sHHIIQQQIIfIHBB32s"  # all of the header but its CRC
_CRC_AT = 92


class Writer:
    """Writes frames to ``path + ".part"``; close() makes it ``path``.

        with Writer("/circle.tsr", 25000, 3, "g", 4 / 32768, "circle") as w:
            w.write(frames, n, dropped=0)

    ``scale``: units per count. ``label`` at most 32 bytes of UTF-8.
    ``measured_rate_mhz``, ``utc_us`` (of frame 0): set them when they are
    known; later blocks carry them. An exception inside ``with`` leaves the
    ``.part``, which a Reader can read.
    """

    def __init__(self, path: str, rate_mhz: int, channels: int, units: str, scale: "float",
                 label: str = "", utc_us: int = 0):
        name = label.encode()
        if units not in UNITS:
            raise RecordingError("units: expected one of %s, got %r" % (" ".join(UNITS), units))
        if not 1 <= channels <= 16 or not 0 < rate_mhz < 1 << 32 or len(name) > 32:
            raise RecordingError("expected 1 to 16 channels, a rate above 0 and a label of at most "
                                 "32 bytes, got %r, %r, %r" % (channels, rate_mhz, label))
        self.path, self.channels, self.rate_mhz = path, channels, rate_mhz
        self.measured_rate_mhz, self.utc_us = 0, utc_us
        self.frames = self.lost = self.blocks = 0
        self._units, self._scale, self._label = UNITS.index(units), scale, name
        self._id = _new_id(path)
        self._block = bytearray(BLOCK)
        self._view = memoryview(self._block)
        self._held = 0  # frames in the block
        self._room = (BLOCK - HEADER) // (2 * channels)
        self._base_us = self._time_us = 0  # device time of frame 0, of the block
        self._file = open(path + PART, "wb")

    def write(self, frames: "Buffer", n: int, dropped: int = 0, time_us: int = -1) -> None:
        """``n`` frames of int16 (n, channels), ``dropped`` lost just before them.

        ``time_us``: device time of the first of them, used where a block
        begins; -1 counts on by the nominal rate.
        """
        if dropped:
            self._flush()
            self.lost += dropped
        size, data = 2 * self.channels, memoryview(frames)
        if hasattr(data, "cast"):  # CPython: buffers of int16 too
            data = data.cast("B")
        if n * size > len(data):
            raise RecordingError("expected %d frames of %d bytes, got %d bytes"
                                 % (n, size, len(data)))
        at = 0
        while at < n:
            if self._held == 0:
                self._start_block(time_us if at == 0 else -1)
            count = min(n - at, self._room - self._held)
            start = HEADER + self._held * size
            self._view[start : start + count * size] = data[at * size : (at + count) * size]
            self._held += count
            self.frames += count
            at += count
            if self._held == self._room:
                self._flush()

    def close(self) -> None:
        """Writes what is held, then gives the file its name."""
        if self._file is None:
            return
        self._flush()
        self._file.close()
        self._file = None
        put_in_place(self.path)

    def abort(self) -> None:
        """Closes without the name: the blocks stay in the ``.part``."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: "object", value: "object", trace: "object") -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def _start_block(self, time_us):
        """Times its first frame: as given, else by the nominal rate since the last one given."""
        nominal = (self.frames + self.lost) * 1000000000 // self.rate_mhz
        if time_us >= 0:
            self._base_us = time_us - nominal
        self._time_us = self._base_us + nominal

    def _flush(self):
        if self._held == 0:
            return
        first = self.frames + self.lost - self._held
        utc = self.utc_us and self.utc_us + first * 1000000000 // self.rate_mhz
        struct.pack_into(
            _LAYOUT, self._block, 0, MAGIC, VERSION, HEADER, self._id, self.blocks, first,
            self._time_us, utc, self.rate_mhz, self.measured_rate_mhz, self._scale, self.lost,
            self._held, self.channels, self._units, self._label)
        end = HEADER + self._held * 2 * self.channels
        struct.pack_into("<I", self._block, _CRC_AT, _checksum(self._view, end))
        self._file.write(self._view[:end])
        self._file.write(bytes(BLOCK - end))
        self._file.flush()
        self.blocks += 1
        self._held = 0


class Block:
    """One block. ``frames``: bytes of int16 (count, channels), valid until the next block.

    ``index`` of the block, ``first`` frame (dropped ones counted), ``time_us``,
    ``utc_us`` (0 unknown), ``rate_mhz``, ``measured_rate_mhz`` (0 unknown),
    ``scale``, ``lost`` (since the start), ``count``, ``channels``, ``units``,
    ``label``, ``id`` of the recording; ``missing``: frames between the last
    block that was read and this one.
    """

    def __init__(self, view: "Buffer"):
        fields = struct.unpack_from(_LAYOUT, view, 0)
        magic, version, header, self.id, self.index, self.first = fields[:6]
        self.time_us, self.utc_us, self.rate_mhz, self.measured_rate_mhz = fields[6:10]
        self.scale, self.lost, self.count, self.channels, units, label = fields[10:]
        if magic != MAGIC:
            raise RecordingError("not a .tsr block: expected TSR, got %r" % bytes(magic))
        if version != VERSION:
            raise RecordingError("expected .tsr version %d, got %d: update tinysense on this side"
                                 % (VERSION, version))
        end = HEADER + self.count * 2 * self.channels
        good = header == HEADER and 1 <= self.channels <= 16 and units < len(UNITS)
        if not good or end > BLOCK or self.rate_mhz == 0:
            raise RecordingError("header is damaged")
        if struct.unpack_from("<I", view, _CRC_AT)[0] != _checksum(view, end):
            raise RecordingError("checksum differs: the block was damaged")
        if not 0 < self.scale < 1e9:
            raise RecordingError("scale is %r, expected more than 0" % self.scale)
        try:
            self.label = bytes(label).rstrip(b"\0").decode()
        except UnicodeError:
            raise RecordingError("label is not UTF-8")
        self.units = UNITS[units]
        self.missing = 0
        self.frames = view[HEADER:end]


class Reader:
    """Iterates the blocks of a .tsr: ``for block in Reader(path): block.frames``.

    ``source``: a path, or an open binary file. Damage raises RecordingError
    with the block's number; with ``skip_damaged`` such blocks are passed over
    and counted in ``damaged``. ``gaps`` counts holes, ``missing`` the frames in
    them. One block of memory, used over and over.
    """

    def __init__(self, source: "str | BinaryIO", skip_damaged: bool = False):
        self.path = source if isinstance(source, str) else "recording"
        self._file = open(source, "rb") if isinstance(source, str) else source
        self._skip = skip_damaged
        self._buffer = bytearray(BLOCK)
        self._view = memoryview(self._buffer)
        self.rewind()

    def rewind(self) -> None:
        """Back to the first block, counters too."""
        self._file.seek(0)
        self._at = 0
        self._first = None
        self._next = 0
        self.damaged = self.gaps = self.missing = 0

    def __iter__(self) -> "Reader":
        return self

    def __next__(self) -> Block:
        while True:
            got = self._file.readinto(self._buffer)
            if not got:
                if self._at == 0:
                    raise RecordingError("%s is empty: expected blocks of %d bytes"
                                         % (self.path, BLOCK))
                raise StopIteration
            self._at += 1
            try:
                return self._parsed(got)
            except RecordingError as e:
                if not self._skip:
                    raise RecordingError("%s, block %d: %s" % (self.path, self._at - 1, e))
                self.damaged += 1

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *exc: "object") -> None:
        self.close()

    def _parsed(self, got):
        if got < BLOCK:
            raise RecordingError("cut short: expected %d bytes, got %d" % (BLOCK, got))
        block = Block(self._view)
        same = (block.id, block.channels, block.units, block.rate_mhz, block.scale)
        if self._first is None:
            self._first = same
        elif same != self._first:
            raise RecordingError("belongs to another recording")
        if block.first < self._next:
            raise RecordingError("goes back in time: expected frame %d or later, got %d"
                                 % (self._next, block.first))
        block.missing = block.first - self._next
        if block.missing:
            self.gaps += 1
            self.missing += block.missing
        self._next = block.first + block.count
        return block


def _new_id(path):
    if hasattr(os, "urandom"):
        return int.from_bytes(os.urandom(4), "little")
    # A port without a random source: the moment at least differs.
    return crc32(("%s %d" % (path, ticks_us())).encode())


def _checksum(view, end):
    return crc32(view[HEADER:end], crc32(view[:_CRC_AT]))
