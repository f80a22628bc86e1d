"""One line of JSON per event, on the REPL's port or any stream.

Each line is a new text on the heap; uart.py sends the same without any.
"""

# Written by device/files.py.
from ..decision import Event
from typing import Any, TextIO

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Serial: ...

class Serial:
    """``Serial()`` or ``Serial(uart)``: {"label": "ring", "score": 231, "time": 4200}"""
    def __init__(self, stream: TextIO | None = None) -> None: ...
    def emit(self, event: Event) -> None: ...
