"""One CAN frame per event, for a vehicle's gateway.

Three ways onto the bus: ``slcan``, a UART to a CAN adapter that speaks the
Lawicel ASCII protocol (most do); ``can``, the board's own controller
(machine.CAN of newer firmware, else pyb.CAN); ``mcp2515``, that chip on SPI.

Seven data bytes, little-endian. As rows of a DBC file:

    BO_ 1296 TinysenseEvent: 7 Vector__XXX
     SG_ Label : 0|8@1+ (1,0) [0|255] "" Vector__XXX
     SG_ Score : 8|8@1+ (1,0) [0|255] "" Vector__XXX
     SG_ Time : 16|32@1+ (1,0) [0|1073741823] "ms" Vector__XXX
     SG_ Counter : 48|8@1+ (1,0) [0|255] "" Vector__XXX

Label is the place of the label in the model, 255 if it has none. Counter goes
up by one with every event, sent or not, and from 255 to 0: a gap is a loss.
"""

# Written by device/files.py.
from ..decision import Event
from ..types import Buffer, CAN, UART
from collections.abc import Sequence
from typing import Any

ID: int
FRAME_BYTES: int
NO_LABEL: int
SLCAN_BITRATES: tuple[Any, ...]
OPTIONS: Any

def build(options: dict[str, Any]) -> Can: ...

def own_controller(bus: int, bitrate: int, identifier: int = ..., extended: bool = False) -> Controller:
    """The port's own CAN controller."""

class Can:
    """``Can(Slcan(UART(1, 115200)))``, or a Controller. ``lost``: frames the bus did not take."""
    lost: int
    def __init__(self, port: Slcan | Controller) -> None: ...
    def watch(self, labels: Sequence[str], scores: Buffer) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...

class Slcan:
    """A CAN adapter on a UART: the line ``t`` identifier, length, data in hexadecimal, CR."""
    def __init__(self, uart: UART, bitrate: int = 500000, identifier: int = ..., extended: bool = False) -> None: ...
    def send(self, frame: bytearray) -> bool: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...

class Controller:
    """A machine.CAN, or what is like it: send(id, data, flags) gives None if there is no room."""
    def __init__(self, can: CAN, identifier: int = ..., extended: bool = False) -> None: ...
    def send(self, frame: bytearray) -> bool: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...

class PybController(Controller):
    """A pyb.CAN: send(data, id) raises OSError if there is no room."""
    def __init__(self, can: CAN, identifier: int = ..., extended: bool = False) -> None: ...
    def send(self, frame: bytearray) -> bool: ...
