"""The blocks of feature programs for motion and slow signals, and what every block is.

Each class writes the parameters of one block of the core down; models/FORMAT.md, FEAT,
says what the block does with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tinysense_host.errors import TinysenseError

__all__ = [
    "CHANNELS_MAX",
    "STATISTICS",
    "WINDOW_MAX",
    "Block",
    "Decimate",
    "Iir",
    "Magnitude",
    "Raw",
    "Shape",
    "Spectrum",
    "Stats",
    "expect",
]

CHANNELS_MAX, WINDOW_MAX = 16, 8192
_ONE_Q28 = 1 << 28


def expect(condition: bool, what: str, hint: str = "") -> None:
    """TinysenseError where the condition does not hold."""
    if not condition:
        raise TinysenseError(what, hint)


@dataclass(frozen=True)
class Shape:
    """The signal between two blocks."""

    channels: int
    frames: int


@dataclass(frozen=True)
class Block:
    """A step of a feature program. Parameters are checked by ``check``."""

    kind: ClassVar[int] = 0

    def check(self, shape: Shape) -> None:
        """Raises TinysenseError where the block cannot work on such a signal."""

    def after(self, shape: Shape) -> Shape:
        """The signal behind the block."""
        return shape

    def parameters(self) -> list[int]:
        """The block's own s32 parameters, without quantisation."""
        raise NotImplementedError

    def units(self, shape: Shape) -> list[float]:
        """The unit of every emitted value: counts, counts^2, 1 or log2; none, emits nothing."""
        return []

    def names(self, shape: Shape) -> list[str]:
        """A name for every emitted value."""
        return []

    def scratch_bytes(self, shape: Shape) -> int:
        """Work memory beside the signal."""
        return 0

    def state_bytes(self, shape: Shape) -> int:
        """Memory that it keeps from window to window."""
        return 0


@dataclass(frozen=True)
class Iir(Block):
    """Cascaded biquads on every channel; each section is (b0, b1, b2, a1, a2), a0 = 1."""

    sections: tuple[tuple[float, float, float, float, float], ...]
    kind: ClassVar[int] = 1

    @classmethod
    def lowpass(cls, cutoff_hz: float, *, rate_hz: float, order: int = 2) -> Iir:
        """Butterworth low-pass by the bilinear transform; -3 dB at ``cutoff_hz``."""
        return cls(_butterworth(cutoff_hz, rate_hz, order, high=False))

    @classmethod
    def highpass(cls, cutoff_hz: float, *, rate_hz: float, order: int = 2) -> Iir:
        """Butterworth high-pass by the bilinear transform; -3 dB at ``cutoff_hz``."""
        return cls(_butterworth(cutoff_hz, rate_hz, order, high=True))

    def check(self, shape: Shape) -> None:
        count = len(self.sections)
        expect(1 <= count <= 8, f"Iir has {count} sections: expected 1..8")
        for b0, b1, b2, a1, a2 in map(_q28, self.sections):
            expect(
                max(map(abs, (b0, b1, b2, a1, a2))) <= 1 << 30,
                "Iir has a coefficient beyond +-4",
                "Spread the gain over more sections",
            )
            expect(
                abs(a2) < _ONE_Q28 and abs(a1) < _ONE_Q28 + a2,
                "Iir has a section that is not stable",
                "A cutoff below about rate / 20000 is lost in 28 bits: decimate first",
            )

    def parameters(self) -> list[int]:
        return [len(self.sections), *(c for s in self.sections for c in _q28(s))]


@dataclass(frozen=True)
class Magnitude(Block):
    """Length of the vector of all channels >> shift, as one more channel or in their place."""

    replace: bool = False
    shift: int = 0
    kind: ClassVar[int] = 2

    def check(self, shape: Shape) -> None:
        expect(0 <= self.shift <= 8, f"Magnitude has shift {self.shift}: expected 0..8")
        after = self.after(shape).channels
        expect(after <= CHANNELS_MAX, f"Magnitude makes {after} channels: expected 16 at most")

    def after(self, shape: Shape) -> Shape:
        return Shape(1 if self.replace else shape.channels + 1, shape.frames)

    def parameters(self) -> list[int]:
        return [int(self.replace), self.shift]


