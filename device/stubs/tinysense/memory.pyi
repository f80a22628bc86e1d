"""Memory: taking large blocks, and saying what is missing where there is none."""

# Written by device/files.py.

def free_bytes() -> int:
    """Free heap after a collection; -1 where the interpreter does not tell (CPython)."""

def largest_block() -> int:
    """The largest bytearray that can be made now, to 64 bytes; -1 on CPython.

    Found by trying: about 12 collections, some milliseconds each.
    """

def take(size: int, purpose: str) -> bytearray:
    """A zeroed bytearray, or a MemoryError that says needed, free and largest block."""
