"""What a board sees and decides, on the terminal: signal, input, scores, counters; events above."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

import numpy as np
import numpy.typing as npt
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from tinysense.channels import each
from tinysense_host.commands.screen import console, plain
from tinysense_host.link.wire import (
    Event,
    Frames,
    Hello,
    Input,
    Log,
    Message,
    Scores,
    Signal,
)
from tinysense_host.monitor.text import (
    Counters,
    bar,
    envelope,
    event_line,
    heat,
    score_line,
    signal_of,
)

__all__ = ["MonitorScreen"]

WIDTH = 40
POINTS = 2 * WIDTH
FLOOR_DBFS = -60
_FULL = 32767       # an extreme this far from 0 is at full scale
_UPDATE_S = 0.1
_LINE_S = 10.0      # between two lines of counters where there is no terminal
_TALL = 4           # so many channels have two lines each


class MonitorScreen:
    """Live bars, or plain lines where there is no terminal. Events always are lines."""

    def __init__(self, counters: Counters, live: bool | None = None,
                 now: Callable[[], float] = time.monotonic) -> None:
        self._counters, self._now = counters, now
        shown = console.is_terminal if live is None else live
        self._live = Live(console=console, refresh_per_second=10, transient=True) if shown else None
        self._hello: Hello | None = None
        self._labels: list[str] = []
        self._signal: deque[npt.NDArray[np.int16]] = deque(maxlen=POINTS)
        self._input: Input | None = None
        self._scores: Scores | None = None
        self._trouble = ""
        self._drawn = self._told = now()

    def __enter__(self) -> MonitorScreen:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def broke(self, why: str) -> None:
        """The link broke, or could not be mended yet."""
        first = not self._trouble
        self._trouble = plain(why)
        if self._live:
            self._draw(always=True)
        elif first:
            console.print(f"reconnecting: {self._trouble}", markup=False)

    def __call__(self, message: Message) -> None:
        """Shows a message."""
        if isinstance(message, Hello):
            self._begin(message)
        elif isinstance(message, Scores):
            self._scores = message
            if not self._live:
                console.print(score_line(message, self._labels), markup=False)
        elif isinstance(message, Event):
            console.print(plain(event_line(message)), markup=False)
        elif isinstance(message, Log):
            console.print(plain(message.text), markup=False)
        elif isinstance(message, Frames):
            self._signal.append(signal_of(message).extremes)
        elif isinstance(message, Signal):
            self._signal.append(message.extremes)
        elif isinstance(message, Input):
            self._input = message
        self._draw()

    def _begin(self, hello: Hello) -> None:
        if self._hello is None or hello.channels != self._hello.channels:
            self._signal.clear()
        self._hello, self._trouble, self._input = hello, "", None
        self._labels = [plain(str(name)) for name in _list(hello.facts.get("labels"))]

    def _draw(self, always: bool = False) -> None:
        now = self._now()
        if self._live and (always or now - self._drawn >= _UPDATE_S):
            self._drawn = now
            self._live.update(self.picture())
        elif not self._live and self._hello and now - self._told >= _LINE_S:
            self._told = now
            console.print(self._counters.line(self._hello.rate_mhz), markup=False)

    def picture(self) -> RenderableType:
        """All there is to see now."""
        parts: list[RenderableType] = []
        if self._hello is not None:
            facts = self._hello.facts
            parts.append(Text(plain(f"{facts.get('model', '?')} on {facts.get('device', '?')}, "
                                    f"{facts.get('driver', '?')}"), "bold"))
            parts += self._signal_lines(self._hello)
            parts += self._input_lines(self._hello)
            parts += self._score_lines(self._hello)
            counted = self._counters.parts(self._hello.rate_mhz)
            parts += [Text(", ".join(some), "dim") for some in (counted[:-4], counted[-4:])]
        if self._trouble:
            parts.append(Text(f"reconnecting: {self._trouble}", "bold yellow"))
        return Group(*parts)

    def _signal_lines(self, hello: Hello) -> list[Text]:
        if not self._signal:
            return []
        if hello.units == "pcm":
            return [_meter(np.stack(list(self._signal)[-15:])[:, 0])]
        n = len(hello.channels)
        pairs = np.stack(self._signal)
        rows = 2 if n <= _TALL else 1
        lines = []
        ranges, units = each(hello.full_scale, n), each(hello.units, n)
        for i, name in enumerate(hello.channels):
            one = pairs[:, i]
            low, high = float(one.min()), float(one.max())
            drawn = envelope(one, low, high, WIDTH, rows)
            scale = ranges[i] / 32768
            edges = f"{low * scale:.3g} .. {high * scale:.3g} {units[i]}"
            for k, row in enumerate(drawn):
                lines.append(Text(f"{plain(name)[:12] if k == 0 else '':<12} {row} "
                                  f"{plain(edges) if k == 0 else ''}"))
        return lines

    def _input_lines(self, hello: Hello) -> list[Text]:
        if self._input is None:
            return []
        row = hello.facts.get("row")
        values = self._input.values
        if isinstance(row, int) and 0 < row <= len(values):
            values = values[-row:]
        part = "" if len(values) == self._input.size else f"{len(values)} of {self._input.size}"
        return [Text(f"{'input':<12} {heat(values, WIDTH).ljust(WIDTH)} {part}", "cyan")]

    def _score_lines(self, hello: Hello) -> list[Text]:
        if self._scores is None:
            return []
        thresholds = _list(hello.facts.get("thresholds"))
        background = _list(hello.facts.get("background"))
        lines = []
        for i, score in enumerate(self._scores.scores.tolist()):
            label = self._labels[i] if i < len(self._labels) else str(i)
            said = thresholds[i] if i < len(thresholds) else None
            limit = said if isinstance(said, int) and 0 <= said <= 255 else 256
            quiet = label in background or limit == 256
            filled = bar(score / 255, WIDTH)
            if not quiet:
                at = min(WIDTH - 1, limit * WIDTH // 256)
                filled = filled[:at] + "│" + filled[at + 1:]
            style = "dim" if quiet else "bold" if score >= limit else ""
            lines.append(Text(f"{label[:12]:<12} {filled} {score:3d}", style))
        return lines


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _meter(pairs: npt.NDArray[np.int16]) -> Text:
    """The peak of the newest fifth of a second as a bar, that of the last seconds as a number."""
    peaks = np.abs(pairs.astype(np.int32)).max(axis=1)
    dbfs = 20 * np.log10(np.maximum(peaks, 1) / 32768)
    clipped = peaks.max() >= _FULL
    line = Text(f"{'level':<12} ")
    line.append(bar(1 - float(dbfs[-1]) / FLOOR_DBFS, WIDTH), "red" if clipped else "green")
    line.append(f" peak {float(dbfs.max()):.1f} dBFS")
    if clipped:
        line.append("  CLIPPED", "bold red")
    return line
