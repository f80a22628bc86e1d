"""A command on one board, or on several at once: with --all, or --port more than once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tinysense_host import fleet
from tinysense_host.commands.screen import captured, console, err, plain
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError

__all__ = ["at_once", "on_boards", "several"]

T = TypeVar("T")
_WIDE = 2000    # where nobody sees it: a board is a line


def on_boards(work: Callable[[Device], None], ports: Sequence[str] | None, board: str | None,
              transport: str | None, every: bool, interrupt: bool, in_turn: bool = False,
              alone: str = "") -> None:
    """Connects and works: on the one board as ever, on several at once as at_once() does.

    in_turn: see fleet.run. alone: the option, if it was given, that goes with one board only.
    """
    if not several(ports, board, every, alone):
        with connect(ports[0] if ports else None, board, transport, interrupt) as device:
            work(device)
        return
    at_once(work, lambda where: connect(where, None, transport, interrupt), ports or [], every,
            transport, in_turn)


def several(ports: Sequence[str] | None, board: str | None, every: bool, alone: str = "") -> bool:
    """Whether more than one board is meant; TinysenseError where that can't be."""
    if not every and len(ports or []) < 2:
        return False
    alone = f"--board {board}" if board else alone
    if alone:
        raise TinysenseError(f"{alone} goes with one board", "leave it out, or give one --port")
    return True


def at_once(work: Callable[[T], None], connected: fleet.Connected[T], ports: Sequence[str],
            every: bool, transport: str | None, in_turn: bool = False) -> None:
    """Works on several boards: a table of results, a row for each, and their notes below.

    What ``work`` prints is the row of its board, what it notes on err follows the
    table. Status 1 where a board failed.
    """
    notes: list[str] = []

    def one(label: str, thing: T) -> str:
        with captured() as lines:
            try:
                with _ends_well():
                    work(thing)
            finally:
                notes.extend(f"{label}: {line}" for line in lines()[1])
            return "; ".join(lines()[0])

    def ended(rows: Sequence[fleet.Outcome]) -> None:
        shown = console if console.is_terminal else Console(file=console.file, width=_WIDE)
        shown.print(_table(rows))
        for note in notes:
            err.print(note, markup=False)

    rows = fleet.run(one, fleet.chosen(ports, every, transport), connected, ended, in_turn)
    if any(row.error for row in rows):
        raise typer.Exit(1)


@contextmanager
def _ends_well() -> Iterator[None]:
    """A command that ends itself with a status has failed, on its board."""
    try:
        yield
    except typer.Exit as e:
        if e.exit_code:
            raise TinysenseError(f"ended with status {e.exit_code}") from e


def _table(rows: Sequence[fleet.Outcome]) -> Table:
    table = Table("board", "s", "result", box=None, pad_edge=False)
    for row in rows:
        said = f"failed: {row.error}" if row.error else row.done or "done"
        # Text: what a board said may look like markup.
        table.add_row(*(Text(plain(cell)) for cell in (row.board, f"{row.seconds:.1f}", said)))
    return table