@dataclass(frozen=True)
class Decimate(Block):
    """One frame for every ``factor``: their mean, or the first."""

    factor: int
    mean: bool = True
    kind: ClassVar[int] = 3

    def check(self, shape: Shape) -> None:
        expect(2 <= self.factor <= 64, f"Decimate has factor {self.factor}: expected 2..64")
        expect(
            shape.frames >= self.factor,
            f"Decimate by {self.factor} of {shape.frames} frames leaves none",
        )

    def after(self, shape: Shape) -> Shape:
        return Shape(shape.channels, shape.frames // self.factor)

    def parameters(self) -> list[int]:
        return [self.factor, int(self.mean)]


@dataclass(frozen=True)
class Raw(Block):
    """The samples, (frames, channels), less each channel's mean where ``centred``."""

    centred: bool = False
    kind: ClassVar[int] = 16

    def parameters(self) -> list[int]:
        return [int(self.centred)]

    def units(self, shape: Shape) -> list[float]:
        return [1.0] * (shape.channels * shape.frames)

    def names(self, shape: Shape) -> list[str]:
        return [f"raw {i} ch{c}" for i in range(shape.frames) for c in range(shape.channels)]

    def scratch_bytes(self, shape: Shape) -> int:
        return 4 * shape.channels


# In the order of the mask's bits, with the unit of each in counts (or counts^2).
STATISTICS = {
    "mean": 1 / 256,
    "deviation": 1 / 16,
    "rms": 1 / 16,
    "minimum": 1.0,
    "maximum": 1.0,
    "crossings": 1.0,
    "energy": 1.0,
}


@dataclass(frozen=True)
class Stats(Block):
    """Statistics of every channel, (channels, statistics) in the order of STATISTICS."""

    kinds: tuple[str, ...] = tuple(STATISTICS)
    kind: ClassVar[int] = 17

    def check(self, shape: Shape) -> None:
        unknown = [k for k in self.kinds if k not in STATISTICS]
        expect(
            bool(self.kinds) and not unknown and len(set(self.kinds)) == len(self.kinds),
            f"Stats has {', '.join(unknown or self.kinds) or 'no statistics'}: "
            f"expected some of {', '.join(STATISTICS)}, each once",
        )

    def _chosen(self) -> list[str]:
        return [k for k in STATISTICS if k in self.kinds]

    def parameters(self) -> list[int]:
        return [sum(1 << i for i, k in enumerate(STATISTICS) if k in self.kinds)]

    def units(self, shape: Shape) -> list[float]:
        return [STATISTICS[k] for k in self._chosen()] * shape.channels

    def names(self, shape: Shape) -> list[str]:
        return [f"{k} ch{c}" for c in range(shape.channels) for k in self._chosen()]


@dataclass(frozen=True)
class Spectrum(Block):
    """Energy in bands of an FFT, (segments, channels, bands).

    Band i takes the bins edges[i] <= k < edges[i + 1]; bin k lies at
    k * rate / points. ``step`` (default: points / 2) parts the segments.
    ``scale`` is "linear" (counts^2), "root" (counts) or "log2" (of 1 +
    energy); the energy is shifted right by ``shift`` before.
    """

    points: int
    edges: tuple[int, ...]
    step: int = 0
    centred: bool = True
    hann: bool = True
    keep: bool = False
    scale: str = "log2"
    shift: int = 0
    kind: ClassVar[int] = 18
    scales: ClassVar[tuple[str, ...]] = ("linear", "root", "log2")

    def check(self, shape: Shape) -> None:
        expect(
            self.points in (32, 64, 128, 256, 512, 1024),
            f"Spectrum has {self.points} points: expected 32, 64, 128, 256, 512 or 1024",
        )
        rising = all(a < b for a, b in zip(self.edges, self.edges[1:], strict=False))
        last = self.points // 2 + 1
        inside = all(0 <= e <= last for e in self.edges)
        expect(
            2 <= len(self.edges) <= 33 and rising and inside,
            f"Spectrum has edges {list(self.edges)}: expected 2 to 33 rising bins from 0 to {last}",
        )
        expect(0 <= self.step <= WINDOW_MAX, f"Spectrum has step {self.step}: expected 1..8192")
        expect(self.scale in self.scales, f"Spectrum has scale {self.scale!r}: "
                f"expected {', '.join(self.scales)}")  # fmt: skip
        expect(0 <= self.shift <= 40, f"Spectrum has shift {self.shift}: expected 0..40")

    def _step(self) -> int:
        return self.step or self.points // 2

    def _emitted(self, shape: Shape) -> int:
        if not self.keep or shape.frames <= self.points:
            return 1
        return 1 + (shape.frames - self.points) // self._step()

    def parameters(self) -> list[int]:
        flags = int(self.centred) | int(self.hann) << 1 | int(self.keep) << 2
        bands = len(self.edges) - 1
        scale = self.scales.index(self.scale)
        return [self.points, self._step(), flags, scale, self.shift, bands, *self.edges]

    def units(self, shape: Shape) -> list[float]:
        unit = {"linear": 2.0**self.shift, "root": 2.0 ** (self.shift / 2), "log2": 1 / 256}
        count = self._emitted(shape) * shape.channels * (len(self.edges) - 1)
        return [unit[self.scale]] * count

    def names(self, shape: Shape) -> list[str]:
        bands = list(zip(self.edges, self.edges[1:], strict=False))
        return [
            f"bins {a}..{b - 1} ch{c}" + (f" segment {s}" if self.keep else "")
            for s in range(self._emitted(shape))
            for c in range(shape.channels)
            for a, b in bands
        ]

    def scratch_bytes(self, shape: Shape) -> int:
        return 4 * self.points


def _q28(section: tuple[float, float, float, float, float]) -> tuple[int, int, int, int, int]:
    """A section in Q28, its gain at 0 Hz kept exact by the middle coefficient."""
    b0, b1, b2, a1, a2 = (round(c * _ONE_Q28) for c in section)
    below = 1.0 + section[3] + section[4]
    if below > 0:
        b1 = round(sum(section[:3]) / below * (_ONE_Q28 + a1 + a2)) - b0 - b2
    return b0, b1, b2, a1, a2


def _butterworth(
    cutoff_hz: float, rate_hz: float, order: int, high: bool
) -> tuple[tuple[float, float, float, float, float], ...]:
    expect(
        0 < cutoff_hz < rate_hz / 2,
        f"a cutoff of {cutoff_hz} Hz at {rate_hz} Hz: expected over 0, under half the rate",
    )
    expect(1 <= order <= 16, f"a filter of order {order}: expected 1..16")
    k = math.tan(math.pi * cutoff_hz / rate_hz)
    sections = []
    for i in range(order // 2):
        damping = 2 * math.sin(math.pi * (2 * i + 1) / (2 * order))  # 1 / Q of the pole pair
        norm = 1 / (1 + damping * k + k * k)
        b0, sign = (norm, -2.0) if high else (k * k * norm, 2.0)
        a1, a2 = 2 * (k * k - 1) * norm, (1 - damping * k + k * k) * norm
        sections.append((b0, sign * b0, b0, a1, a2))
    if order % 2:
        norm = 1 / (1 + k)
        b0, sign = (norm, -1.0) if high else (k * norm, 1.0)
        sections.append((b0, sign * b0, 0.0, (k - 1) * norm, 0.0))
    return tuple(sections)
