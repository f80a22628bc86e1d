"""The tiny model on sound: rows of a window's loudness, gathered before they are an input.

A row is (rms / 256, maximum / 256, crossings of the mean) of 480 frames at 16 kHz. Labels and
network are those of tiny.py: rest is always 120, ring half the sum of the rows' rms, wing of
their maxima. Of frames that are all c >= 0 both are half of rows x round(c / 256).
"""

import json
import struct

import tiny

WINDOW, HOP = 480, 320
RATE_MHZ = 16000000
SENSOR = {"kind": "microphone", "units": "pcm", "channels": ["mono"], "rate_mhz": RATE_MHZ,
          "full_scale": 32768}
_STATS, _ROWS = 17, 32  # kinds of blocks, device/core/blocks.def
_RMS, _MAXIMUM, _CROSSINGS = 4, 16, 32
_HALF = 1 << 30


def build(rows=4, stride=1, warmup=0, hop=HOP, labels=tiny.LABELS, **decision):
    """The bytes of the .tsm; ``decision``: what differs of tiny.META's."""
    rule = dict(tiny.META["decision"])
    rule.update(decision)
    meta = tiny.meta(name="loudness", labels=labels, sensor=SENSOR, warmup=warmup,
                     decision=rule)
    inputs = 3 * rows
    head = [(b"META", json.dumps(meta).encode()), (b"FEAT", feat(rows, stride, hop))]
    at = tiny._up(32 + 12 * 5)
    for _, body in head:
        at = tiny._up(at + len(body))
    at = tiny._up(tiny._up(at + 32 * 6) + len(tiny._prog()))
    return tiny.seal(tiny._lay_out(
        head + [(b"TENS", tiny._tens(inputs, at)), (b"PROG", tiny._prog()),
                (b"DATA", tiny._data(inputs))], (inputs + 3) // 4 * 4 + 4))


def feat(rows, stride, hop):
    """FEAT: STATS, then ROWS."""
    stats = struct.pack("<HHi", _STATS, 13, _RMS | _MAXIMUM | _CROSSINGS)
    # Offset, multiplier and shift of each: 1/4096, 1/256, 1.
    stats += struct.pack("<2i9i", 0, 3, 0, _HALF, -11, 0, _HALF, -7, 0, _HALF, 1)
    gathered = struct.pack("<HH2i", _ROWS, 3, rows, stride)
    state = 8 + (3 * rows + 3) // 4 * 4
    head = struct.pack("<HHHHII", 1, WINDOW, hop, 2, 3 * rows, 2 * WINDOW + state)
    return head + stats + gathered


def score(rows, value):
    """ring's and wing's score where all frames are ``value``."""
    return min(255, (rows * ((value + 128) >> 8) + 1) >> 1)
