"""The block of log-mel features and MFCC."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .blocks import Block, Shape, expect

__all__ = ["Mel"]

BANDS_MAX = 64
_POINTS = (256, 512, 1024)
_LOG_ONE = 1 << 12  # a step of the core's log2
_WEIGHT_ONE = 1 << 16
_FLOOR_BITS = range(14, 64)


@dataclass(frozen=True)
class Mel(Block):
    """Logarithm of the energy in ``bands`` mel filters, (channels, bands), natural.

    With ``coefficients`` it becomes the first so many of a type II cosine transform (MFCC) as
    tf.signal.mfccs_from_log_mel_spectrograms scales them, (channels, coefficients): sqrt(2 /
    bands) * sum of log[b] cos(pi k (b + 1/2) / bands).

    A window of up to ``points`` samples (256, 512 or 1024) at ``rate_hz`` is multiplied by Hann's
    window of its length, filled up with zeros and transformed. The filters are triangles between
    ``bands + 2`` edges, evenly spaced in mel (1127 ln(1 + f / 700)) from ``low_hz`` to
    ``high_hz``, over magnitudes, or over their squares where ``power``: O'Shaughnessy's mel, and
    tf.signal.linear_to_mel_weight_matrix. Bin 0 is left out. ``floor`` is added before the
    logarithm. Energies and floor are in counts, or counts^2; see offset() for other scales.
    """

    rate_hz: float = 16000.0
    points: int = 512
    bands: int = 40
    coefficients: int = 0
    low_hz: float = 20.0
    high_hz: float = 4000.0
    hann: bool = True
    power: bool = False
    floor: float = 32768e-6
    kind: ClassVar[int] = 19

    def check(self, shape: Shape) -> None:
        expect(
            self.points in _POINTS, f"Mel has {self.points} points: expected 256, 512 or 1024"
        )
        expect(
            shape.frames <= self.points,
            f"Mel has {self.points} points for a window of {shape.frames} frames",
            "Expected as many as the window, or more",
        )
        expect(1 <= self.bands <= BANDS_MAX, f"Mel has {self.bands} bands: expected 1..{BANDS_MAX}")
        expect(
            0 <= self.coefficients <= self.bands,
            f"Mel has {self.coefficients} coefficients of {self.bands} bands",
            f"Expected 0 (none) to {self.bands}",
        )
        expect(
            0 <= self.low_hz < self.high_hz <= self.rate_hz / 2 < math.inf,
            f"Mel goes from {self.low_hz:g} to {self.high_hz:g} Hz: expected rising, "
            f"and half the rate of {self.rate_hz:g} Hz at most",
        )
        expect(
            math.isfinite(self.floor) and 0 <= self.floor * 2 ** _FLOOR_BITS[0] < 2**31,
            f"Mel has floor {self.floor:g}: expected 0 to below {2 ** (31 - _FLOOR_BITS[0])}",
        )
        widest = max(self._spaces()[1])
        expect(
            widest <= 255,
            f"Mel has {widest} bins between two edges: expected 255 at most",
            "Take more bands, or fewer points",
        )

    def offset(self, full_scale: float) -> tuple[int, ...]:
        """For FeatureProgram: what makes samples of ``full_scale`` counts count as 1.0.

        Logarithms only move when samples are divided; so does the floor, which is to be given
        in counts. One number a value.
        """
        one = math.log2(full_scale) * _LOG_ONE * (2 if self.power else 1)
        if self.coefficients:
            return (round(one * self.bands), *[0] * (self.coefficients - 1))
        return (round(one),) * self.bands

    def weights(self) -> np.ndarray:
        """(points / 2 + 1, bands) what each bin gives to each filter."""
        matrix = np.zeros((self.points // 2 + 1, self.bands + 2))
        first, counts, rising = self._spaces()
        interval = np.repeat(np.arange(self.bands + 1), counts)
        bins = np.arange(first, first + len(rising))
        matrix[bins, interval + 1] = np.array(rising) / _WEIGHT_ONE
        matrix[bins, interval] = 1 - matrix[bins, interval + 1]
        return matrix[:, 1:-1]

    def _spaces(self) -> tuple[int, list[int], list[int]]:
        """First bin inside, bins between each two edges, Q16 weight of each in the filter above."""
        hz = np.arange(1, self.points // 2 + 1) * (self.rate_hz / self.points)
        low, high = _mel(self.low_hz), _mel(self.high_hz)
        at = (1127 * np.log1p(hz / 700) - low) * ((self.bands + 1) / (high - low))
        inside = np.flatnonzero((at > 0) & (at < self.bands + 1))
        at = at[inside]
        counts = np.bincount(at.astype(int), minlength=self.bands + 1)
        rising = np.minimum(np.round((at % 1) * _WEIGHT_ONE), _WEIGHT_ONE - 1)
        first = int(inside[0]) + 1 if len(inside) else 0
        return first, counts.tolist(), rising.astype(int).tolist()

    def parameters(self) -> list[int]:
        first, counts, rising = self._spaces()
        bits = max(b for b in _FLOOR_BITS if b == _FLOOR_BITS[0] or self.floor * 2**b < 2**31 - 1)
        flags = int(self.hann) | int(self.power) << 1
        head = [self.points, flags, round(self.floor * 2**bits), bits, first, self.bands]
        return [*head, self.coefficients, *_words(counts, "u1"), *_words(rising, "<u2")]

    def units(self, shape: Shape) -> list[float]:
        if not self.coefficients:
            return [math.log(2) / _LOG_ONE] * (shape.channels * self.bands)
        unit = math.sqrt(2 / self.bands) * math.log(2) / _LOG_ONE
        return [unit] * (shape.channels * self.coefficients)

    def names(self, shape: Shape) -> list[str]:
        what, count = ("mfcc", self.coefficients) if self.coefficients else ("mel", self.bands)
        return [f"{what} {i} ch{c}" for c in range(shape.channels) for i in range(count)]

    def scratch_bytes(self, shape: Shape) -> int:
        return 4 * self.points


def _mel(hz: float) -> float:
    return 1127 * math.log1p(hz / 700)


def _words(values: Iterable[int], dtype: str) -> list[int]:
    """Small numbers in s32 words, as many to a word as fit, the first lowest."""
    raw = np.array(list(values), dtype).tobytes()
    words: list[int] = np.frombuffer(raw + bytes(-len(raw) % 4), "<i4").tolist()
    return words
