"""Which start of the board this is, and what time it is: so that recordings get true times later.

Times in a recording count from the board's start. Whoever knows the time, a
computer that connects or a clock chip, says so with tell_time(); the pair goes to
a file beside the recordings, and the host turns all of the same start into true times.
"""

# Written by device/files.py.

CLOCK_FILE: str
EPOCH_2000_US: int
PLAUSIBLE_S: int

def boot_id() -> int:
    """A number drawn when this is first asked after a start, never 0."""

def keeps(folder: str) -> None:
    """Recordings go to that folder: tell_time() writes there, too."""

def tell_time(utc_us: int) -> None:
    """set_time() for every folder that this start has recordings in; a full disk is passed over."""

def set_time(utc_us: int, folder: str) -> None:
    """Notes that it is ``utc_us`` (microseconds since 1970) now."""

def utc_now() -> int:
    """Microseconds since 1970 by the board's own clock; 0 where nobody has set it."""
