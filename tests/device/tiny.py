"""A model small enough to compute in the head, written byte by byte from models/FORMAT.md.

Window of 4 frames x 3 channels, hop 2, at 25 Hz, +-4 g. The features are the
counts / 256. Scores: rest is always 120, ring is twice the mean of x / 256,
wing twice that of y / 256.
"""

import json
import struct
from binascii import crc32

CHANNELS, WINDOW, HOP = 3, 4, 2
LABELS = ["rest", "ring", "wing"]
REST = 120
META = {
    "name": "tiny",
    "labels": LABELS,
    "sensor": {"kind": "accelerometer", "units": "g", "channels": ["x", "y", "z"],
               "rate_mhz": 25000, "full_scale": 4},
    "decision": {"smooth": 1, "threshold": [256, 128, 128], "background": ["rest"],
                 "refractory_ms": 0},
}
_S8, _S32 = 0, 3
_ARENA, _FILE = 0, 1
_HALF = 1 << 30  # multiplier of one half
_RAW = 16  # kind of the feature block, device/core/blocks.def
_FULLY_CONNECTED, _AVERAGE_POOL, _ADD, _COPY, _SEGMENT = 3, 4, 7, 13, 32
_U8 = 1


def meta(**changes):
    """META with some keys changed; None leaves a key out."""
    out = dict(META)
    out.update(changes)
    return {key: value for key, value in out.items() if value is not None}


def window(x, y=0, z=0):
    """A window in which every frame is (x, y, z)."""
    return bytearray(struct.pack("<3h", x, y, z) * WINDOW)


def scores(frames):
    """What the model gives, computed here. Mind that int8 saturates."""
    sums = [0, 0, 0]
    for i in range(WINDOW * CHANNELS):
        value = struct.unpack_from("<h", frames, 2 * i)[0]
        sums[i % CHANNELS] += min(127, (value + 128) >> 8)
    return bytes([REST] + [min(255, max(0, (total + 1) >> 1)) for total in sums[:2]])


