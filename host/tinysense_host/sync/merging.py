"""Three configs become one: host's, board's, and the one that both had last.

What one side changed is taken; what both changed to different values is a
conflict. Objects are merged key by key, lists and all else as a whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

__all__ = ["ABSENT", "Conflict", "Difference", "Merge", "differences", "merge"]

Config = dict[str, Any]
Side = Literal["host", "board"]


class Absent(Enum):
    """The value of a key that is not there."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


@dataclass(frozen=True)
class Difference:
    """A key (dotted inside objects) whose value is not the same on both sides."""

    key: str
    host: Any
    board: Any


@dataclass(frozen=True)
class Conflict:
    """A key that both sides changed, to different values."""

    key: str
    common: Any
    host: Any
    board: Any


@dataclass(frozen=True)
class Merge:
    """What both sides should have, None where none has a config, and what stands against it."""

    config: Config | None
    conflicts: tuple[Conflict, ...] = ()


def _same(a: Any, b: Any) -> bool:
    """Not Python's ==, to which true is 1."""
    if ABSENT in (a, b):
        return a is b
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def differences(host: Config | None, board: Config | None, prefix: str = "") -> list[Difference]:
    """What differs, by key; a side without a config has no keys."""
    found = []
    host, board = host or {}, board or {}
    for key in sorted({*host, *board}):
        a, b = host.get(key, ABSENT), board.get(key, ABSENT)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differences(a, b, f"{prefix}{key}.")
        elif not _same(a, b):
            found.append(Difference(prefix + key, a, b))
    return found


def merge(common: Config | None, host: Config | None, board: Config | None,
          prefer: Side | None = None) -> Merge:
    """What both should have. prefer: the side that wins where both changed a key.

    A side that has no config at all did not remove every key: it gets the
    other's. Without a common state a key on one side only counts as new there.
    """
    if host is None or board is None:
        return Merge(board if host is None else host)
    conflicts: list[Conflict] = []
    merged = _objects(common or {}, host, board, "", prefer, conflicts)
    return Merge(merged, tuple(conflicts))


def _objects(common: Config, host: Config, board: Config, prefix: str, prefer: Side | None,
             conflicts: list[Conflict]) -> Config:
    merged = {}
    for key in sorted({*host, *board}):
        value = _value(prefix + key, (common.get(key, ABSENT), host.get(key, ABSENT),
                                      board.get(key, ABSENT)), prefer, conflicts)
        if value is not ABSENT:
            merged[key] = value
    return merged


def _value(key: str, three: tuple[Any, Any, Any], prefer: Side | None,
           conflicts: list[Conflict]) -> Any:
    common, host, board = three
    if _same(host, board) or _same(board, common):
        return host
    if _same(host, common):
        return board
    if isinstance(host, dict) and isinstance(board, dict):
        inside = common if isinstance(common, dict) else {}
        return _objects(inside, host, board, key + ".", prefer, conflicts)
    if prefer is None:
        conflicts.append(Conflict(key, common, host, board))
    return board if prefer == "board" else host
