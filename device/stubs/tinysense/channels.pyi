"""Units, full scale and scale: one value where all channels share it, else a tuple, one each."""

# Written by device/files.py.
from typing import Any

def each(value: object, channels: int) -> tuple[Any, ...]:
    """One value for each channel, whether ``value`` is one for all or one for each."""

def joined(values: tuple[Any, ...]) -> object:
    """The one value that all channels share, else the tuple."""

def per_count(full_scale: float | tuple[Any, ...]) -> float | tuple[Any, ...]:
    """The scale, units per count, of a full scale, units at the count 32768."""

def names(channels: int, units: str | tuple[Any, ...] = 'none') -> tuple[Any, ...]:
    """Names for channels that nobody named: x y z, gx gy gz, mx my mz by their units, else c0 .."""

def spoken(value: object) -> str:
    """For messages: "g", or "g g g deg/s deg/s deg/s"."""
