"""What starts and stops a field recorder: ``poll(recorder)`` gives START, STOP, NEXT or None."""

# Written by device/files.py.
from ..field.recorder import Recorder
from ..types import Pin
from collections.abc import Callable

START: int
STOP: int
NEXT: int

class Button:
    """A push button: short starts and stops, long (0.8 s) takes the next label.

    ``pin``: pressed where its level is 0 (``active_low``, with a pull-up) or 1.
    """
    def __init__(self, pin: Pin, active_low: bool = True, now: Callable[[], int] = ...) -> None: ...
    def poll(self, recorder: Recorder) -> str | None: ...

class Level:
    """Records while a pin is active: a switch, a float, another board."""
    def __init__(self, pin: Pin, active_low: bool = False) -> None: ...
    def poll(self, recorder: Recorder) -> str | None: ...

class Schedule:
    """Records ``for_s`` seconds in every ``every_s``; the first begins at once."""
    def __init__(self, for_s: int, every_s: int, now: Callable[[], int] = ...) -> None: ...
    def poll(self, recorder: Recorder) -> str | None: ...

class Motion:
    """Records from when the sensor moves until it has been still for ``still_s``.

    Moving: some channel differs from its frame before by more than
    ``threshold`` counts. The recorder shows it what was read.
    """
    def __init__(self, threshold: int, still_s: int = 3, now: Callable[[], int] = ...) -> None: ...
    def look(self, frames: bytearray, n: int, channels: int) -> None:
        """Called by the recorder with n frames, recording or not."""
    def poll(self, recorder: Recorder) -> str | None: ...

class Wake(Motion):
    """Motion for a chip that watches by itself: between recordings it sleeps and its pin wakes it.

    ``threshold_mg`` is the chip's own threshold, ``threshold`` in counts tells
    when it is still again.
    """
    def __init__(self, threshold_mg: int, threshold: int, still_s: int = 3, now: Callable[[], int] = ...) -> None: ...
    def poll(self, recorder: Recorder) -> str | None: ...
