"""Clocks that never allocate on a board: small integers that wrap.

On MicroPython these are the functions of ``time``; on CPython the same names
over the performance counter, which does not wrap.
"""

# Written by device/files.py.

def ticks_us() -> int: ...

def ticks_ms() -> int: ...

def ticks_diff(later: int, earlier: int) -> int: ...

def ticks_add(ticks: int, delta: int) -> int: ...

def sleep_ms(ms: int) -> None: ...
