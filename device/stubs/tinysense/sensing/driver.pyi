"""What all drivers of chips share: counters, context manager, asyncio, giving up."""

# Written by device/files.py.
from ..features import Sensor
from typing import Any

GIVE_UP: int

class Driver:
    """Base of drivers; ``tinysense/drivers/__init__.py`` says what a driver is.

    A subclass sets what its frames are with _describe() and has read_into().
    """
    rate_mhz: int
    channels: int
    axes: tuple[Any, ...]
    units: Any
    full_scale: Any
    scale: Any
    dropped: int
    last_error: int
    done: bool
    @property
    def errors(self) -> int:
        """Transfers that failed, those that a retry mended included."""
    def read_into(self, buf: bytearray) -> int:
        """Frames read into buf, 0 if none waits."""
    def close(self) -> None:
        """Stops reading, and puts the chip to sleep where it can."""
    def __enter__(self) -> Driver: ...
    def __exit__(self, *exc: object) -> None: ...
    def selftest(self) -> dict[str, Any]:
        """What the chip's own test says, by axis; DriverError where it fails or has none."""
    def wake_on_motion(self, threshold_mg: int) -> None:
        """Little power until the chip is moved: then its interrupt pin fires. resume() ends it."""
    def resume(self) -> None:
        """Samples again after wake_on_motion()."""
    async def wait(self) -> None:
        """For asyncio: returns when it is worth calling read_into() again."""

def fitting(ranges: tuple[Any, ...], wanted: float) -> int:
    """The smallest of a chip's ranges that holds ``wanted``; the largest where none does."""

def nearest(values: tuple[Any, ...], wanted: int) -> int:
    """Index of the value that is nearest to ``wanted``."""

def wanted_range(sensor: Sensor | None, units: str, otherwise: int) -> float:
    """The full scale that a model asks of the channels in these units."""

def wants_units(sensor: Sensor | None, units: str) -> bool:
    """Whether a model has channels in these units."""

def motion_axes(gyro: bool) -> tuple[Any, ...]:
    """(axes, units) of an accelerometer, with a gyroscope or without."""

def motion_full_scale(gyro: bool, accel: float, rotation: float) -> float | tuple[Any, ...]:
    """full_scale of such frames."""
