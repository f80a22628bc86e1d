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
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tinysense_host.errors import TinysenseError

__all__ = ["attach", "run_folder", "running", "started", "tell"]

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


def running() -> dict[str, str]:
    """Ports of the virtual boards that run, by board."""
    links = sorted(run_folder().glob("*.port"))
    return {link.stem: _port(link) for link in links if _alive(link)}


def _publish(link: Path, port: str) -> None:
    """A pseudo-terminal is linked, so that its name stays; a socket's URL is written."""
    part = link.with_suffix(".part")
    part.unlink(missing_ok=True)
    if "://" in port:
        part.write_text(port)
    else:
        part.symlink_to(port)
    part.replace(link)


def _port(link: Path) -> str:
    """What to open, of a link that _publish() made."""
    return str(link) if link.is_symlink() else link.read_text()


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
def started(board: str, fs: Path | None = None,
            requests: tuple[Mapping[str, Any], ...] = ()) -> Iterator[str]:
    """Starts a virtual board; its port, which other commands find while it runs.

    fs: its flash, else the one kept in the run folder. requests: see Emulator.
    TinysenseError if that board runs already.
    """
    from tinysense_host.boards import load_board

    load_board(board)       # before files are made with its name
    link = run_folder() / f"{board}.port"
    try:
        with _locked(link.with_suffix(".lock"), 0.0), _linked(board, fs, requests, link):
            yield _port(link)
    except _HeldError as e:
        raise _RunsError(f"{board} runs already ({e}), on {running().get(board, link)}",
                         f"use it with --board {board}") from None


@contextlib.contextmanager
def _linked(board: str, fs: Path | None, requests: tuple[Mapping[str, Any], ...],
            link: Path) -> Iterator[None]:
    """Runs the emulator, with its ports where other commands look."""
    from tinysense_host.emulator import Emulator

    made = (link, link.with_suffix(".pid"), link.with_suffix(".control"))
    with Emulator(board, fs=fs or link.with_suffix(".flash"), requests=requests) as emulator:
        for name in made:
            name.unlink(missing_ok=True)
        link.with_suffix(".pid").write_text(str(os.getpid()))
        if emulator.control_port is not None:
            link.with_suffix(".control").write_text(str(emulator.control_port))
        _publish(link, emulator.port)
        try:
            yield
        finally:
            for name in made:
                name.unlink(missing_ok=True)


def tell(board: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request to a virtual board that runs; its status (Emulator.control)."""
    from tinysense_host.emulator.rp2040js import ask

    if board not in running():
        raise TinysenseError(f"{board} does not run", f"start it: tinysense emulate {board}")
    try:
        port = int((run_folder() / f"{board}.control").read_text())
    except FileNotFoundError:
        raise TinysenseError(f"{board} has no simulated chips", "take VIRTUAL_PICO") from None
    return ask(port, request)


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
            return keep.enter_context(started(board))
        except _RunsError:
            # Somebody is starting or ending it at this moment.
            if time.monotonic() >= end:
                raise
            time.sleep(0.05)
    return _port(link)
