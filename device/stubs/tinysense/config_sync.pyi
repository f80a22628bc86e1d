"""Configs of later versions than this, and what a computer asks to merge configs."""

# Written by device/files.py.
from typing import Any

BACKUP: str
ID: str

def understood(config: dict[str, Any], passed: list[Any] | None = None) -> dict[str, Any]:
    """A config of a later version without the keys that are not known here.

    Any other is returned as it is, for check() to refuse what it does not know.
    ``passed`` collects the keys that were left out, dotted.
    """

def carried(config: dict[str, Any], path: str) -> dict[str, Any]:
    """``config``, and besides it what the file of a later version holds and load() left out."""

def config_get() -> dict[str, Any] | None:
    """The config as it stands in the file, None where there is none; defaults not filled in."""

def config_set(config: dict[str, Any]) -> bool:
    """Checks a config and puts it in the place of the old one, which is kept as a backup."""

def config_id(make: bool = True) -> str:
    """A text that this flash keeps, and no other: what was agreed with it is found by it.

    Not the chip's number alone: an erased flash has agreed on nothing. ``make``: one
    where there is none yet, else "".
    """
