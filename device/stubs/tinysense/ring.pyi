"""Ring: frames that wait in memory while the program is busy elsewhere. The ring is C's."""

# Written by device/files.py.
from .types import Driver
from typing import Any

class Ring:
    """A driver before another one: what it reads waits here, holes at their places.

        ring = Ring(driver, 512)
        ring.start()                     # with an interrupt pin: frames come in by themselves
        tinysense.Pipeline(ring, model).run()

    ``pump()`` takes what the driver has; read_into() does so too. After start()
    it also runs when the driver's pin has fired, between two bytecodes of
    whatever the program does (micropython.schedule). Where the ring is full
    the oldest frames are overwritten: they count as ``dropped``, and as
    ``overwritten``. Frames come out in order, and ``dropped`` grows in the
    read_into() that returns the first frames after a loss.
    """
    driver: Driver
    capacity: int
    channels: int
    overwritten: int
    watch: Any
    def __init__(self, driver: Driver, capacity: int) -> None:
        """``capacity`` in frames."""
    @property
    def dropped(self) -> int:
        """Frames lost before those last handed out, by the driver or for want of room."""
    @property
    def waiting(self) -> int:
        """Frames held."""
    @property
    def done(self) -> bool: ...
    def start(self) -> None:
        """Pumps at every interrupt of the driver's pin; TinysenseError where it has none."""
    def pump(self) -> int:
        """Takes what the driver has; returns how many frames."""
    def read_into(self, buf: bytearray) -> int: ...
    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read (see Fifo.stamp)."""
    def close(self) -> None: ...
    def __enter__(self) -> Ring: ...
    def __exit__(self, *exc: object) -> None: ...
