"""Plans that no converter makes: a valid file's tensors as rings, and as more images.

Everything lies apart and the arena ends with the last byte, so that the first
access beyond a tensor is one beyond the arena, or meets a sanitizer.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

from core_files import ABSENT, HEADER, ROW, SECTION

SIZES = (1, 1, 2, 4, 4, 8, 1)       # bytes of an element, by dtype
INNER = 2                           # tensors of the model's own, before the others


def hostile_plans(data: bytes) -> Iterator[bytes]:
    """Every tensor and every pair as rings of 1 and 2 rows, then with 2 and 3 images."""
    inner = _with_inner_tensors(data)
    rows, arena = _tensors(inner), []
    for i, row in enumerate(rows):
        if row[2] == 0 and i >= INNER:
            arena.append(i)
    chosen = [*itertools.combinations(arena, 1), *itertools.combinations(arena, 2), tuple(arena)]
    for some, n in itertools.product(chosen, (1, 2, 3)):
        if n < 3:
            yield _planned(inner, {i: {3: n} for i in some})
        if n > 1:
            yield _planned(inner, {i: {1: 4, 5: rows[i][5] * n} for i in some})


def _tensors(data: bytes) -> list[list[int]]:
    """Fields of every TENS row: dtype, rank, place, ring, offset, four dims, zero point, scale."""
    at, size = _sections(data)[b"TENS"]
    return [list(struct.unpack_from("<4BI4IiI", data, at + i)) for i in range(0, size, ROW)]


def _sections(data: bytes) -> dict[bytes, tuple[int, int]]:
    rows = (struct.unpack_from("<4sII", data, HEADER + SECTION * i) for i in range(data[7]))
    return {tag: (offset, size) for tag, offset, size in rows}


def _planned(data: bytes, changes: dict[int, dict[int, int]]) -> bytes:
    """``data`` with fields of tensors changed and all of the arena laid out anew."""
    out, arena = bytearray(data), 0
    start, _ = _sections(data)[b"TENS"]
    for i, row in enumerate(_tensors(data)):
        for field, value in changes.get(i, {}).items():
            row[field] = value
        if row[2] == 0:
            row[4] = arena
            first, *others = row[5:9]
            rows = row[3] or first * others[0]
            arena += (rows * others[1] * others[2] * SIZES[row[0]] + 3) // 4 * 4
        struct.pack_into("<4BI4IiI", out, start + ROW * i, *row)
    struct.pack_into("<I", out, 12, arena)
    return bytes(out)


def _with_inner_tensors(data: bytes) -> bytes:
    """Two new tensors are the model's input and output, so that all others may be anything."""
    sections = _sections(data)
    bodies = {tag: bytearray(data[at : at + size]) for tag, (at, size) in sections.items()}
    bodies.pop(b"FEAT", None)
    bodies.pop(b"GOLD", None)
    moved = INNER * ROW
    at = 0
    while at < len(bodies[b"PROG"]):
        _, words, n_in, n_out = struct.unpack_from("<HHBB", bodies[b"PROG"], at)
        for k in range(at + 8, at + 8 + 2 * (n_in + n_out), 2):
            old = struct.unpack_from("<H", bodies[b"PROG"], k)[0]
            struct.pack_into("<H", bodies[b"PROG"], k, old if old == ABSENT else old + INNER)
        at += 4 * words
    head = HEADER + SECTION * len(bodies)
    places, end = {}, head
    for tag, body in bodies.items():
        places[tag] = end + -end % 16
        end = places[tag] + len(body) + (moved if tag == b"TENS" else 0)
    rows = [[0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0], *_tensors(data)]
    for row in rows:
        row[4] += (places[b"DATA"] - sections[b"DATA"][0]) * row[2]
    bodies[b"TENS"] = bytearray(b"".join(struct.pack("<4BI4IiI", *row) for row in rows))
    out = bytearray(end)
    out[:HEADER] = data[:HEADER]
    out[7], out[24], out[25] = len(bodies), 1, 1
    struct.pack_into("<I", out, 8, end)
    struct.pack_into("<H", out, 20, len(rows))
    for i, (tag, body) in enumerate(bodies.items()):
        struct.pack_into("<4sII", out, HEADER + SECTION * i, tag, places[tag], len(body))
        out[places[tag] : places[tag] + len(body)] = body
    return bytes(out)
