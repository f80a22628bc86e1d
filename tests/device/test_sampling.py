"""Ring, timebase, buses and interrupts: what drivers are made of."""

from chips.bench import Bench
from chips.bus import SPI, Bus, Faults, StuckBus
from chips.chip import Chip, IntPin
from chips.lsm6dsox import LSM6DSOX as Lsm
from chips.mpu6050 import MPU6050 as Mpu
from expect import MICROPYTHON, Ticks, frames, numbers, raises, skip
from tinysense.drivers.lsm6dsox import LSM6DSOX
from tinysense.drivers.mpu6050 import MPU6050
from tinysense.drivers.replay import Feed
from tinysense.errors import DriverError, TinysenseError
from tinysense.native import core
from tinysense.ring import Ring
from tinysense.sensing.bus import I2CRegisters, SPIRegisters, free_bus
from tinysense.sensing.interrupt import Interrupt
from tinysense.sensing.polled import Polled
from tinysense.sensing.timebase import Timebase


def feed_ring(capacity=16):
    feed = Feed(100000, 1, "g", 4)
    return feed, Ring(feed, capacity)


def test_a_ring_is_a_driver():
    feed, ring = feed_ring()
    feed.feed(frames(1, 2, 3))
    buf = bytearray(8)
    assert (ring.rate_mhz, ring.channels, ring.units) == (100000, 1, "g")
    assert ring.read_into(buf) == 3 and numbers(buf)[:3] == [1, 2, 3]
    assert ring.read_into(buf) == 0 and not ring.done
    feed.end()
    assert ring.done


def test_a_ring_tells_a_loss_with_the_frames_behind_it():
    feed, ring = feed_ring()
    buf = bytearray(64)
    feed.feed(frames(1, 2))
    ring.pump()
    feed.feed(frames(3), dropped=5)
    ring.pump()
    assert ring.read_into(buf) == 2 and ring.dropped == 0
    assert ring.read_into(buf) == 1 and ring.dropped == 5 and numbers(buf)[0] == 3


def test_a_full_ring_counts_what_it_overwrites():
    feed, ring = feed_ring(4)
    buf = bytearray(64)
    feed.feed(frames(1, 2, 3, 4, 5, 6))
    assert ring.pump() == 6 and ring.waiting == 4 and ring.overwritten == 2
    assert ring.read_into(buf) == 4 and ring.dropped == 2 and numbers(buf)[:4] == [3, 4, 5, 6]


def test_a_ring_pumps_when_the_pin_fires():
    if not MICROPYTHON:
        skip("micropython.schedule is MicroPython's")
    now = Ticks()
    chip = Mpu([(k, 0, 0) for k in range(1000)], now)
    pin = chip.pin = IntPin(chip)
    ring = Ring(MPU6050(Bus(chip), 500000, pin=pin, now=now), 400)
    ring.start()
    for _ in range(10):
        now.now += 40000
        chip.advance()  # the pin fires; the pump runs at the next bytecode
    assert ring.waiting >= 180
    buf = bytearray(6 * 400)
    assert ring.read_into(buf) >= 180 and ring.dropped == 0
    raises(TinysenseError, "int_pin", Ring(MPU6050(Bus(chip), now=now), 10).start)


def test_impossible_rings():
    for capacity in (0, -1, 1 << 20):
        raises(TinysenseError, "capacity", Ring, Feed(100000, 1, "g", 4), capacity)


def test_a_timebase_needs_a_rate():
    for rate in (0, -5):
        raises(TinysenseError, "rate", Timebase, rate)


def test_a_timebase_learns_the_true_rate():
    now = Ticks()
    t = Timebase(100000, now)
    stamp = bytearray(10)
    assert t.measured_mhz == 0 and t.behind() == 0
    for _ in range(100):
        now.now += 48000  # 5 frames of 104.17 Hz
        assert t.mark(5) == 0
    assert abs(t.measured_mhz - 104166) < 60
    now.now += 96000
    assert t.behind() == 10
    t.mark(10)
    t.stamp(10, stamp, 2)
    assert abs(int.from_bytes(stamp[2:], "little") - 100 * 48000) < 9700


