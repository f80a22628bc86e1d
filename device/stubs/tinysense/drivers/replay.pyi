"""Frames that were recorded before: Replay plays a .tsr file, Feed what is pushed into it."""

# Written by device/files.py.
from typing import Any
from ..types import Buffer
from ..features import Sensor

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any], sensor: Sensor | None = None) -> Replay: ...

class Replay:
    """Plays a .tsr file. The whole file is checked here, once; then it is trusted.

    ``dropped`` counts the frames that the recording itself lost.
    """
    rate_mhz: Any
    channels: Any
    units: Any
    scale: Any
    label: Any
    full_scale: Any
    dropped: int
    errors: int
    done: bool
    def __init__(self, path: str, loop: bool = False, realtime: bool = True) -> None: ...
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None: ...

class Feed:
    """Frames pushed in by someone else: the link, a test, another task.

    ``feed(data)`` takes whole frames and returns how many it had room for;
    the rest is the caller's to send again. ``feed(data, dropped=n)`` says
    that n were lost on the way. ``end()`` makes the driver ``done`` once
    empty.
    """
    rate_mhz: int
    channels: int
    units: str
    full_scale: float
    scale: Any
    dropped: int
    errors: int
    waiting: int
    def __init__(self, rate_mhz: int, channels: int, units: str, full_scale: float, capacity: int = 256) -> None: ...
    @property
    def done(self) -> bool: ...
    def feed(self, data: Buffer, dropped: int = 0) -> int:
        """Takes int16 frames (n, channels); returns how many there was room for."""
    def end(self) -> None:
        """No more frames will come."""
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None: ...

def copy_bytes(to: bytearray, at: int, source: Buffer, start: int, n: int) -> None:
    """Byte by byte, since a slice would be allocated."""
