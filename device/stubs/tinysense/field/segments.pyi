"""Segments: numbered .tsr files in a folder, and how much room is left for them."""

# Written by device/files.py.
from typing import Any

SUFFIX: str
DIGITS: int

class Segments:
    """The recorder's folder. ``segment_kb``: size of a file; ``keep_free_kb``: room never used.

    ``overwrite``: where room ends the oldest segments go; else nothing more is
    recorded. Names are numbers that only grow, so what is newest is
    known without any clock.
    """
    folder: str
    def __init__(self, folder: str, segment_kb: int = 256, keep_free_kb: int = 64, overwrite: bool = False) -> None: ...
    def names(self) -> list[Any]:
        """File names, oldest first."""
    def free_kb(self) -> int:
        """Room for recordings, kB."""
    def next(self) -> tuple[Any, ...]:
        """(path, blocks) of a new segment and its longest; RecordingError if there is no room."""

def is_segment(name: str) -> bool:
    """Whether a file in the folder is a segment."""
