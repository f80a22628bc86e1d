"""Calls a function with each event."""


class Callback:
    """``Callback(function)``: function(event). A pipeline makes one of any function given it."""

    def __init__(self, function: "Callable[[Event], object]"):
        self._function = function

    def emit(self, event: "Event") -> None:
        self._function(event)
