"""An SD card as a folder. Not confirmed on a real card."""

# Written by device/files.py.
from typing import Any

OPTIONS: tuple[Any, ...]

def mount(options: dict[str, Any]) -> str:
    """Mounts the card and returns its path; DriverError in one line where there is none."""

def mount_at(card: object, path: str) -> None:
    """MicroPython's mount, under either of its names."""
