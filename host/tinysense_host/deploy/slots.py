"""Models on a board: which are there, which runs, and what went wrong since.

The board's half is device/tinysense/slots.py and installing.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tinysense.slots import is_name
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.session import explain
from tinysense_host.link.transport import BoardError, LinkError

__all__ = ["BoardModels", "Slot", "SlottedModel", "ask", "checked_name", "models", "remove",
           "slot_name", "take_reports", "use"]

@dataclass(frozen=True)
class Slot:
    """A file in a slot, as it was put there."""

    size: int
    sha256: str
    source: str             # SHA-256 of the file on the computer, before it was packed
    kernels: str            # of the core it was tried on
    uploaded: str           # UTC, "" where unknown
    signed: bool
    golden: tuple[int, int]
    state: str              # "trial", "good" or "bad"


@dataclass(frozen=True)
class SlottedModel:
    """A model with its slots."""

    name: str
    active: str             # "a" or "b"
    left: int               # windows until the active file is good
    slots: dict[str, Slot]

    @property
    def running(self) -> Slot:
        """The active file."""
        return self.slots[self.active]


@dataclass(frozen=True)
class BoardModels:
    """The models of a board."""

    models: tuple[SlottedModel, ...]
    current: str            # "" where there is none
    config: str | None      # what the board's config calls its model; None: it can't be read
    note: str               # why not
    kernels: str            # of the board's core
    key: bool               # whether models must be signed

    @property
    def runs(self) -> str:
        """Name of the slotted model that runs at the next start, "" where it is a plain file."""
        return self.config if self.config and is_name(self.config) else (
            "" if self.config else self.current)

    def named(self, name: str) -> SlottedModel | None:
        """The model of that name."""
        return next((model for model in self.models if model.name == name), None)


def ask(device: Device, operation: str, /, timeout: float = 60.0, **args: Any) -> dict[str, Any]:
    """The object that an operation on the board returns; its errors in the user's words."""
    try:
        told = device.call(operation, timeout=timeout, **args)
    except BoardError as e:
        older = e.kind == "ImportError" and "tinysense." in e.text
        if older or (e.kind == "ValueError" and "expected an operation" in e.text):
            raise TinysenseError("the board's tinysense is older than this one",
                                 "put this one there: tinysense setup") from e
        raise explain(e) from e
    if not isinstance(told, dict):
        raise _nonsense(device, told)
    return told


def models(device: Device) -> BoardModels:
    """What is on the board."""
    return _models(device, ask(device, "models"))


def use(device: Device, name: str) -> BoardModels:
    """Makes a model the current one; "" for none."""
    return _models(device, ask(device, "use", name=name))


def remove(device: Device, name: str) -> BoardModels:
    """Removes a model that does not run."""
    return _models(device, ask(device, "remove", name=name))


def slot_name(name: str) -> str:
    """A model's name as that of its folder: what can't stand there becomes a dash."""
    made = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:32]
    if not is_name(made):
        raise TinysenseError(f"the model is called {name!r}, which makes no name on the board",
                             "give one of small letters, digits, - and _ with --name")
    return made


def checked_name(name: str) -> str:
    """A name that the user gave."""
    if not is_name(name):
        raise TinysenseError(f"{name!r} is no name of a model on a board",
                             "expected at most 32 small letters, digits, - and _")
    return name


def take_reports(device: Device) -> list[str]:
    """What went wrong with models since somebody was told, a line for each; told once.

    connect() does it where a board has any. Never raises what the board or its package
    lacks: it is asked in passing.
    """
    try:
        told = device.call("report")
        lines = [_line(row) for row in told if isinstance(row, dict)]
        if lines:
            device.call("report", forget=True)
    except (BoardError, TypeError):
        return []
    return lines


def _line(row: dict[str, Any]) -> str:
    """A report in a sentence. It came from the board: printable characters only."""
    def of(key: str) -> str:
        return "".join(c if c.isprintable() else "\ufffd" for c in str(row.get(key) or ""))[:300]

    uploaded = f" of {of('uploaded')}" if row.get("uploaded") else ""
    what = (f"model {of('name')}: the file{uploaded} (sha256 {of('sha256')[:12]}) failed: "
            f"{of('why')}")
    if row.get("to") is None:
        return f"{what}; there is none to go back to"
    if row.get("to") == row.get("name"):
        return f"{what}; went back to the one before, in slot {of('to_slot')}"
    return f"{what}; went back to {'model ' + of('to') if of('to') else 'model.tsm'}"


def _models(device: Device, told: dict[str, Any]) -> BoardModels:
    try:
        config = told["config"]
        return BoardModels(
            tuple(_model(row) for row in told["models"]), str(told["current"]),
            None if config is None else str(config), str(told["note"]), str(told["kernels"]),
            bool(told["key"]))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise _nonsense(device, told) from e


def _model(row: dict[str, Any]) -> SlottedModel:
    slots = {letter: _slot(row[letter]) for letter in "ab" if row.get(letter)}
    found = SlottedModel(str(row["name"]), str(row["active"]), int(row["left"]), slots)
    if not is_name(found.name) or found.active not in slots:
        raise ValueError(found)
    return found


def _slot(row: dict[str, Any]) -> Slot:
    equal, count = row.get("golden") or (0, 0)
    return Slot(int(row["size"]), str(row["sha256"]), str(row.get("source", "")),
                str(row.get("kernels", "")), str(row.get("uploaded", "")),
                bool(row.get("signature")), (int(equal), int(count)), str(row["state"]))


def _nonsense(device: Device, told: object) -> LinkError:
    return LinkError(f"the board on {device.port} answered {str(told)[:60]!r} about its models",
                     "put the package of this version there: tinysense setup")
