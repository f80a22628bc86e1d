"""Sound as a driver of the device package: what the computer hears goes the board's way."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from .levels import Meter, Samples

__all__ = ["BLOCK_MS", "Played", "SoundDriver"]

BLOCK_MS = 20  # what a microphone hands over at a time


class SoundDriver:
    """Mono int16 at a whole rate, units pcm: see tinysense.drivers for what a driver is.

    ``meter`` has heard every sample that was read, ``blocks`` counts what
    they came in. Subclasses fill ``_take``.
    """

    channels, units, full_scale, scale = 1, "pcm", 32768, 1.0

    def __init__(self, rate_hz: int) -> None:
        self.rate_mhz, self.measured_mhz = rate_hz * 1000, 0
        self.dropped = self.errors = self.blocks = 0
        self.done = False
        self.meter = Meter()

    def read_into(self, buf: bytearray) -> int:
        """What waits, at most len(buf) // 2 samples; returns how many."""
        samples = self._take(len(buf) // 2)
        n = len(samples)
        if n:
            buf[: 2 * n] = samples.tobytes()
            self.meter.push(samples)
        return n

    def _take(self, room: int) -> Samples:
        """The next samples, ``room`` at most; none where none wait."""
        raise NotImplementedError

    def close(self) -> None:
        """No sample comes any more."""
        self.done = True


class Played(SoundDriver):
    """Samples that are there already, taken as fast as anybody likes, or in real time."""

    def __init__(
        self, samples: Samples, rate_hz: int, realtime: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        super().__init__(rate_hz)
        self._samples = np.ascontiguousarray(samples, np.int16)
        self._rate_hz, self._at = rate_hz, 0
        self._now = now
        self._start = now() if realtime else None

    def _take(self, room: int) -> Samples:
        end = min(self._at + room, len(self._samples))
        if self._start is not None:
            end = min(end, self._due())
        taken = self._samples[self._at : max(end, self._at)]
        self._at += len(taken)
        self.blocks += len(taken) > 0
        self.done = self.done or self._at == len(self._samples)
        return taken

    def _due(self) -> int:
        """Samples that a microphone would have handed over by now: whole blocks of them."""
        assert self._start is not None
        block = max(1, self._rate_hz * BLOCK_MS // 1000)
        return int((self._now() - self._start) * self._rate_hz) // block * block
