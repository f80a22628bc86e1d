"""Recorder: a driver's frames to segments on flash or SD, by itself, for days."""

# Written by device/files.py.
from ..types import Driver
from .segments import Segments
from collections.abc import Callable, Sequence
from typing import Any

STATE_FILE: str
OPTIONS: tuple[Any, ...]

class Recorder:
    """``Recorder(driver, "/rec").run()``: segments of blocks that survive a power cut.

    ``triggers``, ``signs``: objects of field.triggers and field.signs.
    ``remake``: a function that makes the driver anew when its chip has gone
    and come back. ``recording``, ``label``, ``lost``, ``frames`` (of this
    recording), ``synced`` (blocks durable since the recorder was made), ``free_kb``,
    ``error`` (one line, "" while all is well).
    """
    segments: Segments
    labels: tuple[Any, ...]
    label_number: int
    triggers: tuple[Any, ...]
    signs: tuple[Any, ...]
    recording: bool
    error: str
    frames: int
    lost: int
    synced: int
    free_kb: int
    driver: Any
    def __init__(self, driver: Driver, folder: str = '/rec', labels: Sequence[str] = ('',), triggers: tuple[Any, ...] = (), signs: tuple[Any, ...] = (), segment_kb: int = 256, keep_free_kb: int = 64, overwrite: bool = False, note: str = '', sleep_ms: int = 0, before_ms: int = 0, start: str = 'resume', remake: Callable[[], Driver] | None = None) -> None: ...
    @classmethod
    def from_config(cls, config: dict[str, Any] | str | None = None) -> Recorder:
        """What ``recorder`` and ``driver`` of a config say; a dict, a path, or the default."""
    @property
    def label(self) -> str: ...
    @property
    def seconds(self) -> int:
        """Length of this recording."""
    def start(self) -> bool:
        """Begins a recording; False, with ``error`` set, where it cannot."""
    def stop(self) -> None:
        """Ends the recording; what is held goes to its last block."""
    def next_label(self) -> None:
        """The next of ``labels``; a recording that runs ends and another begins."""
    def step(self) -> int:
        """Asks triggers, moves what the driver has to the recording, shows the state.

        Never waits, but for flash and card. Returns the frames read.
        """
    def run(self, seconds: float | None = None, answer: bool = True) -> None:
        """Runs for a time, until the driver ends, or for ever. Ctrl-C ends the recording well.

        ``answer``: tells a computer that asks what runs (tinysense.enquiry), and so takes
        what comes on standard input.
        """
    async def run_async(self) -> None:
        """run() for asyncio, for ever or until the driver ends. Answers nobody: see told()."""
    def told(self) -> dict[str, Any]:
        """What a computer that asks is told: for an ``Enquiry(recorder.told)`` in a loop."""
    def set_time(self, utc_us: int) -> None:
        """Tells the time: recordings since the board's start get it when they are pulled."""
    def close(self) -> None:
        """Closes recording, driver and signs. A recording that ran goes on at the next start."""
    def __enter__(self) -> Recorder: ...
    def __exit__(self, *exc: object) -> None: ...
