"""Asking a board what it runs, without stopping it: ENQ towards it, ACK and JSON back.

The device's half is tinysense/enquiry.py. Before ENQ goes Ctrl-A: a board at either
prompt of the REPL answers that at once, a program takes it for nothing. A program that
is not tinysense's does not answer, and what it is can't be known.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from typing import Any

from tinysense_host.errors import TinysenseError
from tinysense_host.link.raw_repl import BANNER, Line

__all__ = ["LoggerRunsError", "Running", "arrive", "ask"]

ENQ = b"\x01\x05"
TRIES = 4
ANSWER_S = 0.5          # a program looks ten times a second, but may be writing to an SD card
_KEEP_BYTES = 4096
_ANSWER = re.compile(rb"\x06(\{[^\x06\r\n]{0,1000}\})\r?\n")


@dataclass(frozen=True)
class Running:
    """What a board answered that it runs."""

    kind: str               # "recording", "waiting" (for its trigger), "idle", "pipeline"
    logger: bool            # it must not be stopped unasked
    board_id: str           # machine.unique_id in hexadecimal, "" where there is none
    facts: dict[str, Any]   # all that came: model, label, segment, blocks, frames, lost, seconds

    def __str__(self) -> str:
        """E.g. `recording 'walk', 123 blocks`."""
        label, model = self.facts.get("label"), self.facts.get("model")
        what = self.kind + (f" {_plain(label)!r}" if label else "")
        what += f" {_plain(model)}" if model else ""
        parts = [what, *(f"{self.facts[name]} {name}" for name in ("blocks", "windows", "lost")
                         if self._counts(name))]
        error = self.facts.get("error")
        return ", ".join(parts) + (f" ({_plain(error)})" if error else "")

    def _counts(self, name: str) -> bool:
        n = self.facts.get(name)
        return isinstance(n, int) and not isinstance(n, bool) and (n > 0 or name != "lost")


class LoggerRunsError(TinysenseError):
    """The board runs a logger, and nobody said that it may be stopped."""

    def __init__(self, port: str, running: Running) -> None:
        self.running = running
        super().__init__(f"the board on {port} is {running}, and this would stop it",
                         "to stop it give --interrupt, or set TINYSENSE_INTERRUPT=1")


def _plain(value: Any) -> str:
    """What a board said, short and without control characters."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(value)[:60])


def _read(found: bytes) -> Running | None:
    try:
        told = json.loads(found)
    except ValueError:
        return None
    kind = told.get("runs") if isinstance(told, dict) else None
    if not isinstance(kind, str):
        return None
    board_id = told.get("id")
    return Running(_plain(kind), told.get("logger") is True,
                   _plain(board_id) if isinstance(board_id, str) else "", told)


def ask(line: Line) -> Running | None:
    """What the board says that it runs; None where nothing answers.

    Takes at most TRIES x ANSWER_S seconds, and none of that at a prompt.
    """
    came = b""
    for sent in range(1, TRIES + 1):
        line.write(ENQ)
        end = time.monotonic() + ANSWER_S
        while (left := end - time.monotonic()) > 0:
            came = (came + line.some(left))[-_KEEP_BYTES:]
            found = _ANSWER.findall(came)
            running = _read(found[-1]) if found else None
            if running is not None:
                return running
            if BANNER in came:
                # A prompt answers each ENQ; a late answer would look like a restart.
                while came.count(BANNER) < sent and (more := line.some(ANSWER_S)):
                    came = (came + more)[-_KEEP_BYTES:]
                return None
    return None


def arrive(line: Line, interrupt: bool) -> Running | None:
    """ask(), and LoggerRunsError where a logger answers that may not be interrupted."""
    running = ask(line)
    if running is not None and running.logger and not interrupt:
        raise LoggerRunsError(line.port, running)
    return running
