"""Frames from the board to the host while it captures or watches, and lines back.

The bytes are in models/FORMAT.md, section 3. Types and payloads, little-endian:

1 HELLO   JSON: rate_mhz, channels (names), units, full_scale (lists of one a channel
          where channels differ), driver, device; where a pipeline is watched, model,
          labels, thresholds, background, window, hop and row (bytes of the input
          that belong to one time; 0 unknown) too
2 FRAMES  u32 number of the first frame since HELLO, lost ones counted;
          u32 frames lost since HELLO; u64 device time of the first frame, us;
          u16 frames; u8 channels; u8 zero; s16[frames][channels]
3 SCORES  u32 window number, from 1; u32 frames lost so far; u64 time, us;
          u8 labels; u8[3] zero; u8[labels] scores in steps of 1/256
4 EVENT   u32 window number; u32 zero; u64 time since the first frame by the frame
          clock, us; u8 label; u8 score; u16 zero; label, UTF-8
5 END     JSON: frames, lost, errors (of the driver), why ("done", "stopped" or an
          error); where a pipeline is watched, windows and events too
6 LOG     UTF-8
7 READY   u16 frames wanted: the host answers with one line (see HostDriver)
8 SIGNAL  u32 number of the first frame, as in FRAMES; u32 frames lost so far; u16 frames;
          u8 channels; u8 zero; s16[channels][2] least and greatest of these frames
9 INPUT   u32 window number; u32 bytes of the model's input; u64 time, us; u16 where
          in it the bytes that follow lie; u16 zero; the bytes, s8
10 STATUS u32 frames; u32 lost; u64 time, us; u32 windows; u32 inferences; u32 events;
          u32 errors; u32 rate by the driver's account, millihertz, 0 unknown

The first frame sent is HELLO, with sequence 0; the last is END.
"""

# Written by device/files.py.
from .types import Buffer, Driver, array
from typing import Any

HELLO: int
FRAMES: int
SCORES: int
EVENT: int
END: int
LOG: int
READY: int
SIGNAL: int
INPUT: int
STATUS: int
MAX_PAYLOAD: int
SILENT_MS: int
HEAD: int

class Clock:
    """Microseconds since it was made, in 64 bits, without allocating.

    ticks_us wraps after minutes, and an integer beyond 30 bits lives on the
    heap; so times are four limbs of 16 bits, lowest first. now() must be
    called at least every eight minutes.
    """
    def __init__(self) -> None: ...
    def now(self) -> Any:
        """The limbs of the time; the same array every time."""
    def before(self, us: Any) -> Any:
        """The limbs of the time `us` microseconds ago; the same array every time."""

class Link:
    """Writes frames to `out`, by default the REPL's output.

    An output without `buffer` takes text only: there each frame is a line of
    `~` and base64. Buffers are made here, and slices once for each size; what a
    message takes is one integer, the CRC, where that does not fit 30 bits, and
    a second one where more than 64 bytes follow its head.
    """
    binary: Any
    clock: Any
    def __init__(self, out: object | None = None) -> None: ...
    def hello(self, facts: dict[str, Any]) -> None:
        """Begins: facts as listed under HELLO."""
    def end(self, facts: dict[str, Any]) -> None:
        """Ends: facts as listed under END."""
    def log(self, text: str) -> None:
        """Sends a line of text, cut to what fits."""
    def frames(self, samples: Buffer, n: int, channels: int, first: int, lost: int, time: array[int]) -> None:
        """Sends n frames; samples: the bytes of int16 (n, channels), no more.

        first: number of the first one, lost ones counted; time: as from Clock.
        """
    def scores(self, window: int, lost: int, scores: Buffer) -> None:
        """Sends one window's scores, steps of 1/256, at most 255 of them."""
    def event(self, window: int, label: int, score: int, name: str, time_ms: int) -> None:
        """Sends an event: label's index, score in steps of 1/256, label's name, Event.time."""
    def signal(self, extremes: Buffer, n: int, channels: int, first: int, lost: int) -> None:
        """Sends the extremes of n frames, int16 (channels, 2); else as frames()."""
    def input(self, window: int, size: int, at: int, part: Buffer) -> None:
        """Sends the part of a model's input, int8 (size), that begins at `at`."""
    def status(self, frames: int, lost: int, windows: int, inferences: int, events: int, errors: int, measured_mhz: int) -> None:
        """Sends a pipeline's counters."""
    def ready(self, n: int) -> None:
        """Asks the host for up to n frames."""

def frames_per_message(channels: int) -> int:
    """How many frames of so many channels fit into one message."""

class HostDriver:
    """A driver (see tinysense/drivers) whose frames the host sends over standard input.

    Each READY is answered by one line: base64 of u32 CRC-32, u32 frames lost
    so far, and the int16 frames; no frames says the end. Base64, because byte
    3 would interrupt the program. A damaged line is asked for again, twice.
    A line holds more frames than one call wants: what is left waits here.
    read_into waits for the host: time stands still for the pipeline.
    """
    rate_mhz: int
    axes: tuple[Any, ...]
    units: str | tuple[Any, ...]
    full_scale: float | tuple[Any, ...]
    channels: int
    scale: Any
    measured_mhz: int
    dropped: int
    done: bool
    def __init__(self, link: Link, rate_mhz: int, axes: tuple[Any, ...], units: str | tuple[Any, ...], full_scale: float | tuple[Any, ...], stdin: object | None = None) -> None: ...
    def read_into(self, buf: bytearray) -> int:
        """Fills buf and returns the number of frames. OSError if lines stay damaged."""
    def close(self) -> None:
        """Asks for no more."""

def facts(driver: Driver) -> dict[str, Any]:
    """What HELLO says of a driver and of this board."""

def capture(driver: Driver, seconds: float, link: Link | None = None) -> None:
    """Sends a driver's frames for so many seconds of its own clock, lost frames counted.

    Ends early when the driver is done or Ctrl-C comes. Raises OSError when
    the driver gives nothing for three seconds.
    """

def silent(driver: Driver) -> OSError:
    """What is raised where a driver gives nothing for SILENT_MS."""
