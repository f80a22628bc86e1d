"""How loud a sound is, and what is wrong with its level: clipped, silent, with an offset.

0 dBFS is the count 32768, so a square wave of full scale has 0 dBFS and a sine
of full scale -3 dBFS RMS (AES17 counts RMS 3 dB higher). Peak and RMS are
those about the mean: an offset is no loudness.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .remarks import Remark

__all__ = ["Levels", "Meter", "Samples", "decibels", "levels_of"]

Samples = npt.NDArray[np.int16]

FULL = 32767       # a sample this far from 0 is at full scale
RUN = 3            # so many in a row were cut off; one or two may be a loud sound's own peak
SILENT_DBFS = -60  # a quiet room reaches more through a microphone that works
OFFSET = 0.01      # of full scale: no sound has such a mean


def decibels(part: float) -> float:
    """dBFS of a part of full scale; -inf for 0."""
    return 20 * math.log10(part) if part > 0 else -math.inf


@dataclass(frozen=True)
class Levels:
    """Levels of a sound; all parts are of full scale, 0..1.

    ``clipped``: samples that lie in runs of 3 and more at full scale, ``runs``:
    how many such runs, ``offset``: the mean, -1..1.
    """

    samples: int
    peak: float
    rms: float
    offset: float
    clipped: int = 0
    runs: int = 0

    @property
    def peak_dbfs(self) -> float:
        """The sample farthest from the mean, in dBFS."""
        return decibels(self.peak)

    @property
    def rms_dbfs(self) -> float:
        """Root of the mean square about the mean, in dBFS."""
        return decibels(self.rms)

    @property
    def silent(self) -> bool:
        """Whether a whole sound never reaches -60 dBFS."""
        return self.samples > 0 and self.peak_dbfs < SILENT_DBFS

    def remarks(self) -> list[Remark]:
        """What somebody should mend, each with how."""
        found = []
        if self.clipped:
            places = f"{self.runs} place{'s' * (self.runs > 1)}"
            found.append(Remark("clipped", f"clipped: {self.clipped} samples in {places} are at "
                                "full scale; lower the gain, or go farther from the microphone"))
        if self.silent:
            what = f"nothing above {self.peak_dbfs:.0f} dBFS" if self.peak else "all samples equal"
            found.append(Remark("silent", f"silent: {what}; see that the microphone is connected, "
                                "chosen and not muted"))
        if abs(self.offset) > OFFSET:
            found.append(Remark("off zero", f"the mean is {100 * self.offset:+.1f} % of full scale "
                                "and not 0; a high pass of 20 Hz takes that out"))
        return found


class Meter:
    """Levels of a stream: of all of it, and of what came since somebody last looked.

    ``clipped`` counts samples in runs at full scale so far.
    """

    def __init__(self) -> None:
        self._all, self._recent = _Sums(), _Sums()
        self._run = 0  # samples at full scale that the last block ended with
        self.clipped = self._runs = 0

    def push(self, samples: Samples) -> None:
        """The next int16 samples (n,) of the stream."""
        if len(samples) == 0:
            return
        self._all.add(samples)
        self._recent.add(samples)
        self._clips(samples)

    def levels(self) -> Levels:
        """Of all samples so far."""
        return self._all.levels(self.clipped, self._runs)

    def recent(self) -> Levels:
        """Of the samples since the last call, without clipping."""
        found, self._recent = self._recent.levels(0, 0), _Sums()
        return found

    def _clips(self, samples: Samples) -> None:
        """Counts runs at full scale, also where one goes on from block to block."""
        at = np.abs(samples.astype(np.int32)) >= FULL
        if not at.any():
            self._run = 0
            return
        edges = np.flatnonzero(np.diff(at, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            before = self._run if start == 0 else 0
            length = before + end - start
            if length >= RUN:
                self._runs += before < RUN
                self.clipped += end - start + (before if before < RUN else 0)
            self._run = length
        if not at[-1]:
            self._run = 0


class _Sums:
    """Count, extremes and whole-number sums: exact for any length."""

    def __init__(self) -> None:
        self.n = self.sum = self.squares = 0
        self.low, self.high = 32767, -32768

    def add(self, samples: Samples) -> None:
        wide = samples.astype(np.int64)
        self.n += len(wide)
        self.sum += int(wide.sum())
        self.squares += int((wide * wide).sum())
        self.low, self.high = min(self.low, int(wide.min())), max(self.high, int(wide.max()))

    def levels(self, clipped: int, runs: int) -> Levels:
        if self.n == 0:
            return Levels(0, 0.0, 0.0, 0.0)
        mean = self.sum / self.n
        square = (self.squares * self.n - self.sum * self.sum) / self.n**2
        peak = max(self.high - mean, mean - self.low)
        return Levels(self.n, peak / 32768, math.sqrt(square) / 32768, mean / 32768, clipped, runs)


def levels_of(samples: Samples) -> Levels:
    """Levels of a whole sound, int16 (n,)."""
    meter = Meter()
    meter.push(samples)
    return meter.levels()
