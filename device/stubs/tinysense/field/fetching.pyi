"""What a computer asks about recordings where it can't run code of its own (see operations)."""

# Written by device/files.py.
from typing import Any

def segments(folder: str, after: str = '') -> list[Any]:
    """[name, bytes, CRC-32 of the header] of the first so many names behind ``after``, in order.

    -1 bytes for a folder, -1 as CRC where a segment can't be read.
    """

def remove(path: str, size: int, crc: int) -> bool:
    """Removes a segment that is still as it was listed; False where it is not."""

def set_time(folder: str, utc_us: int = 0) -> list[Any] | None:
    """[number of this start, device time in us, 0 or errno]: the pair is kept with the recordings.

    utc_us: microseconds since 1970; 0: nothing is set, but what it takes is imported.
    """