def build(info=None, features=True, golden=3, **sizes):
    """The bytes of the .tsm. ``sizes``: another window, hop or arena.

    The golden vectors are of the usual window; another one goes without.
    """
    golden = golden if sizes.get("window", WINDOW) == WINDOW else 0
    length, hop = sizes.get("window", WINDOW), sizes.get("hop", HOP)
    inputs = length * CHANNELS
    sections = [(b"META", json.dumps(info or META).encode())]
    if features:
        sections.append((b"FEAT", _feat(length, hop)))
    data = _data(inputs)
    arena = sizes.get("arena", (inputs + 3) // 4 * 4 + 4)
    names = [name for name, _ in sections] + [b"TENS", b"PROG", b"DATA"]
    if golden:
        names.append(b"GOLD")
    at = _up(32 + 12 * len(names))
    for _, body in sections:
        at = _up(at + len(body))
    at = _up(_up(at + 32 * 6) + len(_prog()))  # where DATA will stand
    sections += [(b"TENS", _tens(inputs, at)), (b"PROG", _prog()), (b"DATA", data)]
    if golden:
        sections.append((b"GOLD", _gold(golden, features, inputs)))
    return seal(_lay_out(sections, arena))


def pushed(rows=4):
    """Takes rows of 3 bytes; the scores are the mean of each column, plus 128."""
    tens = _rows((_S8, _ARENA, 1, 0, (1, rows, 1, 3)), (_S8, _ARENA, 0, 4, (1, 1, 1, 3)),
                 (_U8, _ARENA, 0, 8, (1, 1, 1, 8)), (_U8, _ARENA, 0, 16, (1, 1, 1, 12)))
    prog = struct.pack("<HHBBH2H3i", _SEGMENT, 6, 0, 1, 0, 2, 0, 1, 254 | 255 << 8 | 1 << 16, 1)
    prog += struct.pack("<HHBBH4H8i", _AVERAGE_POOL, 12, 1, 2, 0, 0, 1, 3, 0, 1, 1, rows, 1, 0, 0,
                        -128, 127)
    return _bare(tens, prog, b"", 28, 4, 2)


def counter():
    """The scores are the sums of all inputs since the reset, plus 128; they begin with 5 more."""
    at = _up(32 + 12 * 4) + _up(len(json.dumps(_BARE))) + _up(32 * 4) + _up(12 + 52 + 12)
    tens = _rows((_S8, _ARENA, 0, 0, (1, 1, 1, 3)), (_S8, _ARENA, 0, 4, (1, 1, 1, 3)),
                 (_S8, _ARENA, 0, 8, (1, 1, 1, 3)), (_S8, _FILE, 0, at, (1, 1, 1, 3)))
    prog = struct.pack("<HHBBH2H", _COPY, 3, 1, 1, 0, 3, 2)
    prog += struct.pack("<HHBBH4H9i", _ADD, 13, 2, 1, 0, 0, 2, 2, 0, 1, _HALF, 0, _HALF, 0,
                        (1 << 31) - 1, 0, -128, 127)
    prog += struct.pack("<HHBBH2H", _COPY, 3, 1, 1, 0, 2, 1)
    return _bare(tens, prog, b"\5\5\5\0", 12, 4, 3, 1)


def roomy(arena):
    """Copies an input that fills half of so large an arena. No core packs it."""
    half = arena // 2
    tens = _rows((_S8, _ARENA, 0, 0, (1, 1, 1, half)), (_S8, _ARENA, 0, half, (1, 1, 1, half)))
    return _bare(tens, struct.pack("<HHBBH2H", _COPY, 3, 1, 1, 0, 0, 1), b"", arena, 2, 1)


_BARE = {"name": "tiny", "labels": LABELS}


def _rows(*rows):
    """TENS of (dtype, place, ring, offset, dims)."""
    return b"".join(struct.pack("<BBBBI4Iif", dtype, 4, place, ring, offset, *dims, 0, 0.5)
                    for dtype, place, ring, offset, dims in rows)


def _bare(tens, prog, data, arena, n_tensors, n_ops, n_init=0):
    """A file without features of one input and one output."""
    sections = [(b"META", json.dumps(_BARE).encode()), (b"TENS", tens), (b"PROG", prog),
                (b"DATA", data)]
    out = _lay_out(sections, arena)
    struct.pack_into("<HHBBH", out, 20, n_tensors, n_ops, 1, 1, n_init)
    return seal(out)


def seal(data):
    """Sets the file length and the checksum right."""
    out = bytearray(data)
    struct.pack_into("<I", out, 8, len(out))
    struct.pack_into("<I", out, 16, crc32(bytes(out[20:])))
    return bytes(out)


def _up(n):
    return (n + 15) // 16 * 16


def _lay_out(sections, arena):
    at = _up(32 + 12 * len(sections))
    out = bytearray(struct.pack("<4sHBBIIIHHBB6x", b"TSM\x1a", 2, 0, len(sections), 0, arena, 0,
                                6, 1, 1, 1))
    for tag, body in sections:
        out += struct.pack("<4sII", tag, at, len(body))
        at = _up(at + len(body))
    for _, body in sections:
        out += bytes(_up(len(out)) - len(out)) + body
    return out


def _feat(length, hop):
    planes = (2 * CHANNELS * length + 3) // 4 * 4
    block = struct.pack("<HHi", _RAW, 7, 0) + struct.pack("<5i", 0, 1, 0, _HALF, -7)
    return struct.pack("<HHHHII", CHANNELS, length, hop, 1, length * CHANNELS,
                       planes + 4 * CHANNELS) + block


def _tens(inputs, data_at):
    rows = [
        (_S8, 4, _ARENA, 0, (1, 1, 1, inputs), 0, 1.0 / 128),
        (_S8, 4, _ARENA, (inputs + 3) // 4 * 4, (1, 1, 1, 3), -128, 1.0 / 256),
        (_S8, 4, _FILE, data_at + 24, (1, 1, 3, inputs), 0, 1.0 / 128),
        (_S32, 1, _FILE, data_at, (1, 1, 1, 3), 0, 0.0),
        (_S32, 1, _FILE, data_at + 12, (1, 1, 1, 1), 0, 0.0),
        (_S8, 1, _FILE, data_at + 16, (1, 1, 1, 1), 0, 0.0),
    ]
    return b"".join(struct.pack("<BBBBI4Iif", dtype, rank, place, 0, offset, *dims, zero, scale)
                    for dtype, rank, place, offset, dims, zero, scale in rows)


def _prog():
    return struct.pack("<HHBBH6H2i", _FULLY_CONNECTED, 7, 5, 1, 0, 0, 2, 3, 4, 5, 1, -128, 127)


def _data(inputs):
    weights = bytes(inputs)
    for row in range(2):
        weights += bytes(1 if i % CHANNELS == row else 0 for i in range(inputs))
    return struct.pack("<3iib7x", 2 * REST, 0, 0, _HALF, 0) + weights


def _gold(count, features, inputs):
    out = struct.pack("<4I", count, 2 * inputs if features else 0, inputs, 3)
    for i in range(count):
        frames = window(i * 10000, -i * 3000, i)
        tensor = bytes((struct.unpack_from("<h", frames, 2 * k)[0] + 128 >> 8) & 0xFF
                       for k in range(inputs))
        expected = bytes(score ^ 0x80 for score in scores(frames))
        out += (bytes(frames) if features else b"") + tensor + expected + b"\0"
    return out
