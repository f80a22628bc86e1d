"""What every driver of a chip must do, said once: tests call these with a Bench, or with
``make(**options)``, which gives one."""

import gc

from chips.bench import Bench, Sleeping
from chips.bus import Bus
from chips.chip import IntLine, IntPin
from expect import MICROPYTHON, Ticks, raises, skip
from tinysense.errors import DriverError

PPM = (-40000, 0, 40000)  # how far the chip's own clock may be off
XYZ = ("x", "y", "z")
SIX_AXES = XYZ + ("gx", "gy", "gz")
SIX_UNITS = ("g",) * 3 + ("deg/s",) * 3
STILL = ((100, -200, 1000, 500, 0, -500),)


def numbered(step_mg, n):
    """Motion whose x tells the number of the sample, modulo n."""
    return [(k * step_mg, 0, 0, 0, 0, 0) for k in range(n)]


# What it is, and how it is set


def says_what_it_is(d, rate_mhz, full_scale, within=0):
    assert (d.rate_mhz, d.channels, d.axes, d.units) == (rate_mhz, 3, XYZ, "g")
    assert abs(d.full_scale - full_scale) <= within
    assert abs(d.scale - full_scale / 32768) <= within / 1000
    assert (d.dropped, d.errors, d.done, d.measured_mhz) == (0, 0, False, 0)


