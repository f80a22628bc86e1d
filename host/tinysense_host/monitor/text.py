"""What a watched board shows, as text: levels, signals, a window's scores, events; and the
counters of a watch."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tinysense_host.link.session import Traffic
from tinysense_host.link.wire import Event, Frames, Hello, Message, Scores, Signal, Status

__all__ = ["Counters", "bar", "envelope", "event_line", "heat", "level", "score_line",
           "signal_of"]

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_SHADES = " ▁▂▃▄▅▆▇█"
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))    # by column, from the top
_RATE_S = 2.0       # over which a link's bytes are counted
_SURE_US = 1_500_000    # of the board's clock, before a rate is worked out


def bar(part: float, width: int) -> str:
    """A bar of `width` characters, filled to part (0..1)."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def level(samples: npt.NDArray[np.int16]) -> float:
    """How much moves in frames (n, channels): the largest channel's span, of full scale."""
    if len(samples) == 0:
        return 0.0
    spans = samples.astype(np.int32).max(axis=0) - samples.astype(np.int32).min(axis=0)
    return float(spans.max()) / 65535


def score_line(scores: Scores, labels: list[str], width: int = 12) -> str:
    """All labels with bars, one line."""
    parts = [f"{name} {bar(score / 255, width)} {score:3d}"
             for name, score in zip(labels, scores.scores.tolist(), strict=False)]
    return f"window {scores.window:5d}  " + "  ".join(parts)


def event_line(event: Event) -> str:
    """An event: time on the board, label, probability."""
    return f"{event.time_us / 1e6:8.2f} s  {event.name:<12} {event.score / 256:4.0%}"


def envelope(pairs: npt.NDArray[np.int16], low: float, high: float, width: int,
             rows: int = 1) -> list[str]:
    """Lines in which pairs (n, 2) of least and greatest stand as columns of dots, the newest
    right; low and high: values of the lower and the upper edge."""
    tall, span = 4 * rows, max(high - low, 1.0)
    cells = np.zeros((rows, width), dtype=np.int64)
    shown = pairs[-2 * width:].astype(np.float64)
    places = np.clip(np.rint((high - shown) / span * (tall - 1)), 0, tall - 1).astype(int)
    for i, (bottom, top) in enumerate(places.tolist()):
        column = 2 * width - len(shown) + i
        for y in range(top, bottom + 1):
            cells[y // 4, column // 2] |= _DOTS[column % 2][y % 4]
    return ["".join(chr(_BRAILLE + cell) for cell in row) for row in cells.tolist()]


def heat(values: npt.NDArray[np.int8], width: int) -> str:
    """int8 values (n,) as a strip of shades, the mean of neighbours where they are many."""
    if len(values) == 0:
        return ""
    parts = np.array_split(values.astype(np.float64), min(width, len(values)))
    steps = len(_SHADES) - 1
    return "".join(_SHADES[round((part.mean() + 128) / 255 * steps)] for part in parts)


def signal_of(frames: Frames) -> Signal:
    """The extremes of frames that came themselves."""
    both = np.stack([frames.samples.min(axis=0), frames.samples.max(axis=0)], axis=1)
    return Signal(frames.first, frames.lost, len(frames.samples), both)


class Counters:
    """A watch in numbers, over all connections that it had.

    frames, lost (on the board), windows, events; breaks; missing (messages that the link
    lost); rate_mhz by the board's clock, 0 unknown; bytes_per_s over the link.
    """

    def __init__(self, traffic: Traffic, now: Callable[[], float] = time.monotonic) -> None:
        self._traffic, self._now = traffic, now
        self._before = Status(0, 0, 0, 0, 0, 0, 0, 0)       # of connections that ended
        self._first: Status | None = None
        self._last = self._before
        self._carried: deque[tuple[float, int]] = deque([(now(), traffic.bytes)])
        self.breaks = 0

    def __call__(self, message: Message) -> None:
        """Takes what a message tells."""
        if isinstance(message, Hello):
            self._end()
        elif isinstance(message, Status):
            self._first = self._first or message
            self._last = message

    def _end(self) -> None:
        a, b = self._before, self._last
        self._before = Status(a.frames + b.frames, a.lost + b.lost, 0, a.windows + b.windows,
                              a.inferences + b.inferences, a.events + b.events,
                              a.errors + b.errors, b.rate_mhz)
        self._first, self._last = None, Status(0, 0, 0, 0, 0, 0, 0, 0)

    def broke(self) -> None:
        """The link broke off."""
        self.breaks += 1

    @property
    def frames(self) -> int:
        """Frames that the pipeline has read."""
        return self._before.frames + self._last.frames

    @property
    def lost(self) -> int:
        """Frames lost on the board, by the driver or because nobody took a window."""
        return self._before.lost + self._last.lost

    @property
    def windows(self) -> int:
        """Windows cut."""
        return self._before.windows + self._last.windows

    @property
    def events(self) -> int:
        """Events made."""
        return self._before.events + self._last.events

    @property
    def errors(self) -> int:
        """Transfers of the driver that failed."""
        return self._before.errors + self._last.errors

    @property
    def missing(self) -> int:
        """Messages that were sent and did not come."""
        return self._traffic.missing

    @property
    def rate_mhz(self) -> int:
        """Frames per 1000 s: by the driver's own account, else by the board's clock; 0 unknown."""
        if self._last.rate_mhz:
            return self._last.rate_mhz
        if self._first is None:
            return 0
        spent = self._last.time_us - self._first.time_us
        came = (self._last.frames + self._last.lost) - (self._first.frames + self._first.lost)
        return round(came * 1e9 / spent) if spent >= _SURE_US else 0

    def bytes_per_s(self) -> float:
        """Bytes a second over the link, of late."""
        now = self._now()
        self._carried.append((now, self._traffic.bytes))
        while len(self._carried) > 2 and now - self._carried[1][0] >= _RATE_S:
            self._carried.popleft()
        then, before = self._carried[0]
        return (self._traffic.bytes - before) / (now - then) if now > then else 0.0

    def line(self, nominal_mhz: int) -> str:
        """All of it, one line."""
        return ", ".join(self.parts(nominal_mhz))

    def parts(self, nominal_mhz: int) -> list[str]:
        """All of it, each with its name; what was lost comes first."""
        rate = f"{self.rate_mhz / 1000:.2f} of " if self.rate_mhz else ""
        parts = [f"{self.frames} frames", f"{self.lost} lost on the board",
                 f"{self.missing} messages lost on the link", f"{self.windows} windows",
                 f"{self.events} events", f"{rate}{nominal_mhz / 1000:g} Hz",
                 f"{self.bytes_per_s() / 1000:.1f} kB/s"]
        if self.errors:
            parts.insert(3, f"{self.errors} sensor errors")
        if self.breaks:
            parts.insert(3, f"{self.breaks} break{'s' * (self.breaks > 1)} of the link")
        return parts
