"""Copying inside buffers without making a slice: by the core, byte by byte where there is none."""

# Written by device/files.py.
from .types import Buffer

def copy_bytes(to: bytearray, at: int, source: Buffer, start: int, n: int) -> int:
    """Copies ``n`` bytes, to ``at`` in ``to`` from ``start`` in ``source``; -1 if outside."""
