"""A small display (SSD1306, 128 x 64 or 128 x 32, I2C): the event's label, and all scores as bars.

Sections are those of Solomon Systech's data sheet SSD1306, revision 1.5.
"""

# Written by device/files.py.
from ..decision import Event
from ..types import Buffer, I2C
from collections.abc import Callable, Sequence
from typing import Any

ADDRESS: int
COMMANDS: int
ONE_COMMAND: int
DATA: int
COLUMN_LOW: int
COLUMN_HIGH: int
ADDRESSING: int
PAGE_ADDRESSING: int
START_LINE: int
CONTRAST: int
SEGMENT_REMAP: int
FROM_RAM: int
NORMAL: int
MULTIPLEX: int
DISPLAY_OFF: int
DISPLAY_ON: int
PAGE: int
SCAN_DOWN: int
OFFSET: int
CLOCK: int
CLOCK_RESET: int
PRECHARGE: int
PRECHARGE_PUMP: int
COM_PINS: int
ALTERNATIVE: int
SEQUENTIAL: int
VCOMH: int
VCOMH_083: int
CHARGE_PUMP: int
PUMP_ON: int
WIDTH: int
CHAR: int
OPTIONS: Any

def build(options: dict[str, Any]) -> Ssd1306: ...

class Ssd1306:
    """``Ssd1306(I2C(0, freq=400000), height=64)``.

    The label of the last event stands on top for ``on_ms``, with its score; below it
    is a bar for each label, with its name where there is room, as long as the
    latest score. A poll() sends one page of 128 x 8 pixels at most: 3 ms at 400 kHz,
    13 ms at 100 kHz. A display that stops answering is counted in ``errors`` and
    asked again, from its set-up on, every second.
    """
    errors: int
    def __init__(self, i2c: I2C, height: int = 64, address: int = ..., contrast: int = 255, refresh_ms: int = 100, on_ms: int = 3000, now: Callable[[], int] = ...) -> None: ...
    def watch(self, labels: Sequence[str], scores: Buffer) -> None: ...
    def emit(self, event: Event) -> None: ...
    def write(self, row: int, text: str) -> None:
        """A line of text, 16 characters at most, at row 0 to height / 8 - 1; it goes out at once.

        For whoever has the display alone, such as a recorder's signs.
        """
    def poll(self) -> None: ...
    def close(self) -> None:
        """Switches the display off."""
