"""What a computer does with the models on a board: see, put, choose, go back, remove.

Every function takes and returns what JSON holds (tinysense.operations names them).
A file is tried on this board's core before it becomes a model's active one, which
is one rename of its slots.json (tinysense.slots).
"""

# Written by device/files.py.
from typing import Any

def models() -> dict[str, Any]:
    """What is there: {"models": [..], "current", "config", "note", "kernels", "key"}.

    Of each: name, active, left, tries, before, a and b (None where empty; see install()).
    "config": what the config calls its model, "" for the current one; None where it
    can't be read, and why in "note". "kernels": of this core; "key": whether models must
    be signed.
    """

def ready() -> dict[str, Any]:
    """Imports all that a running pipeline needs: the free memory after it is what a model finds."""

def driver(sensor: dict[str, Any]) -> dict[str, Any]:
    """What the configured driver gives, made for such a sensor (of a model's META).

    {"driver", "axes": of the config, "facts": None where it can't be made, "note": why}
    """

def prepare(name: str, sha256: str = '') -> dict[str, Any]:
    """{"slot", "path"}: where a model's next file goes, the folder made.

    That is the slot which holds the same file already, else the one that is not active.
    While the active file is on trial, or bad, and the other is good, the other becomes
    active, so that the good one is not overwritten.
    """

def install(name: str, slot: str, sha256: str, uploaded: str = '', signature: str = '', golden: bool = True, windows: int = ..., source: str = '') -> dict[str, Any]:
    """Tries the file of a slot, then makes it the active one of the current model, on trial.

    Returns as trial() does. Raises, with nothing changed, where it is another file than
    ``sha256`` says, is not signed as this board wants, can't be loaded, gives other
    golden outputs or does not fit the configured driver. ``uploaded``: when, UTC;
    ``windows``: that it is on trial for, 0 for none; ``source``: SHA-256 of the file that
    it was packed from. slots.json keeps of the file: size, sha256, source, kernels of the
    core that it was tried on, golden [equal, all], uploaded, signature, and state: trial,
    good or bad.
    """

def trial(path: str, golden: bool = True) -> dict[str, Any]:
    """Loads a model file, runs its golden vectors, compares it with the configured driver.

    {"golden": [equal, all], "driver": "" where the model has no sensor, "note": why that
    could not be made}
    """

def use(name: str) -> dict[str, Any]:
    """Makes a model the current one; "" for none, so that model.tsm runs. As models()."""

def rollback(name: str = '') -> dict[str, Any]:
    """Goes back to the file in the other slot: {"name", "from", "to", "sha256"}."""

def remove(name: str) -> dict[str, Any]:
    """Removes a model that does not run, with both its files. As models()."""

def report(forget: bool = False) -> list[Any]:
    """What went wrong with models and is not told yet: [{name, slot, sha256, why, to, ..}].

    forget: it is told now.
    """
