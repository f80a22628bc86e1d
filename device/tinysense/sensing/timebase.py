"""Time of frames by the board's clock: 64 bits, in C, without allocation."""

from ..errors import TinysenseError
from ..native import core
from ..ticks import ticks_ms, ticks_us

# The core is a table that is searched from its first row on: these are asked for often.
_read, _mark, _rate = core.clock_read, core.timebase_mark, core.timebase_rate


class DeviceClock:
    """Microseconds since the board started. ``now``: a clock for tests instead of the board's."""

    def __init__(self, now: "Callable[[], int] | None" = None):
        self.state = bytearray(core.clock_bytes())
        self._us = now or ticks_us
        self._ms = None if now else ticks_ms

    def read(self) -> None:
        """Takes the time, for what is asked next. Every six days at least."""
        us = self._us()
        _read(self.state, us, us // 1000 if self._ms is None else self._ms())

    def stamp(self, out: bytearray, at: int = 0) -> None:
        """The time now into out[at : at + 8], little-endian microseconds."""
        self.read()
        core.clock_stamp(self.state, out, at)


_shared = []  # the board's clock, once somebody asked for it


def device_clock() -> DeviceClock:
    """The board's clock, the same for all: times of one start compare with each other."""
    if not _shared:
        _shared.append(DeviceClock())
    return _shared[0]


class Timebase:
    """When frames were sampled, and how fast the sensor's clock really runs.

    A driver says how many frames have been sampled by now, lost ones
    included; from that follow the rate (``measured_mhz``), the time of each frame,
    and frames that must be missing.
    """

    def __init__(self, rate_mhz: int, now: "Callable[[], int] | None" = None):
        self.clock = DeviceClock(now) if now else device_clock()
        self._state = bytearray(core.timebase_bytes())
        if core.timebase_init(self._state, rate_mhz) < 0:
            raise TinysenseError("expected a rate of 1 to 1000000000 mHz, got %r" % rate_mhz)

    @property
    def measured_mhz(self) -> int:
        """The true rate by the board's clock; 0 until half a second and 256 frames have passed."""
        return _rate(self._state)

    def mark(self, n: int, back_us: int = 0, width_us: int = 0, exact: bool = True) -> int:
        """``n`` more frames had been sampled ``back_us`` before now, lost ones counted.

        ``exact``: and the next one had not, ``width_us`` earlier (the time
        that looking took). Returns how many more must have been sampled, which are lost.
        """
        self.clock.read()
        return _mark(self._state, self.clock.state, n, back_us, width_us, exact)

    def behind(self) -> int:
        """Frames sampled since the last mark, by the clock alone."""
        self.clock.read()
        return core.timebase_behind(self._state, self.clock.state)

    def stamp(self, back: int, out: bytearray, at: int = 0) -> None:
        """Time of the frame ``back`` frames before the newest: 8 bytes, little-endian us."""
        core.timebase_stamp(self._state, back, out, at)
