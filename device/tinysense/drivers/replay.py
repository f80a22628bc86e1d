"""Frames that were recorded before: Replay plays a .tsr file, Feed what is pushed into it."""

from ..channels import per_count
from ..copying import copy_bytes
from ..recording import BLOCK, COUNT_AT, LOST_AT, Reader, check
from ..sensing.clock import Clock

OPTIONS = (
    ("path", str, None, "file", "the .tsr file"),
    ("loop", bool, False, None, "begin again at the end"),
    ("realtime", bool, True, None, "at the recorded rate; false: as fast as the model runs"),
)


def build(options: dict, sensor: "Sensor | None" = None) -> "Replay":
    return Replay(options["path"], options["loop"], options["realtime"])


class Replay:
    """Plays a .tsr file. The whole file is checked here, once; then it is trusted.

    ``dropped`` counts the frames that the recording itself lost.
    """

    def __init__(self, path: str, loop: bool = False, realtime: bool = True):
        with Reader(path) as reader:
            block = next(reader)
            self._describe(block)
            self.measured_mhz = block.measured_rate_mhz
            for block in reader:  # each is checked
                self.measured_mhz = block.measured_rate_mhz
        self.dropped = self.errors = 0
        self.done = False
        self._loop = loop
        self._clock = Clock(self.rate_mhz) if realtime else None
        self._credit = 0
        self._file = open(path, "rb")
        self._block = bytearray(BLOCK)
        self._at = self._end = 0  # next byte of the block, end of its frames
        self._lost = 0  # by the recording's own account, up to this block
        self._gap = 0  # lost before the block that is loaded, not told yet

    def read_into(self, buf: bytearray) -> int:
        size = 2 * self.channels
        room = len(buf) // size
        if self._clock is not None:
            self._credit += self._clock.due()
            room = min(room, self._credit)
        if room > 0:
            self.dropped += self._gap
            self._gap = 0
        n = 0
        while n < room and (self._at < self._end or self._next_block(n)):
            count = min(room - n, (self._end - self._at) // size)
            copy_bytes(buf, n * size, self._block, self._at, count * size)
            self._at += count * size
            n += count
        if self._clock is not None:
            self._credit = 0 if self.done else self._credit - n
        return n

    def close(self) -> None:
        self.done = True
        self._at = self._end = 0
        self._file.close()

    def _describe(self, block):
        """What the recording says of itself, the same in all of its blocks."""
        self.rate_mhz, self.channels, self.label = block.rate_mhz, block.channels, block.label
        self.units, self.full_scale, self.scale = block.units, block.full_scale, block.scale
        self._header = block.header
        self._lost_at = LOST_AT[block.version]

    def _next_block(self, taken):
        """Loads the next block; False where none is left.

        A block after a gap is loaded but waits for the next call while frames
        from before the gap are on their way.
        """
        if self.done:
            return False
        if not self._file.readinto(self._block):
            if not self._loop:
                self.done = True
                return False
            self._file.seek(0)
            self._lost = 0
            self._file.readinto(self._block)
        block = self._block
        lost = _small(block, self._lost_at, 4)
        gap = lost - self._lost
        self._lost = lost
        self._at = self._header
        self._end = self._header + _small(block, COUNT_AT, 2) * 2 * self.channels
        if taken > 0 and gap > 0:
            self._gap = gap
            return False
        self.dropped += gap
        return True


class Feed:
    """Frames pushed in by someone else: the link, a test, another task.

    ``units``, ``full_scale``: one value, or a tuple with one for each channel.
    ``feed(data)`` takes whole frames and returns how many it had room for;
    the rest is the caller's to send again. ``feed(data, dropped=n)`` says
    that n were lost on the way. ``end()`` makes the driver ``done`` once
    empty.
    """

    def __init__(self, rate_mhz: int, channels: int, units: "str | tuple",
                 full_scale: "float | tuple", capacity: int = 256):
        check(channels, units, full_scale)
        self.rate_mhz, self.channels, self.units = rate_mhz, channels, units
        self.full_scale, self.scale = full_scale, per_count(full_scale)
        self.measured_mhz = 0
        self.dropped = self.errors = 0
        self._ring = bytearray(2 * channels * capacity)
        self._capacity = capacity
        self._head = 0  # frame to write next
        self.waiting = 0  # frames held
        self._gap = 0  # frames lost on the way, not told yet
        self._before_gap = 0  # frames held that came before them
        self._ended = False

    @property
    def done(self) -> bool:
        return self._ended and self.waiting == 0

    def feed(self, data: "Buffer", dropped: int = 0) -> int:
        """Takes int16 frames (n, channels); returns how many there was room for."""
        size = 2 * self.channels
        n = min(len(data) // size, self._capacity - self.waiting)
        before = min(n, self._capacity - self._head)
        copy_bytes(self._ring, self._head * size, data, 0, before * size)
        copy_bytes(self._ring, 0, data, before * size, (n - before) * size)
        if dropped:
            if self._gap == 0:
                self._before_gap = self.waiting
            self._gap += dropped
        self._head = (self._head + n) % self._capacity
        self.waiting += n
        return n

    def end(self) -> None:
        """No more frames will come."""
        self._ended = True

    def read_into(self, buf: bytearray) -> int:
        size = 2 * self.channels
        n = min(len(buf) // size, self.waiting)
        if self._gap > 0 and self._before_gap == 0:
            self.dropped += self._gap
            self._gap = 0
        elif self._gap > 0:
            n = min(n, self._before_gap)
            self._before_gap -= n
        start = (self._head - self.waiting) % self._capacity
        before = min(n, self._capacity - start)
        copy_bytes(buf, 0, self._ring, start * size, before * size)
        copy_bytes(buf, before * size, self._ring, 0, (n - before) * size)
        self.waiting -= n
        return n

    def close(self) -> None:
        self._ended = True
        self.waiting = 0


def _small(block, at, size):
    """A little-endian number, without struct's tuple and without big integers below 2^30."""
    value = 0
    for i in range(size - 1, -1, -1):
        value = value << 8 | block[at + i]
    return value
