"""Events over Bluetooth Low Energy: one service with one characteristic that notifies.

Its value: label index (u8, 255 if the model has no such label), score (u8),
time in ms (u32, little-endian), the label as UTF-8. A client that has not asked
for a larger MTU gets the first 20 bytes of it, so 14 of the label.

What an event takes of the heap is what the radio's own software takes: nothing
with NimBLE, which copies into its pool; a copy of the value with BTstack (Pico W)
while its buffers are full, given back when it is sent.
"""

# Written by device/files.py.
from ..decision import Event
from ..types import BLE, Buffer
from collections.abc import Callable, Sequence
from typing import Any

SERVICE: str
CHARACTERISTIC: str
NO_LABEL: int
CLIENTS: int
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Ble: ...

class Ble:
    """``Ble(bluetooth.BLE(), "bracelet")``: advertises, notifies whoever is connected.

    ``clients``: how many are. ``lost``: notifications the radio did not take.
    The latest event can be read, too.
    """
    clients: int
    lost: int
    def __init__(self, radio: BLE, name: str = 'tinysense', service: str = ..., characteristic: str = ..., interval_ms: int = 250, now: Callable[[], int] = ...) -> None: ...
    def watch(self, labels: Sequence[str], scores: Buffer) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None:
        """Advertises while there is room for another client."""
    def close(self) -> None: ...
