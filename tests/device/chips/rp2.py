"""What RP2040 and RP2350 bring besides the usual: PIO state machines, DMA, a free-running ADC.

Registers and their fields are written anew here from the RP2040 data sheet (2.5.7,
3.7, 4.9.6). A DMA moves when somebody looks: what it moved by then follows from
the clock, which the test moves. Nothing is allocated on that path.
"""

import sys

DMA_BASE, PIO_RX, PERMANENT = 0x50000000, 4, 0x3F
RING_ADDRESS = 0x20010000  # of every buffer here


class DMA:
    """rp2.DMA. A paced channel moves items by the clock; ``feed(buf, at, i)`` writes item i.

    Class attributes are the bench's: clock, items per second by request number, feeds.
    """

    now = None
    rates = None  # dreq -> (items per 20 ms, item bytes, feed)
    free = 12
    channels = None

    def __init__(self):
        if DMA.free == 0:
            raise OSError(16, "EBUSY")
        DMA.free -= 1
        self._now = DMA.now
        self.channel = 11 - DMA.free
        self.moved = 0  # items since the start
        self.running = self.closed = False
        self._left = self._length = 0
        DMA.channels.append(self)

    def pack_ctrl(self, size=2, inc_read=True, inc_write=True, treq_sel=PERMANENT, chain_to=-1):
        self.size, self.inc_read, self.inc_write = 1 << size, inc_read, inc_write
        self.treq, self.chain_to = treq_sel, self.channel if chain_to < 0 else chain_to
        return "ctrl of %d" % self.channel

    def config(self, read=None, write=None, count=None, ctrl=None, trigger=False):
        assert ctrl == "ctrl of %d" % self.channel
        self.read_from, self.write_to = read, write
        self._length = self._left = count
        if trigger:
            self._start()

    def _start(self):
        assert not self.inc_read and self.inc_write and self.treq != PERMANENT
        self._items, self._bytes, self._feed = DMA.rates[self.treq]
        assert self.size == self._bytes
        other = DMA.channels[self.chain_to]  # writes this one's address, which starts it again
        assert other is not self and other.treq == PERMANENT and other._length == 1
        assert other.size == 4 and not other.inc_read and not other.inc_write
        assert other.write_to == DMA_BASE + 0x40 * self.channel + 0x2C
        assert bytes(other.read_from) == bytes((0, 0, 1, 0x20))  # RING_ADDRESS
        self._last, self._rest = self._now(), 0
        self.running = True

    @property
    def count(self):
        """Transfers left before the channel is through."""
        self._advance()
        return self._left

    def _advance(self):
        passed = self._now() - self._last
        self._last += passed
        while passed > 0 and self.running:
            part = min(passed, 100000)
            passed -= part
            self._rest += part * self._items
            n = self._rest // 20000
            self._rest %= 20000
            self._move(n)

    def _move(self, n):
        """Only what will still be there is written: the last round."""
        skip = max(0, n - self._length)
        for i in range(n):
            if i >= skip:
                self._feed(self.write_to, (self._length - self._left) * self._bytes, self.moved)
            self.moved += 1
            self._left -= 1
            if self._left == 0:
                self._left = self._length  # the other channel starts this one again

    def active(self, on):
        self.running = bool(on)

    def close(self):
        assert not self.running
        self.closed = True
        DMA.free += 1


class Side:
    """An instruction of the PIO and its side-set."""

    def __init__(self, steps, name):
        self._steps, self._name = steps, name

    def side(self, level):
        self._steps.append((self._name, level))


class PIO:
    OUT_LOW, SHIFT_RIGHT, JOIN_RX = 2, 1, 2
    removed = None

    def __init__(self, number):
        self.number = number

    def remove_program(self, program):
        PIO.removed.append((self.number, program))


class StateMachine:
    made = None

    def __init__(self, number, program, freq=0, sideset_base=None, in_base=None):
        if number in StateMachine.made:
            raise ValueError("StateMachine claimed")
        self.number, self.program, self.freq = number, program, freq
        self.clk, self.data = sideset_base.number, in_base.number
        self.running = False
        StateMachine.made[number] = self

    def active(self, on):
        self.running = bool(on)


