"""The config that a file and a board both had last: what tells who changed a key since.

Kept on this computer, by board and file. The board is known by a text that its
flash keeps (tinysense.config_sync.config_id), not by its chip's number alone:
an erased flash has agreed on nothing, and must not look like one that removed
every key.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from tinysense_host.device import Device
from tinysense_host.files import write_atomically
from tinysense_host.link.transport import BoardError

__all__ = ["Agreed", "board_id", "state_folder"]

_ID = re.compile(r"[0-9a-f]{16}(-[0-9a-f]{0,64})?\Z")


def state_folder() -> Path:
    """Where it is kept: XDG_STATE_HOME/tinysense/sync."""
    named = os.environ.get("XDG_STATE_HOME")
    return (Path(named) if named else Path.home() / ".local" / "state") / "tinysense" / "sync"


def board_id(device: Device, make: bool) -> str:
    """What the board's flash is known by; "" where nothing is, or no package is there to say so.

    make: the board makes up one where it has none yet.
    """
    try:
        told = device.call("config_id", make=make)
    except BoardError:
        return ""
    return told if isinstance(told, str) and _ID.match(told) else ""


class Agreed:
    """The last common state of a file and a board."""

    def __init__(self, device: Device, path: Path) -> None:
        self._device = device
        self._file = str(path.resolve())

    def _note(self, board: str) -> Path:
        name = hashlib.sha256(f"{board} {self._file}".encode()).hexdigest()[:24]
        return state_folder() / f"{name}.json"

    def read(self) -> dict[str, Any] | None:
        """The config, None where nothing is known."""
        board = board_id(self._device, make=False)
        if not board:
            return None
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            told = json.loads(self._note(board).read_bytes())
            ours = (told["board"], told["file"]) == (board, self._file)
            if ours and isinstance(told["config"], dict):
                return dict(told["config"])
        return None

    def keep(self, config: dict[str, Any]) -> None:
        """Notes what both have now: the last thing to do, after both were written."""
        board = board_id(self._device, make=True)
        if not board:
            return
        note = self._note(board)
        note.parent.mkdir(parents=True, exist_ok=True)
        told = {"board": board, "file": self._file, "config": config}
        write_atomically(note, (json.dumps(told, indent=1) + "\n").encode())
