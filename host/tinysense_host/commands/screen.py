"""What the commands print with: results to stdout, progress to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

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

from tinysense_host.link.transport import Progress as ProgressCall

__all__ = ["console", "counting", "err", "plain", "size", "transfer"]

# Wide where nobody sees it: what another program reads must not be cut.
console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)


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
