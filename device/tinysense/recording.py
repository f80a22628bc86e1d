"""Recordings: .tsr files (models/FORMAT.md, section 2), the same code on board and computer.

A row of 4096-byte blocks, each readable without the others: what a power cut
leaves behind is lost from the first half-written block on, not before.
"""

import os
import struct
from binascii import crc32

from .channels import each, joined, per_count
from .copying import copy_bytes
from .errors import RecordingError
from .replacing import PART, put_in_place
from .ticks import ticks_us

MAGIC = b"TSR\x1a"
VERSION = 2
BLOCK = 4096
HEADER = 192  # of version 2; a Block says its own
UNITS = ("none", "g", "m/s2", "deg/s", "rad/s", "uT", "Pa", "degC", "pcm", "%RH", "lx", "bpm", "N",
         "kg", "m", "mm", "rev", "deg", "pixel", "V", "A", "W", "Ohm", "Hz", "s", "%", "ppm")
GROUPS = 4  # runs of channels of the same units and full scale
LABEL_BYTES, NOTE_BYTES = 32, 60
COUNT_AT, LOST_AT = 56, {1: 52, 2: 48}  # where a block of a version says it: Replay reads these two
_FULL_SCALE = (1e-12, 1e13)  # of what makes sense, and of a float32

_COMMON = "<4sHHIIQQQII"  # both versions begin alike
_FIXED = "<4sHHI"
_MOVING, _MOVING_AT = "<IQQQIIIIH", 12  # block number .. frames in this block
_REST, _REST_AT = "<IIHBB", 48
_GROUP, _GROUP_BYTES, _GROUPS_AT = "<BBHf", 8, 60
_LABEL_AT, _NOTE_AT, _CRC_AT = 92, 124, 188
_REST_1 = "<fIHBB32s"
_HEADER_1, _CRC_AT_1 = 96, 92


