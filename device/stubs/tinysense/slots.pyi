"""Slots: a model has two files on the board, and the one before stays until the new one has run.

    /ts/models/<name>/a.tsm, b.tsm    the files
    /ts/models/<name>/slots.json      which of them is active, and what is known of both
    /ts/models/current                name of the model that a config without `model` runs

A new file is "on trial" (trials.py) until it is "good", or "bad". This is what the
start of a good one needs; installing.py puts files there.
"""

# Written by device/files.py.
from .model import Model
from typing import Any

ROOT: str
SLOTS: tuple[Any, ...]
PLAIN: str

def is_name(text: str) -> bool:
    """Whether a text can be the name of a model with slots: it becomes a folder's."""

def checked(name: str) -> str:
    """The name; ModelError where it is none."""

def file_of(name: str, slot: str) -> str:
    """Path of the file in a slot."""

def current() -> str:
    """Name of the current model, "" where there is none."""

def read(name: str) -> dict[str, Any] | None:
    """What slots.json of a model says, None where it has none."""

def fresh(slot: str) -> dict[str, Any]:
    """slots.json of a model without files."""

def load(name: str = '', check: bool = True, selftest: bool = False) -> Model:
    """The Model in the active slot; "" for the current model. See tinysense.model.load.

    A file that fails, or has failed too often, is replaced by the one before it.
    """

def plain(check: bool, selftest: bool) -> Model:
    """The Model of a board without slots."""

def opened(name: str, state: dict[str, Any], check: bool, selftest: bool) -> Model:
    """The Model in the active slot, whatever its state."""

def opened_file(path: str, check: bool, name: str, signature: str) -> Model:
    """A Model from a slot's file; where the board has a key, its signature must be right."""

def exists(path: str) -> bool:
    """Whether there is such a file or folder."""
