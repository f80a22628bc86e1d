"""ts_overrun against streams that overrun silently: counts are exact, holes are where they are."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np
import pytest
from core_build import library, pointer

RATE = 16000


@dataclass
class Stream:
    """Frames numbered as they are sampled. A block that finds no room is lost, or takes the oldest's."""

    block: int
    capacity: int
    oldest_lost: bool
    ppm: float = 0.0
    late_us: float = 0.0
    held: list[int] = field(default_factory=list)
    blocks: int = 0
    lost: int = 0

    def advance(self, us: float) -> None:
        sampled = (us - self.late_us) * 1e-6 * RATE * (1 + self.ppm * 1e-6)
        while (self.blocks + 1) * self.block <= sampled:
            self._arrive(range(self.blocks * self.block, (self.blocks + 1) * self.block))
            self.blocks += 1

    def _arrive(self, frames: range) -> None:
        if len(self.held) + self.block > self.most():
            self.lost += self.block
            if not self.oldest_lost:
                return
            part = -self.held[0] % self.block   # the block that is being read stays
            del self.held[part : part + self.block]
        self.held += frames

    def most(self) -> int:
        part = -self.held[0] % self.block if self.oldest_lost and self.held else 0
        return self.capacity + part

    def read(self, n: int) -> list[int]:
        got, self.held = self.held[:n], self.held[n:]
        return got


class Account:
    """ts_overrun_t with its clock."""

    def __init__(self, stream: Stream, late_us: int = 0):
        self.state, self.clock = np.zeros(12, np.uint64), np.zeros(4, np.uint64)
        self.clock[0] = 7
        assert library().ts_overrun_init(pointer(self.state), pointer(self.clock), RATE * 1000,
                                         stream.block, stream.capacity, int(stream.oldest_lost),
                                         late_us) == 0  # fmt: skip

    def room(self, us: float, want: int) -> int:
        self.clock[0] = 7 + int(us)
        return int(library().ts_overrun_room(pointer(self.state), pointer(self.clock), want))

    def read(self, us: float, n: int, empty: bool) -> int:
        self.clock[0] = 7 + int(us)
        return int(library().ts_overrun_read(pointer(self.state), pointer(self.clock), n, int(empty)))

    def back_us(self) -> int:
        return int(library().ts_overrun_back_us(pointer(self.state)))


def play(stream: Stream, pauses_us: list[float], want: int = 4096) -> tuple[int, list[tuple[int, int, int]]]:
    """Reads after each pause until the stream is empty.

    (lost as told, [(frame after the hole, frames missing there, frames told then)]).
    """
    account, us, told, next_frame = Account(stream, 200), 0.0, 0, 0
    holes = []
    for pause in pauses_us:
        us += pause
        while True:
            stream.advance(us)
            room = account.room(us, want)
            got = stream.read(room)
            us += 20 + 0.5 * len(got)
            lost = account.read(us, len(got), len(got) < room)
            assert lost <= stream.lost and lost % stream.block == 0
            if got:
                missing = got[0] - next_frame + sum(b - a - 1 for a, b in zip(got, got[1:], strict=False))
                holes += [(got[0], missing, lost - told)] if lost != told or missing else []
                next_frame, told = got[-1] + 1, lost
                newest_us = stream.late_us + next_frame / RATE / (1 + stream.ppm * 1e-6) * 1e6
                assert abs(us - account.back_us() - newest_us) < 1.3e6 * stream.block / RATE
            if len(got) < room:
                break
    return lost, holes


KINDS = {"rp2": (16, 992, False), "tiny": (16, 100, False), "esp32": (256, 768, True)}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("want", [4096, 160, 33])
def test_nothing_is_lost_where_somebody_reads(kind: str, want: int) -> None:
    pauses = np.random.default_rng(1).uniform(100, 3000, 3000).tolist()
    stream = Stream(*KINDS[kind])
    assert play(stream, pauses, want) == (0, [])
    assert stream.lost == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("ppm", "late_us"), [(0, 0), (50, 0), (-50, 0), (0, -150), (30, -100)])
def test_every_stall_is_counted_exactly_and_told_where_it_is(
        kind: str, seed: int, ppm: float, late_us: float) -> None:
    """Stalls up to two seconds: with a rate that is 50 ppm off, 1.6 frames more or less."""
    rng = np.random.default_rng(seed)
    pauses = rng.uniform(100, 1500, 1200)
    stalls = rng.choice(np.arange(100, 1200), 12, replace=False)
    pauses[stalls] = rng.uniform(80_000, 2_000_000, 12)
    stream = Stream(*KINDS[kind], ppm=ppm, late_us=late_us)
    told, holes = play(stream, pauses.tolist())
    assert told == stream.lost > 0
    there = sum(abs(missing - lost) <= stream.block for _, missing, lost in holes if missing)
    assert there == sum(missing > 0 for _, missing, _ in holes) == 12
    exactly = sum(missing == lost for _, missing, lost in holes if missing)
    assert exactly >= 6     # the others want one more look


def test_a_stall_before_the_first_look() -> None:
    for stall in (100_000, 333_333, 1_000_000):
        for kind in KINDS.values():
            stream = Stream(*kind)
            told, holes = play(stream, [stall, *[700] * 60])
            assert told == stream.lost > 0 and sum(missing > 0 for _, missing, _ in holes) == 1


def test_a_reader_who_never_catches_up_is_told_everything() -> None:
    """Two thirds of what comes, for ten seconds; then all that is left."""
    stream = Stream(*KINDS["rp2"])
    account, told, read, us = Account(stream), 0, 0, 0.0
    for i in range(1200):
        us += 10_000
        stream.advance(us)
        want = 107 if i < 1000 else 4000
        room = account.room(us, want)
        got = stream.read(room)
        read += len(got)
        told = account.read(us, len(got), len(got) < room)
    assert told == stream.lost > 40_000
    assert told + read == stream.blocks * stream.block


def test_interrupts_that_were_off_lose_blocks_though_the_ring_was_not_full() -> None:
    """Flash that is being erased: blocks come and go, nobody moves them."""
    stream = Stream(*KINDS["rp2"])
    account, us, read = Account(stream), 0.0, 0
    for i in range(2000):
        us += 700
        before = stream.lost
        stream.advance(us)
        if i % 400 == 399:      # five blocks and a half without interrupts
            skipped = stream.blocks + 5
            us += 5500
            stream.blocks, stream.lost = skipped, before + 5 * 16
            stream.advance(us)
        room = account.room(us, 4096)
        got = stream.read(room)
        read += len(got)
        told = account.read(us + 30, len(got), True)
    assert told == stream.lost == 5 * 5 * 16


def test_ages_do_not_overflow() -> None:
    stream = Stream(*KINDS["rp2"])
    account = Account(stream)
    account.room(40 * 3600e6, 10)
    account.read(40 * 3600e6, 10, False)
    assert account.back_us() == 2**31 - 1
    assert ctypes.sizeof(ctypes.c_uint32) == 4