class Writer:
    """Writes frames to ``path + ".part"``; close() makes it ``path``.

        with Writer("/circle.tsr", 25000, 3, "g", 4, "circle") as w:
            w.write(frames, n, dropped=0)

    ``units``, ``full_scale``: one value, or a tuple with one for each channel.
    ``label``, ``note``: at most 32 and 60 bytes of UTF-8. ``boot``: a number
    drawn when the board started, 0 unknown. ``measured_rate_mhz``, ``utc_us``
    (of frame 0): set them when they are known; later blocks carry them. An
    exception inside ``with`` leaves the ``.part``, which a Reader can read.
    ``in_place``: under its own name from the first block on, each block
    durable when it is written; go_on() then begins another file of the recording.
    """

    def __init__(self, path: str, rate_mhz: int, channels: int, units: "str | tuple",
                 full_scale: "float | tuple", label: str = "", utc_us: int = 0, note: str = "",
                 boot: int = 0, in_place: bool = False):
        if not 1 <= channels <= 16 or not 0 < rate_mhz < 1 << 32 or not 0 <= boot < 1 << 32:
            raise RecordingError("expected 1 to 16 channels, a rate above 0 and a boot id of 32 "
                                 "bits, got %r, %r, %r" % (channels, rate_mhz, boot))
        self.channels, self.rate_mhz = channels, rate_mhz
        self.measured_rate_mhz, self.utc_us = 0, utc_us
        self.frames = self.lost = self.blocks = 0
        self._boot, self._size = boot, 2 * channels
        self._room = (BLOCK - HEADER) // self._size
        self._block = bytearray(BLOCK)
        self._lay_out(channels, runs(channels, units, full_scale), label, note)
        view = memoryview(self._block)
        self._view, self._head = view, view[:_CRC_AT]
        self._full = view[HEADER : HEADER + self._room * self._size]
        self._held = self._before = 0  # frames in the block, in the one before
        self._time_us = 0  # device time of the block
        self._base, self._base_us = 0, 0  # a frame's number, and its device time
        self._zero_us = -1  # device time of frame 0, to which utc_us belongs
        self._in_place = in_place
        self._open(path)

    def _open(self, path):
        self.path = path
        self._file = open(path if self._in_place else path + PART, "wb")

    def go_on(self, path: str) -> None:
        """Closes this file and goes on in another: the same recording, its numbers go on.

        The block that is not full yet becomes the first of the new file.
        """
        self._file.close()
        self._open(path)

    def write(self, frames: "Buffer", n: int, dropped: int = 0, time_us: int = -1,
              stamp: "Buffer" = None) -> None:
        """``n`` frames of int16 (n, channels), ``dropped`` lost just before them.

        ``time_us``: device time of the first of them, used where a block
        begins; or that number as 8 bytes, lowest first, in ``stamp``. Without
        either, time counts on by the measured rate, else by the nominal one.
        """
        if dropped:
            self._flush()
            self.lost += dropped
        size = self._size
        if n * size > len(frames) and n * size > _byte_count(frames):
            raise RecordingError("expected %d frames of %d bytes, got %d bytes"
                                 % (n, size, _byte_count(frames)))
        at = 0
        while at < n:
            if self._held == 0:
                self._start_block(time_us, stamp, at)
            count = min(n - at, self._room - self._held)
            copy_bytes(self._block, HEADER + self._held * size, frames, at * size, count * size)
            self._held += count
            self.frames += count
            at += count
            if self._held == self._room:
                self._flush()

    def sync(self) -> int:
        """Makes the blocks written so far durable; returns how many they are."""
        self._file.flush()
        if hasattr(os, "fsync"):
            os.fsync(self._file.fileno())
        elif hasattr(os, "sync"):
            os.sync()
        return self.blocks

    def close(self) -> None:
        """Writes what is held, then gives the file its name."""
        if self._file is None:
            return
        self._flush()
        self._file.close()
        self._file = None
        if not self._in_place:
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

    def _lay_out(self, channels, groups, label, note):
        """The header's fields that stay as they are."""
        block = self._block
        self.id = new_id()
        struct.pack_into(_FIXED, block, 0, MAGIC, VERSION, HEADER, self.id)
        block[58], block[59] = channels, len(groups)
        for i, (count, units, full_scale) in enumerate(groups):
            struct.pack_into(_GROUP, block, _GROUPS_AT + i * _GROUP_BYTES, count, units, 0,
                             full_scale)
        for what, text, at, room in (("label", label, _LABEL_AT, LABEL_BYTES),
                                     ("note", note, _NOTE_AT, NOTE_BYTES)):
            data = text.encode()
            if len(data) > room:
                raise RecordingError("%s: expected at most %d bytes of UTF-8, got %d: %r"
                                     % (what, room, len(data), text))
            block[at : at + len(data)] = data

    def _start_block(self, time_us, stamp, at):
        """Times its first frame, the ``at``-th of those that the time was given for."""
        number = self.frames + self.lost
        if stamp is not None:
            time_us = int.from_bytes(stamp, "little")
        if time_us >= 0:
            self._base, self._base_us = number - at, time_us
        self._time_us = self._base_us + self._span(number - self._base)
        if self._zero_us < 0:
            self._zero_us = self._time_us - self._span(number)

    def _span(self, n):
        """Microseconds that n frames take."""
        return n * 1000000000 // (self.measured_rate_mhz or self.rate_mhz)

    def _flush(self):
        if self._held == 0:
            return
        first = self.frames + self.lost - self._held
        utc = self.utc_us and self.utc_us + self._time_us - self._zero_us
        struct.pack_into(_MOVING, self._block, _MOVING_AT, self.blocks, first, self._time_us, utc,
                         self.rate_mhz, self.measured_rate_mhz, self.lost, self._boot, self._held)
        end = HEADER + self._held * self._size
        for i in range(end, HEADER + self._before * self._size):
            self._block[i] = 0  # what is left of that one
        self._before = self._held
        payload = self._full if self._held == self._room else self._view[HEADER:end]
        struct.pack_into("<I", self._block, _CRC_AT, crc32(payload, crc32(self._head)))
        self._file.write(self._block)
        self._file.flush()
        self.blocks += 1
        self._held = 0


