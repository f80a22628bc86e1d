"""The same work on several boards at once: a thread for each board, a row of results each."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tinysense_host.device import board_id
from tinysense_host.errors import TinysenseError
from tinysense_host.link.ports import candidates
from tinysense_host.naming import Where, find, names, same_port

__all__ = ["Connected", "Outcome", "Target", "Work", "chosen", "run"]

T = TypeVar("T")        # what is worked on: a Device, as a rule

# What is done with a board that is connected, under the label of its row; what to say of it.
Work = Callable[[str, T], str]
Connected = Callable[[Where], contextlib.AbstractContextManager[T]]

_LOOK_S = 0.1       # between two looks whether all are done: Ctrl-C is heard so soon


@dataclass(frozen=True)
class Target:
    """A board to work on, or why it can't be."""

    label: str
    where: Where | None
    error: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of one board; ``error`` is one line, "" where all went well."""

    board: str
    done: str
    seconds: float
    error: str


def chosen(ports: Sequence[str], every: bool, kind: str | None = None) -> list[Target]:
    """The boards of --port (ports or names) or --all: each once, in the order given.

    every: all that have a name, and all found. A named board that is not here is
    a row with its error. kind: see device.open_transport.
    """
    wanted = [*ports, *(name for name in names() if name not in ports)] if every else list(ports)
    targets: list[Target] = []
    for text in dict.fromkeys(wanted):
        try:
            where = find(text, lambda port: board_id(port, kind))
        except TinysenseError as e:
            targets.append(Target(text, None, str(e)))
            continue
        _add(targets, where)
    if every:
        for candidate in candidates():
            _add(targets, Where(candidate.port))
    if not targets:
        raise TinysenseError("no board found: none has a name, no USB serial port, no running "
                             "virtual board", "plug boards in, or name one with --port")
    return targets


def _add(targets: list[Target], where: Where) -> None:
    if not any(t.where is not None and same_port(t.where.port, where.port) for t in targets):
        targets.append(Target(where.label, where))


class _Worker(threading.Thread, Generic[T]):
    """One board's thread. KeyboardInterrupt is thrown into it, as Ctrl-C into a command alone."""

    def __init__(self, target: Target, work: Work[T], connected: Connected[T],
                 gate: contextlib.AbstractContextManager[object]) -> None:
        super().__init__(daemon=True)
        self._target, self._work, self._connected, self._gate = target, work, connected, gate
        self.outcome = Outcome(target.label, "", 0.0, target.error or "interrupted")
        self.fault: Exception | None = None

    def run(self) -> None:
        """Connects, works, closes; nothing but an outcome comes out."""
        if self._target.where is not None:
            with self._gate:
                self._go(self._target.where)

    def _go(self, where: Where) -> None:
        began, done, error = time.monotonic(), "", ""
        try:
            with self._connected(where) as device:
                done = self._work(self._target.label, device)
        except TinysenseError as e:
            error = str(e)
        except OSError as e:
            error = f"{e.filename}: {e.strerror}" if e.filename else e.strerror or str(e)
        except KeyboardInterrupt:
            error = "interrupted"
        except Exception as e:
            self.fault = e
            error = f"{type(e).__name__}: {e}"
        self.outcome = Outcome(self._target.label, done, time.monotonic() - began,
                               " ".join(error.split()))

    def interrupt(self) -> None:
        """Throws KeyboardInterrupt into the thread; it comes when its next wait ends."""
        if self.is_alive() and self.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident),
                                                       ctypes.py_object(KeyboardInterrupt))


def run(work: Work[T], targets: Sequence[Target], connected: Connected[T],
        ended: Callable[[Sequence[Outcome]], None], in_turn: bool = False) -> list[Outcome]:
    """Works on all targets at once and hands their outcomes to ``ended``, in the targets' order.

    in_turn: on one after the other, for work that shares files of this computer.
    Ctrl-C stops each as it would stop a command alone; their outcomes are handed
    over, then KeyboardInterrupt is raised again. A fault of the work itself, no
    TinysenseError, is raised after all have ended.
    """
    gate = threading.Lock() if in_turn else contextlib.nullcontext()
    workers = [_Worker(target, work, connected, gate) for target in targets]
    with _noting_ctrl_c() as signals:
        for worker in workers:
            worker.start()
        _wait(workers, signals)
    outcomes = [worker.outcome for worker in workers]
    ended(outcomes)
    if signals:
        raise KeyboardInterrupt
    for worker in workers:
        if worker.fault is not None:
            raise worker.fault
    return outcomes


def _wait(workers: Sequence[_Worker[T]], signals: Sequence[int]) -> None:
    """Until all have ended; each signal that comes meanwhile is handed on to those that work."""
    handed_on = 0
    for worker in workers:
        while worker.is_alive():
            worker.join(_LOOK_S)
            if len(signals) > handed_on:
                handed_on = len(signals)
                for other in workers:
                    other.interrupt()


@contextlib.contextmanager
def _noting_ctrl_c() -> Iterator[list[int]]:
    """The signals that came: what would raise KeyboardInterrupt here is noted instead.

    Raised while threads are started or waited for, it would leave some of them running.
    """
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    kept = [number for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None))
            if number is not None and signal.getsignal(number) is signal.default_int_handler]
    for number in kept:
        signal.signal(number, lambda n, _: came.append(n))
    try:
        yield came
    finally:
        for number in kept:
            signal.signal(number, signal.default_int_handler)
