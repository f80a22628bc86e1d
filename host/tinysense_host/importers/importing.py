"""Files and folders into a dataset: which importer reads what, all or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..dataset import Dataset, Label, Recording, Texts
from ..errors import TinysenseError
from ..sound.remarks import Remark
from .csv_file import read_csv
from .facts import Facts, Imported
from .log_file import SEPARATOR, read_log
from .npy_file import read_npy
from .sound_file import SUFFIXES, read_sound_file
from .tsr_file import read_tsr, read_tsrs

__all__ = ["FORMATS", "Arrived", "import_into", "import_path", "import_paths"]

FORMATS: dict[str, Callable[[Path, Facts], Imported]] = {
    "csv": read_csv,
    "npy": read_npy,
    "log": read_log,
    "tsr": read_tsr,
    "sound": read_sound_file,
}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Arrived:
    """A recording that is in a dataset now: what people want to know, without its frames."""

    dataset: Dataset
    id: str
    frames: int
    rate_mhz: int
    units: Texts
    person: str
    note: str
    gaps: int
    labels: tuple[Label, ...]
    skipped_lines: int
    damaged_blocks: int
    remarks: tuple[Remark, ...]

    @property
    def recording(self) -> Recording:
        """The recording, read from the dataset."""
        return self.dataset.recording(self.id)


@dataclass(frozen=True)
class _File:
    """A file, what it is, and the folder of a clip below the one that is imported."""

    path: Path
    kind: str
    folder: str = ""


def import_into(
    dataset: Dataset, paths: Sequence[Path], facts: Facts, format: str = "",
    progress: Progress | None = None,
) -> list[Arrived]:  # fmt: skip
    """Reads files and folders into a dataset: all of them, or none if one is bad.

    Recordings wait in a folder of their own until the last is read, so that
    many need no more memory than one. ``progress(done, total)`` counts files.
    """
    files = [found for path in paths for found in _files(path, format)]
    if not files:
        raise TinysenseError(f"nothing to import in {', '.join(map(str, paths))}")
    there, arrived = set(dataset.ids()), []
    taken = set(there)
    with _waiting(dataset) as waiting:
        for item in _read(files, facts, progress):
            recording = item.recording
            if recording.id in taken:
                raise _taken(recording, dataset, recording.id in there)
            taken.add(recording.id)
            waiting.add_recording(recording)
            arrived.append(_arrived(dataset, item))
        _move(waiting, dataset, arrived)
    return arrived


def _taken(recording: Recording, dataset: Dataset, there: bool) -> TinysenseError:
    name = f"recording {recording.id!r} (from {recording.source.get('file')})"
    if there:
        return TinysenseError(f"{name} is already in {dataset.path}",
                              "recordings never change: import into another dataset")  # fmt: skip
    return TinysenseError(f"{name} comes from two files of one name", "rename one of them")


def _arrived(dataset: Dataset, item: Imported) -> Arrived:
    r = item.recording
    return Arrived(dataset, r.id, len(r.frames), r.rate_mhz, r.units, r.person,
                   str(r.source.get("note", "")), len(r.gaps), item.labels, item.skipped_lines,
                   item.damaged_blocks, item.remarks)  # fmt: skip


@contextmanager
def _waiting(dataset: Dataset) -> Iterator[Dataset]:
    """A dataset inside the other one, gone at the end, and the other one too if it is still new."""
    new = [p for p in (dataset.path, *dataset.path.parents) if not p.exists()]
    folder = dataset.path / f".import-{secrets.token_hex(4)}"
    try:
        yield Dataset(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for path in new:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()


def _move(waiting: Dataset, dataset: Dataset, arrived: Sequence[Arrived]) -> None:
    """All recordings to where they belong, then their labels; back out if that fails."""
    moved: list[Path] = []
    folder = dataset.path / "recordings"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for item in arrived:
            target = folder / f"{item.id}.parquet"
            os.rename(waiting.path / "recordings" / target.name, target)
            moved.append(target)
        labels = [label for item in arrived for label in item.labels]
        dataset.set_labels(labels, {item.id: item.frames for item in arrived})
    except BaseException:
        for path in moved:
            path.unlink(missing_ok=True)
        raise


def import_path(path: Path, facts: Facts, format: str = "") -> list[Imported]:
    """Reads a file, or every file of a known kind below a folder."""
    return import_paths([path], facts, format)


def import_paths(paths: Sequence[Path], facts: Facts, format: str = "") -> list[Imported]:
    """Reads files and folders; .tsr files together, since one recording may lie in several."""
    return list(_read([found for path in paths for found in _files(path, format)], facts))


def _read(
    files: Sequence[_File], facts: Facts, progress: Progress | None = None
) -> Iterator[Imported]:
    boards = [file.path for file in files if file.kind == "tsr"]
    for number, file in enumerate([file for file in files if file.kind != "tsr"]):
        if progress:
            progress(number, len(files))
        if file.kind == "sound":
            yield read_sound_file(file.path, facts, file.folder)
        else:
            yield FORMATS[file.kind](file.path, facts)
    yield from read_tsrs(boards, facts) if boards else []
    if progress:
        progress(len(files), len(files))


def _files(path: Path, format: str) -> list[_File]:
    """The files at a path and what they are."""
    if format and format not in FORMATS:
        raise TinysenseError(f"no import format {format!r}", f"choose from {', '.join(FORMATS)}")
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file())
        kinds = [(p, _format_of(p)) for p in inside]
        return [_file(p, format or kind, path) for p, kind in kinds if kind in FORMATS]
    if not path.is_file():
        raise TinysenseError(f"no file at {path}", "check the path")
    kind = format or _format_of(path)
    if kind not in FORMATS:
        raise TinysenseError(
            f"{path} is of no known kind ({path.suffix or 'no suffix'})",
            f"say which with --format {'|'.join(FORMATS)}",
        )
    return [_File(path, kind)]


def _file(path: Path, kind: str, root: Path) -> _File:
    return _File(path, kind, path.parent.name if path.parent != root else "")


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    if suffix in SUFFIXES:
        return "sound"
    if suffix != "txt":
        return suffix
    with open(path, encoding="utf-8", errors="replace") as file:
        return "log" if any(SEPARATOR in line for line in file) else ""
