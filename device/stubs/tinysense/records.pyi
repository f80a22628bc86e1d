"""A TCP connection as records, each with a MAC under a key of this connection and a count.

u16 bytes, the bytes, 16 bytes of HMAC-SHA256 over u32 count, u16 bytes and the bytes. A
record that was changed, repeated, left out or made up is noticed before any of it is
used. Key and count are of one direction. See remote.
"""

# Written by device/files.py.
from typing import Any

RECORD_BYTES: int
PART_MS: int

class Dropped(OSError):
    """The connection is over; the text says why."""

class Mac:
    """HMAC-SHA256 of records in one direction, each with its number."""
    def __init__(self) -> None: ...
    def key(self, key: Any) -> Any: ...
    def tag(self, payload: Any) -> Any: ...

class Incoming(Mac):
    """Records from the computer, checked, as a stream of bytes."""
    def __init__(self) -> None: ...
    def begin(self, peer: Any) -> Any: ...
    def begun(self) -> Any:
        """Whether a part of a record is here."""
    def waits(self) -> Any:
        """Whether bytes of a record have not been read yet."""
    def heard(self) -> Any:
        """From here on silence counts."""
    def silent_ms(self) -> Any: ...
    def take(self, n: Any) -> Any:
        """Whether n bytes are here; takes what has come, never more than these."""
    def taken(self, n: Any, at: Any = 0) -> Any:
        """A copy of n bytes taken."""
    def record(self) -> Any:
        """Whether bytes of a record that is whole and genuine can be read."""
    def read(self, view: Any) -> Any:
        """Fills the view, for Receiver; Dropped if the rest does not come in time."""

class Outgoing(Mac):
    """Gathers what is written into records and sends them."""
    def __init__(self) -> None: ...
    def begin(self, peer: Any) -> Any: ...
    def write(self, data: Any) -> Any:
        """Takes all of data, for Receiver."""
    def flush(self) -> Any: ...
    def send(self, data: Any) -> Any:
        """Sends all of data; Dropped where the computer takes nothing for long."""
