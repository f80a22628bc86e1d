"""machine.I2S as the ports of MicroPython 1.25 have it, receiving; and the poll that unblocks it.

A microphone's words come by a clock that the test moves. Where nobody reads, blocks are
lost and nobody says so: rp2, stm32, mimxrt do not take the newest, esp32 gives up the oldest.
Nothing is allocated while it is read.
"""

import sys
from array import array

POLL_RD = 1
_FRAME = 8  # bytes in the port's buffers: two slots of 32 bits
BLOCKING, NON_BLOCKING, ASYNCIO = range(3)


class Blocks(Exception):
    """A read that would wait."""


class I2S:
    """``signal(frame)``: the 24-bit value of the left slot; the right one has its negative.

    Class attributes are the bench: what the next I2S() gets.
    """

    RX, TX, MONO, STEREO = 0, 1, 0, 1
    now = None
    signal = None
    platform = "rp2"
    ppm = 0  # by which its clock runs fast
    shift_left = 0  # 1: the sign bit comes too early to be seen
    filler = None  # filler(buf, at, frame): both slots, where they are no words
    made = None

    def __init__(self, number, sck=None, ws=None, sd=None, mode=None, bits=None, format=None,
                 rate=None, ibuf=None):
        if I2S.platform == "rp2" and ws.number != sck.number + 1:
            raise ValueError("invalid ws (must be sck+1)")
        assert mode == I2S.RX and bits == 32 and ibuf > 0 and number in (0, 1)
        self.rate, self.ibuf, self.stereo = rate, ibuf, format == I2S.STEREO
        self.pins = (sck.number, ws.number, sd.number)
        self.io_mode = BLOCKING
        self.oldest_lost = I2S.platform == "esp32"
        self.block = 256 if self.oldest_lost else 16
        # esp32: one buffer more is being filled; a ring of n bytes holds n - 1.
        self.capacity = (max(2, ibuf // (256 * _FRAME)) - 1) * 256 if self.oldest_lost \
            else (ibuf - 1) // _FRAME
        self._blocks = array("i", bytearray(4 * (self.capacity // self.block + 3)))  # numbers held
        self._first = self._count = self._into = 0  # frames of the first that were read
        self._now, self._ppm, self._early = I2S.now, I2S.ppm, I2S.shift_left
        self._signal, self._filler = (I2S.signal,), (I2S.filler,)  # functions, not methods
        self._began = self._now()
        self.sampled = self._arrived = 0
        self.lost = 0
        self.open = True
        self.fail = 0  # reads that end in OSError
        self._rest = self._wander = 0
        I2S.made = self

    def ioctl(self, request, flags):
        assert request == 3
        self.io_mode = ASYNCIO
        return POLL_RD if self.held else 0

    def irq(self, handler):
        self.io_mode = NON_BLOCKING

    def deinit(self):
        self.open = False

    def readinto(self, buf, size=-1):
        size = len(buf) if size < 0 else size
        step = _FRAME if self.stereo else _FRAME // 2
        if self.fail:
            self.fail -= 1
            raise OSError(5, "EIO")
        if self.io_mode != ASYNCIO:
            raise Blocks
        assert self.open and size % step == 0 and size <= len(buf)
        self._advance()
        n = min(size // step, self.held)
        signal, filler = self._signal[0], self._filler[0]
        for i in range(n):
            frame = self._blocks[self._first] * self.block + self._into
            self._step()
            if filler is not None:
                filler(buf, i * step, frame)
                continue
            value = signal(frame)
            self._put(buf, i * step, value)
            if self.stereo:
                self._put(buf, i * step + 4, -value)
        return n * step

    @property
    def held(self):
        """Frames that wait."""
        return self._count * self.block - self._into

    def _step(self):
        self._into += 1
        if self._into == self.block:
            self._into = 0
            self._first = (self._first + 1) % len(self._blocks)
            self._count -= 1

    def _put(self, buf, at, value):
        """A word of 24 bits, then the line floats."""
        if self._early:
            value = value << 1 | 1
        buf[at] = 0x5A
        buf[at + 1], buf[at + 2] = value & 0xFF, value >> 8 & 0xFF
        buf[at + 3] = value >> 16 & 0xFF

    def _advance(self):
        """Takes what was sampled since the last look."""
        passed = self._now() - self._began
        self._began += passed
        self._wander += passed * self._ppm
        passed += self._wander // 1000000
        self._wander %= 1000000
        # In parts, so that products stay small integers.
        while passed > 0:
            part = min(passed, 100000)
            passed -= part
            self._rest += part * (self.rate // 50)
            self.sampled += self._rest // 20000
            self._rest %= 20000
        while self._arrived + self.block <= self.sampled:
            self._arrive()
            self._arrived += self.block

    def _arrive(self):
        blocks, size = self._blocks, len(self._blocks)
        begun = 1 if self._into else 0  # a DMA buffer that is being read is out of the queue
        room = self.capacity + (self.block - self._into if self.oldest_lost and begun else 0)
        if self.held + self.block > room:
            self.lost += self.block
            if not self.oldest_lost:
                return
            if begun:
                blocks[(self._first + 1) % size] = blocks[self._first]
            self._first = (self._first + 1) % size
            self._count -= 1
        blocks[(self._first + self._count) % size] = self._arrived // self.block
        self._count += 1


class Poll:
    """select.poll: asking is what switches a stream's mode."""

    def __init__(self):
        self._streams = []

    def register(self, stream, flags):
        self._streams.append((stream, flags))

    def poll(self, timeout_ms):
        return [(stream, flags) for stream, flags in self._streams if stream.ioctl(3, flags)]


class Select:
    """Stands in for the module."""

    POLLIN = POLL_RD
    poll = Poll


class Pin:
    IN, OUT = 0, 1
    made = {}

    def __init__(self, number, mode=None):
        self.number, self.mode, self.level = number, mode, None
        Pin.made[number] = self

    def value(self, level):
        self.level = level


class Machine:
    """Stands in for the module."""

    def __init__(self):
        self.I2S, self.Pin = I2S, Pin


class Bench:
    """``with Bench(now, signal):`` fake machine and select are imported inside."""

    def __init__(self, now, signal, platform="rp2", ppm=0, shift_left=0, filler=None):
        I2S.now, I2S.signal, I2S.platform, I2S.ppm = now, signal, platform, ppm
        I2S.shift_left, I2S.filler = shift_left, filler
        self.machine = Machine()

    def __enter__(self):
        self._kept = [(name, sys.modules.get(name)) for name in ("machine", "select")]
        sys.modules["machine"], sys.modules["select"] = self.machine, Select
        return self

    def __exit__(self, *exc):
        for name, module in self._kept:
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