def gives_six_channels(b, full_scale, counts, within=0):
    """``full_scale``: in g and in deg/s; ``counts``: of the chip's first sample."""
    d = b.driver
    assert (d.channels, d.axes, d.units) == (6, SIX_AXES, SIX_UNITS)
    for i in range(6):
        assert abs(d.full_scale[i] - full_scale[i // 3]) <= within, d.full_scale
    assert b.read(100000)[:6] == counts
    assert d.errors == 0


def nearest_rates(make, pairs, within=0, **options):
    """``pairs``: the rate that is asked for, and what it becomes, in driver and chip."""
    for rate_mhz, got in pairs:
        b = make(rate_mhz=rate_mhz, **options)
        assert b.driver.rate_mhz == got, (rate_mhz, b.driver.rate_mhz)
        assert abs(1000000000000 // b.chip.period_ns() - got) <= within
        assert b.chip.fifo_on


def whole_ranges(make, dps):
    """Of chips whose ranges are what count 32768 means."""
    for range_g in (2, 4, 8, 16):
        b = make(motion=((0, -500, 2000),), range_g=range_g)
        assert b.chip.range_g == range_g == b.driver.full_scale
        assert b.read(100000)[:3] == [0, -16384 // range_g, min(32767, 65536 // range_g)], range_g
    for range_dps in dps:
        b = make(motion=((1000, -1000, 0, 8000, -2000000, 0),), gyro=True, gyro_dps=range_dps)
        assert b.chip.range_dps == range_dps == b.driver.full_scale[3]
        assert b.read(100000)[3] == 8 * 32768 // range_dps


def scaled_ranges(make, dps):
    """Of chips whose counts are worth more than range / 32768."""
    for range_g in (2, 4, 8, 16):
        b = make(motion=((1000, 0, 0),), range_g=range_g)
        assert b.chip.range_g == range_g
        assert abs(b.read(100000)[0] * b.driver.scale - 1) < 0.001
    for range_dps in dps:
        b = make(motion=((0, 0, 0, 100000, 0, 0),), gyro=True, gyro_dps=range_dps)
        assert b.chip.range_dps == range_dps
        assert abs(b.read(100000)[3] * b.driver.scale[3] - 100) < 0.1


# Each sample once, at its time


def each_sample_once(b, expected, steps_us, at_least=1000):
    """``expected(k)``: channel 0 of the chip's sample k."""
    k = b.before
    for step in steps_us:
        for value in b.read(step)[:: b.driver.channels]:
            assert value == expected(k), (k, value, expected(k))
            k += 1
    assert k - b.before > at_least and b.driver.dropped == 0 and b.driver.errors == 0
    assert b.accounted() == b.chip.sample


def both_halves_in_order(b, us, accel, rotation):
    """Six channels: what x and gx of the chip's sample k are."""
    got = b.read(us)
    n = len(got) // 6
    assert n > 100
    assert got[::6] == [accel(k) for k in range(n)]
    assert got[3::6] == [rotation(k) for k in range(n)]


def nothing_before_a_batch(b, frames, first_us, short_us, rest_us=1000):
    """``first_us``: until there is the first; ``short_us``: not quite until the next."""
    n = frames * b.driver.channels
    assert b.driver.watermark == frames
    assert len(b.read(first_us)) == n
    assert b.read(short_us) == []
    assert len(b.read(rest_us)) == n


def true_rate_and_times(make, ppms=PPM, **options):
    for ppm in ppms:
        b = make(odr_ppm=ppm, **options)
        began, stamp = b.now.now - b.chip.run_ns() // 1000, bytearray(8)
        b.run(20)
        true_mhz = 1000000000000 // b.chip.true_period_ns()
        assert abs(b.driver.measured_mhz - true_mhz) * 2000 < true_mhz, (ppm, b.driver.measured_mhz)
        b.now.now += 60000
        with Sleeping(b.now):
            n = b.driver.read_into(b.buf)
        b.driver.stamp(n, stamp)
        first = b.before + b.frames + b.driver.dropped + 1
        true = first * b.chip.true_period_ns() // 1000
        told = int.from_bytes(stamp, "little") - began
        assert n > 0 and abs(told - true) < 2000, (ppm, told, true)
        assert b.driver.dropped == 0


# What is lost is counted


def overflow_is_counted(make, away_us, at_least, gives_up=False, ppms=PPM, unsure=1, **options):
    """``gives_up``: what waited is lost with the rest, and told with the frames that come next.
    ``unsure``: by so many fewer may be told than the chip says."""
    for ppm in ppms:
        b = make(odr_ppm=ppm, **options)
        b.run(10)
        assert b.driver.dropped == 0
        b.drain(away_us)
        if gives_up:
            assert b.driver.dropped == 0, (ppm, b.driver.dropped)
        else:
            assert b.driver.dropped > at_least, (ppm, b.driver.dropped)
        b.run(2)
        assert b.driver.dropped > at_least, (ppm, b.driver.dropped)
        assert abs(b.accounted() - b.chip.sample) <= 1, (ppm, b.accounted(), b.chip.sample)
        assert b.chip.overwritten > 0 and b.driver.dropped >= b.chip.overwritten - unsure


def overflow_before_the_rate_is_known(b, away_us, seen_us=50000):
    """The nominal rate must do; here it is the true one."""
    b.drain(seen_us)
    b.drain(away_us)
    b.run(10)
    assert b.driver.dropped > 0
    assert abs(b.accounted() - b.chip.sample) <= 1, (b.accounted(), b.chip.sample)


def harmless_faults(b, at_least=50):
    """Transfers that fail and take nothing from the chip."""
    b.run(2)
    b.bus.faults.every = 10
    b.run(20)
    assert b.bus.faults.faults > at_least
    assert b.driver.errors == b.bus.faults.faults
    assert b.driver.dropped == 0 and b.accounted() == b.chip.sample


def torn_bursts(make, cuts, harmless=(), **options):
    """Bursts that fail after so many bytes; of them, those that lose nothing."""
    for cut in cuts:
        b = make(odr_ppm=-30000, **options)
        b.run(5)
        b.bus.faults.every, b.bus.faults.cut = 50, cut
        b.run(60)
        b.bus.faults.every = 0
        b.run(5)
        assert (b.driver.dropped > 0) == (cut not in harmless), cut
        assert abs(b.accounted() - b.chip.sample) <= 1, (cut, b.accounted(), b.chip.sample)


def frames_are_whole(frames, channels, one_of):
    """No frame is put together of two."""
    for i in range(0, len(frames), channels):
        assert tuple(frames[i : i + channels]) in one_of, frames[i : i + channels]


def halves_never_mix(make, cuts, one_of, at_least, **options):
    """Frames of two halves, of which bursts that fail lose any number of bytes."""
    lost = 0
    for cut in cuts:
        b = make(**options)
        b.run(5)
        b.bus.faults.every, b.bus.faults.cut = 5, cut
        for _ in range(400):
            frames_are_whole(b.read(37000), b.driver.channels, one_of)
        b.bus.faults.every = 0
        b.run(3)
        lost += b.driver.dropped
        assert abs(b.accounted() - b.chip.sample) <= 1, (cut, b.accounted(), b.chip.sample)
    assert lost > at_least


# Chips that are not there, or others, or do not do as they are told


def a_chip_that_is_gone(b, step_us=80000, later=False):
    """``later``: when it answers again frames take a while: it measures when it is asked, or its
    FIFO has overflowed."""
    b.run(4)
    b.drain(100000)
    b.bus.fail_next(3 * 49)  # each read is tried three times
    for _ in range(49):
        assert b.read(step_us) == []
    assert len(b.collect(1) if later else b.read(step_us)) > 0  # 49 are forgiven
    b.bus.fail_next(10000)
    name = type(b.driver).__name__
    e = raises(DriverError, (name + " stopped answering", "50 reads in a row"), b.run, 60, step_us)
    assert e.errno == 5


def no_chip(kind, address):
    e = raises(DriverError, ("no chip answers", address, "wires"), kind, Bus())
    assert e.errno == 19 and isinstance(e, OSError)


def another_chip(kind, chip, expected, advice="", identity=0x42):
    chip.identity = identity
    got = "got id 0x%02x" % identity
    e = raises(DriverError, ("expected id " + expected, got, advice), kind, Bus(chip))
    assert e.errno == 19


def a_bus_that_refuses_writes(kind, chip):
    class Failing(Bus):
        def writeto_mem(self, address, register, data):
            raise OSError(5, "EIO")

    with Sleeping(Ticks()):
        raises(DriverError, ("refused a setting", "0x%02x" % chip.address), kind, Failing(chip))


def no_other_will_do(kind, chip, expected, advice="", identity=0x42):
    """No chip, another chip, a bus that takes no settings."""
    no_chip(kind, "0x%02x" % chip.address)
    a_bus_that_refuses_writes(kind, chip)
    another_chip(kind, chip, expected, advice, identity)


def impossible_settings(kind, chip, *settings):
    """``settings``: what follows the bus, each a row."""
    for row in settings:
        raises(DriverError, kind.__name__ + ": expected", kind, Bus(chip), *row)


def takes_over(kind, chip_kind):
    """A chip without a reset, in which another program left something in every register."""
    fresh_now, now = Ticks(), Ticks()
    fresh = Bench(kind, chip_kind(STILL, fresh_now), fresh_now)
    chip = chip_kind(STILL, now)
    for register in range(len(chip.registers)):
        if register not in chip.read_only:
            chip.registers[register] = 0x5A
    b = Bench(kind, chip, now, pin=IntLine)
    now.now += 20000
    assert not b.pin.value()
    now.now += 30000
    assert b.pin.value()
    assert b.read(50000) == fresh.read(100000)
    b.run(2, 20000)
    assert b.driver.dropped == 0 and b.accounted() == chip.sample


# Interrupt, sleep, motion


def interrupt_tells_when_to_look(b):
    """A driver that listens asks nothing of its chip until the last frame of a batch is there."""
    driver, chip, pin = b.driver, b.chip, b.pin
    for _ in range(100):
        b.now.now += 40000
        chip.advance()  # edges come at their time
        b.read()
    due_us = (driver.watermark - chip.get_fifo_level()) * chip.true_period_ns() // 1000
    due_us -= chip.run_ns() % chip.true_period_ns() // 1000
    before = b.bus.transfers
    b.now.now += due_us - 200
    chip.advance()
    assert driver.read_into(b.buf) == 0 and b.bus.transfers == before  # nothing fired: not asked
    b.now.now += 400
    chip.advance()
    level = pin.value()
    assert driver.read_into(b.buf) == driver.watermark
    if not isinstance(pin, IntLine) and pin.watermark == 0:  # a pulse for each sample
        assert not level
    else:
        assert level and not pin.value()
    b.now.now += 10 * driver.watermark * chip.true_period_ns() // 1000
    assert driver.read_into(b.buf) > 0  # an edge that was missed does not stop it
    driver.close()
    assert pin.handler is None


def closing_puts_it_to_sleep(make):
    """Gives the bench, of which the chip sleeps."""
    b = make()
    b.bus.fail_next(100)
    b.driver.close()  # a chip that is gone need not sleep
    b = make()
    with b.driver as d:
        assert b.chip.period_ns() > 0
    assert b.read(1000000) == [] and d.done
    assert b.chip.period_ns() == 0
    d.close()  # once more does nothing
    return b


def wakes_on_motion(make, mg):
    """Motion above ``mg`` fires the pin, less does not; then it samples as before."""
    rest = STILL[0]
    pushed = (rest[0], rest[1] - mg * 5 // 4) + rest[2:]
    less = (rest[0], rest[1] - mg * 3 // 4) + rest[2:]
    b = make(motion=(rest,))
    b.run(2, 20000)
    sample = b.read(40000)[: b.driver.channels]
    pin = b.chip.pin = IntLine(b.chip)
    fired = []
    pin.irq(fired.append)
    with Sleeping(b.now):
        b.driver.wake_on_motion(mg)
    assert _silent(b, 2000000) and not fired
    b.chip.motion = (less,)
    assert _silent(b, 2000000) and not fired
    b.chip.motion = (pushed,)
    assert _silent(b, 500000) and len(fired) == 1 and pin.value()
    b.chip.motion = (rest,)
    assert _silent(b, 500000) and len(fired) == 1 and pin.value()  # it stays
    pin.handler = None
    dropped = b.driver.dropped
    with Sleeping(b.now):
        b.driver.resume()
        b.driver.resume()  # the second does nothing
    assert b.read(400000)[: b.driver.channels] == sample
    lost = b.driver.dropped - dropped
    assert 4900 <= lost * 1000000 // b.driver.rate_mhz <= 6100, lost  # the time asleep, ms
    b.run(5, 20000)
    assert b.driver.dropped - dropped == lost
    with Sleeping(b.now):
        b.driver.wake_on_motion(mg)
    assert _silent(b, 500000) and not pin.value()  # what was seen the first time is forgotten


def _silent(b, us):
    """Whether nothing is read for so long; what the chip sees meanwhile it acts upon."""
    b.now.now += us
    b.chip.advance()
    return b.read() == []


def sees_motion(b, threshold_mg, moved_mg, wakes):
    """Whether motion of so much fires the pin; gives how many samples two seconds asleep take."""
    b.read(100000)
    pin = b.chip.pin = b.pin or IntPin(b.chip)
    fired = []
    pin.irq(fired.append)
    with Sleeping(b.now):
        b.driver.wake_on_motion(threshold_mg)
    before = b.chip.sample
    assert _silent(b, 1000000) and _silent(b, 1000000)
    asleep = b.chip.sample - before
    assert not fired and not b.chip.moved
    still = (0, 0, 1000)
    b.chip.motion = [still] * (b.chip.sample + 10) + [(0, moved_mg, 1000)] * 3 + [still] * 1000
    assert _silent(b, 2000000)
    assert bool(fired) == wakes == bool(b.chip.moved), (threshold_mg, moved_mg)
    return asleep


def wakes_between_samples(make, at, sample, at_least, awake_s=1, **options):
    """Motion from sample ``at`` on fires the pin; awake again it gives ``sample``, and more than
    ``at_least`` are told as lost."""
    motion = [(0, 0, 1000)] * at + [(0, 200, 1000)] * 1000
    b = make(motion=motion, pin=IntLine, **options)
    b.run(awake_s)
    with Sleeping(b.now):
        b.driver.wake_on_motion(150)
    before = b.bus.transfers
    b.driver.interrupt.take()
    assert b.read(1000000) == [] and b.bus.transfers == before  # asleep: nothing is asked
    assert b.pin.value() == 0 and not b.driver.interrupt.fired()
    for _ in range(600):
        b.now.now += 100000
        if b.pin.value():
            break
    assert at <= b.chip.sample < at + 10 and b.driver.interrupt.fired()
    with Sleeping(b.now):
        b.driver.resume()
    assert b.pin.value() == 0
    b.run(3)
    assert b.read(100000)[:3] == sample
    assert b.driver.dropped > at_least  # the time asleep, as a hole
    return b


def thresholds(make, low, high):
    d = make().driver
    for mg in (low - 1, high + 1, 0, -1):
        raises(DriverError, ("expected a threshold of %d to %d mg" % (low, high), "got %d" % mg),
               d.wake_on_motion, mg)


def asleep(b):
    """Ten seconds of waiting for motion, for goes_on_as_before()."""
    b.driver.wake_on_motion(100)
    assert b.read(10000000) == []
    b.driver.resume()


def goes_on_as_before(b, interlude, settings, lost, sample):
    """After interlude(b) settings(chip) are back, what it took is told as lost, samples go on."""
    b.run(2)
    before, dropped = settings(b.chip), b.driver.dropped
    with Sleeping(b.now):
        result = interlude(b)
    assert settings(b.chip) == before
    b.run(2)
    assert lost[0] < b.driver.dropped - dropped < lost[1], b.driver.dropped
    assert b.read(40000)[: len(sample)] == sample
    dropped = b.driver.dropped
    b.driver.resume()  # does nothing
    assert len(b.read(40000)) > 0 and b.driver.dropped == dropped
    return result


# The heap


def nothing_is_allocated(b, calls=3000, step_us=10000):
    """Bytes of heap that reading takes, faults, overflows and all."""
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    with Sleeping(b.now):
        b.bus.faults.every = 0
        for _ in range(200):
            _step(b, step_us)
        gc.collect()
        gc.disable()
        try:
            start = gc.mem_alloc()
            for _ in range(calls):
                _step(b, step_us)
            assert gc.mem_alloc() == start, gc.mem_alloc() - start
        finally:
            gc.enable()


def _step(b, step_us):
    b.now.now = b.now.now + step_us & 0x1FFFFFFF
    while b.driver.read_into(b.buf):
        pass
