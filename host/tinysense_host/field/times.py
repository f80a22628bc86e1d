"""True times of boards without a clock: device times, and pairs of those with UTC.

A pair says that at some moment of one start of the board its own clock said
one thing and a computer's another. One pair is enough for everything recorded
since that start; more of them correct the drift of the board's crystal.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

__all__ = ["CLOCK_FILE", "Pair", "TrueTimes", "iso", "read_pairs", "write_pairs"]

CLOCK_FILE = "clock.txt"
CLOCK_BYTES = 16384  # of a board's file that are looked at; boards keep 4096
# What pairs of one start may differ by: what asking takes, and a poor oscillator.
SLACK_US = 2_000_000
DRIFT = 1e-3
# 2020 to 2100: a computer or a clock chip that says otherwise has not been set.
PLAUSIBLE_US = (1_577_836_800_000_000, 4_102_444_800_000_000)
_LIMITS = (1 << 32, 1 << 63, 1 << 63)


@dataclass(frozen=True)
class Pair:
    """In the start ``boot`` of a board it was ``utc_us`` when its clock said ``device_us``."""

    boot: int
    device_us: int
    utc_us: int

    @property
    def offset_us(self) -> int:
        """UTC of the board's start, by this pair."""
        return self.utc_us - self.device_us

    def agrees(self, other: Pair) -> bool:
        """Whether both can be true."""
        apart = abs(self.device_us - other.device_us)
        return abs(self.offset_us - other.offset_us) <= SLACK_US + DRIFT * apart


def read_pairs(text: str) -> tuple[list[Pair], int]:
    """The pairs of a clock.txt, and how many lines are none."""
    pairs, bad = [], 0
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        numbers = [int(w) for w in words if w.isascii() and w.isdigit() and len(w) < 20]
        fine = len(numbers) == len(words) == 3 and all(
            n < limit for n, limit in zip(numbers, _LIMITS, strict=True)
        )
        if fine and numbers[0] and PLAUSIBLE_US[0] <= numbers[2] < PLAUSIBLE_US[1]:
            pairs.append(Pair(*numbers))
        else:
            bad += 1
    return pairs, bad


def write_pairs(pairs: Iterable[Pair]) -> str:
    """The text that read_pairs reads."""
    return "".join(f"{p.boot} {p.device_us} {p.utc_us}\n" for p in pairs)


class TrueTimes:
    """UTC by device time, from pairs in the order in which they were made.

    Of pairs of one start that contradict each other the largest group that
    agrees holds, the first of equal ones; ``notes`` says what was put aside.
    """

    def __init__(self, pairs: Iterable[Pair] = ()) -> None:
        by_boot: dict[int, list[Pair]] = {}
        for pair in dict.fromkeys(pairs):
            by_boot.setdefault(pair.boot, []).append(pair)
        self.notes: list[str] = []
        self._kept: dict[int, list[Pair]] = {}
        for boot, own in by_boot.items():
            kept = _largest_group(own)
            self._kept[boot] = sorted(kept, key=lambda p: p.device_us)
            if len(kept) < len(own):
                odd = next(p for p in own if p not in kept)
                apart = (odd.offset_us - kept[0].offset_us) / 1e6
                self.notes.append(
                    f"start {boot:08x} of the board: {len(own) - len(kept)} of {len(own)} pairs of "
                    f"times contradict the others by {apart:+.0f} s (a clock that was set anew?) "
                    f"and are left out"
                )

    def utc_us(self, boot: int, device_us: int) -> int:
        """Microseconds since 1970, 0 where no pair of that start is known."""
        pairs = self._kept.get(boot)
        if not pairs or not boot or not device_us:
            return 0  # a device time of 0 is one that nobody took
        at = bisect_right(pairs, device_us, key=lambda p: p.device_us)
        if at == 0 or at == len(pairs):
            return pairs[min(at, len(pairs) - 1)].offset_us + device_us
        a, b = pairs[at - 1], pairs[at]
        passed = (device_us - a.device_us) * (b.utc_us - a.utc_us)
        return a.utc_us + passed // (b.device_us - a.device_us)


def _largest_group(pairs: Sequence[Pair]) -> list[Pair]:
    groups = ([p for p in pairs if p.agrees(one)] for one in pairs)
    return max(groups, key=len)


def iso(utc_us: int) -> str:
    """ISO 8601; "" where the time is unknown or beyond what a recording can have."""
    if not PLAUSIBLE_US[0] // 2 <= utc_us < PLAUSIBLE_US[1]:
        return ""
    return datetime.fromtimestamp(utc_us / 1e6, timezone.utc).isoformat()
