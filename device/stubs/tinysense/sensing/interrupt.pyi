"""A pin that says that frames wait. The interrupt itself sets flags, nothing else."""

# Written by device/files.py.
from ..types import Pin
from collections.abc import Callable
from typing import Any

class Interrupt:
    """``Interrupt(Pin(7, Pin.IN))``: set by the pin's rising edge (falling with ``active_low``).

    ``take()`` says whether there were ``edges`` of them since the last time. An edge can
    be missed, so after ``patience_us`` the answer is yes all the same.
    """
    def __init__(self, pin: Pin, active_low: bool = False, patience_us: int = 1000000, edges: int = 1, now: Callable[[], int] | None = None) -> None: ...
    def call(self, function: Callable[..., Any]) -> None:
        """From now on function(None) runs soon after each interrupt, outside of it."""
    def take(self) -> bool:
        """Whether to look at the chip: it fired, its pin still is active, or it is long silent."""
    def fired(self) -> bool:
        """Whether there was an edge, or the pin is active, since the last take()."""
    async def wait(self) -> None:
        """Returns at the next edge; at once if one has not been taken yet."""
    def close(self) -> None:
        """The pin interrupts no more."""
