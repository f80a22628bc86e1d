"""What the commands print with: results to stdout, progress to stderr."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.status import Status
from rich.text import Text

from tinysense_host.link.transport import Progress as ProgressCall

__all__ = ["captured", "console", "counting", "err", "plain", "size", "transfer"]

_kept: ContextVar[tuple[io.StringIO, io.StringIO] | None] = ContextVar("_kept", default=None)


class _Screen(Console):
    """A Console whose output a thread can keep for itself: see captured()."""

    @property
    def file(self) -> IO[str]:
        """Where it writes."""
        kept = _kept.get()
        return super().file if kept is None else kept[self.stderr]

    @file.setter
    def file(self, new: IO[str]) -> None:
        self._file = new

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks."""
        return _kept.get() is None and super().is_terminal

    def status(self, *what: Any, **how: Any) -> Status:
        """A spinner; where output is kept, one that nobody sees."""
        if _kept.get() is None:
            return super().status(*what, **how)
        return Console(file=io.StringIO()).status(*what, **how)


# Wide where nobody sees it: what another program reads must not be cut.
console = _Screen(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 400)
err = _Screen(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def captured() -> Iterator[Callable[[], tuple[list[str], list[str]]]]:
    """Keeps what this thread prints; a function that tells its lines on console and on err."""
    kept = io.StringIO(), io.StringIO()
    token = _kept.set(kept)
    try:
        yield lambda: (_lines(kept[0]), _lines(kept[1]))
    finally:
        _kept.reset(token)


def _lines(kept: io.StringIO) -> list[str]:
    """Without style, and without lines that are empty."""
    lines = (line.strip() for line in Text.from_ansi(kept.getvalue()).plain.splitlines())
    return [line for line in lines if line]


def size(n: int) -> str:
    """Bytes for people; "?" where unknown (below 0)."""
    if n < 0:
        return "?"
    return f"{n} B" if n < 10_000 else f"{n / 1024:.0f} KiB"


def plain(text: str) -> str:
    """What a board or a file said, without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


@contextmanager
def transfer(what: str) -> Iterator[ProgressCall]:
    """A progress bar for one file; silent where stderr is no terminal."""
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def counting(what: str) -> Iterator[ProgressCall]:
    """A progress bar for many things; silent where stderr is no terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
