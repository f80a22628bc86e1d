"""Recordings: .tsr files (models/FORMAT.md, section 2), the same code on board and computer.

A row of 4096-byte blocks, each readable without the others: what a power cut
leaves behind is lost from the first half-written block on, not before.
"""

# Written by device/files.py.
from .types import Buffer
from typing import Any, BinaryIO

MAGIC: bytes
VERSION: int
BLOCK: int
HEADER: int
UNITS: tuple[Any, ...]
GROUPS: int
LABEL_BYTES: int
NOTE_BYTES: int
COUNT_AT: int
LOST_AT: int

class Writer:
    """Writes frames to ``path + ".part"``; close() makes it ``path``.

        with Writer("/circle.tsr", 25000, 3, "g", 4, "circle") as w:
            w.write(frames, n, dropped=0)

    ``units``, ``full_scale``: one value, or a tuple with one for each channel.
    ``label``, ``note``: at most 32 and 60 bytes of UTF-8. ``boot``: a number
    drawn when the board started, 0 unknown. ``measured_rate_mhz``, ``utc_us``
    (of frame 0): set them when they are known; later blocks carry them. An
    exception inside ``with`` leaves the ``.part``, which a Reader can read.
    ``in_place``: under its own name from the first block on, each block
    durable when it is written; go_on() then begins another file of the recording.
    """
    channels: int
    rate_mhz: int
    measured_rate_mhz: int
    utc_us: int
    frames: int
    lost: int
    blocks: int
    path: Any
    id: Any
    def __init__(self, path: str, rate_mhz: int, channels: int, units: str | tuple[Any, ...], full_scale: float | tuple[Any, ...], label: str = '', utc_us: int = 0, note: str = '', boot: int = 0, in_place: bool = False) -> None: ...
    def go_on(self, path: str) -> None:
        """Closes this file and goes on in another: the same recording, its numbers go on.

        The block that is not full yet becomes the first of the new file.
        """
    def write(self, frames: Buffer, n: int, dropped: int = 0, time_us: int = -1, stamp: Buffer | None = None) -> None:
        """``n`` frames of int16 (n, channels), ``dropped`` lost just before them.

        ``time_us``: device time of the first of them, used where a block
        begins; or that number as 8 bytes, lowest first, in ``stamp``. Without
        either, time counts on by the measured rate, else by the nominal one.
        """
    def sync(self) -> int:
        """Makes the blocks written so far durable; returns how many they are."""
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
    ``lost`` (since the start), ``count``, ``channels``; ``units``,
    ``full_scale``, ``scale``, of each a tuple where channels differ; ``label``,
    ``note``, ``id`` of the recording, ``boot`` (0 unknown), ``version``, ``header`` bytes;
    ``missing``: frames between the last block that was read and this one.
    """
    version: Any
    header: Any
    id: Any
    index: Any
    first: Any
    time_us: Any
    utc_us: Any
    rate_mhz: Any
    measured_rate_mhz: Any
    frames: Any
    label: Any
    note: Any
    missing: int
    lost: Any
    boot: int
    count: Any
    channels: Any
    units: Any
    full_scale: Any
    scale: Any
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

def new_id() -> int:
    """32 bits that nobody else has."""

def check(channels: int, units: str | tuple[Any, ...], full_scale: float | tuple[Any, ...]) -> list[Any]:
    """(units, full scale) of each channel; RecordingError where they are none."""

def runs(channels: int, units: str | tuple[Any, ...], full_scale: float | tuple[Any, ...]) -> list[Any]:
    """The groups of a header: (channels, number in UNITS, full scale) of each run of equal ones."""
