"""The sample clock: how many frames are due, in small integers that wrap."""

from ..ticks import ticks_add, ticks_diff, ticks_us


class Clock:
    """Ticks at ``rate_mhz`` from the first call of due() on, without drift.

    ``now``: a function like time.ticks_us, for tests.
    """

    def __init__(self, rate_mhz: int, now: "Callable[[], int] | None" = None):
        self._now = now or ticks_us
        self._rate = rate_mhz
        self._period_us, self._rest = divmod(1000000000, rate_mhz)
        self._carry = 0
        self._next = 0
        self._running = False

    def due(self) -> int:
        """Ticks since the last call; the first call gives 1."""
        now = self._now()
        if not self._running:
            self._running = True
            self._next = now
        late = ticks_diff(now, self._next)
        if late < 0:
            return 0
        n = late // (self._period_us or 1) + 1
        carry = self._carry + n * self._rest
        self._next = ticks_add(self._next, n * self._period_us + carry // self._rate)
        self._carry = carry % self._rate
        return n

    def stop(self) -> None:
        """The next due() starts anew: time until then does not count."""
        self._running = False
