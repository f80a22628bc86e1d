"""The sample clock: how many frames are due, in small integers that wrap."""

# Written by device/files.py.
from collections.abc import Callable

class Clock:
    """Ticks at ``rate_mhz`` from the first call of due() on, without drift.

    ``now``: a function like time.ticks_us, for tests.
    """
    def __init__(self, rate_mhz: int, now: Callable[[], int] | None = None) -> None: ...
    def due(self) -> int:
        """Ticks since the last call; the first call gives 1."""
    def stop(self) -> None:
        """The next due() starts anew: time until then does not count."""
