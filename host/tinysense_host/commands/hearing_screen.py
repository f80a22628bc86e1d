"""What a model hears, on the terminal: a level meter, a bar for each label, events above them."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from tinysense_host.commands.screen import console, err, plain
from tinysense_host.monitor.text import bar
from tinysense_host.sound.levels import Levels

if TYPE_CHECKING:
    from tinysense_host.sound.listening import Heard, Listener

__all__ = ["HearingScreen", "event_line", "level_line", "score_lines"]

FLOOR_DBFS = -60    # the left end of the meter
LOUD_DBFS = -6      # from here on it may clip soon
WIDTH = 40
_UPDATE_S = 0.1
_PATIENCE_S = 2.0   # of silence


class HearingScreen:
    """Live bars, or a line a second where there is no terminal. Events always are lines.

    ``scores`` and ``event`` are what a Listener calls.
    """

    def __init__(
        self, lines: bool, quiet: bool = False, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._lines, self._quiet, self._now = lines, quiet, now
        self._live = None if lines or quiet else Live(
            console=console, refresh_per_second=10, transient=True)
        self._shown_at = now()
        self._next_line = 1.0
        self._clipped = 0

    def __enter__(self) -> HearingScreen:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._live:
            self._live.stop()

    def event(self, heard: Heard) -> None:
        """A line of its own, that stays."""
        if not self._quiet:
            console.print(plain(event_line(heard)), markup=False)

    def scores(self, listener: Listener) -> None:
        """The newest scores and level; drawn ten times a second at most."""
        if self._live and self._now() - self._shown_at >= _UPDATE_S:
            self._shown_at = self._now()
            self._live.update(self._picture(listener))
        elif self._lines and not self._quiet and listener.seconds >= self._next_line:
            self._next_line = int(listener.seconds) + 1.0
            err.print(plain(self._line(listener)), markup=False)

    def _picture(self, listener: Listener) -> RenderableType:
        meter = listener.driver.meter
        clipped, self._clipped = meter.clipped > self._clipped, meter.clipped
        lost = listener.pipeline.dropped
        dead = listener.seconds > _PATIENCE_S and meter.levels().silent
        head = level_line(meter.recent(), clipped)
        head.append(f"  {listener.seconds:.1f} s")
        if lost:
            head.append(f"  {lost} lost", "bold red")
        if dead:
            head.append("  silent: is it muted?", "bold yellow")
        return Group(head, *score_lines(listener))

    def _line(self, listener: Listener) -> str:
        best = max(range(len(listener.scores)), key=lambda i: listener.scores[i])
        level = listener.driver.meter.recent()
        return (f"{listener.seconds:8.2f} s  {_dbfs(level.rms_dbfs)}  "
                f"{listener.model.labels[best]} {listener.scores[best]}")  # fmt: skip


def event_line(heard: Heard) -> str:
    """An event: time in the sound, label, probability."""
    return f"{heard.seconds:8.2f} s  {heard.label:<12} {heard.score / 256:4.0%}"


def level_line(levels: Levels, clipped: bool = False) -> Text:
    """A meter from -60 to 0 dBFS: RMS as a bar, the peak as a number."""
    rms, peak = levels.rms_dbfs, levels.peak_dbfs
    color = "red" if clipped else "yellow" if peak > LOUD_DBFS else "green"
    line = Text(f"{'level':<12} ")
    line.append(bar(1 - rms / FLOOR_DBFS, WIDTH), color)
    line.append(f" {_dbfs(rms)}, peak {_dbfs(peak)}")
    if clipped:
        line.append("  CLIPPED", "bold red")
    return line


def score_lines(listener: Listener) -> list[Text]:
    """A bar for each label, with a mark at its threshold; bold where it is reached."""
    lines = []
    columns = zip(listener.model.labels, listener.scores, listener.thresholds, strict=True)
    for label, score, threshold in columns:
        quiet = label in listener.background
        filled = bar(score / 255, WIDTH)
        if threshold <= 255 and not quiet:
            at = min(WIDTH - 1, threshold * WIDTH // 256)
            filled = filled[:at] + "│" + filled[at + 1 :]
        reached = score >= threshold and not quiet
        style = "bold" if reached else "dim" if quiet else ""
        lines.append(Text(f"{plain(label)[:12]:<12} {filled} {score:3d}", style))
    return lines


def _dbfs(value: float) -> str:
    return f"{value:5.1f} dBFS" if value > float("-inf") else " -inf dBFS"
