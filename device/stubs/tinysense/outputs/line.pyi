"""An event as one line of text, JSON or CSV, put together without heap."""

# Written by device/files.py.
from ..decision import Event
from collections.abc import Sequence

class Line:
    """``write(event)`` leaves the line in the first ``size`` bytes of ``buf``.

    JSON as in outputs/serial.py; CSV is label,score,time with the label quoted
    where it has to be. What depends on the label is made once for each: by
    watch(), or when the label comes for the first time.
    """
    buf: bytearray
    size: int
    def __init__(self, form: str = 'json', end: bytes = b'\n') -> None: ...
    def watch(self, labels: Sequence[str]) -> None: ...
    def write(self, event: Event) -> int:
        """Returns ``size``."""

def put(buf: bytearray, at: int, text: bytes) -> int:
    """Copies bytes to buf[at:]; returns where they end."""

def put_number(buf: bytearray, at: int, number: int) -> int:
    """A number of 0 or more in decimal; returns where it ends."""
