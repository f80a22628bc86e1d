"""Chips with a FIFO: bursts, losses by overflow and by faults, true rate and times."""

from ..errors import DriverError
from ..native import core
from ..ticks import ticks_diff, ticks_us
from .driver import Driver
from .interrupt import Interrupt
from .timebase import Timebase

FIFO_OPTIONS = (
    ("batch_ms", int, 40, (1, 10000), "frames gather in the chip's FIFO for this long"),
)
CHUNK_FRAMES = 32  # of one burst
OVERFLOW = -1
# Builtins and the core's functions stand in tables that are searched from their first row on.
_len, _min, _unpack = len, min, core.frames_unpack


class Fifo(Driver):
    """Base of drivers of chips that keep frames until they are read.

    A subclass calls _describe(), then _start_fifo(), and has

        _level() -> frames that wait in the chip, or OVERFLOW where it overflowed
                         or holds half a frame: then all of it is given up
        _fetch(n, buf)   reads n frames (at most CHUNK_FRAMES) from there into buf,
                         with burst(), since reading takes them away; where
                         each needs a transfer, returns how many came before one failed
        _restart()       empties the FIFO; what was in it is lost
        _sleep()         puts the chip to sleep, for close(); lets no OSError out

    and raises OSError for failed transfers from the first three. A chip that
    overwrites its oldest frames and stays in step need not say OVERFLOW: what
    is missing is found by the clock.

    How many frames must have been sampled follows from the measured rate
    (sensing/timebase.py), so ``dropped`` is exact after an overflow, and after bursts
    that failed when the chip had given up part of them. While the rate
    is not known (256 frames, half a second), it is the nominal one's, and a FIFO
    that is full counts as one that overflowed.
    """

    capacity = 0  # frames that the chip holds

    def _start_fifo(self, stride, capacity, batch_ms, pin=None, now=None, active_low=False,
                    every_frame=False):
        """``stride``: bytes of a frame in the FIFO; ``now``: a clock for tests.

        ``pin`` interrupts at the watermark, or for ``every_frame``.
        """
        self.capacity = capacity
        self.watermark: int = max(1, min(self.rate_mhz * batch_ms // 1000000, capacity // 2))
        self._now = now or ticks_us
        self.timebase = Timebase(self.rate_mhz, now)
        view = memoryview(bytearray(stride * CHUNK_FRAMES))
        self._bursts = [view[: stride * n] for n in range(CHUNK_FRAMES + 1)]
        self._most = CHUNK_FRAMES  # of one burst, for chips that must be read in fewer
        self._size = 2 * self.channels
        self._pending = 0  # frames seen in the chip, not read yet
        self._lost = 0  # to be told with the next frames
        self._torn = False  # a burst failed: the chip may have given up part of it
        self._paused = False  # the chip does something else than to fill its FIFO
        self._halted = False  # emptying the FIFO failed half-way: it may be off
        self.interrupt = None  # here, not in a base class, where each look would go to find it
        period_us = 1000000000 // self.rate_mhz
        self._batch_us = self.watermark * period_us
        self._fill_us = period_us * 9 // 10  # by a frame, where the chip's clock is fast
        self._looked = self._now() - self._batch_us
        if pin is not None:
            self.interrupt = Interrupt(pin, active_low, 4 * self._batch_us + 2000,
                                       self.watermark if every_frame else 1, now)

    @property
    def measured_mhz(self) -> int:
        """The chip's true rate by the board's clock, 0 while unknown."""
        return self.timebase.measured_mhz

    def read_into(self, buf: bytearray) -> int:
        """Frames from the chip's FIFO; 0 where fewer wait than a batch.

        A failed transfer is counted in ``errors``; 50 reads in a row that
        fail raise DriverError.
        """
        if self.done or self._paused:
            return 0
        if self._pending == 0 and (
                ticks_diff(self._now(), self._looked) < self._batch_us
                if self.interrupt is None else not self.interrupt.take()):
            return 0  # too early for a batch, as most calls are
        pending, n, fetching = self._pending, 0, False
        try:
            if self._halted or self._torn or pending and self._stale(pending):
                pending = self._recover()
            elif pending == 0:
                pending = self._look()
            n = _min(_len(buf) // self._size, pending, self._most)
            if n > 0:
                fetching = True
                came = self._fetch(n, buf)
                fetching = False
                if came is not None:
                    n, self._torn = came, True
        except BaseException as e:  # Ctrl-C too
            if fetching:
                self._pending, self._torn = pending, True
            if not isinstance(e, OSError):
                raise
            self._failed(e)
            return 0
        pending -= n
        # Mostly nothing has changed; where a class has properties, to set an attribute
        # takes as long as two calls.
        if pending != self._pending or self._lost or self._in_a_row:
            self._settle(n, pending)
        return n

    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read: 8 bytes, little-endian us."""
        self.timebase.stamp(self._pending + n - 1, out, at)

    def close(self) -> None:
        """Stops reading and puts the chip to sleep; the bus stays the caller's."""
        if self.done:
            return
        self.done = True
        if self.interrupt is not None:
            self.interrupt.close()
        self._sleep()

    def resume(self) -> None:
        """Samples again after wake_on_motion(). What was not sampled meanwhile counts as lost."""
        if self._paused:
            self._configure()
            self._give_up()
            self._paused = False

    def _pause(self):
        """From now on read_into() finds nothing, and the interrupt tells of something else."""
        self._paused = True
        if self.interrupt is not None:
            self.interrupt.take()  # an edge that told of frames

    def _begin(self):
        """Empties the FIFO; frames lost from here on count, read or not."""
        self._restart()
        self.timebase.mark(0)

    def _configure(self):
        """Sets the chip up to sample; for resume()."""

    def _sleep(self):
        """Puts the chip to sleep; a chip that no longer answers need not sleep."""

    def _stale(self, pending):
        """Whether the FIFO may have overflowed since the last look, what waits in it unread."""
        return ticks_diff(self._now(), self._looked) >= (self.capacity - pending) * self._fill_us

    def _recover(self):
        """After a transfer that failed, or a stall between two bursts; frames that wait."""
        if self._halted:
            self._give_up()
        else:
            self._mend()
        return self._pending

    def _settle(self, n, pending):
        """After n frames were read."""
        self._in_a_row = 0
        self._pending = pending
        if n > 0 and self._lost:
            self.dropped += self._lost
            self._lost = 0

    def _look(self):
        """Asks how many frames wait, which it returns, and takes the time of that."""
        began = self._now()
        self._looked = began
        level = self._level()
        gone = 0
        if level < 0 or level >= self.capacity:
            if self._unclear(level):
                self._give_up()
                return 0
            gone = self._surely(self.timebase.behind() - level)  # overwritten
        missing = gone + self.timebase.mark(level + gone, 0, ticks_diff(self._now(), began))
        if missing:
            self._lost += missing
        return level

    def _surely(self, n):
        """Of n frames by the clock all but one: mark() adds that where it is sure of it.

        One too many would stay for ever.
        """
        return max(0, n - 1 if self.timebase.measured_mhz else n)

    def _unclear(self, level):
        """An overflow, or perhaps one that the clock cannot measure yet."""
        return level == OVERFLOW or level >= self.capacity and self.timebase.measured_mhz == 0

    def _mend(self):
        """The chip may have given up some of the oldest frames."""
        self._looked = self._now()
        level = self._level()
        if self._unclear(level):
            self._give_up()
            return
        gone = max(0, self._pending - level)
        self._lost += gone + self.timebase.mark(max(0, level - self._pending))
        self._pending = level
        self._torn = False

    def _give_up(self):
        """Empties the FIFO. All that was sampled until now and not read is lost."""
        self._halted = True
        self._restart()
        self._halted = False
        more = self._surely(self.timebase.behind())
        self._lost += self._pending + more + self.timebase.mark(more)
        self._pending = 0
        self._torn = False


def unpacked(raw: "Buffer", n: int, layout: bytes, buf: bytearray) -> None:
    """n frames of a FIFO's bytes into buf, as ``layout`` says (see layout_of)."""
    if _unpack(raw, n, layout, buf) < 0:
        raise DriverError(22, "expected %d frames of %d bytes, got %d bytes"
                          % (n, layout[0], len(raw)))


def layout_of(stride: int, offsets: tuple, big_endian: bool = False, shift: int = 0) -> bytes:
    """How a frame lies in the FIFO: bytes of it, where each channel begins, left shift."""
    return bytes((stride, len(offsets), big_endian, shift)) + bytes(offsets)