class Registers:
    """machine.mem32."""

    def __init__(self):
        self.written = {}
        self.reads = []

    def __setitem__(self, address, value):
        self.written[address] = value

    def __getitem__(self, address):
        self.reads.append(address)
        return 0


class ADC:
    made = None
    value = None  # read_u16's

    def __init__(self, pin):
        if not 26 <= pin.number <= 29:
            raise ValueError("Pin doesn't have ADC capabilities")
        self.pin = pin.number
        ADC.made = self

    def read_u16(self):
        return ADC.value()


class Timer:
    """The test fires it."""

    takes_hard = True
    made = None

    def __init__(self, number):
        self.number = number
        Timer.made = self

    def init(self, freq=0, callback=None, **options):
        if options and not Timer.takes_hard:
            raise TypeError("extra keyword arguments given")
        self.hard = options.get("hard", False)
        self.freq, self.callback = freq, callback

    def fire(self):
        if self.callback is not None:
            self.callback(self)

    def deinit(self):
        self.callback = None


class SPI:
    """Clocks in bytes: ``source(buf)`` fills them; that takes time on the test's clock."""

    made = None
    source = None

    def __init__(self, number, baudrate=0, polarity=0, phase=0, sck=None, miso=None):
        self.number, self.baudrate, self.mode = number, baudrate, (polarity, phase)
        self.pins = (sck.number, miso.number)
        SPI.made = self

    def readinto(self, buf):
        SPI.source(buf)

    def deinit(self):
        self.baudrate = 0


class Module:
    """Stands in for a module."""


class Bench:
    """``with Bench(now) as bench:`` machine, rp2, uctypes and select are fakes inside.

    ``bench.feed(dreq, items_per_second, item_bytes, feed)`` says what paces a DMA, and what
    it finds there.
    """

    def __init__(self, now, pins, i2s=None):
        DMA.now, DMA.rates, DMA.free, DMA.channels = now, {}, 12, []
        PIO.removed, StateMachine.made = [], {}
        Timer.takes_hard, ADC.made, Timer.made, SPI.made = True, None, None, None
        self.machine, self.rp2, self.uctypes = Module(), Module(), Module()
        self.registers = self.machine.mem32 = Registers()
        self.machine.ADC, self.machine.Timer, self.machine.SPI = ADC, Timer, SPI
        self.machine.Pin = pins
        if i2s:
            self.machine.I2S = i2s
        self.rp2.DMA, self.rp2.PIO, self.rp2.StateMachine = DMA, PIO, StateMachine
        self.rp2.asm_pio = self._asm_pio
        self.uctypes.addressof = lambda buf: RING_ADDRESS

    def feed(self, dreq, rate_hz, item_bytes, feed):
        assert rate_hz % 50 == 0
        DMA.rates[dreq] = (rate_hz // 50, item_bytes, feed)

    def _asm_pio(self, sideset_init=None, in_shiftdir=None, autopush=False, push_thresh=0,
                 fifo_join=None):
        """The program as a list of (instruction, level of the clock)."""
        from tinysense.sensing import bits

        assert (sideset_init, in_shiftdir, fifo_join) == (PIO.OUT_LOW, PIO.SHIFT_RIGHT, PIO.JOIN_RX)
        assert autopush and push_thresh == 32

        def assembled(function):
            steps = []
            bits.nop = lambda: Side(steps, "nop")
            bits.in_ = lambda source, n: Side(steps, "in %s %d" % (source, n))
            bits.pins = "pins"
            function()
            del bits.nop, bits.in_, bits.pins
            return steps

        return assembled

    def __enter__(self):
        names = (("machine", self.machine), ("rp2", self.rp2), ("uctypes", self.uctypes))
        self._kept = [(name, sys.modules.get(name)) for name, _ in names]
        for name, module in names:
            sys.modules[name] = module
        return self

    def __exit__(self, *exc):
        for name, module in self._kept:
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
