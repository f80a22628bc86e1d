"""Recordings to files of other tools: CSV, NumPy and .tsr.

Each file appears under its name only when it is whole. Gaps cannot be said
in a .npy: a recording with gaps becomes one array per stretch without one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from .dataset import Label, Recording, write_atomically
from .errors import TinysenseError

__all__ = ["FORMATS", "export_recordings", "write_csv", "write_npy", "write_tsr"]


def export_recordings(
    recordings: Sequence[Recording], labels: Sequence[Label], folder: Path, format: str
) -> list[Path]:
    """Writes recordings into a folder; TinysenseError rather than overwrite a file."""
    if format not in FORMATS:
        raise TinysenseError(f"no export format {format!r}", f"choose from {', '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for recording in recordings:
        own = [label for label in labels if label.recording == recording.id]
        written += FORMATS[format](recording, own, folder)
    return written


def _free(path: Path) -> Path:
    if path.exists():
        raise TinysenseError(f"{path} exists", "export into an empty folder")
    return path


def write_csv(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """time_s, the channels in units, label: read back by `tinysense import`, gaps too."""
    path = _free(folder / f"{recording.id}.csv")
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["time_s", *recording.channels])
    period = 1000 / recording.rate_mhz
    digits = _digits(recording.scale)
    lost = {gap.start: max(1, gap.lost) for gap in recording.gaps}
    shift = 0
    for number, frame in enumerate(recording.frames.tolist()):
        shift += lost.get(number, 0)
        values = [f"{count * recording.scale:.{digits}f}" for count in frame]
        writer.writerow([f"{(number + shift) * period:.6f}", *values])
    write_atomically(path, sink.getvalue().encode())
    return [path]


def _digits(scale: float) -> int:
    """Decimals that tell two counts apart: exact where the scale is a decimal step."""
    return max(0, min(12, int(np.ceil(-np.log10(scale) - 1e-9)) + (0 if _decimal(scale) else 3)))


def _decimal(scale: float) -> bool:
    power = np.log10(scale)
    return bool(abs(power - round(power)) < 1e-9)


def write_npy(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """Raw int16 (frames, channels), one file per stretch without a gap."""
    stretches = recording.stretches()
    written = []
    for number, (start, end) in enumerate(stretches):
        suffix = f"_{number:03}" if len(stretches) > 1 else ""
        path = _free(folder / f"{recording.id}{suffix}.npy")
        sink = io.BytesIO()
        np.save(sink, recording.frames[start:end], allow_pickle=False)
        write_atomically(path, sink.getvalue())
        written.append(path)
    return written


def write_tsr(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """The format of the board; a label of the whole recording goes into it."""
    from tinysense import recording as tsr

    path = _free(folder / f"{recording.id}.tsr")
    names = {label.label for label in labels}
    label = names.pop() if len(names) == 1 else ""
    units = recording.units or "none"
    channels = recording.frames.shape[1]
    lost = {gap.start: max(1, gap.lost) for gap in recording.gaps}
    try:
        with tsr.Writer(
            str(path), recording.rate_mhz, channels, units, recording.scale, label,
            _utc_us(recording.time),
        ) as writer:  # fmt: skip
            for start, end in recording.stretches():
                frames = recording.frames[start:end].astype("<i2").tobytes()
                writer.write(frames, end - start, lost.get(start, 0))
    except ValueError as error:
        raise TinysenseError(f"recording {recording.id!r} fits no .tsr: {error}") from error
    return [path]


def _utc_us(time: str) -> int:
    if not time:
        return 0
    return round(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1e6)


FORMATS: dict[str, Callable[[Recording, Sequence[Label], Path], list[Path]]] = {
    "csv": write_csv,
    "npy": write_npy,
    "tsr": write_tsr,
}
