"""tinysense sync."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from tinysense_host.commands.options import All, Board, Interrupt, Ports, TransportName
from tinysense_host.commands.screen import console, err, plain
from tinysense_host.commands.several import on_boards
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.sync import (
    ABSENT,
    Agreed,
    BadConfig,
    Conflict,
    board_config,
    checked,
    differences,
    host_config,
    later_keys,
    merge,
    read_host,
)
from tinysense_host.sync import (
    pull as pull_config,
)
from tinysense_host.sync import (
    push as push_config,
)

__all__ = ["sync"]

Config = dict[str, Any]


def _shown(value: Any) -> str:
    return "absent" if value is ABSENT else plain(json.dumps(value, ensure_ascii=False))


def _table(heads: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table = Table(*map(escape, heads), box=None, pad_edge=False)
    for key, *values in rows:
        table.add_row(Text(plain(key)), *(Text(_shown(value)) for value in values))
    console.print(table)


def _show(here: Config | None, there: Config | None, path: Path, port: str) -> None:
    """What differs between the two sides."""
    found = [(row.key, row.host, row.board) for row in differences(here, there)]
    if here is None and there is None:
        console.print(f"neither {path} nor {port} has a config: defaults are in force")
    elif not found and None in (here, there):
        console.print(f"{path if here is None else port} has no config, the other an empty one")
    elif not found:
        console.print(f"no difference between {path} and {port}")
    else:
        _table(("key", str(path), port), found)


def _tell_later(config: Config | None) -> None:
    later = later_keys(config)
    if later:
        err.print(f"kept as they are, for a later version of tinysense: {', '.join(later)}",
                  markup=False)


def _board_config(device: Device, replaced: bool) -> Config | None:
    """The board's config; one that is bad stops nobody who is about to replace it."""
    try:
        return board_config(device)
    except BadConfig as e:
        if not replaced:
            raise BadConfig(e.message, e.hint or "mend it with --set, or replace it with --push"
                            ) from e
        err.print(str(e), markup=False)
        return None


def _set(device: Device, settings: list[str], dry_run: bool) -> None:
    there = board_config(device, judged=False)
    wanted = host_config(settings, there, device)
    if dry_run:
        _table(("key", device.port, "would be"),
               [(row.key, row.host, row.board) for row in differences(there, wanted)])
        return
    push_config(device, wanted)
    console.print(f"{device.port} has {', '.join(settings)} now", markup=False)


def _copy(device: Device, path: Path, push: bool, dry_run: bool) -> None:
    """One side as the other is."""
    here = read_host(path, device)
    there = _board_config(device, replaced=push)
    _show(here, there, path, device.port)
    source = here if push else there
    if source is None:
        raise TinysenseError(*(f"no file {path} to push", "pull the board's first: --pull") if push
                             else (f"{device.port} has no config to pull", "push one: --push"))
    _tell_later(source)
    if dry_run:
        return
    if push:
        push_config(device, source)
        console.print(f"{path} is on {device.port} now")
    else:
        pull_config(path, source)
        console.print(f"{path} holds what {device.port} has now")
    Agreed(device, path).keep(source)


def _refuse(conflicts: tuple[Conflict, ...], path: Path, port: str) -> None:
    _table(("key", "both had", str(path), port),
           [(row.key, row.common, row.host, row.board) for row in conflicts])
    keys = plain(", ".join(row.key for row in conflicts))
    raise TinysenseError(f"{keys}: changed on both sides, and nothing was written",
                         f"--ours takes {path}'s, --theirs the board's")


def _merge(device: Device, path: Path, prefer: Any, dry_run: bool) -> None:
    """Both sides as the merge of both is; the last common state is noted last."""
    here, there = read_host(path, device), _board_config(device, replaced=False)
    agreed = Agreed(device, path)
    done = merge(agreed.read(), here, there, prefer)
    if done.conflicts:
        _refuse(done.conflicts, path, device.port)
    if done.config is None or here == there:
        _show(here, there, path, device.port)
    else:
        _table(("key", str(path), device.port, "would be" if dry_run else "becomes"),
               [(row.key, row.host, row.board, _at(done.config, row.key))
                for row in differences(here, there)])
    if done.config is None:
        return
    config = checked(done.config, "the merge of both", device)
    _tell_later(config)
    if dry_run:
        return
    if config != there or there is None:
        push_config(device, config)
        console.print(f"{device.port} is up to date now")
    if config != here or here is None:
        pull_config(path, config)
        console.print(f"{path} is up to date now")
    agreed.keep(config)


def _at(config: Any, dotted: str) -> Any:
    """The value at a dotted key; keys may hold dots themselves."""
    if dotted in config:
        return config[dotted]
    for key, value in config.items():
        if isinstance(value, dict) and dotted.startswith(key + "."):
            return _at(value, dotted[len(key) + 1:])
    return ABSENT


def sync(
    path: Annotated[Path, typer.Argument(help="The config on this computer.")] =
    Path("tinysense.json"),
    ours: Annotated[bool, typer.Option(
        "--ours", help="Where both sides changed a key, take this file's value.")] = False,
    theirs: Annotated[bool, typer.Option(
        "--theirs", help="Where both sides changed a key, take the board's value.")] = False,
    dry_run: Annotated[bool, typer.Option(
        "--dry-run", help="Show what would be done, and write nothing.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Write this file to the board.")] = False,
    pull: Annotated[bool, typer.Option("--pull", help="Write the board's to this file.")] = False,
    settings: Annotated[list[str] | None, typer.Option(
        "--set", help="KEY=VALUE to change on the board, e.g. driver_options.range_g=4.")] = None,
    schema: Annotated[bool, typer.Option(
        "--schema", help="Print the JSON Schema of a config, and ask no board.")] = False,
    port: Ports = None,
    every: All = False,
    board: Board = None,
    interrupt: Interrupt = False,
    transport: TransportName = None,
) -> None:
    """Merge the board's configuration with a file.

    What one side changed since both were the same goes to the other; keys that
    both changed to different values are shown, and nothing is written unless
    --ours or --theirs says which to take. --push, --pull and --set copy one
    way. Both sides are checked first for unknown keys, drivers, outputs and
    options, wrong types and ranges; what is replaced stays as .bak.
    """
    if schema:
        from tinysense_host.schema import schema as made

        print(json.dumps(made(), indent=1, ensure_ascii=False))
        return
    if sum((push, pull, bool(settings), ours, theirs)) > 1:
        raise TinysenseError("--push, --pull, --set, --ours and --theirs exclude each other",
                             "give one")

    def work(device: Device) -> None:
        if settings:
            _set(device, settings, dry_run)
        elif push or pull:
            _copy(device, path, push, dry_run)
        else:
            _merge(device, path, "host" if ours else "board" if theirs else None, dry_run)

    # Only these leave the file as it is.
    alone = "" if push or settings or dry_run else "--pull" if pull else "a merge"
    on_boards(work, port, board, transport, every, interrupt, alone=alone)
