"""Analog microphones: the converter of an RP2040 by DMA, and any converter by a timer."""

from chips.i2s import Pin
from chips.rp2 import ADC, DMA, Bench, Timer
from expect import Ticks, numbers, raises
from tinysense.drivers import adc_microphone
from tinysense.drivers.adc_microphone import ADCMicrophone
from tinysense.errors import DriverError
from tinysense.sensing import analog

PIN = {"pin": 27, "settle_ms": 0, "dc": False}
BASE = 0x4004C000


def ramp(buf, at, i):
    """The converter's 12 bits in half a word."""
    buf[at], buf[at + 1] = i & 0xFF, i >> 8 & 0x0F


def wanted(i):
    return ((i & 0xFFF) - 2048) * 16


class ByDma:
    def __init__(self, rate_mhz=16000000, dreq=36, **options):
        self.now = Ticks()
        given = dict(PIN)
        given.update(options)
        with Bench(self.now, Pin) as bench:
            bench.feed(dreq, rate_mhz // 1000, 2, ramp)
            self.mic = ADCMicrophone(given, rate_mhz, self.now, "rp2")
            self.registers = bench.registers
        self.ring = DMA.channels[0]
        self.buf = bytearray(6000)

    def read(self, us=0):
        self.now.now += us
        n = self.mic.read_into(self.buf)
        return numbers(self.buf[: 2 * n])

    def drain(self):
        got, new = [], self.read()
        while new:
            got += new
            new = self.read()
        return got


def test_samples_in_order():
    line = ByDma()
    got = []
    for _ in range(100):
        line.now.now += 1700
        got += line.drain()
    assert got == [wanted(i) for i in range(len(got))] and len(got) == 100 * 1700 * 16 // 1000
    assert line.mic.dropped == 0 and line.mic.jitter_us == 0
    assert (line.mic.units, line.mic.channels, line.mic.full_scale) == ("pcm", 1, 32768)


def test_the_converters_registers():
    line = ByDma()
    assert line.registers.written[BASE + 0x00] == 1 | 1 << 3 | 1 << 12  # EN, START_MANY, input 1
    assert line.registers.written[BASE + 0x08] == 1 | 1 << 3 | 1 << 24  # EN, DREQ_EN, THRESH 1
    assert line.registers.written[BASE + 0x10] == 2999 << 8  # 48 MHz / 3000
    assert line.registers.reads == [BASE + 0x0C] * 8
    assert line.ring.read_from == BASE + 0x0C and ADC.made.pin == 27
    for rate_mhz, divider in ((8000000, 5999 << 8), (44100000, 278639 - 256),
                              (48000000, 999 << 8)):
        assert ByDma(rate_mhz).registers.written[BASE + 0x10] == divider
    line.mic.close()
    assert line.registers.written[BASE + 0x00] == 1 and line.ring.closed


def test_the_other_chip():
    kept = analog._machine_name
    analog._machine_name = lambda: "Raspberry Pi Pico2 with RP2350"
    try:
        line = ByDma(dreq=48)
    finally:
        analog._machine_name = kept
    assert line.ring.read_from == 0x400A000C and line.ring.treq == 48
    assert line.registers.written[0x400A0000] == 1 | 1 << 3 | 1 << 12


def test_an_overrun_is_exact_in_count_and_place():
    for rate_mhz in (8000000, 16000000, 48000000):
        for stall_us in (90000, 151000, 333333, 3000001, 100000000):
            line = ByDma(rate_mhz, buffer_ms=40)
            first = line.read(5000)
            line.now.now += stall_us
            got = line.drain()
            place = len(first) + line.mic.dropped
            assert line.mic.dropped > 0
            assert got == [wanted(place + i) for i in range(len(got))], (rate_mhz, stall_us)
            assert place + len(got) == line.ring.moved
            assert len(got) >= 40 * rate_mhz // 1000000


def test_no_loss_while_somebody_reads_in_time():
    line = ByDma(buffer_ms=40)
    frames = 0
    for i in range(100):
        line.now.now += 40000 + i % 9
        got = line.drain()
        assert got == [wanted(frames + i) for i in range(len(got))]
        frames += len(got)
    assert frames > 64000 and line.mic.dropped == 0


def test_pins_of_the_converter():
    now = Ticks()
    with Bench(now, Pin):
        raises(DriverError, ("expected an analog pin, 26 to 29", "got 3"), ADCMicrophone,
               {"pin": 3}, 16000000, now, "rp2")
        raises(DriverError, ("expected an analog pin and a timer", "got pin 3"), ADCMicrophone,
               {"pin": 3}, 16000000, now, "esp32")
    assert analog._channel("GP28") == 2


# ---- By a timer ----


class ByTimer:
    """The interrupt comes at ``due`` microseconds, 16 a millisecond, but for those in ``gone``."""

    def __init__(self, rate_mhz=8000000, takes_hard=True, **options):
        self.now = Ticks(1000)
        self.period = 1000000000 // rate_mhz
        self.sampled = self.fired = 0
        given = dict(PIN, timer=1)
        given.update(options)
        with Bench(self.now, Pin):
            Timer.takes_hard = takes_hard
            self.mic = ADCMicrophone(given, rate_mhz, self.now, "esp32")
            ADC.value = lambda: self.sampled * 16 & 0xFFFF
        self.timer = Timer.made
        self.buf = bytearray(6000)

    def run(self, n, late_us=0):
        """n interrupts, the last ``late_us`` late."""
        for i in range(n):
            self.now.now += self.period
            if i == n - 1:
                self.now.now += late_us
            self.timer.fire()
            self.sampled += 1

    def skip(self, n):
        """Interrupts that do not come."""
        self.now.now += n * self.period
        self.sampled += n

    def drain(self):
        got, lost = [], []
        n = self.mic.read_into(self.buf)
        while n:
            got += numbers(self.buf[: 2 * n])
            lost += [self.mic.dropped] * n
            n = self.mic.read_into(self.buf)
        return got, lost


def timed(first, n):
    return [((first + i) * 16 & 0xFFFF) - 32768 for i in range(n)]


def test_timed_samples_in_order():
    line = ByTimer()
    assert (line.timer.number, line.timer.freq, line.timer.hard) == (1, 8000, True)
    got = []
    for _ in range(50):
        line.run(77)
        got += line.drain()[0]
    assert got == timed(0, 3850)
    assert (line.mic.dropped, line.mic.jitter_us) == (0, 0)
    assert not ByTimer(takes_hard=False).timer.hard


def test_jitter_is_measured():
    line = ByTimer()
    line.run(20)
    line.run(1, 17)
    line.now.now -= 17
    line.run(10)
    assert line.mic.jitter_us == 17
    line.run(1, 40)
    assert line.mic.jitter_us == 40
    line.drain()
    assert line.mic.dropped == 0


def test_interrupts_that_did_not_come_are_lost_frames():
    for gone in (1, 2, 100, 7999, 8001, 100000):
        line = ByTimer()
        line.run(30)
        line.skip(gone)
        line.run(5)
        got, lost = line.drain()
        assert got == timed(0, 30) + timed(30 + gone, 5)
        assert lost == [0] * 30 + [gone] * 5, gone


def test_a_full_ring_takes_no_more():
    line = ByTimer(buffer_ms=20)  # 160 frames and a chunk
    line.run(600)
    got, lost = line.drain()
    assert got == timed(0, 160 + 256 - 1) and set(lost) == {0}
    line.run(10)
    got, lost = line.drain()
    assert got == timed(600, 10) and lost == [600 - 415] * 10


def test_close_stops_the_timer():
    line = ByTimer()
    line.run(3)
    line.mic.close()
    assert line.timer.callback is None and line.drain()[0] == []


def test_build():
    from tinysense.config import check

    now = Ticks()
    checked = check(adc_microphone.OPTIONS, {"pin": 26, "source": "timer"}, "options")
    with Bench(now, Pin):
        assert adc_microphone.build(checked).rate_mhz == 16000000
        raises(DriverError, "expected a rate of 8, 16", adc_microphone.build,
               dict(checked, rate_mhz=9000000))
