"""The LIS3DH driver against its register emulator, over I2C and SPI."""

from chips import built, checks, selftests
from chips.bench import Bench, Sleeping
from chips.bus import SPI
from chips.checks import STILL, numbered
from chips.chip import IntLine
from chips.lis3dh import LIS3DH as Chip
from expect import Ticks
from tinysense.drivers.lis3dh import LIS3DH

STEPS_US = [500 + 975 * (i % 40) for i in range(200)]


def make(motion=STILL, odr_ppm=0, half_gone=False, spi=False, **options):
    now = Ticks(1000)
    chip = Chip(motion, now, odr_ppm=odr_ppm, half_gone=half_gone)
    return Bench(LIS3DH, chip, now, SPI(chip, several=0x40) if spi else None, **options)


def fast(**options):
    return make(rate_mhz=400000, **options)


def count_of(k):
    """x of sample k of numbered(8, 480) at 4 g: 10 bits of 8 mg, to the left."""
    return k % 480 * 64


def test_says_what_it_is():
    d = make().driver
    checks.says_what_it_is(d, 100000, 4.096)
    assert d.capacity == 32


def test_range_is_set_in_the_chip():
    for range_g, full in ((2, 2.048), (4, 4.096), (8, 8.192), (16, 24.576)):
        b = make(motion=((0, -500, 2000),), range_g=range_g)
        assert b.chip.range_g == range_g and b.driver.full_scale == full
        x, y, z = [count * full / 32768 for count in b.read(100000)[:3]]
        step = full / 512
        assert x == 0 and abs(y + 0.5) < step and abs(z - 2) < step


def test_rate_is_the_nearest_the_chip_has():
    checks.nearest_rates(make, (
        (1344000, 1344000), (800000, 400000), (416000, 400000), (104000, 100000), (190000, 200000),
        (52000, 50000), (26000, 25000), (12500, 10000), (1000, 1000)), within=1)


def test_high_resolution_is_a_mode_of_the_chip():
    b = make(high_resolution=True, motion=((0, -500, 2000),))
    assert b.chip.registers[0x23] & 0x08
    assert b.chip.sample >= 7  # it has settled
    assert b.read(100000)[:3] == [0, -4032, 16000]
    assert not make().chip.registers[0x23] & 0x08


def test_every_sample_comes_once_and_in_order():
    checks.each_sample_once(fast(motion=numbered(8, 480)), count_of, STEPS_US)
    steps_us = [us // 2 for us in STEPS_US[:100]]
    checks.each_sample_once(make(motion=numbered(8, 480), rate_mhz=1344000), count_of, steps_us)


def test_every_sample_over_spi():
    checks.each_sample_once(fast(motion=numbered(8, 480), spi=True), count_of, STEPS_US)


def test_nothing_before_a_batch():
    b = make(batch_ms=50)
    assert (b.chip.registers[0x2E] & 0x1F) + 1 == 5
    checks.nothing_before_a_batch(b, 5, 50000, 49000)


def test_an_interrupt_tells_when_to_look():
    checks.interrupt_tells_when_to_look(make(batch_ms=50, pin=IntLine))


def test_true_rate_and_times():
    checks.true_rate_and_times(fast)


def test_an_overflow_is_counted_exactly():
    checks.overflow_is_counted(fast, 1700000, 600)


def test_an_overflow_before_the_rate_is_known():
    checks.overflow_before_the_rate_is_known(fast(), 3000000)
    checks.overflow_before_the_rate_is_known(fast(), 3000000, 20000)


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(make())
    checks.harmless_faults(make(spi=True))


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(fast, (6, 7, 12, 47))
    checks.torn_bursts(fast, (1, 7, 47), half_gone=True)


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(make())


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(LIS3DH, Chip(STILL, Ticks()), "0x33")


def test_takes_over_from_another_program():
    checks.takes_over(LIS3DH, Chip)


def test_impossible_settings():
    checks.impossible_settings(LIS3DH, Chip(STILL, Ticks()), (999, 4), (1344001, 4), (0, 4),
                               (100000, 3), (100000, 0))


def test_close_stops_reading_and_puts_it_to_sleep():
    checks.closing_puts_it_to_sleep(make)


def test_wakes_on_motion():
    for mg in (300, 3000, 6000, 12000):  # in each range of the threshold
        checks.wakes_on_motion(fast, mg)
    checks.thresholds(make, 16, 16000)


def test_asleep_it_samples_slowly():
    for mg, range_g, steps in ((320, 2, 20), (3200, 4, 100), (6200, 8, 100), (9300, 16, 50)):
        b = make(high_resolution=True)
        with Sleeping(b.now):
            b.driver.wake_on_motion(mg)
        assert b.chip.registers[0x20] == 0x3F
        assert (b.chip.range_g, b.chip.registers[0x32]) == (range_g, steps)


def test_selftest():
    for options in ({}, {"range_g": 16}, {"high_resolution": True}):
        selftests.measures(lambda **more: fast(**dict(options, **more)),  # noqa: B023
                                        {"x": 0.3, "y": -0.4, "z": 0.5})
    selftests.limits_are_noticed(fast, ((68, 1440),) * 3, 5)
    selftests.without_frames(make)


def test_built_from_options_and_model():
    chip = Chip(STILL, Ticks())
    wanted = built.Wanted(25000, "g", 8)
    built.as_wanted("lis3dh", chip, 0x40, wanted, {}, (25000, 8.192))
    built.as_wanted("lis3dh", chip, 0x40, built.Wanted(25000, "g", 4.096), {},
                        (25000, 4.096))
    built.as_wanted("lis3dh", chip, 0x40, wanted, {"range_g": 16, "rate_mhz": 50000},
                        (50000, 24.576))
    built.as_wanted("lis3dh", chip, 0x40, None, {}, (100000, 4.096))


def test_reading_takes_no_heap():
    checks.nothing_is_allocated(fast())
    checks.nothing_is_allocated(fast(spi=True))
