"""Which exporter writes what."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..dataset import Label, Recording
from ..errors import TinysenseError
from .csv_file import write_csv
from .edge_impulse import edge_impulse_remarks, write_edge_impulse
from .label_studio import export_label_studio, label_studio_remarks
from .layout import Items, Options
from .npy_file import write_npy
from .parquet_file import write_parquet
from .tsr_file import write_tsr
from .wav_file import wav_remarks, write_wav

__all__ = ["FORMATS", "REMARKS", "export_recordings"]

Plain = Callable[[Recording, Sequence[Label], Path], list[Path]]
Optional = Callable[[Recording, Sequence[Label], Path, Options], list[Path]]
Format = Callable[[Items, Path, Options], list[Path]]


def _plain(write: Plain) -> Format:
    def each(items: Items, folder: Path, options: Options) -> list[Path]:
        return [path for item in items for path in write(*item, folder)]

    return each


def _optional(write: Optional) -> Format:
    def each(items: Items, folder: Path, options: Options) -> list[Path]:
        return [path for item in items for path in write(*item, folder, options)]

    return each


FORMATS: dict[str, Format] = {
    "csv": _plain(write_csv),
    "npy": _plain(write_npy),
    "tsr": _plain(write_tsr),
    "wav": _optional(write_wav),
    "parquet": _plain(write_parquet),
    "edge-impulse": _optional(write_edge_impulse),
    "label-studio": export_label_studio,
}

# What a format cannot say of a recording, for people.
REMARKS: dict[str, Callable[[Recording], list[str]]] = {
    "wav": wav_remarks,
    "edge-impulse": edge_impulse_remarks,
    "label-studio": label_studio_remarks,
}


def export_recordings(
    recordings: Iterable[Recording], labels: Sequence[Label], folder: Path, format: str,
    options: Options | None = None,
) -> list[Path]:  # fmt: skip
    """Writes recordings into a folder; TinysenseError rather than overwrite a file."""
    if format not in FORMATS:
        raise TinysenseError(f"no export format {format!r}", f"choose from {', '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    own: dict[str, list[Label]] = {}
    for label in labels:
        own.setdefault(label.recording, []).append(label)
    items = ((recording, own.get(recording.id, [])) for recording in recordings)
    return FORMATS[format](items, folder, options or Options())
