"""One line of JSON per event, on the REPL's port or any stream."""

# Written by device/files.py.
from typing import Any, TextIO
from ..decision import Event

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Serial: ...

class Serial:
    """``Serial()`` or ``Serial(uart)``: {"label": "ring", "score": 231, "time": 4200}"""
    def __init__(self, stream: TextIO | None = None) -> None: ...
    def emit(self, event: Event) -> None: ...
