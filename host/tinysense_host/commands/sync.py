"""tinysense sync."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from tinysense_host.commands.options import Board, Port, TransportName
from tinysense_host.commands.screen import console, err
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.sync import (
    ABSENT,
    BadConfig,
    Difference,
    board_config,
    differences,
    host_config,
    read_host,
)
from tinysense_host.sync import (
    pull as pull_config,
)
from tinysense_host.sync import (
    push as push_config,
)

__all__ = ["sync"]


def _shown(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False)


def _show(here: dict[str, Any] | None, there: dict[str, Any] | None, path: Path,
          port: str) -> None:
    found: list[Difference] = differences(here, there)
    if here is None and there is None:
        console.print(f"neither {path} nor {port} has a config: defaults are in force")
        return
    if not found and None in (here, there):
        console.print(f"{path if here is None else port} has no config, the other an empty one")
        return
    if not found:
        console.print(f"no difference between {path} and {port}")
        return
    table = Table("key", str(path), port, box=None, pad_edge=False)
    for row in found:
        table.add_row(row.key, _shown(row.host), _shown(row.board))
    console.print(table)


def _board_config(device: Device, replaced: bool) -> dict[str, Any] | None:
    """The board's config; one that is bad stops nobody who is about to replace it."""
    try:
        return board_config(device, checked=not replaced)
    except BadConfig as e:
        if not replaced:
            raise
        err.print(str(e), markup=False)
        return None


def sync(
    path: Annotated[Path, typer.Argument(help="The config on this computer.")] =
    Path("tinysense.json"),
    push: Annotated[bool, typer.Option("--push", help="Write this file to the board.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Write the board's to this file.")] = False,
    settings: Annotated[list[str] | None, typer.Option(
        "--set", help="KEY=VALUE to change on the board, e.g. driver_options.range_g=4.")] = None,
    port: Port = None,
    board: Board = None,
    transport: TransportName = None,
) -> None:
    """Compare the board's configuration with a file, and copy it either way.

    Without --push, --pull or --set nothing is changed. Both sides are checked
    for unknown keys, drivers, outputs and options, wrong types and ranges first;
    a bad config on the board can be replaced with --push or mended with --set.
    """
    if sum((push, pull, bool(settings))) > 1:
        raise TinysenseError("--push, --pull and --set exclude each other", "give one")
    with connect(port, board, transport) as device:
        if settings:
            there = board_config(device, checked=False)
            push_config(device, host_config(settings, there, device))
            console.print(f"{device.port} has {', '.join(settings)} now")
            return
        here = read_host(path, device)
        there = _board_config(device, replaced=push)
        _show(here, there, path, device.port)
        if push:
            if here is None:
                raise TinysenseError(f"no file {path} to push", "pull the board's first: --pull")
            push_config(device, here)
            console.print(f"{path} is on {device.port} now")
        elif pull:
            if there is None:
                raise TinysenseError(f"{device.port} has no config to pull", "push one: --push")
            pull_config(path, there)
            console.print(f"{path} holds what {device.port} has now")
