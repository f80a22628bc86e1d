"""One line of JSON or CSV per event on a UART: for a second controller, a gateway, a logger."""

# Written by device/files.py.
from ..decision import Event
from ..types import Buffer, UART
from collections.abc import Sequence
from typing import Any

OPTIONS: Any

def build(options: dict[str, Any]) -> Uart: ...

class Uart:
    """``Uart(UART(1, 115200))``: {"label": "ring", "score": 231, "time": 4200}

    Where the UART has a transmit buffer nothing waits for the wire. ``lost``: lines
    that came while an earlier one was still going out.
    """
    def __init__(self, uart: UART, form: str = 'json') -> None: ...
    @property
    def lost(self) -> int: ...
    def watch(self, labels: Sequence[str], scores: Buffer) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...
