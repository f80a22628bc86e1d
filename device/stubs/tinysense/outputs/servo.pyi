"""A hobby servo that points to an angle by label."""

# Written by device/files.py.
from ..decision import Event
from ..types import PWM
from typing import Any

PERIOD_HZ: int
LEFT_NS: int
RIGHT_NS: int
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any]) -> Servo: ...

class Servo:
    """``Servo(PWM(Pin(15)), {"ring": 0, "wing": 180})``. Labels not named leave it where it is."""
    def __init__(self, pwm: PWM, angles: dict[str, Any]) -> None: ...
    def emit(self, event: Event) -> None: ...
    def close(self) -> None:
        """Stops the pulses: the servo goes limp."""
