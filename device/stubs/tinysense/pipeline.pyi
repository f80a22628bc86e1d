"""Pipeline: driver -> window -> features -> model -> decision -> outputs, and nothing else."""

# Written by device/files.py.
from .decision import Decision, Event
from .features import Features
from .model import Model
from .types import Driver, Output
from .window import Window
from collections.abc import Callable, Sequence
from typing import Any

class Pipeline:
    """``Pipeline(driver, model, outputs)``; then ``run()``, ``step()`` or ``await run_async()``.

    ``driver``: tinysense/drivers/__init__.py says what one is. ``model``: a
    Model with features. ``outputs``: objects with emit(event), or functions.
    ``config``: a dict with axes, smooth, threshold, refractory_ms (tinysense.config).

    All memory is taken here; nothing is allocated per window. Counters:
    ``frames`` read, ``dropped`` (by the driver or overwritten), ``windows``
    cut, ``inferences`` that gave scores, ``events`` made; driver errors are in
    ``driver.errors``. ``pause_ms``: how long run() sleeps while the driver has
    nothing. ``logger``: set to True, a computer does not stop run() unasked.
    """
    driver: Driver
    model: Model
    features: Features
    decision: Decision
    window: Window
    outputs: tuple[Any, ...]
    frames: int
    windows: int
    inferences: int
    events: int
    def __init__(self, driver: Driver, model: Model | str, outputs: Sequence[Output | Callable[..., Any]] = (), config: dict[str, Any] | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any] | str | None = None) -> Pipeline:
        """Builds everything that a config names; ``config``: a dict, a path, or the default path.

        The model comes first: it wants the largest piece of memory.
        """
    @property
    def dropped(self) -> int:
        """Frames lost since the start, by the driver or because nobody took a window."""
    def step(self) -> Event | None:
        """Reads what the driver has, runs at most one window; the event, or None.

        Never waits. The event is the same object every time: copy() to keep it.
        """
    def run(self, seconds: float | None = None, answer: bool = True) -> int:
        """Runs for a time, or until the driver ends, or for ever; returns the events made.

        Whatever ends it early (Ctrl-C too) closes driver and outputs first. ``answer``:
        tells a computer that asks what runs (tinysense.enquiry), and so takes what comes
        on standard input.
        """
    async def run_async(self, seconds: float | None = None) -> int:
        """run() for asyncio: gives way after every window and while the driver has nothing."""
    def pause_ms(self) -> int:
        """How long run() sleeps now: until a window may be whole; 0 while something waits.

        1 where the driver must be asked often; a few where an output has something to do.
        """
    def told(self) -> dict[str, Any]:
        """What a computer that asks is told: for an ``Enquiry(pipeline.told)`` in a loop."""
    def close(self) -> None:
        """Closes driver and outputs, once; an output that fails does not keep the rest open."""
    def __enter__(self) -> Pipeline: ...
    def __exit__(self, *exc: object) -> None: ...
    def skip(self, frames: int) -> None:
        """``frames`` were taken from the driver by somebody else: a hole, but no loss."""

def async_pause() -> Any:
    """asyncio's sleep in milliseconds: MicroPython's own, since a float would be allocated."""
