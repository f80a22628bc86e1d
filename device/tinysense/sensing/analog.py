"""Sources of an analog converter's words: RP2040 and RP2350 by DMA, any board by a timer.

Sections of the RP2040 data sheet; the RP2350 has the same registers elsewhere.
"""

import sys
from array import array

from ..errors import DriverError
from ..ticks import ticks_diff, ticks_us
from .microphone import ratio_of
from .rp2_dma import DmaRing

# 4.9.6
CS, FCS, FIFO, DIV = 0x00, 0x08, 0x0C, 0x10
CS_EN, CS_START_MANY, CS_AINSEL_LSB = 1 << 0, 1 << 3, 12
FCS_EN, FCS_DREQ_EN, FCS_THRESH_LSB = 1 << 0, 1 << 3, 24
FIFO_DEPTH = 8
ADC_CLOCK_HZ = 48000000
FIRST_PIN = 26  # of input 0
CHIPS = {"RP2040": (0x4004C000, 36), "RP2350": (0x400A0000, 48)}  # ADC_BASE, DREQ_ADC

SHIFTS = {"dma": 4, "timer": 0}  # bits to the left: 12 bits, and read_u16's 16
_CHUNK = 256  # frames of one read


def free_running(options: dict, rate_hz: int, now: "Callable[[], int] | None" = None) -> DmaRing:
    """The converter at its own pace, into a DMA's ring."""
    import machine

    base, dreq = CHIPS["RP2350" if "RP2350" in _machine_name() else "RP2040"]
    channel = _channel(options["pin"])
    machine.ADC(machine.Pin(options["pin"]))  # switches the converter on, and the pin to it
    registers = machine.mem32
    registers[base + CS] = CS_EN | channel << CS_AINSEL_LSB
    registers[base + FCS] = FCS_EN | FCS_DREQ_EN | 1 << FCS_THRESH_LSB
    for _ in range(FIFO_DEPTH):
        registers[base + FIFO]  # what an earlier run left there
    # A sample each 1 + INT + FRAC / 256 clocks.
    registers[base + DIV] = ADC_CLOCK_HZ * 256 // rate_hz - 256
    ring = DmaRing(base + FIFO, dreq, 2, 1, rate_hz, options["buffer_ms"], now)
    registers[base + CS] = CS_EN | channel << CS_AINSEL_LSB | CS_START_MANY

    def stop():
        registers[base + CS] = CS_EN
        registers[base + FCS] = 0
        registers[base + DIV] = 0

    ring.stop = stop
    return ring


def _machine_name():
    return getattr(sys.implementation, "_machine", "")


def _channel(pin):
    number = int(pin[2:]) if isinstance(pin, str) and pin[2:].isdigit() else pin
    if not isinstance(number, int) or not FIRST_PIN <= number <= FIRST_PIN + 3:
        raise DriverError(22, "adc_microphone: expected an analog pin, 26 to 29, got %r" % (pin,))
    return number - FIRST_PIN


class TimedReads:
    """A timer's interrupt reads the converter into a ring.

    Interrupts that did not come are lost frames, counted by the time
    between those that did. ``jitter_us``: the most by which that time was off.
    """

    def __init__(self, options: dict, rate_hz: int, now: "Callable[[], int] | None" = None):
        import machine

        self._now = now or ticks_us
        self._us, self._per = ratio_of(rate_hz)  # microseconds, frames in them
        self._half, self._second = self._us // 2, rate_hz
        self._period_us = (1000000 + rate_hz // 2) // rate_hz
        self.frame_bytes = 2
        self.most = _CHUNK
        self._capacity = rate_hz * options["buffer_ms"] // 1000 + _CHUNK
        self.raw = array("H", bytearray(2 * self._capacity))
        self.at = self.back_us = self.lost = self.jitter_us = 0
        self._head = self._tail = 0  # next to write, next to read
        self._missed = 0  # by interrupts that did not come, or found no room; only they write it
        self._hole = -1  # place of the first frame after those not told yet
        self._last = -1
        try:
            self._adc = machine.ADC(machine.Pin(options["pin"]))
            self._timer = _start(machine, options["timer"], rate_hz, self._sample)
        except (TypeError, ValueError, OSError) as e:
            raise DriverError(22, "adc_microphone: expected an analog pin and a timer, got pin %s, "
                              "timer %d: %s" % (options["pin"], options["timer"], e))

    def read(self, want: int) -> int:
        """Frames that wait, up to the end of the ring and none from behind a hole."""
        head, tail = self._head, self._tail
        if self._hole == tail:
            self._hole = -1
            self.lost = self._missed
        end = head if head >= tail else self._capacity
        if tail <= self._hole < end:
            end = self._hole
        n = min(want, end - tail)
        self.at = 2 * tail
        self._tail = (tail + n) % self._capacity
        waiting = (head - self._tail) % self._capacity
        self.back_us = waiting * self._us // self._per
        return n

    def close(self) -> None:
        self._timer.deinit()

    def _sample(self, timer):
        """The interrupt. It makes no objects: numbers stay small."""
        value = self._adc.read_u16()
        now, head = self._now(), self._head
        if self._last >= 0:
            took = ticks_diff(now, self._last)
            off = took - self._period_us
            if off < 0:
                off = -off
            self.jitter_us = max(self.jitter_us, off)
            gone = -1
            while took > 1000000:
                took -= 1000000
                gone += self._second
            gone += (took * self._per + self._half) // self._us
            if gone > 0:
                self._miss(gone, head)
        self._last = now
        after = head + 1
        if after == self._capacity:
            after = 0
        if after == self._tail:
            self._miss(1, head)
            return
        self.raw[head] = value
        self._head = after

    def _miss(self, n, place):
        """Frames lost before the one at ``place``. Two holes are told at the first of them."""
        self._missed += n
        if self._hole < 0:
            self._hole = place


def _start(machine, number, rate_hz, handler):
    timer = machine.Timer(number)
    try:
        timer.init(freq=rate_hz, callback=handler, hard=True)
    except TypeError:  # ports where all are hard, or none
        timer.init(freq=rate_hz, callback=handler)
    return timer
