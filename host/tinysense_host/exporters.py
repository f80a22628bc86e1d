"""Recordings to files of other tools: CSV, NumPy and .tsr.

Each file appears under its name only when it is whole. Gaps cannot be said
in a .npy: a recording with gaps becomes one array per stretch without one.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import Label, Recording
from .errors import TinysenseError
from .files import write_atomically

__all__ = ["CSV_FACTS", "FORMATS", "export_recordings", "write_csv", "write_npy", "write_tsr"]

CSV_FACTS = "# tinysense "  # how the first line of our CSV begins


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
    if os.path.lexists(path):
        raise TinysenseError(f"{path} exists", "export into an empty folder")
    return path


def write_csv(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """A line "# tinysense {..}" of facts, then time_s and the channels in units.

    The facts (JSON: units, scale, rate, gaps, labels, ..) let `tinysense
    import` give back the very same recording and labels; others skip them as
    a comment. A gap of unknown length passes one frame of time.
    """
    path = _free(folder / f"{recording.id}.csv")
    sink = io.StringIO()
    sink.write(f"{CSV_FACTS}{json.dumps(_csv_facts(recording, labels), ensure_ascii=False)}\n")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["time_s", *recording.channels])
    period = 1000 / recording.rate_mhz
    lost = {gap.start: max(1, gap.lost) for gap in recording.gaps}
    shift = 0
    for number, frame in enumerate(recording.frames.tolist()):
        shift += lost.get(number, 0)
        # Nine digits tell 65536 counts apart whatever the scale.
        values = [f"{count * recording.scale:.9g}" for count in frame]
        writer.writerow([f"{(number + shift) * period:.6f}", *values])
    write_atomically(path, sink.getvalue().encode())
    return [path]


def _csv_facts(r: Recording, labels: Sequence[Label]) -> dict[str, Any]:
    return {
        "frames": len(r.frames), "rate_mhz": r.rate_mhz, "units": r.units, "scale": r.scale,
        "device": r.device, "time": r.time, "person": r.person, "session": r.session,
        "gaps": [[gap.start, gap.lost] for gap in r.gaps],
        "labels": [[x.start, x.end, x.label, x.person, x.session] for x in labels],
    }  # fmt: skip


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
