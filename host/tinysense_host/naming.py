"""Boards remembered by name: which port is `field-3` on now?

A board is known by its USB serial number; where it has none, or shares it with
another (bridges of one maker often do), by machine.unique_id, which the board is
asked for; a network board by its URL. Kept in boards.json in the user's
configuration folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinysense_host.errors import TinysenseError
from tinysense_host.files import write_atomically
from tinysense_host.link.ports import Candidate, candidates, choose_port, listed

__all__ = ["Identify", "Named", "Where", "find", "forget", "is_name", "name_of", "names",
           "names_path", "remember", "same_port"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_WINDOWS_PORT = re.compile(r"COM\d+", re.IGNORECASE)
_VIRTUAL = "virtual board "

# Gives the id of the board on a port, "" where it has none.
Identify = Callable[[str], str]


@dataclass(frozen=True)
class Named:
    """What is remembered of a board; of serial_number, board_id and port at least one."""

    name: str
    serial_number: str = ""
    board_id: str = ""      # machine.unique_id in hexadecimal
    port: str = ""          # where it always is: a URL, a virtual board, a UART

    def __str__(self) -> str:
        if self.port or self.serial_number:
            return f"port {self.port}" if self.port else f"serial number {self.serial_number}"
        return f"id {self.board_id}"


@dataclass(frozen=True)
class Where:
    """A port, and who should be there."""

    port: str
    name: str = ""
    board_id: str = ""      # "" where any board will do

    @property
    def label(self) -> str:
        """For a table."""
        return f"{self.name} ({self.port})" if self.name else self.port


def names_path() -> Path:
    """The file of names: in XDG_CONFIG_HOME, else ~/.config."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "tinysense" / "boards.json"


def names() -> dict[str, Named]:
    """All boards remembered, by name; TinysenseError where the file is damaged."""
    path = names_path()
    try:
        told = json.loads(path.read_text("utf-8"))
        rows = told["boards"]
        return {name: _row(name, row) for name, row in sorted(rows.items())}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise TinysenseError(f"{path} is no list of boards ({type(e).__name__}: {e})",
                             "mend or remove it, then name the boards again") from e


def _row(name: str, row: Any) -> Named:
    fields = {key: row.get(key, "") for key in ("serial_number", "board_id", "port")}
    if not _NAME.fullmatch(name) or not all(isinstance(v, str) for v in fields.values()) \
            or not any(fields.values()):
        raise ValueError(f"bad entry {name!r}")
    return Named(name, **fields)


def _write(rows: dict[str, Named]) -> None:
    told = {"boards": {name: {k: v for k, v in asdict(row).items() if v and k != "name"}
                       for name, row in sorted(rows.items())}}
    path = names_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(told, indent=2) + "\n").encode())


def is_name(text: str) -> bool:
    """Whether what --port was given is a board's name and no port."""
    return _NAME.fullmatch(text) is not None and _WINDOWS_PORT.fullmatch(text) is None


def remember(name: str, port: str, board_id: str) -> tuple[Named, list[str]]:
    """Gives the board on a port a name; what is kept, and what is to be said of it."""
    if not is_name(name):
        raise TinysenseError(f"{name!r} can't be a board's name",
                             "expected up to 40 letters, digits and - _ . such as field-3")
    rows, here = names(), candidates()
    one = next((c for c in here if same_port(c.port, port)), None)
    virtual = one is not None and one.name.startswith(_VIRTUAL)
    serial_number = one.serial_number if one is not None else ""
    # A port that no USB board is on is looked for nowhere else.
    fixed = one is None or virtual or not (serial_number or board_id)
    # A virtual board's id is drawn anew at each start; one behind a URL keeps its own.
    row = Named(name, serial_number, "" if virtual else board_id, port if fixed else "")
    notes = _remarks(row, here)
    old = rows.get(name)
    if old is not None and old != row:
        notes.append(f"{name} was the board with {old}")
    rows[name] = row
    _write(rows)
    return row, notes


