"""Feature programs: the FEAT section of a model, as the core runs it.

Nothing here computes features: the core does, for training and device alike
(``_tinysense.features_values`` and ``features_run``).

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

import numpy as np

from tinysense_host.quantize import quantize_multiplier

from .blocks import CHANNELS_MAX, WINDOW_MAX, Block, Shape, expect
from .rows import Rows

__all__ = ["FeatureProgram"]

BLOCKS_MAX = 16
_HEADER = struct.Struct("<HHHHII")


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
        expect(1 <= self.channels <= CHANNELS_MAX, f"{self.channels} channels: expected 1..16")
        expect(1 <= self.window <= WINDOW_MAX, f"window of {self.window} frames: expected 1..8192")
        expect(1 <= self.hop <= self.window, f"hop {self.hop}: expected 1..{self.window} frames")
        expect(1 <= len(self.blocks) <= BLOCKS_MAX, f"{len(self.blocks)} blocks: expected 1..16")
        shapes = [Shape(self.channels, self.window)]
        for block in self.blocks:
            block.check(shapes[-1])
            shapes.append(block.after(shapes[-1]))
        object.__setattr__(self, "shapes", tuple(shapes))
        expect(self.row_outputs > 0, "the blocks emit nothing", "Add Raw, Stats or Spectrum")
        gatherers = [i for i, block in enumerate(self.blocks) if isinstance(block, Rows)]
        expect(gatherers in ([], [len(self.blocks) - 1]), "Rows stands last, and once")
        self._check_quantisation()

    def _check_quantisation(self) -> None:
        for name, given in (("gains", self.gain), ("offsets", self.offset)):
            expect(
                len(given) in (1, self.row_outputs) or (name == "gains" and not given),
                f"{len(given)} {name} for {self.row_outputs} values: "
                f"expected 1 or {self.row_outputs}",
            )
        expect(
            all(g > 0 and math.isfinite(g) for g in self.gain), "a gain is not a positive number"
        )
        expect(all(-(2**31) <= o < 2**31 for o in self.offset), "an offset is beyond 32 bits")
        expect(
            self.scale > 0 and math.isfinite(self.scale) and -128 <= self.zero_point <= 127,
            f"scale {self.scale} zero point {self.zero_point}: expected a positive number and int8",
        )

    def _steps(self) -> list[tuple[Block, Shape]]:
        return list(zip(self.blocks, self.shapes, strict=False))

    @property
    def row_outputs(self) -> int:
        """How many values a window gives."""
        return len(self.units())

    @property
    def rows(self) -> Rows:
        """How rows become inputs; without such a block every row is one."""
        last = self.blocks[-1]
        return last if isinstance(last, Rows) else Rows(1, 1)

    @property
    def outputs(self) -> int:
        """How many values the model's input has: those of all rows."""
        return self.rows.rows * self.row_outputs

    @property
    def golden_frames(self) -> int:
        """Frames of a golden vector: of the windows that come between two inputs."""
        return self.window + (self.rows.stride - 1) * self.hop

    @property
    def work_bytes(self) -> int:
        """Memory the core works in, beside the window."""
        planes = max((s.channels * s.frames * 2 + 3) // 4 * 4 for s in self.shapes)
        states = sum(b.state_bytes(s) for b, s in self._steps())
        if isinstance(self.blocks[-1], Rows):
            states += self.rows.history_bytes(self.row_outputs)
        return planes + max(b.scratch_bytes(s) for b, s in self._steps()) + states

    def units(self) -> np.ndarray:
        """(row_outputs,) what one step of each value is worth, in counts, counts^2, 1 or log2."""
        found = [b.units(s) for b, s in self._steps()]
        return np.array([u for units in found for u in units], np.float64)

    def names(self) -> list[str]:
        """A name for every value."""
        return [n for b, s in self._steps() for n in b.names(s)]

    def gains(self) -> np.ndarray:
        """(row_outputs,) the gain of every value."""
        given = np.array(self.gain, np.float64) if self.gain else self.units()
        return np.broadcast_to(given, (self.row_outputs,))

    def offsets(self) -> np.ndarray:
        """(row_outputs,) the offset of every value."""
        return np.broadcast_to(np.array(self.offset, np.int64), (self.row_outputs,))

    def floats(self, values: np.ndarray) -> np.ndarray:
        """The network's float32 input for values (.., row_outputs) as the core emits them."""
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
            expect(-31 <= shift <= 30, f"a value is scaled by {gain:g} into int8 steps",
                    "Expected 2^-31 to 2^30: choose another gain or scale")  # fmt: skip
            words += [int(offset), mult, shift]
        return words


def _repeats(offsets: np.ndarray, gains: np.ndarray, period: int) -> bool:
    return all(bool(np.all(a.reshape(-1, period) == a[:period])) for a in (offsets, gains))
