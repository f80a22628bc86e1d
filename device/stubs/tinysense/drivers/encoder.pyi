"""Rotation, by a quadrature encoder on two pins: angle and speed.

Every edge is counted as it happens, by pin interrupts, or by the board's own counter
(machine.Encoder of esp32 and mimxrt; the rp2 port has none); frames only look at the count,
so no step is lost between them. Interrupts keep up with some thousand edges a second.
"""

# Written by device/files.py.
from ..features import Sensor
from ..sensing.polled import Polled
from ..types import Pin
from collections.abc import Callable
from typing import Any

STEPS: Any
COUNTS_MASK: int
MAX_COUNTS: int
OPTIONS: tuple[Any, ...]

def build(options: dict[str, Any], sensor: Sensor | None = None) -> Encoder:
    """The driver on two pins of this board."""

def counter(pins: list[Any], unit: int = -1) -> object:
    """What counts the edges on pins A and B: ``value()``, ``deinit()``, maybe ``missed``."""

class Edges:
    """Counts by pin interrupts. ``missed``: times that both pins had changed at once."""
    missed: int
    def __init__(self, a: Pin, b: Pin) -> None: ...
    def value(self) -> int:
        """Counts since the start; wraps at 2^28."""
    def deinit(self) -> None:
        """No more interrupts."""

class Encoder(Polled):
    """``Encoder(Edges(Pin(2), Pin(3)), counts_per_rev=80)``: frames of angle and speed.

    The angle, in degrees, is that of the start plus all steps since; it goes from 180 to
    -180 as a turn does. Speed, in deg/s, is what happened since the frame before, over the
    time that really passed. ``errors``: steps in which an edge was missed.
    """
    done: bool
    def __init__(self, counter: object, counts_per_rev: int, rate_mhz: int = 50000, max_deg_s: int = 3600, now: Callable[[], int] | None = None) -> None: ...
    @property
    def errors(self) -> int:
        """Steps in which an edge was missed, where interrupts count."""
    def close(self) -> None:
        """Stops counting."""