def _remarks(row: Named, here: list[Candidate]) -> list[str]:
    if row.port:
        also = f", where a board with the id {row.board_id} must be" if row.board_id else " alone"
        return [f"{row.name} is known by its port {row.port}{also}"]
    if not row.serial_number:
        return [f"{row.name} has no USB serial number: it is known by its id {row.board_id}, for "
                "which boards are asked that have none either"]
    sharing = [c.port for c in here if c.serial_number == row.serial_number]
    if len(sharing) < 2:
        return []
    told = f"{len(sharing)} boards here share the serial number {row.serial_number}"
    return [told + (f": {row.name} is told from them by its id {row.board_id}" if row.board_id else
                    ", and this one has no id: plug only one of them in")]


def forget(name: str) -> Named:
    """Removes a name; what it stood for."""
    rows = names()
    if name not in rows:
        raise _unknown(name, rows)
    gone = rows.pop(name)
    _write(rows)
    return gone


def _unknown(name: str, rows: dict[str, Named]) -> TinysenseError:
    return TinysenseError(f"no board is named {name!r}; names: {', '.join(rows) or 'none'}",
                          f"name one: tinysense boards name {name} --port PORT (ports have a / "
                          "or ://)")


def same_port(a: str, b: str) -> bool:
    """Whether two names of ports mean one, links followed."""
    if "://" in a or "://" in b:
        return a == b
    return os.path.realpath(a) == os.path.realpath(b)


def name_of(port: str, board_id: str = "") -> str:
    """The names of the board on a port, "" where it has none."""
    here = candidates()
    one = next((c for c in here if same_port(c.port, port)), Candidate(port, ""))
    shared = sum(c.serial_number == one.serial_number for c in here) > 1
    return ", ".join(row.name for row in names().values()
                     if _is(row, one, board_id, shared))


def _is(row: Named, one: Candidate, board_id: str, shared: bool) -> bool:
    if row.port:
        return same_port(row.port, one.port)
    if row.serial_number != one.serial_number:
        return False
    if row.board_id and board_id:
        return row.board_id == board_id
    return bool(row.serial_number) and not shared


def find(port: str | None, identify: Identify) -> Where:
    """Where to connect: the port or the name given, else TINYSENSE_PORT, else the only board.

    identify is called only where nothing else tells boards apart.
    """
    chosen = choose_port(port)
    if not is_name(chosen) or os.path.exists(chosen):
        return Where(chosen)
    rows = names()
    if chosen not in rows:
        raise _unknown(chosen, rows)
    return _resolve(rows[chosen], candidates(), identify)


def _resolve(row: Named, here: list[Candidate], identify: Identify) -> Where:
    if row.port:
        return Where(row.port, row.name, row.board_id)
    like = [c for c in here if c.serial_number == row.serial_number
            and not c.name.startswith(_VIRTUAL)]
    if len(like) == 1:
        return Where(like[0].port, row.name, row.board_id)
    if not like:
        raise TinysenseError(f"{row.name} ({row}) is not plugged in; boards here: {listed(here)}",
                             "plug it in, or name it anew: tinysense boards name")
    if not row.board_id:
        raise TinysenseError(
            f"{row.name} is one of {len(like)} boards with {row}: {listed(like)}",
            "plug only one of them in, or choose a port with --port")
    return _by_id(row, like, identify)


def _by_id(row: Named, like: list[Candidate], identify: Identify) -> Where:
    """Asks the boards that nothing else tells apart, one after the other."""
    silent: list[Candidate] = []
    for candidate in like:
        try:
            if identify(candidate.port) == row.board_id:
                return Where(candidate.port, row.name, row.board_id)
        except TinysenseError:
            silent.append(candidate)
    also = f"; no answer from {listed(silent)}" if silent else ""
    raise TinysenseError(f"{row.name} (id {row.board_id}) is none of {listed(like)}{also}",
                         "plug it in, or name it anew: tinysense boards name")
