"""What pictures of sound are made of: envelope, spectrogram, feature rows; bounded in size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import TinysenseError
from ..hostcore import FeatureStream
from .levels import Samples

__all__ = ["Image", "envelope", "feature_rows", "spectrogram"]

COLUMNS = 1500     # more than a picture has pixels
FLOOR_DBFS = -100.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Image:
    """``values`` (rows, columns), row 0 lowest; the columns lie between ``start`` and ``end`` s."""

    values: npt.NDArray[Any]
    start: float
    end: float


def envelope(samples: Samples, rate_hz: int) -> tuple[Floats, Floats, Floats]:
    """(seconds, lowest, highest), the latter as parts of full scale, in 1500 pieces at most."""
    step = -(-len(samples) // COLUMNS)
    starts = np.arange(0, len(samples), step)
    low = np.minimum.reduceat(samples, starts) / 32768
    high = np.maximum.reduceat(samples, starts) / 32768
    return (starts + step / 2) / rate_hz, low, high


def spectrogram(samples: Samples, rate_hz: int, points: int = 512) -> Image:
    """dBFS (points / 2 + 1, columns) of Hann windows; a sine of full scale has -3 dBFS.

    A column every 10 ms, or in longer sounds the mean power of so many that
    1500 columns remain. What is shorter than a window is continued with zeros.
    """
    padded = np.pad(samples.astype(np.float32) / 32768, (0, max(0, points - len(samples))))
    hop = max(1, rate_hz // 100)
    windows = np.lib.stride_tricks.sliding_window_view(padded, points)[::hop]
    hann = np.hanning(points + 1)[:-1].astype(np.float32)
    group = -(-len(windows) // COLUMNS)
    # Both halves of the spectrum, and what the window takes from a sine's power.
    gain = 2 / float(hann.sum()) ** 2
    columns = []
    for at in range(0, len(windows), group):
        power = np.abs(np.fft.rfft(windows[at : at + group] * hann, axis=1)) ** 2
        columns.append(power.mean(axis=0) * gain)
    levels = 10 * np.log10(np.maximum(np.stack(columns, axis=1), 10 ** (FLOOR_DBFS / 10)))
    step = hop * group
    start = (points - step) / 2 / rate_hz
    return Image(levels, start, start + len(columns) * step / rate_hz)


def feature_rows(samples: Samples, rate_hz: int, feat: bytes) -> Image:
    """int8 (values of a row, rows): what the network gets, by the core, one column a window.

    In longer sounds a column is the mean of so many windows that 1500 columns remain.
    TinysenseError where the sound is too short for one input.
    """
    stream = FeatureStream(feat)
    inputs = stream.inputs(samples)
    if len(inputs) == 0:
        needed = stream.window + (stream.rows - 1) * stream.hop
        raise TinysenseError(
            f"the sound has {len(samples)} samples, one input takes {needed}", "give a longer one")
    later = inputs[1:, inputs.shape[1] - stream.new_bytes :]
    rows = np.concatenate([inputs[0].reshape(-1), later.reshape(-1)]).reshape(
        -1, stream.row_outputs)
    start = (stream.window - stream.hop) / 2 / rate_hz
    end = start + len(rows) * stream.hop / rate_hz
    starts = np.arange(0, len(rows), -(-len(rows) // COLUMNS))
    counts = np.diff(starts, append=len(rows))[:, None]
    means = np.add.reduceat(rows, starts, axis=0, dtype=np.int64) / counts
    return Image(np.rint(means).astype(np.int8).T, start, end)
