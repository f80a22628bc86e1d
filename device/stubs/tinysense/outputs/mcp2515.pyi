"""MCP2515: a CAN controller on SPI, as far as sending needs it.

Tables, registers and figures are those of Microchip's data sheet DS20001801H.
"""

# Written by device/files.py.
from ..types import Buffer, Pin, SPI
from typing import Any

RESET: int
READ: int
WRITE: int
READ_STATUS: int
LOAD_TXB0: int
RTS_TXB0: int
CANSTAT: int
CANCTRL: int
CNF3: int
CONFIGURATION: int
NORMAL: int
STATUS_TX0REQ: int
BTLMODE: int
EXIDE: int

def open_chip(options: dict[str, Any]) -> MCP2515:
    """The chip that the rows of outputs/can.py name."""

class MCP2515:
    """``MCP2515(SPI(0, 4000000), Pin(5, Pin.OUT), 500000, crystal_hz=8000000)``.

    send(), restart() and deinit() are those of machine.CAN. Only transmit buffer
    0 is used, so frames go out in order.
    """
    def __init__(self, spi: SPI, cs: Pin, bitrate: int = 500000, crystal_hz: int = 8000000) -> None: ...
    def send(self, identifier: int, data: Buffer, flags: int = 0) -> int | None:
        """0, or None while the frame before still waits for the bus."""
    def restart(self) -> None:
        """Nothing: the chip comes back from bus-off by itself (section 6.7)."""
    def deinit(self) -> None:
        """Off the bus, until made anew."""

def bit_timing(bitrate: int, crystal_hz: int) -> bytes:
    """CNF3, CNF2, CNF1: 16 to 8 time quanta a bit, sampled near three quarters (section 5)."""
