"""Which files a computer may reach by operations and over a network, and doing it.

Written: models in /ts/models but the one that runs, their signatures, and a config on its
way to being checked. Read: these, and what recorders wrote. Nothing that runs (/lib, main.py), no
key and no secret. The names decide, whatever folder a config says: a recorder's folder
set to /ts would show nothing.
"""

# Written by device/files.py.
from typing import Any

MODELS: str
CONFIG: str

def may_write(path: str) -> bool:
    """Whether a file may be put there, renamed and removed."""

def may_read(path: str) -> bool:
    """Whether a file may be read."""

def recorded() -> list[Any]:
    """The folders that recordings go to, by the config."""

def listing(folder: str, after: str = '') -> list[Any]:
    """[name, bytes, is a folder] of the first so many names behind ``after``, in order."""

def stat(path: str) -> list[Any] | None:
    """[name, bytes, is a folder], None where there is none."""

def remove(path: str) -> bool:
    """Removes a model's file, its ``.part``, or an empty folder of models."""

def rename(source: str, target: str) -> bool:
    """Renames a model's file, whatever stood there before."""

def mkdir(path: str) -> bool:
    """Makes a model's folder and those above it; it may exist."""

def some(folder: str, after: str) -> list[Any]:
    """The first names behind ``after`` in a folder, in order: a bounded part of it."""
