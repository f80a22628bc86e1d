"""The block with the features of TensorFlow Lite Micro's speech models ("microfrontend").

Its tables come from formulas in single precision; they are computed here, step by step as
there, each function rounded to the nearest float32, so that the core has whole numbers only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .blocks import Block, Shape, expect
from .single import log1p

__all__ = ["MicroFrontend"]

CHANNELS_MAX = 128
_ONE_Q12, _ONE_Q14, _GAIN_MAX = 1 << 12, 1 << 14, 32767
_SNR_BITS = 12
_f = np.float32


@dataclass(frozen=True)
class MicroFrontend(Block):
    """Logarithmic mel energies with noise reduction and automatic gain, for one channel of sound.

    ``window`` samples (the program's window) under a Hann window, a 16-bit FFT of the next
    power of two, ``channels`` triangular mel bands from ``lower_hz`` to ``upper_hz``, their
    roots. Noise reduction takes a noise estimate away, which follows by ``even_smoothing`` or
    ``odd_smoothing`` (of channels 0, 2 .. and 1, 3 ..) a window; ``min_signal_remaining`` of the
    signal stays. ``pcan`` divides by (noise + ``pcan_offset``) ^ ``pcan_strength``. With ``log``
    a value is ln(x) * 2^``scale_shift``. Values are 0..65535.

    Source: the facts of tensorflow/lite/experimental/microfrontend/lib, equal bit for bit; PCAN
    is of Wang et al., "Trainable frontend for robust and far-field keyword spotting", 2017.
    """

    window: int = 480
    rate_hz: int = 16000
    channels: int = 40
    lower_hz: float = 125.0
    upper_hz: float = 7500.0
    noise_reduction: bool = True
    smoothing_bits: int = 10
    even_smoothing: float = 0.025
    odd_smoothing: float = 0.06
    min_signal_remaining: float = 0.05
    pcan: bool = True
    pcan_strength: float = 0.95
    pcan_offset: float = 80.0
    gain_bits: int = 21
    log: bool = True
    scale_shift: int = 6
    kind: ClassVar[int] = 20

    @property
    def points(self) -> int:
        """Samples of the FFT."""
        return 1 << (self.window - 1).bit_length()

    @property
    def _correction_bits(self) -> int:
        return self.points.bit_length() - 1 - 6

    def check(self, shape: Shape) -> None:
        expect(
            shape.channels == 1,
            f"MicroFrontend works on one channel, the signal has {shape.channels}",
            "Take one channel of the microphone",
        )
        expect(
            self.window == shape.frames,
            f"MicroFrontend is for windows of {self.window} samples, the program's have "
            f"{shape.frames}",
        )
        _within("window", self.window, 129, 1024, " samples: 10 to 60 ms at 16 kHz")
        _within("rate_hz", self.rate_hz, 1000, 192000)
        _within("channels", self.channels, 1, CHANNELS_MAX)
        expect(
            0 <= self.lower_hz < self.upper_hz < self.rate_hz / 2,
            f"MicroFrontend has bands from {self.lower_hz:g} to {self.upper_hz:g} Hz: expected "
            f"0 or more, rising, below half the rate of {self.rate_hz} Hz",
        )
        _within("smoothing_bits", self.smoothing_bits, 0, 31)
        for name in ("even_smoothing", "odd_smoothing", "min_signal_remaining"):
            _within(name, getattr(self, name), 0, 1)
        _within("scale_shift", self.scale_shift, 0, 11)
        self._check_pcan()
        edges = self._bands()[0]
        expect(
            edges[-1] <= self.points // 2,
            f"MicroFrontend's highest band reaches bin {edges[-1]}: expected {self.points // 2} "
            "at most",
            "Choose a lower upper_hz",
        )

    def _check_pcan(self) -> None:
        if not self.pcan:
            return
        least = self._correction_bits + _SNR_BITS
        _within("gain_bits", self.gain_bits, least, 31)
        _within("smoothing_bits", self.smoothing_bits, self._correction_bits, 31, " with pcan")
        _within("pcan_strength", self.pcan_strength, 0.01, 4)
        _within("pcan_offset", self.pcan_offset, 0.001, 1e6)
        expect(
            all(abs(gain) <= _GAIN_MAX for gain in self._gains()),
            "MicroFrontend's gains fall too steeply for its tables of int16",
            "Choose a smaller pcan_strength or gain_bits, or a larger pcan_offset",
        )

    def parameters(self) -> list[int]:
        edges, weights = self._bands()
        flags = int(self.noise_reduction) | int(self.pcan) << 1 | int(self.log) << 2
        shares = (self.even_smoothing, self.odd_smoothing, self.min_signal_remaining)
        snr_shift = self.gain_bits - self._correction_bits - _SNR_BITS if self.pcan else 0
        numbers = [self.points, self.channels, flags, self.smoothing_bits]
        numbers += [int(_f(share) * _f(_ONE_Q14)) for share in shares]
        numbers += [snr_shift, self.scale_shift]
        tables = [_hann(self.window), edges, weights, self._gains() if self.pcan else []]
        return numbers + [word for table in tables for word in _packed(table)]

    def units(self, shape: Shape) -> list[float]:
        return [2.0**-self.scale_shift if self.log else 1.0] * self.channels

    def names(self, shape: Shape) -> list[str]:
        return [f"mel {i} {hz:.0f} Hz" for i, hz in enumerate(self.centres_hz())]

    def scratch_bytes(self, shape: Shape) -> int:
        return 2 * self.points

    def state_bytes(self, shape: Shape) -> int:
        return 4 * self.channels

    def centres_hz(self) -> list[float]:
        """The frequency of the peak of every band, in Hz."""
        centres = self._centres()[:-1]
        return [700.0 * math.expm1(float(centre) / 1127.0) for centre in centres]

    def _centres(self) -> list[np.float32]:
        """Centres in mel of all bands, and where the last one ends."""
        low, high = _mel(_f(self.lower_hz)), _mel(_f(self.upper_hz))
        spacing = (high - low) / _f(self.channels + 1)
        return [low + spacing * _f(i + 1) for i in range(self.channels + 1)]

    def _bands(self) -> tuple[list[int], list[int]]:
        """The bin each rise begins at (and the end), and an entry for each bin.

        A bin's energy goes, weighted, into the channel that falls there and the one that rises.
        """
        centres, before = self._centres(), _mel(_f(self.lower_hz))
        bin_hz = _f(0.5) * _f(self.rate_hz) / _f(self.points // 2)
        edges, entries = [int(_f(1.5) + _f(self.lower_hz) / bin_hz)], []
        for centre in centres:
            k = edges[-1]
            while (mel := _mel(_f(k) * bin_hz)) <= centre:
                weight = (centre - mel) / (centre - before)
                entries.append(_entry(weight, _ONE_Q12 - _q12(weight), _f(1) - weight))
                k += 1
            edges.append(k)
            before = centre
        return edges, entries

    def _gain(self, noise: int) -> int:
        scaled = _f(noise) / _f(1 << self.smoothing_bits - self._correction_bits)
        power = _f(math.pow(float(scaled + _f(self.pcan_offset)), -float(_f(self.pcan_strength))))
        gain = _f(1 << self.gain_bits) * power
        return _GAIN_MAX if gain > _GAIN_MAX else int(gain + _f(0.5))

    def _gains(self) -> list[int]:
        """The gains for a noise of 0 and 1; a parabola (start, slope, bend) for each octave."""
        gains = [self._gain(0), self._gain(1)]
        for bits in range(2, 33):
            start = 1 << bits - 1
            end = 2 * start if bits < 32 else 2 * start - 1
            y0, y1, y2 = (self._gain(x) for x in (start, start + start // 2, end))
            slope = 4 * (y1 - y0) - (y2 - y0)
            gains += [y0, slope, y2 - y0 - slope]
        return gains


def _within(name: str, value: float, low: float, high: float, of: str = "") -> None:
    expect(
        low <= value <= high,
        f"MicroFrontend has {name} {value:g}: expected {low:g} to {high:g}{of}",
    )


def _mel(hz: np.float32) -> np.float32:
    return _f(1127) * log1p(hz / _f(700))


def _q12(x: np.float32) -> int:
    return math.floor(x * _f(_ONE_Q12) + _f(0.5))


def _entry(value: np.float32, expected: int, counterpart: np.float32) -> int:
    """A number in Q12, and in the bits above it how far its counterpart is from the expected
    one, plus 1: rounding may part the two by a step."""
    return _q12(value) | (_q12(counterpart) - expected + 1) << 13


def _hann(n: int) -> list[int]:
    """Entries of the first half of a window of n samples; the counterparts are the second."""
    step = _f(math.pi) * _f(2) / _f(n)
    values = [_f(0.5) - _f(0.5) * _f(math.cos(float(step * (_f(i) + _f(0.5))))) for i in range(n)]
    return [_entry(values[i], _q12(values[i]), values[n - 1 - i]) for i in range((n + 1) // 2)]


def _packed(table: Sequence[int]) -> list[int]:
    """Two 16-bit numbers to a word, the first in the lower half."""
    padded = np.array([*table, *[0] * (len(table) % 2)], np.int64)
    words: list[int] = padded.astype("<u2").view("<i4").tolist()
    return words
