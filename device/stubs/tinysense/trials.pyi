"""Trials: a new file of a model is good once it has run for so many windows, else it is bad.

Each start of a file on trial is written down before it is loaded. One that can't be
loaded, or with which the board restarts again and again, is bad: the file before it
becomes active, and a report is kept for the computer. slots.py says where all lies.
"""

# Written by device/files.py.
from .model import Model
from typing import Any

WINDOWS: int

def load(name: str, check: bool, selftest: bool) -> Model:
    """slots.load() of what may be on trial, bad, or not there."""

def go_back(name: str, state: dict[str, Any], why: str, by_current: bool) -> str | None:
    """Ends the trial of an active file badly: name of the model that runs then, or None.

    That is the file in the other slot; or, where the name is there because it is the
    current one since this trial, the model that was current before ("": the plain file).
    """

class Trial:
    """What a Model on trial carries: begin(), then scored() for every window, then pause()."""
    def __init__(self, name: str, state: dict[str, Any]) -> None: ...
    def begin(self) -> None:
        """From here on a restart speaks against the file."""
    def scored(self, model: Model) -> None:
        """A window gave scores; one more than the trial has proves that its last was got over."""
    def failed(self) -> None:
        """The model raised: what ends now is no ordinary end."""
    def pause(self) -> None:
        """An ordinary end: no restart was this file's, and the windows so far count."""

def whole(name: str, state: dict[str, Any], slot: str) -> bool:
    """Whether a slot holds the file that slots.json says, and that file has not failed."""

def other(slot: str) -> str:
    """The other slot."""

def set_current(name: str) -> None:
    """Makes a model the current one; "" for none."""

def write(name: str, state: dict[str, Any]) -> None:
    """Replaces slots.json in one step."""

def sha256(path: str) -> str:
    """SHA-256 of a file, in hex."""
