"""Clocks that never allocate on a board: small integers that wrap.

On MicroPython these are the functions of ``time``; on CPython the same names
over the performance counter, which does not wrap.
"""

try:
    from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_ms, ticks_us
except ImportError:
    import time

    def ticks_us() -> int:
        return time.perf_counter_ns() // 1000

    def ticks_ms() -> int:
        return time.perf_counter_ns() // 1000000

    def ticks_diff(later: int, earlier: int) -> int:
        return later - earlier

    def ticks_add(ticks: int, delta: int) -> int:
        return ticks + delta

    def sleep_ms(ms: int) -> None:
        time.sleep(ms / 1000)

    def sleep_us(us: int) -> None:
        time.sleep(us / 1000000)
