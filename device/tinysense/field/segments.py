"""Segments: numbered .tsr files in a folder, and how much room is left for them."""

import os

from ..errors import RecordingError
from ..recording import BLOCK
from .boot import keeps

SUFFIX = ".tsr"
DIGITS = 6
_LAST = 10**DIGITS - 1
# littlefs keeps pointers inside each block (4 bytes on average two) and needs
# blocks for its folders: 1/128 and four blocks cover both.
_SPARE_BLOCKS = 4


class Segments:
    """The recorder's folder. ``segment_kb``: size of a file; ``keep_free_kb``: room never used.

    ``overwrite``: where room ends the oldest segments go; else nothing more is
    recorded. Names are numbers that only grow, so what is newest is
    known without any clock.
    """

    def __init__(self, folder: str, segment_kb: int = 256, keep_free_kb: int = 64,
                 overwrite: bool = False):
        self.folder = folder
        self._blocks = max(1, segment_kb * 1024 // BLOCK)
        self._keep_free = keep_free_kb * 1024
        self._overwrite = overwrite
        _make(folder)
        keeps(folder)
        names = self.names()
        self._next = int(names[-1][:DIGITS]) + 1 if names else 1

    def names(self) -> list:
        """File names, oldest first."""
        return sorted(name for name in os.listdir(self.folder) if is_segment(name))

    def free_kb(self) -> int:
        """Room for recordings, kB."""
        return max(0, self._free() // 1024)

    def next(self) -> tuple:
        """(path, blocks) of a new segment and its longest; RecordingError if there is no room."""
        blocks = self._room()
        while blocks < 1 and self._overwrite and self._remove_oldest():
            blocks = self._room()
        if blocks < 1:
            raise RecordingError("%s is full: expected room for a block of %d bytes, got %d bytes "
                                 "above what is kept free: pull the recordings, then delete them"
                                 % (self.folder, BLOCK, max(0, self._free())))
        if self._next > _LAST:
            raise RecordingError("%s has used all names up to %d: pull and delete its recordings"
                                 % (self.folder, _LAST))
        path = "%s/%06d%s" % (self.folder, self._next, SUFFIX)
        self._next += 1
        return path, blocks

    def _room(self):
        """Blocks that the next segment may have."""
        free = self._free() // BLOCK
        return min(self._blocks, free - free // 128 - _SPARE_BLOCKS)

    def _free(self):
        """Bytes free, less what is kept."""
        if not hasattr(os, "statvfs"):  # CPython on Windows
            return self._keep_free + self._blocks * BLOCK * 2
        s = os.statvfs(self.folder)
        return s[1] * s[4] - self._keep_free  # f_frsize, f_bavail

    def _remove_oldest(self):
        names = self.names()
        if not names:
            return False
        os.remove(self.folder + "/" + names[0])
        return True


def is_segment(name: str) -> bool:
    """Whether a file in the folder is a segment."""
    return len(name) == DIGITS + len(SUFFIX) and name.endswith(SUFFIX) and name[:DIGITS].isdigit()


def _make(folder):
    """The folder, and those above it."""
    path = ""
    for part in folder.split("/"):
        path += part
        if part:
            try:
                os.mkdir(path)
            except OSError:
                pass  # it is there, or listdir() below says what is wrong
        path += "/"
    try:
        os.listdir(folder)
    except OSError as e:
        raise RecordingError("no folder %s for recordings (errno %s): is the SD card in and "
                             "mounted?" % (folder, e.errno))
