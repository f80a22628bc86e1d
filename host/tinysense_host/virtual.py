"""Virtual boards between commands: one that runs is found, one that does not is started.

Each kind of board has one flash, kept in the run folder, so that `setup`,
`upload` and `run` with the same --board meet the same board.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tinysense_host.errors import TinysenseError

__all__ = ["attach", "run_folder", "running", "started"]

RUN_VARIABLE = "TINYSENSE_RUN"


def run_folder() -> Path:
    """Where flashes and links to ports are: TINYSENSE_RUN, else the project's build/run."""
    named = os.environ.get(RUN_VARIABLE)
    return Path(named) if named else Path(__file__).resolve().parents[2] / "build" / "run"


def _alive(link: Path) -> bool:
    """Whether the process that made a link still lives: a pty's name is soon used again."""
    try:
        os.kill(int(link.with_suffix(".pid").read_text()), 0)
    except PermissionError:
        return link.exists()
    except (OSError, ValueError):
        return False
    return link.exists()


def running() -> list[Path]:
    """Links `<BOARD>.port` of the virtual boards that run."""
    return [link for link in sorted(run_folder().glob("*.port")) if _alive(link)]


@contextlib.contextmanager
def started(board: str, fs: Path | None = None) -> Iterator[Path]:
    """Starts a virtual board and links its port as `<BOARD>.port` while it runs.

    fs: its flash, else the one kept in the run folder. TinysenseError if that
    board runs already.
    """
    from tinysense_host.emulator import Emulator

    folder = run_folder()
    link = folder / f"{board}.port"
    if _alive(link):
        raise TinysenseError(f"{board} runs already, on {link}", f"use it with --board {board}")
    with Emulator(board, fs=fs or folder / f"{board}.flash") as emulator:
        for name in (link, link.with_suffix(".pid")):
            name.unlink(missing_ok=True)
        link.with_suffix(".pid").write_text(str(os.getpid()))
        link.symlink_to(emulator.port)
        try:
            yield link
        finally:
            link.unlink(missing_ok=True)
            link.with_suffix(".pid").unlink(missing_ok=True)


def attach(board: str, keep: contextlib.ExitStack) -> str:
    """The port of a virtual board: of the one that runs, else of one that `keep` ends."""
    link = run_folder() / f"{board}.port"
    return str(link if _alive(link) else keep.enter_context(started(board)))
