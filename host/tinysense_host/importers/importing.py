"""Files and folders into a dataset: which importer reads what, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..dataset import Dataset
from ..errors import TinysenseError
from .csv_file import read_csv
from .facts import Facts, Imported
from .log_file import SEPARATOR, read_log
from .npy_file import read_npy
from .tsr_file import read_tsr, read_tsrs

__all__ = ["FORMATS", "import_into", "import_path", "import_paths"]

FORMATS: dict[str, Callable[[Path, Facts], Imported]] = {
    "csv": read_csv,
    "npy": read_npy,
    "log": read_log,
    "tsr": read_tsr,
}


def import_into(
    dataset: Dataset, paths: Sequence[Path], facts: Facts, format: str = ""
) -> list[Imported]:
    """Reads files and folders into a dataset: all of them, or none if one is bad."""
    found = import_paths(paths, facts, format)
    if not found:
        raise TinysenseError(f"nothing to import in {', '.join(map(str, paths))}")
    taken = set(dataset.ids())
    for item in found:
        if item.recording.id in taken:
            raise TinysenseError(
                f"recording {item.recording.id!r} (from {item.recording.source.get('file')}) is "
                f"already in {dataset.path}",
                "recordings never change: import into another dataset",
            )
        taken.add(item.recording.id)
    for item in found:
        dataset.add_recording(item.recording)
    sizes = {item.recording.id: len(item.recording.frames) for item in found}
    dataset.set_labels([label for item in found for label in item.labels], sizes)
    return found


def import_path(path: Path, facts: Facts, format: str = "") -> list[Imported]:
    """Reads a file, or every file of a known kind below a folder."""
    return import_paths([path], facts, format)


def import_paths(paths: Sequence[Path], facts: Facts, format: str = "") -> list[Imported]:
    """Reads files and folders; .tsr files together, since one recording may lie in several."""
    files = [found for path in paths for found in _files(path, format)]
    boards = [file for file, kind in files if kind == "tsr"]
    found = [FORMATS[kind](file, facts) for file, kind in files if kind != "tsr"]
    return found + (read_tsrs(boards, facts) if boards else [])


def _files(path: Path, format: str) -> list[tuple[Path, str]]:
    """The files at a path and what they are."""
    if path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.is_file())
        kinds = [(p, _format_of(p)) for p in inside]
        return [(p, format or kind) for p, kind in kinds if kind in FORMATS]
    if not path.is_file():
        raise TinysenseError(f"no file at {path}", "check the path")
    kind = format or _format_of(path)
    if kind not in FORMATS:
        raise TinysenseError(
            f"{path} is of no known kind ({path.suffix or 'no suffix'})",
            f"say which with --format {'|'.join(FORMATS)}",
        )
    return [(path, kind)]


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    if suffix != "txt":
        return suffix
    with open(path, encoding="utf-8", errors="replace") as file:
        return "log" if any(SEPARATOR in line for line in file) else ""