def test_hostile_arguments_of_the_core():
    state, clock = bytearray(core.timebase_bytes()), bytearray(core.clock_bytes())
    ring, store = bytearray(core.ring_state_bytes()), bytearray(64)
    for code in (
        core.timebase_mark(state, clock, 1, 0, 0, 1),  # never made
        core.timebase_rate(state), core.timebase_rate(bytearray(4)),
        core.timebase_init(state, 0), core.timebase_init(bytearray(8), 1000),
        core.clock_read(bytearray(4), 0, 0), core.ring_held(ring), core.ring_lost(bytearray(2)),
        core.ring_pop(ring, store, store, 1), core.ring_push(ring, store, store, 1, 0),
        core.ring_init(ring, store, 0), core.ring_init(ring, ring, 1),
        core.frames_unpack(store, 1, b"", store),
        core.frames_unpack(store, -1, b"\1\1\0\0\0", store),
        core.frames_unpack(store, 40, b"\2\1\0\0\0", store),
        core.frames_untag(bytearray(24), store, 1, store),
        core.frames_untag(bytearray(4), store, 1, store),
    ):
        assert code < 0
    assert core.ring_init(ring, store, 2) == 16
    assert core.ring_push(ring, bytearray(64), store, 1, 0) < 0  # another buffer
    assert core.ring_push(ring, store, store, 17, 0) < 0
    assert core.ring_push(ring, store, store, 1, -1) < 0
    assert core.ring_pop(ring, store, bytearray(4), 2) < 0
    assert core.timebase_init(state, 1000) == 0
    for arguments in ((-1, 0, 0, 1), (1, -1, 0, 1), (1, 0, -1, 1), (1 << 26, 0, 0, 1)):
        assert core.timebase_mark(state, clock, *arguments) < 0
    for back, at in ((-1, 0), (0, -1), (0, 1)):
        assert core.timebase_stamp(state, back, bytearray(8), at) < 0


class Memory(Chip):
    """A chip of nothing but registers."""


def test_registers_are_tried_again():
    chip = Memory(0x20)
    bus = Bus(chip)
    registers = I2CRegisters(bus, 0x20)
    registers.write(5, 77)
    bus.fail_next(2)
    assert registers.read(5) == 77 and registers.errors == 2
    bus.fail_next(3)
    raises(OSError, "", registers.read, 5)
    assert registers.errors == 5
    bus.fail_next(1)
    raises(OSError, "", registers.burst, 5, bytearray(4))  # a FIFO is not


def test_spi_does_the_same():
    chip = Memory(0)
    spi = SPI(chip, several=0x40, dummy=1)
    registers = SPIRegisters(spi, spi.cs, 0x40, 1)
    registers.write_from(5, b"\x01\x02\x03")
    buf = bytearray(3)
    registers.read_into(5, buf)
    assert bytes(buf) == b"\x01\x02\x03" and registers.read(6) == 2
    spi.faults.failing = 1
    assert registers.read(7) == 3 and registers.errors == 1
    assert spi.cs.level == 1
    spi.faults.failing = 3
    raises(OSError, "", registers.read, 7)
    assert spi.cs.level == 1  # released after a fault too


def test_nine_clocks_free_a_stuck_bus():
    for clocks, free in ((0, True), (1, True), (5, True), (9, True), (40, False)):
        stuck = StuckBus(Faults(), clocks)
        assert free_bus(stuck.scl, stuck.sda) == free, clocks
        assert stuck.scl.level == 1 and stuck.sda.level == 1


def test_a_stuck_bus_is_recovered_in_the_middle_of_a_read():
    chip = Memory(0x20)
    bus = Bus(chip)
    bus.faults.stuck = True
    lines = StuckBus(bus.faults, 6)

    def recover():
        free_bus(lines.scl, lines.sda)
        return bus

    registers = I2CRegisters(bus, 0x20, recover)
    chip.registers[3] = 9
    assert registers.read(3) == 9
    assert (registers.errors, registers.recoveries) == (1, 1)


class Source(Polled):
    def __init__(self, now, there=True):
        self._describe(100000, ("a",), "g", 4)
        self._start_polling(now)
        self.there, self.fault = there, False

    def _sample(self, buf):
        if self.fault:
            raise OSError(5, "EIO")
        buf[0] = 1
        return self.there


