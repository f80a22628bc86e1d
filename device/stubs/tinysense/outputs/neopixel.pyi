"""Coloured lights (WS2812, SK6812): a colour by label, as bright as the score is high."""

# Written by device/files.py.
from ..decision import Event
from ..types import NeoPixel
from collections.abc import Callable
from typing import Any

OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Neopixel: ...

class Neopixel:
    """``Neopixel(NeoPixel(Pin(16), 8), {"ring": "#00ff80", "wing": [255, 0, 0]})``.

    ``brightness``: percent of full light at a score of 255; at 100 one light
    takes 60 mA. Labels not named leave it as it is. While it is written no
    interrupt is served on most boards, for 30 us a light.
    """
    def __init__(self, chain: NeoPixel, colours: dict[str, Any], brightness: int = 25, on_ms: int = 300, now: Callable[[], int] = ...) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...
