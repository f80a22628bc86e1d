"""A light for one label or for all."""

# Written by device/files.py.
from ..decision import Event
from ..types import Pin
from collections.abc import Callable
from typing import Any

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Led: ...

class Led:
    """``Led(Pin(25, Pin.OUT), "ring")``: on for ``on_ms`` after each event of that label."""
    def __init__(self, pin: Pin, label: str = '', on_ms: int = 300, active_low: bool = False, now: Callable[[], int] = ...) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...
