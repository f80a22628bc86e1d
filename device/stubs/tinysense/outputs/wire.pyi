"""A UART that is never waited for."""

# Written by device/files.py.
from ..types import Buffer, UART
from typing import Any

TXBUF: int
UART_OPTIONS: tuple[Any, ...]

def open_uart(options: dict[str, Any], name: str) -> UART:
    """The UART that a config's rows UART_OPTIONS name; ``name``: of the output."""

class Wire:
    """``Wire(UART(1, 115200))``: what the UART does not take at once goes out by poll().

    One piece is on its way at a time; one that comes meanwhile is ``lost``, whole.
    """
    lost: int
    def __init__(self, uart: UART) -> None: ...
    def free(self) -> bool:
        """Whether send() may be called; counts a loss if not."""
    def send(self, buf: Buffer, size: int) -> None:
        """The first ``size`` bytes of buf, which must stay as they are until free() again."""
    def poll(self) -> None: ...
    def close(self) -> None: ...
