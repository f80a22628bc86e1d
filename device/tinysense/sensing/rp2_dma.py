"""RP2040, RP2350: two DMA channels that fill a ring for ever, and how much of it is new.

Sections of the RP2040 data sheet; the RP2350 has the same registers.
"""

from ..errors import DriverError
from ..ticks import ticks_diff, ticks_us
from .microphone import ratio_of

DMA_BASE = 0x50000000  # 2.5.7
CHANNEL_BYTES = 0x40
AL2_WRITE_ADDR_TRIG = 0x2C  # a write here sets the address and starts the channel
TREQ_PERMANENT = 0x3F  # 2.5.3: unpaced
HALF_WORD, WORD = 1, 2  # DATA_SIZE
_CHUNK = 256  # frames of one read


class DmaRing:
    """``DmaRing(fifo, dreq, 4, 4, 16000, 100)``: what a peripheral's FIFO gives, for ever.

    ``fifo``: an object with the buffer protocol, or an address; ``dreq``: what
    paces it; ``item_bytes``: 2 or 4; ``items``: transfers to one frame.

    One channel fills the ring; when it is through it starts the other, which
    does nothing but write the ring's address into the first and so start it
    again. How often that has happened the board's clock knows, and where
    it is the channel itself: ``lost`` is exact as long as the clock is right to
    half a ring, and somebody reads every eight minutes.
    """

    def __init__(self, fifo: "object", dreq: int, item_bytes: int, items: int, rate_hz: int,
                 buffer_ms: int, now: "Callable[[], int] | None" = None):
        import rp2
        import uctypes

        self._now = now or ticks_us
        self._items, self._item_bytes = items, item_bytes
        self.frame_bytes: int = item_bytes * items
        # A chunk is decoded while the DMA goes on: as much again is kept free for it.
        frames = rate_hz * buffer_ms // 1000 + 2 * _CHUNK
        self._count = frames * items
        self._keep = (frames - _CHUNK) * items
        self.raw = bytearray(self._count * item_bytes)
        self.most = _CHUNK
        self.at = self.lost = self.back_us = 0
        self._us, self._per = ratio_of(rate_hz)  # microseconds, frames in them
        self._ring_us = frames * self._us // self._per
        self._place = 0  # of the DMA at the last look, items
        self._read = 0  # place of the oldest item not read
        self._waiting = 0  # items, rounded down to frames when read
        address = uctypes.addressof(self.raw)
        self._address = bytearray((address & 0xFF, address >> 8 & 0xFF, address >> 16 & 0xFF,
                                   address >> 24 & 0xFF))
        self._ring, self._again = _channels(rp2)
        self._again.config(
            read=self._address, write=DMA_BASE + CHANNEL_BYTES * self._ring.channel
            + AL2_WRITE_ADDR_TRIG, count=1,
            ctrl=self._again.pack_ctrl(size=WORD, inc_read=False, inc_write=False,
                                       treq_sel=TREQ_PERMANENT))
        self._ring.config(
            read=fifo, write=self.raw, count=self._count,
            ctrl=self._ring.pack_ctrl(size=WORD if item_bytes == 4 else HALF_WORD, inc_read=False,
                                      treq_sel=dreq, chain_to=self._again.channel),
            trigger=True)
        self._looked = self._now()
        self.stop = None  # called by close(): stops what fills the FIFO

    def read(self, want: int) -> int:
        """Frames that wait, up to the end of the ring; the oldest are lost where too many do."""
        self._look()
        items = self._items
        n = min(want, self._waiting // items, (self._count - self._read) // items)
        self.at = self._read * self._item_bytes
        self._read += n * items
        if self._read == self._count:
            self._read = 0
        self._waiting -= n * items
        self.back_us = self._waiting // items * self._us // self._per
        return n

    def close(self) -> None:
        if self.stop is not None:
            self.stop()
        self._ring.active(0)
        self._ring.close()
        self._again.close()

    def _look(self):
        """Where the DMA is now, and how often it has been around since the last look."""
        now = self._now()
        place = self._count - self._ring.count
        if place == self._count:
            place = 0
        came = place - self._place
        if came < 0:
            came += self._count
        # How long that takes, and how many rings fit into what it took besides.
        took_us = came // self._items * self._us // self._per
        rounds = (ticks_diff(now, self._looked) - took_us + self._ring_us // 2) // self._ring_us
        if rounds > 0:
            came += rounds * self._count
        self._place = place
        self._looked = now
        self._waiting += came
        if self._waiting > self._keep:
            self._skip(self._waiting - self._keep)

    def _skip(self, items):
        """The oldest are lost: whole frames."""
        frames = (items + self._items - 1) // self._items
        self.lost += frames
        self._waiting -= frames * self._items
        self._read = (self._read + frames * self._items) % self._count


def _channels(rp2):
    try:
        return rp2.DMA(), rp2.DMA()
    except OSError:
        raise DriverError(16, "expected two free DMA channels: close what uses them")
