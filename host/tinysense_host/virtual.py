"""Virtual boards between commands: one that runs is found, one that does not is started.

Each kind of board has one flash, kept in the run folder, so that `setup`,
`upload` and `run` with the same --board meet the same board.

Two locks keep commands that start at once apart; the system frees them with
the process, however it ends. `<BOARD>.lock` is held by whoever runs the board,
`<BOARD>.session` by the command that talks to it by name, from before it looks
whether the board runs until after it has ended what it started: so nobody
meets a board that somebody else is about to end.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from tinysense_host.errors import TinysenseError

__all__ = ["attach", "run_folder", "running", "started"]

RUN_VARIABLE = "TINYSENSE_RUN"
WAIT_S = 10.0       # for another command to be done with a board, or for its start


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


class _RunsError(TinysenseError):
    """The board is another process's."""


class _HeldError(Exception):
    """Somebody else holds a lock; the text says who, as far as is known."""


@contextlib.contextmanager
def _locked(path: Path, wait: float) -> Iterator[None]:
    """Holds a lock file; _HeldError after `wait` seconds. The file stays, its lock does not."""
    import fcntl  # not on Windows, where virtual boards do not run

    path.parent.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + wait
    with path.open("a+") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    file.seek(0)
                    who = file.read(20).strip()
                    raise _HeldError(f"process {who}" if who else "another process") from None
                time.sleep(0.05)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


@contextlib.contextmanager
def started(board: str, fs: Path | None = None) -> Iterator[Path]:
    """Starts a virtual board and links its port as `<BOARD>.port` while it runs.

    fs: its flash, else the one kept in the run folder. TinysenseError if that
    board runs already.
    """
    from tinysense_host.boards import load_board

    load_board(board)       # before files are made with its name
    link = run_folder() / f"{board}.port"
    try:
        with _locked(link.with_suffix(".lock"), 0.0), _linked(board, fs, link):
            yield link
    except _HeldError as e:
        raise _RunsError(f"{board} runs already ({e}), on {link}",
                         f"use it with --board {board}") from None


@contextlib.contextmanager
def _linked(board: str, fs: Path | None, link: Path) -> Iterator[None]:
    """Runs the emulator, with its port linked."""
    from tinysense_host.emulator import Emulator

    with Emulator(board, fs=fs or link.with_suffix(".flash")) as emulator:
        for name in (link, link.with_suffix(".pid")):
            name.unlink(missing_ok=True)
        link.with_suffix(".pid").write_text(str(os.getpid()))
        link.symlink_to(emulator.port)
        try:
            yield
        finally:
            link.unlink(missing_ok=True)
            link.with_suffix(".pid").unlink(missing_ok=True)


def attach(board: str, keep: contextlib.ExitStack) -> str:
    """The port of a virtual board: of the one that runs, else of one that `keep` ends.

    Waits for another command that talks to that board; TinysenseError when
    that takes longer than WAIT_S.
    """
    from tinysense_host.boards import load_board

    load_board(board)
    link = run_folder() / f"{board}.port"
    try:
        keep.enter_context(_locked(link.with_suffix(".session"), WAIT_S))
    except _HeldError as e:
        raise TinysenseError(f"{board} is busy: another command ({e}) talks to it",
                             "wait until it is done, or take another board") from None
    end = time.monotonic() + WAIT_S
    while not _alive(link):
        try:
            return str(keep.enter_context(started(board)))
        except _RunsError:
            # Somebody is starting or ending it at this moment.
            if time.monotonic() >= end:
                raise
            time.sleep(0.05)
    return str(link)
