"""machine.I2S as a microphone's source: never blocks, and its silent overruns are counted.

Of its three modes (MicroPython's documentation of machine.I2S) the one made
for asyncio gives what is there and returns; it is switched on by the first
poll. The blocking mode waits, and the callback mode wants a new buffer at
each call from the scheduler.

All ports take whole frames, two slots of 32 bits, whatever is asked of them
(extmod/machine_i2s.c and the ports' machine_i2s.c, MicroPython 1.25). What
they do where nobody reads differs:

    rp2, stm32, mimxrt   a ring of ibuf bytes; 16 frames (half of the DMA's
                         256 bytes) that find no room are not taken
    esp32                ibuf / 2048 DMA buffers of 256 frames, at least two; one
                         is being filled, and a full queue gives up its oldest
                         (ESP-IDF, i2s_common.c); of the one that is being read,
                         what is left may be newer than it should be by then
"""

import sys

from ..errors import DriverError
from ..native import core
from ..ticks import ticks_diff, ticks_us
from .microphone import need_core

SLOT_BYTES = 4
FRAME_BYTES = 8  # in the ports' own buffers
RING_BLOCK = 16  # frames
DMA_BLOCK = 256  # frames; esp32
_CHUNK = 480  # frames of one read: 30 ms at 16 kHz

I2S_OPTIONS = (
    ("bus", int, 0, (0, 7), "I2S bus of the board"),
    ("sck", (int, str), None, (0, 255), "pin of the bit clock"),
    ("ws", (int, str), -1, (-1, 255), "pin of the word select; rp2: the one after sck, -1: that"),
    ("sd", (int, str), None, (0, 255), "pin of the data"),
)


def geometry(frames: int, platform: str) -> tuple:
    """(ibuf, block, capacity, oldest lost) of a buffer for so many frames on a port."""
    if platform == "esp32":
        buffers = max(2, -(-frames // DMA_BLOCK) + 1)
        return buffers * DMA_BLOCK * FRAME_BYTES, DMA_BLOCK, (buffers - 1) * DMA_BLOCK, True
    blocks = max(2, -(-frames // RING_BLOCK))
    # A ring of n bytes holds n - 1.
    return blocks * RING_BLOCK * FRAME_BYTES + 8, RING_BLOCK, blocks * RING_BLOCK, False


class I2SStream:
    """``I2SStream(options, rate_hz, ...)``: words of a bus of this board.

    ``both``: of both slots, else of the left one. ``ratio``: bus frames to one
    of the microphone (PDM). ``clock``: a DeviceClock.
    """

    def __init__(self, options: dict, rate_hz: int, both: bool, ratio: int, buffer_ms: int,
                 clock: "DeviceClock", name: str, now: "Callable[[], int] | None" = None,
                 platform: str = sys.platform):
        need_core()
        now = now or ticks_us
        self._ratio, self._clock = ratio, clock
        self.frame_bytes: int = SLOT_BYTES * (2 if both else 1) * ratio
        self.most: int = _CHUNK // ratio
        self.raw = bytearray(self.most * self.frame_bytes)
        self.at = self.lost = self.back_us = 0
        ibuf, block, capacity, oldest_lost = geometry(rate_hz * buffer_ms // 1000, platform)
        self._overrun = bytearray(core.overrun_bytes())
        began = now()
        self._i2s = _open(options, rate_hz, both, ibuf, name)
        _never_block(self._i2s)
        clock.read()
        core.overrun_init(self._overrun, clock.state, rate_hz * 1000, block, capacity, oldest_lost,
                          ticks_diff(now(), began))

    def read(self, want: int) -> int:
        """Frames that wait, none from behind a hole."""
        clock, ratio = self._clock, self._ratio
        clock.read()
        room = core.overrun_room(self._overrun, clock.state, want * ratio) // ratio
        size = room * self.frame_bytes
        got = self._i2s.readinto(self.raw, size) or 0
        n = got // self.frame_bytes
        clock.read()
        self.lost = core.overrun_read(self._overrun, clock.state, n * ratio, got < size) // ratio
        self.back_us = core.overrun_back_us(self._overrun)
        return n

    def close(self) -> None:
        self._i2s.deinit()


def _open(options, rate_hz, both, ibuf, name):
    """The bus; ports say in many ways that they have none, or not on these pins."""
    import machine

    try:
        sck, ws = options["sck"], options["ws"]
        ws = sck + 1 if ws == -1 else ws
        return machine.I2S(options["bus"], sck=machine.Pin(sck), ws=machine.Pin(ws),
                           sd=machine.Pin(options["sd"]), mode=machine.I2S.RX, bits=32,
                           format=machine.I2S.STEREO if both else machine.I2S.MONO,
                           rate=rate_hz, ibuf=ibuf)
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise DriverError(22, "%s: expected an I2S bus, got bus %d, sck %s, ws %s, sd %s: %s: "
                          "esp32, rp2, stm32 and mimxrt have I2S; name the pins in driver_options"
                          % (name, options["bus"], options["sck"], options["ws"], options["sd"],
                             e))


def _never_block(i2s):
    """A poll tells the bus that somebody asks before reading: from then on reads do not wait."""
    import select

    poller = select.poll()
    poller.register(i2s, select.POLLIN)
    poller.poll(0)
