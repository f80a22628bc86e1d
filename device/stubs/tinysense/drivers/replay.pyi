"""Frames that were recorded before: Replay plays a .tsr file, Feed what is pushed into it."""

# Written by device/files.py.
from ..features import Sensor
from ..types import Buffer
from typing import Any

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any], sensor: Sensor | None = None) -> Replay: ...

class Replay:
    """Plays a .tsr file. The whole file is checked here, once; then it is trusted.

    ``dropped`` counts the frames that the recording itself lost.
    """
    dropped: int
    errors: int
    done: bool
    measured_mhz: Any
    rate_mhz: Any
    channels: Any
    label: Any
    units: Any
    full_scale: Any
    scale: Any
    def __init__(self, path: str, loop: bool = False, realtime: bool = True) -> None: ...
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None: ...

class Feed:
    """Frames pushed in by someone else: the link, a test, another task.

    ``units``, ``full_scale``: one value, or a tuple with one for each channel.
    ``feed(data)`` takes whole frames and returns how many it had room for;
    the rest is the caller's to send again. ``feed(data, dropped=n)`` says
    that n were lost on the way. ``end()`` makes the driver ``done`` once
    empty.
    """
    rate_mhz: int
    channels: int
    units: str | tuple[Any, ...]
    full_scale: float | tuple[Any, ...]
    scale: Any
    measured_mhz: int
    dropped: int
    errors: int
    waiting: int
    def __init__(self, rate_mhz: int, channels: int, units: str | tuple[Any, ...], full_scale: float | tuple[Any, ...], capacity: int = 256) -> None: ...
    @property
    def done(self) -> bool: ...
    def feed(self, data: Buffer, dropped: int = 0) -> int:
        """Takes int16 frames (n, channels); returns how many there was room for."""
    def end(self) -> None:
        """No more frames will come."""
    def read_into(self, buf: bytearray) -> int: ...
    def close(self) -> None: ...
