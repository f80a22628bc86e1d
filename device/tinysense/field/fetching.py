"""What a computer asks about recordings where it can't run code of its own (see operations)."""

import os
from binascii import crc32

from .. import places

_HEADER = 192  # bytes of a segment's beginning that tell it from others


def segments(folder: str, after: str = "") -> list:
    """[name, bytes, CRC-32 of the header] of the first so many names behind ``after``, in order.

    -1 bytes for a folder, -1 as CRC where a segment can't be read.
    """
    return [[name] + _facts(_segment(folder, name), name) for name in places.some(folder, after)]


def remove(path: str, size: int, crc: int) -> bool:
    """Removes a segment that is still as it was listed; False where it is not."""
    if not places.may_read(path) or path[-4:] != ".tsr":
        raise ValueError("%r is no recording: expected a name as /rec/000001.tsr" % path[:60])
    if _facts(path, path) != [size, crc]:
        return False
    os.remove(path)
    return True


def set_time(folder: str, utc_us: int = 0) -> "list | None":
    """[number of this start, device time in us, 0 or errno]: the pair is kept with the recordings.

    utc_us: microseconds since 1970; 0: nothing is set, but what it takes is imported.
    """
    from ..sensing.timebase import device_clock
    from .boot import boot_id, set_time

    if not utc_us:
        return None
    if not places.may_read(folder + "/clock.txt") or folder[:3] == "/ts":
        raise ValueError("%r is no folder of recordings" % folder[:60])
    stamp, fault = bytearray(8), 0
    device_clock().stamp(stamp)
    try:
        set_time(utc_us, folder)
    except OSError as e:
        fault = e.errno or 5
    return [boot_id(), int.from_bytes(stamp, "little"), fault]


def _segment(folder, name):
    return folder.rstrip("/") + "/" + name


def _facts(path, name):
    try:
        found = os.stat(path)
    except OSError:
        return [-1, -1]
    if found[0] & 0x4000:
        return [-1, -1]
    if name[-4:] != ".tsr":
        return [found[6], 0]
    header = memoryview(bytearray(_HEADER))
    try:
        with open(path, "rb") as f:
            return [found[6], crc32(header[: f.readinto(header)]) & 0xFFFFFFFF]
    except OSError:
        return [found[6], -1]
