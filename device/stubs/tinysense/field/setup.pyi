"""A Recorder from the config: its driver, triggers and signs."""

# Written by device/files.py.
from ..field.recorder import Recorder
from typing import Any

def from_config(kind: type, config: dict[str, Any] | str | None) -> Recorder:
    """``kind``: the class to make."""