class Block:
    """One block. ``frames``: bytes of int16 (count, channels), valid until the next block.

    ``index`` of the block, ``first`` frame (dropped ones counted), ``time_us``,
    ``utc_us`` (0 unknown), ``rate_mhz``, ``measured_rate_mhz`` (0 unknown),
    ``lost`` (since the start), ``count``, ``channels``; ``units``,
    ``full_scale``, ``scale``, of each a tuple where channels differ; ``label``,
    ``note``, ``id`` of the recording, ``boot`` (0 unknown), ``version``, ``header`` bytes;
    ``missing``: frames between the last block that was read and this one.
    """

    def __init__(self, view: "Buffer"):
        fields = struct.unpack_from(_COMMON, view, 0)
        magic, self.version, self.header, self.id, self.index, self.first = fields[:6]
        self.time_us, self.utc_us, self.rate_mhz, self.measured_rate_mhz = fields[6:]
        if magic != MAGIC:
            raise RecordingError("not a .tsr block: expected TSR, got %r" % bytes(magic))
        if not 1 <= self.version <= VERSION:
            raise RecordingError("expected .tsr version %d, got %d: update tinysense on this side"
                                 % (VERSION, self.version))
        read, size, crc_at = ((self._read, HEADER, _CRC_AT) if self.version > 1 else
                              (self._read_1, _HEADER_1, _CRC_AT_1))
        groups, label, note = read(view)
        end = size + self.count * 2 * self.channels
        if self.header != size or not 1 <= self.channels <= 16 or end > BLOCK or self.rate_mhz == 0:
            raise RecordingError("header is damaged")
        self.frames = view[size:end]
        if struct.unpack_from("<I", view, crc_at)[0] != crc32(self.frames, crc32(view[:crc_at])):
            raise RecordingError("checksum differs: the block was damaged")
        self._set_groups(groups)
        self.label, self.note = _text("label", label), _text("note", note)
        self.missing = 0

    def _read(self, view):
        self.lost, self.boot, self.count, self.channels, n = struct.unpack_from(_REST, view,
                                                                                _REST_AT)
        groups = [struct.unpack_from(_GROUP, view, _GROUPS_AT + i * _GROUP_BYTES)
                  for i in range(min(n, GROUPS))]
        if n > GROUPS:
            raise RecordingError("header is damaged")
        return groups, view[_LABEL_AT:_NOTE_AT], view[_NOTE_AT : _NOTE_AT + NOTE_BYTES]

    def _read_1(self, view):
        self.boot = 0
        scale, self.lost, self.count, self.channels, units, label = struct.unpack_from(
            _REST_1, view, _REST_AT)
        return [(self.channels, units, 0, scale * 32768)], label, b""

    def _set_groups(self, groups):
        units, full_scales = [], []
        for count, unit, _, full_scale in groups:
            if unit >= len(UNITS):
                raise RecordingError("units number %d are not known here: update tinysense on "
                                     "this side" % unit)
            if not _FULL_SCALE[0] < full_scale < _FULL_SCALE[1]:
                raise RecordingError("full scale is %r, expected a number above 0" % full_scale)
            units += [UNITS[unit]] * count
            full_scales += [full_scale] * count
        if len(units) != self.channels or any(group[0] == 0 for group in groups):
            raise RecordingError("groups have %d channels, expected %d"
                                 % (len(units), self.channels))
        self.units, self.full_scale = joined(units), joined(full_scales)
        self.scale = per_count(self.full_scale)


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
        same = (block.version, block.id, block.boot, block.channels, block.units, block.full_scale,
                block.rate_mhz)
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


def new_id() -> int:
    """32 bits that nobody else has."""
    if hasattr(os, "urandom"):
        return int.from_bytes(os.urandom(4), "little")
    # A port without a random source: the moment at least differs.
    return crc32(("%d" % ticks_us()).encode())


def check(channels: int, units: "str | tuple", full_scale: "float | tuple") -> list:
    """(units, full scale) of each channel; RecordingError where they are none."""
    try:
        pairs = list(zip(each(units, channels), each(full_scale, channels)))
    except ValueError as e:
        raise RecordingError("units and full_scale: %s" % e)
    for unit, value in pairs:
        if unit not in UNITS:
            raise RecordingError("units: expected one of %s, got %r" % (" ".join(UNITS), unit))
        if not _FULL_SCALE[0] < value < _FULL_SCALE[1]:
            raise RecordingError("full_scale: expected a number above 0, got %r" % value)
    return pairs


def runs(channels: int, units: "str | tuple", full_scale: "float | tuple") -> list:
    """The groups of a header: (channels, number in UNITS, full scale) of each run of equal ones."""
    out = []
    for unit, value in check(channels, units, full_scale):
        group = (UNITS.index(unit), value)
        if out and out[-1][1:] == group:
            out[-1] = (out[-1][0] + 1,) + group
        else:
            out.append((1,) + group)
    if len(out) > GROUPS:
        raise RecordingError("expected at most %d runs of channels of the same units and full "
                             "scale, got %d: put alike channels side by side" % (GROUPS, len(out)))
    return out


def _text(what, data):
    try:
        return bytes(data).rstrip(b"\0").decode()
    except UnicodeError:
        raise RecordingError("%s is not UTF-8" % what)


def _byte_count(frames):
    """Bytes of a buffer, which on the computer may be one of int16."""
    view = memoryview(frames)
    return view.nbytes if hasattr(view, "nbytes") else len(view)