def test_polled_chips_count_what_was_not_asked_for_in_time():
    now = Ticks()
    with Source(now) as d:
        buf = bytearray(2)
        assert d.read_into(buf) == 1 and d.read_into(buf) == 0
        now.now += 10000
        assert d.read_into(buf) == 1 and d.dropped == 0
        now.now += 50000
        assert d.read_into(buf) == 1 and d.dropped == 4
        now.now += 10000
        d.fault = True
        assert d.read_into(buf) == 0 and (d.dropped, d.errors) == (5, 1)
        d.fault, d.there = False, False
        now.now += 10000
        assert d.read_into(buf) == 0 and d.dropped == 5  # not there yet: asked again
        d.there = True
        assert d.read_into(buf) == 1 and d.dropped == 5
    assert d.done


def stalled(kind, driver, rate_mhz, count):
    """The FIFO overflows while it holds frames that were counted, but not read. ``count(chip, k)``:
    x of sample k. Frames that come then are the chip's, at their places or one before."""
    now = Ticks()
    b = Bench(lambda bus, now: driver(bus, rate_mhz, 4, now=now),
              kind([(k * 8, 0, 0) for k in range(480)], now), now)
    b.run(2)
    filled_us = b.driver.capacity * 1000000000 // rate_mhz
    now.now += filled_us * 8 // 10
    buf = bytearray(6 * 32)
    b.frames += b.driver.read_into(buf)
    assert b.driver._pending > 32 and b.driver.dropped == 0
    now.now += filled_us * 9 // 10
    for _ in range(40):
        n = b.driver.read_into(buf)
        at = b.before + b.frames + b.driver.dropped
        for i in range(n):
            assert numbers(buf)[3 * i] in (count(b.chip, at + i), count(b.chip, at + i + 1)), (
                driver.__name__, i, n, b.driver.dropped)
        b.frames += n
        now.now += 20000
    assert b.chip.overwritten > 0 and b.driver.dropped > 0
    assert abs(b.accounted() - b.chip.sample) <= 1


def test_a_stall_between_two_bursts_of_a_look():
    stalled(Mpu, MPU6050, 1000000, lambda chip, k: chip.counts(k, 0, 4000))
    stalled(Lsm, LSM6DSOX, 833000, lambda chip, k: chip.count(k, 0))


def test_waiting_with_asyncio():
    import asyncio

    now = Ticks()
    chip = Mpu(((0, 0, 0),), now)
    pin = chip.pin = IntPin(chip)
    driver = MPU6050(Bus(chip), 500000, pin=pin, now=now)
    buf = bytearray(6 * 64)

    async def main():
        total = 0
        for _ in range(5):
            now.now += 40000
            chip.advance()
            await driver.wait()
            total += driver.read_into(buf)
        return total

    assert asyncio.run(main()) >= 80
    asyncio.run(Source(now).wait())


def test_edges_are_counted():
    class Pin:
        IRQ_RISING, IRQ_FALLING = 1, 2
        level = 0

        def irq(self, handler, trigger=0):  # a port without hard interrupts
            self.handler = handler

        def value(self):
            return self.level

    pin, now = Pin(), Ticks()
    i = Interrupt(pin, patience_us=1000, edges=3, now=now)
    assert i.take() and not i.take()
    pin.handler(pin)
    pin.handler(pin)
    assert i.fired() and not i.take()
    pin.handler(pin)
    assert i.take()
    now.now += 1001
    assert i.take()
    i.close()
    assert pin.handler is None


def test_a_power_pin_is_refused_in_one_line():
    from tinysense.sensing.bus import power_on

    assert power_on(-1, "x") is None
    import sys

    class Machine:
        class Pin:
            OUT = 1

            def __init__(self, number, mode):
                raise ValueError("no pin")

    old = sys.modules.get("machine")
    sys.modules["machine"] = Machine
    try:
        raises(DriverError, ("power", "99"), power_on, 99, "x")
    finally:
        if old is None:
            del sys.modules["machine"]
        else:
            sys.modules["machine"] = old
