"""Which start of the board this is, and what time it is: so that recordings get true times later.

Times in a recording count from the board's start. Whoever knows the time, a
computer that connects or a clock chip, says so with tell_time(); the pair goes to
a file beside the recordings, and the host turns all of the same start into true times.
"""

import os

from ..recording import new_id
from ..sensing.timebase import device_clock

CLOCK_FILE = "clock.txt"  # in the recorder's folder: lines of boot id, device us, UTC us
EPOCH_2000_US = 946684800000000  # what time.time() counts from on most boards
PLAUSIBLE_S = 820454400  # 2026-01-01 since 2000: a clock that says less has not been set
_LINE_LIMIT = 4096

_drawn = []  # this start's number, once somebody asked for it
_folders = []  # where recordings of this start are


def boot_id() -> int:
    """A number drawn when this is first asked after a start, never 0."""
    if not _drawn:
        _drawn.append(new_id() or 1)
    return _drawn[0]


def keeps(folder: str) -> None:
    """Recordings go to that folder: tell_time() writes there, too."""
    if folder not in _folders:
        _folders.append(folder)


def tell_time(utc_us: int) -> None:
    """set_time() for every folder that this start has recordings in; a full disk is passed over."""
    for folder in _folders:
        try:
            set_time(utc_us, folder)
        except OSError:
            pass  # the next one who connects tries again


def set_time(utc_us: int, folder: str) -> None:
    """Notes that it is ``utc_us`` (microseconds since 1970) now."""
    stamp = bytearray(8)
    device_clock().stamp(stamp)
    path = folder + "/" + CLOCK_FILE
    try:
        full = os.stat(path)[6] > _LINE_LIMIT
    except OSError:
        full = False
    if full:  # the newest half is kept, in one step
        with open(path) as f:
            lines = f.readlines()
        with open(path + ".part", "w") as f:
            for line in lines[len(lines) // 2 :]:
                f.write(line)
        from ..replacing import put_in_place

        put_in_place(path)
    with open(path, "a") as f:
        f.write("%d %d %d\n" % (boot_id(), int.from_bytes(stamp, "little"), utc_us))


def utc_now() -> int:
    """Microseconds since 1970 by the board's own clock; 0 where nobody has set it."""
    import time

    try:
        year = time.gmtime(0)[0]
    except (AttributeError, OverflowError, OSError):
        return 0
    seconds = time.time()
    if year == 1970:
        seconds -= EPOCH_2000_US // 1000000
    if seconds < PLAUSIBLE_S:
        return 0
    return int(seconds) * 1000000 + EPOCH_2000_US
