"""A pin that says that frames wait. The interrupt itself sets flags, nothing else."""

from ..ticks import ticks_diff, ticks_us


class Interrupt:
    """``Interrupt(Pin(7, Pin.IN))``: set by the pin's rising edge (falling with ``active_low``).

    ``take()`` says whether there were ``edges`` of them since the last time. An edge can
    be missed, so after ``patience_us`` the answer is yes all the same.
    """

    def __init__(self, pin: "Pin", active_low: bool = False, patience_us: int = 1000000,
                 edges: int = 1, now: "Callable[[], int] | None" = None):
        self._pin, self._patience = pin, patience_us
        self._level = 0 if active_low else 1
        self._now = now or ticks_us
        self._edges = edges
        self._count = edges
        self._last = self._now()
        self._flag = None  # asyncio's, made when somebody waits
        self._call = None
        self._schedule = None
        handler = self._handler
        edge = pin.IRQ_FALLING if active_low else pin.IRQ_RISING
        try:
            pin.irq(handler, edge, hard=True)
        except TypeError:  # ports without hard interrupts
            pin.irq(handler, edge)

    def _handler(self, pin):
        self._count += 1
        if self._flag is not None:
            self._flag.set()
        if self._call is not None and self._count >= self._edges:
            try:
                self._schedule(self._call, None)
            except RuntimeError:
                pass  # the queue is full: the next edge, or the next read, does it

    def call(self, function: "Callable") -> None:
        """From now on function(None) runs soon after each interrupt, outside of it."""
        import micropython

        self._schedule = micropython.schedule
        self._call = function

    def take(self) -> bool:
        """Whether to look at the chip: it fired, its pin still is active, or it is long silent."""
        now = self._now()
        if not self._active() and ticks_diff(now, self._last) < self._patience:
            return False
        self._count = 0
        self._last = now
        return True

    def fired(self) -> bool:
        """Whether there was an edge, or the pin is active, since the last take()."""
        return self._count > 0 or self._pin.value() == self._level

    def _active(self):
        # A level that stays says as much as an edge, but not where edges are counted.
        return self._count >= self._edges \
            or self._edges == 1 and self._pin.value() == self._level

    async def wait(self) -> None:
        """Returns at the next edge; at once if one has not been taken yet."""
        import asyncio

        if self._flag is None and hasattr(asyncio, "ThreadSafeFlag"):
            self._flag = asyncio.ThreadSafeFlag()
        if self._active():
            await asyncio.sleep(0)
        elif self._flag is None:
            await asyncio.sleep(0.002)
        else:
            await self._flag.wait()

    def close(self) -> None:
        """The pin interrupts no more."""
        self._call = None
        self._pin.irq(None)
