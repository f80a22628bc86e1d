"""Files in checked, acknowledged blocks: models/FORMAT.md, section 4.

It imports nothing of the package, since a bare board gets this file first, and is
written to be small: 3 kB as .mpy.
"""

# Written by device/files.py.
from .types import Buffer
from typing import Any

class Receiver:
    """Serves one host.

    read: fills a buffer and returns its length, or less where the host is gone. write: takes
    all of a buffer. root: the folder that no path leaves, "" for all there is. `does` says
    what is served: type of request -> function of (payload, flags) that returns the answer.
    """
    does: Any
    def __init__(self, read: object, write: object, root: str = '') -> None: ...
    def serve(self) -> None:
        """Answers requests until the host says BYE; what `read` and `write` raise ends it too."""
    def place(self, name: Buffer) -> str:
        """The path that a request names in UTF-8. ValueError for one outside the root."""

def serve() -> None:
    """Serves the computer at the REPL until BYE, Ctrl-C, or ten seconds without a byte."""
