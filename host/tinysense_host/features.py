"""Builder of FEAT sections: the feature program that the core runs on a window.

Nothing here computes features: the core does, for training and device alike
(``_tinysense.features_values`` and ``features_run``). This module only writes
the parameters down. Bytes: models/FORMAT.md, FEAT.

    program = FeatureProgram(3, 64, 16, (
        Iir.highpass(0.5, rate_hz=25.0),
        Stats(("mean", "deviation", "crossings")),
        Spectrum(points=64, edges=(1, 3, 6, 12, 24)),
    ))
    values = ...            # features_values(program.to_bytes(), ...), int32
    floats = program.floats(values)             # what the network is trained on
    feat = program.quantised(scale, zero_point).to_bytes()
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from .errors import TinysenseError
from .quantize import quantize_multiplier

__all__ = [
    "STATISTICS",
    "Block",
    "Decimate",
    "FeatureProgram",
    "Iir",
    "Magnitude",
    "Raw",
    "Spectrum",
    "Stats",
]

CHANNELS_MAX, WINDOW_MAX, BLOCKS_MAX = 16, 8192, 16
_ONE_Q28 = 1 << 28
_HEADER = struct.Struct("<HHHHII")


def _expect(condition: bool, what: str, hint: str = "") -> None:
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
        _expect(1 <= count <= 8, f"Iir has {count} sections: expected 1..8")
        for b0, b1, b2, a1, a2 in map(_q28, self.sections):
            _expect(
                max(map(abs, (b0, b1, b2, a1, a2))) <= 1 << 30,
                "Iir has a coefficient beyond +-4",
                "Spread the gain over more sections",
            )
            _expect(
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
        _expect(0 <= self.shift <= 8, f"Magnitude has shift {self.shift}: expected 0..8")
        after = self.after(shape).channels
        _expect(after <= CHANNELS_MAX, f"Magnitude makes {after} channels: expected 16 at most")

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
        _expect(2 <= self.factor <= 64, f"Decimate has factor {self.factor}: expected 2..64")
        _expect(
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
        _expect(
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
        _expect(
            self.points in (32, 64, 128, 256, 512),
            f"Spectrum has {self.points} points: expected 32, 64, 128, 256 or 512",
        )
        rising = all(a < b for a, b in zip(self.edges, self.edges[1:], strict=False))
        last = self.points // 2 + 1
        inside = all(0 <= e <= last for e in self.edges)
        _expect(
            2 <= len(self.edges) <= 33 and rising and inside,
            f"Spectrum has edges {list(self.edges)}: expected 2 to 33 rising bins from 0 to {last}",
        )
        _expect(0 <= self.step <= WINDOW_MAX, f"Spectrum has step {self.step}: expected 1..8192")
        _expect(self.scale in self.scales, f"Spectrum has scale {self.scale!r}: "
                f"expected {', '.join(self.scales)}")  # fmt: skip
        _expect(0 <= self.shift <= 40, f"Spectrum has shift {self.shift}: expected 0..40")

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


@dataclass(frozen=True)
class FeatureProgram:
    """Window geometry and blocks; the FEAT section of a model.

    The network's float input is ``(values - offset) * gain`` for the values
    that the core emits, each of ``offset`` (whole numbers) and ``gain`` one
    number per value, or one for all; gain () is every value's own unit.
    Its int8 input is that divided by ``scale`` plus ``zero_point``.
    """

    channels: int
    window: int
    hop: int
    blocks: tuple[Block, ...]
    gain: tuple[float, ...] = ()
    offset: tuple[int, ...] = (0,)
    scale: float = 1.0
    zero_point: int = 0
    shapes: tuple[Shape, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        _expect(1 <= self.channels <= CHANNELS_MAX, f"{self.channels} channels: expected 1..16")
        _expect(1 <= self.window <= WINDOW_MAX, f"window of {self.window} frames: expected 1..8192")
        _expect(1 <= self.hop <= self.window, f"hop {self.hop}: expected 1..{self.window} frames")
        _expect(1 <= len(self.blocks) <= BLOCKS_MAX, f"{len(self.blocks)} blocks: expected 1..16")
        shapes = [Shape(self.channels, self.window)]
        for block in self.blocks:
            block.check(shapes[-1])
            shapes.append(block.after(shapes[-1]))
        object.__setattr__(self, "shapes", tuple(shapes))
        _expect(self.outputs > 0, "the blocks emit nothing", "Add Raw, Stats or Spectrum")
        self._check_quantisation()

    def _check_quantisation(self) -> None:
        for name, given in (("gains", self.gain), ("offsets", self.offset)):
            _expect(
                len(given) in (1, self.outputs) or (name == "gains" and not given),
                f"{len(given)} {name} for {self.outputs} values: expected 1 or {self.outputs}",
            )
        _expect(
            all(g > 0 and math.isfinite(g) for g in self.gain), "a gain is not a positive number"
        )
        _expect(all(-(2**31) <= o < 2**31 for o in self.offset), "an offset is beyond 32 bits")
        _expect(
            self.scale > 0 and math.isfinite(self.scale) and -128 <= self.zero_point <= 127,
            f"scale {self.scale} zero point {self.zero_point}: expected a positive number and int8",
        )

    def _steps(self) -> list[tuple[Block, Shape]]:
        return list(zip(self.blocks, self.shapes, strict=False))

    @property
    def outputs(self) -> int:
        """How many values a window gives."""
        return len(self.units())

    @property
    def work_bytes(self) -> int:
        """Memory the core works in, beside the window."""
        planes = max((s.channels * s.frames * 2 + 3) // 4 * 4 for s in self.shapes)
        return planes + max(b.scratch_bytes(s) for b, s in self._steps())

    def units(self) -> np.ndarray:
        """(outputs,) what one step of each value is worth, in counts, counts^2, 1 or log2."""
        found = [b.units(s) for b, s in self._steps()]
        return np.array([u for units in found for u in units], np.float64)

    def names(self) -> list[str]:
        """A name for every value."""
        return [n for b, s in self._steps() for n in b.names(s)]

    def gains(self) -> np.ndarray:
        """(outputs,) the gain of every value."""
        given = np.array(self.gain, np.float64) if self.gain else self.units()
        return np.broadcast_to(given, (self.outputs,))

    def offsets(self) -> np.ndarray:
        """(outputs,) the offset of every value."""
        return np.broadcast_to(np.array(self.offset, np.int64), (self.outputs,))

    def floats(self, values: np.ndarray) -> np.ndarray:
        """The network's float32 input for values (.., outputs) as the core emits them."""
        floats: np.ndarray = (values - self.offsets()) * self.gains()
        return floats.astype(np.float32)

    def normalised(self, gain: Sequence[float], offset: Sequence[int]) -> FeatureProgram:
        """The same program with another gain and offset, for features scaled by a data set.

        A value's float is (value - offset) * gain; see floats().
        """
        return replace(self, gain=tuple(map(float, gain)), offset=tuple(map(int, offset)))

    def quantised(self, scale: float, zero_point: int) -> FeatureProgram:
        """The same program for a network whose input tensor has this scale and zero point."""
        return replace(self, scale=float(scale), zero_point=int(zero_point))

    def to_bytes(self) -> bytes:
        """The FEAT section."""
        head = _HEADER.pack(
            self.channels, self.window, self.hop, len(self.blocks), self.outputs, self.work_bytes
        )
        parts, at = [head], 0
        for block, shape in self._steps():
            words, emits = block.parameters(), len(block.units(shape))
            if emits:
                words = words + self._quantisation(at, at + emits)
            parts.append(struct.pack(f"<HH{len(words)}i", block.kind, len(words) + 1, *words))
            at += emits
        return b"".join(parts)

    def _quantisation(self, start: int, end: int) -> list[int]:
        """Zero point, count, entries: as few as repeat to give all of [start, end)."""
        offsets, gains = self.offsets()[start:end], self.gains()[start:end] / self.scale
        n = end - start
        period = next(p for p in range(1, n + 1) if n % p == 0 and _repeats(offsets, gains, p))
        words = [self.zero_point, period]
        for offset, gain in zip(offsets[:period], gains[:period], strict=True):
            mult, shift = quantize_multiplier(float(gain))
            _expect(-31 <= shift <= 30, f"a value is scaled by {gain:g} into int8 steps",
                    "Expected 2^-31 to 2^30: choose another gain or scale")  # fmt: skip
            words += [int(offset), mult, shift]
        return words


def _repeats(offsets: np.ndarray, gains: np.ndarray, period: int) -> bool:
    return all(bool(np.all(a.reshape(-1, period) == a[:period])) for a in (offsets, gains))


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
    _expect(
        0 < cutoff_hz < rate_hz / 2,
        f"a cutoff of {cutoff_hz} Hz at {rate_hz} Hz: expected over 0, under half the rate",
    )
    _expect(1 <= order <= 16, f"a filter of order {order}: expected 1..16")
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
