"""The device's config: one JSON file, one table of what may stand in it.

A row is (name, type, default, range, doc). ``type``: a type, or a tuple of
two; ``range``: (lowest, highest) for numbers and for the numbers in an object,
a tuple of allowed texts for texts, "file" for a file's path, for an object the
module whose OPTIONS it takes, None for no limit; a default of None means that
the key must be given. Drivers and outputs keep rows of the same kind for their
options, and the computer's `tinysense sync` makes a JSON Schema of them all.
"""

# Written by device/files.py.
from .types import Module
from typing import Any

PATH: str
VERSION: int
ROWS: tuple[Any, ...]

def defaults(rows: tuple[Any, ...] = ...) -> dict[str, Any]:
    """A new dict of all defaults."""

def validate(config: dict[str, Any]) -> dict[str, Any]:
    """The whole config, defaults filled in; ConfigError names key, expected and got.

    The options of driver and outputs are left to check_options(). Of a config
    of a later version what is not known here is left out.
    """

def newer(config: dict[str, Any]) -> bool:
    """Whether it was written for later rows than these."""

def check_options(config: dict[str, Any]) -> None:
    """ConfigError unless driver and outputs are here and their options fit; recorder's too.

    Imports their modules; a pipeline does not need it, since it checks each
    that it makes.
    """

def choose(folder: str, name: str, given: dict[str, Any]) -> tuple[Any, ...]:
    """(module, options checked and filled in) of the driver or output of that name."""

def rows_of(name: str) -> tuple[Any, ...]:
    """The OPTIONS of a module of the package."""

def path_fault(path: str) -> str:
    """What is wrong with a path on the board, "" if nothing is."""

def check(rows: tuple[Any, ...], given: dict[str, Any], where: str) -> dict[str, Any]:
    """``given`` against a table of rows; returns it with defaults filled in."""

def load(path: str = ...) -> dict[str, Any]:
    """The config in a file, validated. A file that is not there gives the defaults."""

def save(config: dict[str, Any], path: str = ...) -> None:
    """Validates, then replaces the file in one step: a power cut leaves the old or the new.

    What the file holds for a later version than this one stays in it.
    """

def write(config: dict[str, Any], path: str) -> None:
    """Replaces a file in one step; what is to go there was checked."""

def parsed(text: str, path: str) -> dict[str, Any]:
    """What a config file holds, not checked; ConfigError where that is no JSON."""

def plugin(folder: str, name: str) -> Module:
    """The module tinysense.<folder>.<name>, for a name that came from outside."""

def distance(a: str, b: str) -> int:
    """How many letters must be put in, left out or changed to make a into b."""
