"""Self-tests by deflection: how far a force inside a motion sensor moves what comes by its FIFO."""

# Written by device/files.py.
from ..sensing.fifo import Fifo
from ..types import Driver
from typing import Any

def deflection(driver: Fifo, full_scale: float | tuple[Any, ...], on: tuple[Any, ...], skip: int, n: int) -> dict[str, Any]:
    """By axis: by how much, in units, the settings ``on`` move the mean of n frames.

    ``full_scale`` is that of the test. ``skip``: frames that the chip takes to settle.
    """

def means(driver: Fifo, skip: int, n: int) -> list[Any]:
    """Mean count of each channel over n frames, which come after ``skip`` others."""

def judged(driver: Driver, measured: dict[str, Any], limits: dict[str, Any], absolute: bool = True) -> dict[str, Any]:
    """``measured``, or DriverError with all of it in one line where an axis is out of its limits.

    ``limits``: by axis, (low, high); ``absolute``: whatever the sign.
    """
