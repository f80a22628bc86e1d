"""tinysense boards."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tinysense_host.commands.options import Interrupt, Json, Port, TransportName
from tinysense_host.commands.screen import console, err, plain, size
from tinysense_host.device import BoardInfo, board_id, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.enquiry import LoggerRunsError, Running
from tinysense_host.link.ports import candidates
from tinysense_host.naming import find, forget, name_of, names, remember

__all__ = ["Found", "boards", "find_boards"]


class Action(str, Enum):
    """What `tinysense boards` does with a name."""

    NAME = "name"
    FORGET = "forget"


@dataclass(frozen=True)
class Found:
    """A port and its board: what it is, what it runs and was left to run, or why nobody knows."""

    port: str
    name: str = ""
    info: BoardInfo | None = None
    running: Running | None = None
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        told: dict[str, Any] = {"port": self.port} if self.info is None else self.info.as_dict()
        told |= {"name": self.name} if self.name else {}
        if self.running is not None:
            told["running"] = self.running.facts
        return told | ({"error": self.error} if self.error else {})


def find_boards(port: str | None, kind: str | None, interrupt: bool = False) -> list[Found]:
    """Every board found, or the one on a port; a logger that runs is asked and left alone."""
    if port:
        return [_look(port, kind, interrupt)]
    ports = [c.port for c in candidates()]
    if not ports:
        return []
    with ThreadPoolExecutor(len(ports)) as pool:
        return list(pool.map(lambda p: _looked(p, kind, interrupt), ports))


def _looked(port: str, kind: str | None, interrupt: bool) -> Found:
    try:
        return _look(port, kind, interrupt)
    except TinysenseError as e:
        return Found(port, name_of(port), error=str(e))


def _look(port: str, kind: str | None, interrupt: bool) -> Found:
    where = find(port, lambda p: board_id(p, kind))
    try:
        with connect(where, kind=kind, interrupt=interrupt) as device:
            return Found(where.port, name_of(where.port, device.board_id), device.info())
    except LoggerRunsError as e:
        return Found(where.port, name_of(where.port, e.running.board_id), running=e.running)


def _connected(found: list[Found]) -> Table:
    named = any(row.name for row in found)
    table = Table(box=None, pad_edge=False)
    for title in (*(("name",) if named else ()), "port", "board", "architecture", "MicroPython",
                  "RAM free", "largest block", "flash free", "core", "tinysense"):
        table.add_column(title)
    for row in found:
        cells = ([row.name] if named else []) + [row.port]
        info = row.info
        if info is None:
            cells.append(row.error if row.running is None else str(row.running))
        else:
            core = info.core + (f" ({info.kernels})" if info.kernels else "")
            cells += [info.machine, info.architecture or "none", info.version,
                      size(info.ram_free), size(info.ram_largest), size(info.flash_free), core,
                      info.package or "absent"]
        table.add_row(*(Text(plain(cell)) for cell in cells))
    return table


def _show_profiles(as_json: bool) -> None:
    from tinysense_host.boards import list_boards, load_board

    rows = [load_board(name) for name in list_boards()]
    if as_json:
        print(json.dumps([{"name": p.name, "title": p.title, "kind": p.kind, "core": p.core,
                           "native_arch": p.native_arch, "virtual": p.virtual,
                           "heap_bytes": p.heap_bytes, "confirmed": p.confirmed} for p in rows]))
        return
    table = Table("board", "", "runs as", "native modules", "heap", "confirmed", box=None,
                  pad_edge=False)
    for p in rows:
        table.add_row(p.name, p.title, "virtual" if p.virtual else "hardware", p.native_arch,
                      size(p.heap_bytes), p.confirmed or "not on hardware")
    console.print(table)


def _show_connected(found: list[Found], as_json: bool) -> None:
    if as_json:
        print(json.dumps([row.as_dict() for row in found]))
        return
    if found:
        console.print(_connected(found))
    else:
        console.print("no board found; start a virtual one: tinysense emulate QEMU_M4F")


def _show_absent(found: list[Found]) -> None:
    here = {name for row in found for name in row.name.split(", ")}
    absent = [f"{row.name} ({row})" for row in names().values() if row.name not in here]
    if absent:
        err.print(f"named, but not found here: {', '.join(absent)}", markup=False)


def _name(name: str, port: str | None, kind: str | None) -> None:
    where = find(port, lambda p: board_id(p, kind))
    row, notes = remember(name, where.port, board_id(where.port, kind))
    now = "" if row.port else f", on {where.port} now"
    console.print(f"{name} is the board with {row}{now}", markup=False)
    for note in notes:
        err.print(note, markup=False)


def boards(
    action: Annotated[Action | None, typer.Argument(
        help="name: remember the board under NAME, for --port. forget: do so no more.",
        show_default=False)] = None,
    name: Annotated[str | None, typer.Argument(show_default=False)] = None,
    port: Port = None,
    virtual: Annotated[bool, typer.Option(
        "--virtual", help="List the board profiles there are instead.")] = False,
    interrupt: Interrupt = False,
    transport: TransportName = None,
    as_json: Json = False,
) -> None:
    """Show what is connected and what it can do, and give boards names.

    Stops what the boards run, but not a logger, which says how far it is.
    Architecture is what native modules must be built for; the largest block is
    what one model file or arena may take. A board that has a name is found by it
    wherever it is plugged in: tinysense boards name field-3, then --port field-3.
    """
    if action is not None:
        if name is None:
            raise TinysenseError(f"`tinysense boards {action.value}` needs a name",
                                 f"e.g. tinysense boards {action.value} field-3")
        if action is Action.NAME:
            _name(name, port, transport)
        else:
            console.print(f"{name} is forgotten; it was the board with {forget(name)}",
                          markup=False)
    elif virtual:
        _show_profiles(as_json)
    else:
        found = find_boards(port, transport, interrupt)
        _show_connected(found, as_json)
        if not port and not as_json:
            _show_absent(found)
