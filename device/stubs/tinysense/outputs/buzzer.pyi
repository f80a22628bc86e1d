"""A tone by label."""

# Written by device/files.py.
from ..decision import Event
from ..types import PWM
from collections.abc import Callable
from typing import Any

HALF_DUTY: int
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Buzzer: ...

class Buzzer:
    """``Buzzer(PWM(Pin(14)), {"ring": 880, "wing": 440})``: silent for labels not named."""
    def __init__(self, pwm: PWM, tones: dict[str, Any], on_ms: int = 150, now: Callable[[], int] = ...) -> None: ...
    def emit(self, event: Event) -> None: ...
    def poll(self) -> None: ...
    def close(self) -> None: ...
