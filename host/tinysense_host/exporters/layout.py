"""What exporters share: names that are free, times of frames, values, options."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tinysense.channels import each

from ..dataset import Label, Recording
from ..errors import TinysenseError

__all__ = ["Item", "Items", "Options", "file_name", "frame_times", "free", "is_audio", "values"]

Item = tuple[Recording, list[Label]]
Items = Iterable[Item]


@dataclass(frozen=True)
class Options:
    """What some formats can be told.

    ``split_channels``: a WAV per channel. ``hmac_key``: signs Edge Impulse's
    files, "" leaves them unsigned. ``url_prefix``: where Label Studio finds files.
    """

    split_channels: bool = False
    hmac_key: str = ""
    url_prefix: str = "/data/local-files/?d="


def free(path: Path) -> Path:
    """The path, if nothing has that name."""
    if os.path.lexists(path):
        raise TinysenseError(f"{path} exists", "export into an empty folder")
    return path


def file_name(text: str) -> str:
    """A label as part of a file's name, without dots."""
    return re.sub(r"[^A-Za-z0-9_+-]+", "_", text).strip("_") or "unlabeled"


def frame_times(recording: Recording) -> npt.NDArray[np.float64]:
    """Seconds of each frame from the first; a gap of unknown length passes one frame of time."""
    numbers = np.arange(len(recording.frames), dtype=np.float64)
    for gap in recording.gaps:
        numbers[gap.start :] += max(1, gap.lost)
    period: float = 1000 / recording.rate_mhz
    return numbers * period


def values(recording: Recording) -> npt.NDArray[np.float64]:
    """Frames (n, channels) in units."""
    scales = np.array(each(recording.scale, len(recording.channels)), np.float64)
    found: npt.NDArray[np.float64] = recording.frames * scales
    return found


def is_audio(recording: Recording) -> bool:
    """Whether it is sound: counts of a microphone, or a pressure."""
    return set(each(recording.units, len(recording.channels))) <= {"pcm", "Pa"}
