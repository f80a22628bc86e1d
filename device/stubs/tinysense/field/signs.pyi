"""What a field recorder shows: a light, or lines on a display. Each has ``show(recorder)``."""

# Written by device/files.py.
from ..field.recorder import Recorder
from ..types import Pin
from collections.abc import Callable
from typing import Any

class Light:
    """A LED. Recording: lit, with as many dark gaps every 3 s as the label's number.

    Idle: that many short flashes every 3 s. Losses since the start: the light flickers at the
    end of the turn. An error, or no room left: it blinks fast.
    """
    def __init__(self, pin: Pin, active_low: bool = False, now: Callable[[], int] = ...) -> None: ...
    def show(self, recorder: Recorder) -> None: ...
    def close(self) -> None: ...

class Lines:
    """Four lines of text, twice a second, by ``write(row, text)`` of a display."""
    def __init__(self, display: object, every_ms: int = 500, now: Callable[[], int] = ...) -> None: ...
    def show(self, recorder: Recorder) -> None: ...
    def close(self) -> None: ...

def lines(recorder: Recorder) -> tuple[Any, ...]:
    """State and label, seconds, lost frames, space left: 16 characters each at most."""
