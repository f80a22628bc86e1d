"""What every way to a board must offer, and the errors it may raise.

A transport runs code on a board and keeps its files. `Device` (device.py)
builds on it; the adapters are transport_mpremote.py, transport_ampy.py and,
for tests, transport_fake.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tinysense_host.errors import TinysenseError

__all__ = ["BoardError", "DamagedError", "FileEntry", "LinkError", "Over", "Progress", "Sink",
           "Transport", "never"]

# Takes what arrived; returns the part of it that is text. The end of the
# program is looked for in the text only: a binary frame may hold any byte.
# Called with b"" when the board has been silent for a moment.
Sink = Callable[[bytes], bytes]

# Whether the program has sent its last binary frame: after that its end is
# believed at once.
Over = Callable[[], bool]

# Takes bytes done and bytes in all.
Progress = Callable[[int, int], None]


def never() -> bool:
    """The Over of a program whose output may hold any byte up to its end."""
    return False


class LinkError(TinysenseError):
    """The link to the board failed: silence, a reset, an unplugged cable."""


class DamagedError(LinkError):
    """What was sent or came back was damaged or cut short; the board can be asked again."""


class BoardError(TinysenseError):
    """Code on the board raised: `kind` is the exception's name, `text` its message."""

    def __init__(self, traceback: str, output: bytes = b"") -> None:
        lines = [line for line in traceback.strip().splitlines() if line.strip()]
        last = lines[-1] if lines else "unknown error"
        kind, _, text = last.partition(":")
        self.kind = kind.strip()
        self.text = text.strip()
        self.traceback = traceback
        self.output = output
        super().__init__(f"the board raised {last.strip()}")

    @property
    def errno(self) -> int | None:
        """The number of an OSError (`[Errno 28] ENOSPC` or plain `28`), else None."""
        if self.kind != "OSError":
            return None
        digits = self.text.removeprefix("[Errno").strip().split("]")[0].split(",")[0].strip("() ")
        return int(digits) if digits.isdigit() else None


@dataclass(frozen=True)
class FileEntry:
    """A file or folder on the board; `size` in bytes, 0 for a folder."""

    name: str
    size: int
    is_dir: bool


class Transport(Protocol):
    """A way to a board. Every call ends: with a result, or with an error that
    states which timeout (in seconds) was reached.

    Raises LinkError when the link fails, BoardError when the board's code
    raises; after either the board is at its prompt again if it lives.
    """

    port: str

    def exec(self, code: str, timeout: float = 10.0, rest: float | None = None) -> bytes:
        """Runs code, returns what it printed; ends after `timeout` seconds.

        rest: where a program prints once, at its end, the seconds that it may pause in that.
        """

    def exec_stream(self, code: str, sink: Sink, silence: float = 10.0,
                    over: Over = never) -> None:
        """Runs code and hands over its output as it comes; LinkError when the
        board has been silent for `silence` seconds."""

    def send(self, data: bytes) -> None:
        """Writes to the running program's standard input (text without control bytes)."""

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> bool | None:
        """Writes a file: under `path + '.part'`, verified, then renamed.

        False where nothing was sent, since the file is the same already.
        """

    def get(self, path: str, progress: Progress | None = None) -> bytes:
        """Reads a file, verified by its checksum."""

    def remove(self, path: str) -> None:
        """Removes a file or an empty folder."""

    def rename(self, source: str, target: str) -> None:
        """Renames, replacing an existing file."""

    def mkdir(self, path: str) -> None:
        """Makes a folder and those above it; it may exist."""

    def stat(self, path: str) -> FileEntry | None:
        """A file or folder, None where there is none."""

    def list(self, path: str) -> list[FileEntry]:
        """What a folder holds, sorted by name."""

    def crc32(self, path: str) -> int | None:
        """CRC-32 of a file as the board reads it, None where there is none."""

    def soft_reset(self) -> None:
        """Restarts the interpreter without running main.py."""

    def interrupt(self) -> None:
        """Stops what runs and brings the board back to its prompt."""

    def close(self) -> None:
        """Leaves the board at its friendly prompt and frees the port. Never raises."""
