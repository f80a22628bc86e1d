"""Memory: taking large blocks, and saying what is missing where there is none."""

import gc


def free_bytes() -> int:
    """Free heap after a collection; -1 where the interpreter does not tell (CPython)."""
    gc.collect()
    return gc.mem_free() if hasattr(gc, "mem_free") else -1


def largest_block() -> int:
    """The largest bytearray that can be made now, to 64 bytes; -1 on CPython.

    Found by trying: about 12 collections, some milliseconds each.
    """
    low, high = 0, free_bytes()
    if high < 0:
        return -1
    while high - low > 64:
        middle = (low + high) // 2
        try:
            bytearray(middle)
            low = middle
        except MemoryError:
            high = middle
        gc.collect()
    return low


def take(size: int, purpose: str) -> bytearray:
    """A zeroed bytearray, or a MemoryError that says needed, free and largest block."""
    try:
        return bytearray(size)
    except MemoryError:
        gc.collect()
    try:
        return bytearray(size)
    except MemoryError:
        pass
    raise MemoryError(
        "%s needs %d bytes in one piece, free %d, largest free block %d: load the model first "
        "thing after a reset, before other imports, or convert a smaller one"
        % (purpose, size, free_bytes(), largest_block())
    )
