"""Front ends with a name: feature programs for sound, as well-known models take it.

    micro_speech    TensorFlow Lite Micro's micro_speech: 40 values of MICRO_FRONTEND every 20 ms
    microwakeword   microWakeWord and ESPHome: the same every 10 ms
    mlperf_kws      MLPerf Tiny's keyword spotting: 10 MFCC of 40 mel bands every 20 ms

All take windows of 30 ms of one channel at 16 kHz.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import TinysenseError
from .features import Block, FeatureProgram, Mel, MicroFrontend, Rows

__all__ = [
    "FRONT_ENDS", "PEAK", "RATE_HZ", "SENSOR", "WINDOW", "FrontEnd", "front_end", "normalised",
]  # fmt: skip

RATE_HZ = 16000
WINDOW = 480  # samples, 30 ms
# META's sensor of a model that hears through a front end.
SENSOR: dict[str, Any] = {
    "kind": "microphone", "units": "pcm", "channels": ["mono"], "rate_mhz": RATE_HZ * 1000,
    "full_scale": 32768,
}  # fmt: skip

# mlperf_kws was trained on clips divided by their largest sample, which a stream does not know.
# Speech peaks in about so many counts of 32768; of what was tried it costs the least accuracy.
PEAK = 8192
_UNIT = 1 / 25.6  # of MICRO_FRONTEND's values in the training of those models
# micro_speech and ESPHome quantise by (256 v + 333) / 666 - 128, whatever the model's input says.
_FIRMWARE_SCALE, _FIRMWARE_ZERO_POINT = 666 / 256 * _UNIT, -128
_FIRMWARE_TOLERANCE = 0.02


@dataclass(frozen=True)
class FrontEnd:
    """``block(peak)`` emits a row of ``values`` numbers every ``step_ms``."""

    name: str
    title: str
    step_ms: int
    values: int
    block: Callable[[int], Block]
    gain: tuple[float, ...] = ()
    firmware_scale: bool = False

    def program(
        self, rows: int = 1, stride: int = 1, *, step_ms: int = 0, peak: int = PEAK
    ) -> FeatureProgram:
        """Inputs of ``rows`` rows, a new one every ``stride`` rows; ``step_ms``: another step.

        ``peak``: the count that is 1.0, where that matters (mlperf_kws). Floats are those of
        the models' training; quantise with quantised().
        """
        step = step_ms or self.step_ms
        if not 1 <= step * RATE_HZ // 1000 <= WINDOW:
            raise TinysenseError(f"{self.name} with a step of {step} ms: expected 1..30 ms")
        block = self.block(peak)
        offset = block.offset(peak) if isinstance(block, Mel) else (0,)
        return FeatureProgram(
            1, WINDOW, step * RATE_HZ // 1000, (block, Rows(rows, stride)), gain=self.gain,
            offset=offset,
        )  # fmt: skip

    def quantised(
        self, program: FeatureProgram, scale: float, zero_point: int
    ) -> FeatureProgram:
        """The program for a published model whose input has this scale and zero point.

        micro_speech and microwakeword: firmware out there divides by 666/256 where such models
        say 25.6 x 26 / 255 or the like. Published models were tuned on that, so they get it:
        where zero point is -128 and the scale within 2 % of theirs.
        """
        near = abs(scale / _FIRMWARE_SCALE - 1) <= _FIRMWARE_TOLERANCE
        if self.firmware_scale and near and zero_point == _FIRMWARE_ZERO_POINT:
            return program.quantised(_FIRMWARE_SCALE, _FIRMWARE_ZERO_POINT)
        return program.quantised(scale, zero_point)


def _mfcc(peak: int) -> Mel:
    return Mel(rate_hz=RATE_HZ, points=512, bands=40, coefficients=10, low_hz=20.0,
               high_hz=4000.0, floor=1e-6 * peak)  # fmt: skip


def _micro(peak: int) -> MicroFrontend:
    return MicroFrontend(window=WINDOW, rate_hz=RATE_HZ)


FRONT_ENDS: dict[str, FrontEnd] = {
    f.name: f
    for f in (
        FrontEnd("micro_speech", "TensorFlow Lite Micro's micro_speech", 20, 40,
                 _micro, gain=(_UNIT,), firmware_scale=True),
        FrontEnd("microwakeword", "microWakeWord, ESPHome", 10, 40,
                 _micro, gain=(_UNIT,), firmware_scale=True),
        FrontEnd("mlperf_kws", "MLPerf Tiny's keyword spotting", 20, 10, _mfcc),
    )
}  # fmt: skip


def front_end(name: str) -> FrontEnd:
    """A front end by its name."""
    if name not in FRONT_ENDS:
        raise TinysenseError(
            f"unknown front end {name!r}: expected one of {', '.join(FRONT_ENDS)}",
        )
    return FRONT_ENDS[name]


def normalised(clip: np.ndarray, peak: int = PEAK) -> np.ndarray:
    """A clip, int16, whose largest sample is ``peak``, as models of mlperf_kws were trained.

    The largest sample, not the largest magnitude, as there: ``peak`` leaves room for negative
    ones that are larger; beyond -32768 they saturate. For clips of one word; a stream goes in as
    it is, at a price in accuracy (host/DESIGN.md).
    """
    top = max(1, int(clip.max(initial=1)))
    scaled: np.ndarray = np.clip(np.rint(clip * (peak / top)), -32768, 32767).astype(np.int16)
    return scaled
