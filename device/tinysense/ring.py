"""Ring: frames that wait in memory while the program is busy elsewhere. The ring is C's."""

from .errors import TinysenseError
from .native import core

_CHUNK_FRAMES = 32


class Ring:
    """A driver before another one: what it reads waits here, holes at their places.

        ring = Ring(driver, 512)
        ring.start()                     # with an interrupt pin: frames come in by themselves
        tinysense.Pipeline(ring, model).run()

    ``pump()`` takes what the driver has; read_into() does so too. After start()
    it also runs when the driver's pin has fired, between two bytecodes of
    whatever the program does (micropython.schedule). Where the ring is full
    the oldest frames are overwritten: they count as ``dropped``, and as
    ``overwritten``. Frames come out in order, and ``dropped`` grows in the
    read_into() that returns the first frames after a loss.
    """

    def __init__(self, driver: "Driver", capacity: int):
        """``capacity`` in frames."""
        if not 1 <= capacity < 1 << 20:
            raise TinysenseError("ring: expected a capacity of 1 to 1048575 frames, got %r"
                                 % capacity)
        self.driver = driver
        self.capacity = capacity
        self.channels: int = driver.channels
        self.overwritten = 0
        self._frames = bytearray(2 * driver.channels * capacity)
        self._state = bytearray(core.ring_state_bytes())
        _checked(core.ring_init(self._state, self._frames, driver.channels))
        self._chunk = bytearray(2 * driver.channels * _CHUNK_FRAMES)
        self._told = driver.dropped
        self._before = driver.dropped  # lost before the ring was there
        self._busy = False
        self._failure = None
        self._pump = self._scheduled
        self.watch = None  # watch(chunk, n): sees frames as they come in

    # What a driver says of itself is the inner one's.
    def __getattr__(self, name):
        return getattr(self.driver, name)

    @property
    def dropped(self) -> int:
        """Frames lost before those last handed out, by the driver or for want of room."""
        return self._before + core.ring_lost(self._state)

    @property
    def waiting(self) -> int:
        """Frames held."""
        return core.ring_held(self._state)

    @property
    def done(self) -> bool:
        return self.driver.done and self.waiting == 0

    def start(self) -> None:
        """Pumps at every interrupt of the driver's pin; TinysenseError where it has none."""
        if self.driver.interrupt is None:
            raise TinysenseError("ring: the driver has no interrupt pin: name int_pin in its "
                                 "options, or call pump() from a timer")
        self.driver.interrupt.call(self._pump)

    def pump(self) -> int:
        """Takes what the driver has; returns how many frames."""
        if self._busy:  # a scheduled pump came between
            return 0
        self._busy = True
        taken = 0
        try:
            n = -1
            while n != 0:
                n = self.driver.read_into(self._chunk)
                lost = self.driver.dropped - self._told
                self._told += lost
                if n and self.watch is not None:
                    self.watch(self._chunk, n)
                if n or lost:
                    self.overwritten = core.ring_push(self._state, self._frames, self._chunk, n,
                                                      lost)
                taken += n
        finally:
            self._busy = False
        return taken

    def read_into(self, buf: bytearray) -> int:
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        self.pump()
        return core.ring_pop(self._state, self._frames, buf, len(buf) // (2 * self.channels))

    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read (see Fifo.stamp)."""
        self.driver.stamp(n + self.waiting, out, at)

    def close(self) -> None:
        self.driver.close()

    def __enter__(self) -> "Ring":
        return self

    def __exit__(self, *exc: "object") -> None:
        self.close()

    def _scheduled(self, _):
        # Nobody sees an exception here: the next read_into() raises it.
        try:
            self.pump()
        except OSError as e:
            self._failure = e


def _checked(code):
    if code < 0:
        raise TinysenseError("ring: " + core.error_text(code))
