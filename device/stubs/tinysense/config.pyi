"""The device's config: one JSON file, one table of what may stand in it.

A row is (name, type, default, range, doc). ``type``: a type, or a tuple of
two; ``range``: (lowest, highest) for numbers, a tuple of allowed texts for
texts, None for no limit; a default of None means that the key must be given.
Drivers and outputs keep rows of the same kind for their options, and the
computer's `tinysense sync` reads them all.
"""

# Written by device/files.py.
from typing import Any
from .types import Module

PATH: str
ROWS: tuple[Any, ...]

def defaults(rows: tuple[Any, ...] = ...) -> dict[str, Any]:
    """A new dict of all defaults."""

def validate(config: dict[str, Any]) -> dict[str, Any]:
    """The whole config, defaults filled in; ConfigError names key, expected and got."""

def check(rows: tuple[Any, ...], given: dict[str, Any], where: str) -> dict[str, Any]:
    """``given`` against a table of rows; returns it with defaults filled in."""

def load(path: str = ...) -> dict[str, Any]:
    """The config in a file, validated. A file that is not there gives the defaults."""

def save(config: dict[str, Any], path: str = ...) -> None:
    """Validates, then replaces the file in one step: a power cut leaves the old or the new."""

def plugin(folder: str, name: str) -> Module:
    """The module tinysense.<folder>.<name>, for a name that came from outside."""

def distance(a: str, b: str) -> int:
    """How many letters must be put in, left out or changed to make a into b."""
