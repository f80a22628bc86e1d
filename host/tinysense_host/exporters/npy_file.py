"""NumPy's .npy, which cannot say gaps: an array per stretch without one."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..dataset import Label, Recording
from ..files import write_atomically
from .layout import free

__all__ = ["write_npy"]


def write_npy(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """Raw int16 (frames, channels), one file per stretch without a gap."""
    stretches = recording.stretches()
    written = []
    for number, (start, end) in enumerate(stretches):
        suffix = f"_{number:03}" if len(stretches) > 1 else ""
        path = free(folder / f"{recording.id}{suffix}.npy")
        sink = io.BytesIO()
        np.save(sink, recording.frames[start:end], allow_pickle=False)
        write_atomically(path, sink.getvalue())
        written.append(path)
    return written
