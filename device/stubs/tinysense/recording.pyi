"""Recordings: .tsr files (models/FORMAT.md, section 2), the same code on board and computer.

A row of 4096-byte blocks, each readable without the others: what a power cut
leaves behind is lost from the first half-written block on, not before.
"""

# Written by device/files.py.
from typing import Any, BinaryIO
from .types import Buffer

MAGIC: bytes
VERSION: int
BLOCK: int
HEADER: int
UNITS: tuple[Any, ...]

class Writer:
    """Writes frames to ``path + ".part"``; close() makes it ``path``.

        with Writer("/circle.tsr", 25000, 3, "g", 4 / 32768, "circle") as w:
            w.write(frames, n, dropped=0)

    ``scale``: units per count. ``label`` at most 32 bytes of UTF-8.
    ``measured_rate_mhz``, ``utc_us`` (of frame 0): set them when they are
    known; later blocks carry them. An exception inside ``with`` leaves the
    ``.part``, which a Reader can read.
    """
    path: str
    channels: int
    rate_mhz: int
    measured_rate_mhz: int
    utc_us: int
    frames: int
    lost: int
    blocks: int
    def __init__(self, path: str, rate_mhz: int, channels: int, units: str, scale: float, label: str = '', utc_us: int = 0) -> None: ...
    def write(self, frames: Buffer, n: int, dropped: int = 0, time_us: int = -1) -> None:
        """``n`` frames of int16 (n, channels), ``dropped`` lost just before them.

        ``time_us``: device time of the first of them, used where a block
        begins; -1 counts on by the nominal rate.
        """
    def close(self) -> None:
        """Writes what is held, then gives the file its name."""
    def abort(self) -> None:
        """Closes without the name: the blocks stay in the ``.part``."""
    def __enter__(self) -> Writer: ...
    def __exit__(self, kind: object, value: object, trace: object) -> None: ...

class Block:
    """One block. ``frames``: bytes of int16 (count, channels), valid until the next block.

    ``index`` of the block, ``first`` frame (dropped ones counted), ``time_us``,
    ``utc_us`` (0 unknown), ``rate_mhz``, ``measured_rate_mhz`` (0 unknown),
    ``scale``, ``lost`` (since the start), ``count``, ``channels``, ``units``,
    ``label``, ``id`` of the recording; ``missing``: frames between the last
    block that was read and this one.
    """
    id: Any
    index: Any
    first: Any
    time_us: Any
    utc_us: Any
    rate_mhz: Any
    measured_rate_mhz: Any
    scale: Any
    lost: Any
    count: Any
    channels: Any
    units: Any
    missing: int
    frames: Any
    label: Any
    def __init__(self, view: Buffer) -> None: ...

class Reader:
    """Iterates the blocks of a .tsr: ``for block in Reader(path): block.frames``.

    ``source``: a path, or an open binary file. Damage raises RecordingError
    with the block's number; with ``skip_damaged`` such blocks are passed over
    and counted in ``damaged``. ``gaps`` counts holes, ``missing`` the frames in
    them. One block of memory, used over and over.
    """
    path: Any
    damaged: int
    gaps: int
    missing: int
    def __init__(self, source: str | BinaryIO, skip_damaged: bool = False) -> None: ...
    def rewind(self) -> None:
        """Back to the first block, counters too."""
    def __iter__(self) -> Reader: ...
    def __next__(self) -> Block: ...
    def close(self) -> None: ...
    def __enter__(self) -> Reader: ...
    def __exit__(self, *exc: object) -> None: ...
