"""tinysense boards."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from tinysense_host.commands.options import Json, Port, TransportName
from tinysense_host.commands.screen import console, size
from tinysense_host.device import BoardInfo, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.ports import candidates

__all__ = ["boards", "find_boards"]


def find_boards(port: str | None, kind: str | None) -> list[tuple[str, BoardInfo | str]]:
    """(port, what the board is, or why it can't be told) of every port found."""
    ports = [port] if port else [c.port for c in candidates()]
    found: list[tuple[str, BoardInfo | str]] = []
    for name in ports:
        try:
            with connect(name, kind=kind) as device:
                found.append((name, device.info()))
        except TinysenseError as e:
            if port:
                raise
            found.append((name, str(e)))
    return found


def _connected(found: list[tuple[str, BoardInfo | str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in ("port", "board", "architecture", "MicroPython", "RAM free", "largest block",
                  "flash free", "core", "tinysense"):
        table.add_column(title)
    for port, info in found:
        if isinstance(info, str):
            table.add_row(port, info)
            continue
        core = info.core + (f" ({info.kernels})" if info.kernels else "")
        table.add_row(port, info.machine, info.architecture or "none", info.version,
                      size(info.ram_free), size(info.ram_largest), size(info.flash_free), core,
                      info.package or "absent")
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


def boards(
    port: Port = None,
    virtual: Annotated[bool, typer.Option(
        "--virtual", help="List the board profiles there are instead.")] = False,
    transport: TransportName = None,
    as_json: Json = False,
) -> None:
    """Show what is connected and what it can do.

    Stops what the boards run. Architecture is what native modules must be
    built for; the largest block is what one model file or arena may take.
    """
    if virtual:
        _show_profiles(as_json)
        return
    found = find_boards(port, transport)
    if as_json:
        print(json.dumps([info.as_dict() if isinstance(info, BoardInfo)
                          else {"port": name, "error": info} for name, info in found]))
    elif found:
        console.print(_connected(found))
    else:
        console.print("no board found; start a virtual one: tinysense emulate QEMU_M4F")
