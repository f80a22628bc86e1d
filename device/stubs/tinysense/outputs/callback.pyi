"""Calls a function with each event."""

# Written by device/files.py.
from ..decision import Event
from collections.abc import Callable

class Callback:
    """``Callback(function)``: function(event). A pipeline makes one of any function given it."""
    def __init__(self, function: Callable[[Event], object]) -> None: ...
    def emit(self, event: Event) -> None: ...
