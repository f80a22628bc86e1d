"""The LSM9DS1 driver against its register emulator, over I2C and SPI."""

from chips import built, checks, selftests
from chips.bench import Bench, Sleeping
from chips.bus import SPI
from chips.checks import STILL, numbered
from chips.chip import IntLine
from chips.lsm9ds1 import LSM9DS1 as Chip
from expect import Ticks
from tinysense.drivers.lsm9ds1 import LSM9DS1

STEPS_US = [500 + 650 * (i % 40) for i in range(200)]
SIX = ((1000, -1000, 0, 250000, -700000, 70),)


def make(motion=STILL, odr_ppm=0, half_gone=False, spi=False, **options):
    now = Ticks(1000)
    chip = Chip(motion, now, odr_ppm=odr_ppm, half_gone=half_gone)
    b = Bench(LSM9DS1, chip, now, SPI(chip) if spi else None, **options)
    b.before += 1  # the first of the FIFO, which nobody may use
    return b


def fast(**options):
    return make(rate_mhz=476000, **options)


def fast_gyro(**options):
    return make(rate_mhz=476000, gyro=True, **options)


def count_of(k):
    """x of sample k of numbered(8, 480) at 4 g."""
    return k % 480 * 8 * 1000 // 122


def close(values, expected, within):
    return all(abs(a - b) <= within for a, b in zip(values, expected))


def test_says_what_it_is():
    d = make().driver
    checks.says_what_it_is(d, 119000, 3.997696, 1e-6)
    assert d.capacity == 32


def test_gyro_gives_six_channels_in_their_units():
    for spi in (False, True):
        checks.gives_six_channels(make(SIX, gyro=True, spi=spi), (3.997696, 2293.76),
                                  [8196, -8197, 0, 3571, -10000, 1], 0.001)


def test_ranges_are_set_in_the_chip():
    for range_g, full in ((2, 1.998848), (4, 3.997696), (8, 7.995392), (16, 23.986176)):
        for dps, full_dps in ((245, 286.72), (500, 573.44), (2000, 2293.76)):
            b = make(((0, -500, 1900, 0, -100000, 200000),), gyro=True, range_g=range_g,
                     gyro_dps=dps)
            assert b.chip.range_g == range_g and b.chip.range_dps == dps
            got = b.read(100000)[:6]
            g = [count * full / 32768 for count in got[:3]]
            rotation = [count * full_dps / 32768 for count in got[3:]]
            assert close(g, [0, -0.5, 1.9], 0.001) and close(rotation, [0, -100, 200], 0.1)


def test_rate_is_the_nearest_the_chip_has():
    of_both = ((952000, 952000), (416000, 476000), (100000, 119000), (250000, 238000))
    checks.nearest_rates(make, of_both + ((52000, 50000), (25000, 10000), (10000, 10000)), 1)
    checks.nearest_rates(make, of_both + ((52000, 59500), (25000, 14900), (10000, 14900)), 1,
                         gyro=True)


def test_every_sample_comes_once_and_in_order():
    checks.each_sample_once(fast(motion=numbered(8, 480)), count_of, STEPS_US)
    checks.each_sample_once(fast_gyro(motion=numbered(8, 480)), count_of, STEPS_US)
    steps_us = [us // 2 for us in STEPS_US]
    checks.each_sample_once(make(motion=numbered(8, 480), rate_mhz=952000), count_of, steps_us)


def test_every_sample_over_spi():
    checks.each_sample_once(fast_gyro(motion=numbered(8, 480), spi=True), count_of, STEPS_US)


def test_the_first_frame_of_a_fifo_is_thrown_away():
    for gyro in (False, True):
        b = make(gyro=gyro)
        b.run(3)
        b.driver._give_up()
        for _ in range(50):
            assert 0x5555 not in b.read(20000)


def test_nothing_before_a_batch():
    b = make(rate_mhz=50000, batch_ms=100)
    assert b.chip.registers[0x2E] & 0x1F == 5
    checks.nothing_before_a_batch(b, 5, 120000, 99000)  # six first, of which the first is none


def test_an_interrupt_tells_when_to_look():
    for gyro in (False, True):
        checks.interrupt_tells_when_to_look(make(gyro=gyro, batch_ms=50, pin=IntLine))


def test_true_rate_and_times():
    checks.true_rate_and_times(fast)
    checks.true_rate_and_times(fast_gyro)


def test_an_overflow_is_counted_exactly():
    checks.overflow_is_counted(fast, 1700000, 600)
    checks.overflow_is_counted(fast_gyro, 1700000, 600)


def test_an_overflow_before_the_rate_is_known():
    for gyro in (False, True):
        checks.overflow_before_the_rate_is_known(make(gyro=gyro), 3000000)


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(make(rate_mhz=50000))
    checks.harmless_faults(make(rate_mhz=50000, spi=True))


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(make, (6, 7, 12, 23))
    checks.torn_bursts(make, (1, 7, 23), half_gone=True)
    checks.torn_bursts(lambda **more: make(gyro=True, **more), (1, 6, 12, 23))
    checks.torn_bursts(lambda **more: make(gyro=True, **more), (1, 6), half_gone=True)


def test_halves_of_frames_never_mix():
    motion = [(k * 8, 0, 0, k * 70, 0, 0) for k in range(480)]
    whole = {(8 * k * 1000 // 122, 0, 0, k, 0, 0) for k in range(480)}
    for half_gone in (False, True):
        checks.halves_never_mix(make, (6,), whole, 50, motion=motion, gyro=True,
                                half_gone=half_gone)


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(make())


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(LSM9DS1, Chip(STILL, Ticks()), "0x68")


def test_impossible_settings():
    checks.impossible_settings(LSM9DS1, Chip(STILL, Ticks()), *(
        (rate_mhz, range_g, True, 0x6B, dps) for rate_mhz, range_g, dps in (
            (9999, 4, 245), (952001, 4, 245), (0, 4, 245), (119000, 3, 245), (119000, 4, 250))))


def test_close_stops_reading_and_puts_it_to_sleep():
    checks.closing_puts_it_to_sleep(make)
    checks.closing_puts_it_to_sleep(fast_gyro)


def test_wakes_on_motion():
    for mg in (300, 3000, 6000, 12000):  # in each range of the threshold
        checks.wakes_on_motion(fast, mg)
    checks.wakes_on_motion(fast_gyro, 500)
    checks.thresholds(make, 8, 15900)


def test_asleep_its_gyroscope_is_off():
    for mg, range_g, steps in ((320, 2, 40), (3000, 4, 192), (6250, 8, 200), (12500, 16, 200)):
        b = fast_gyro()
        with Sleeping(b.now):
            b.driver.wake_on_motion(mg)
        assert b.chip.registers[0x10] == 0 and b.chip.period_ns() == 20000000
        assert (b.chip.range_g, b.chip.registers[0x07]) == (range_g, steps)


def test_selftest():
    accel = {"x": 0.3, "y": -0.4, "z": 0.5}
    selftests.measures(fast, accel)
    selftests.measures(
        lambda **more: make(range_g=16, gyro_dps=245, gyro=True, **more),
        dict(accel, gx=400, gy=-500, gz=300))
    selftests.limits_are_noticed(fast, ((70, 1500),) * 3, 2)
    selftests.limits_are_noticed(fast_gyro, ((None, None),) * 3 + ((200000, 800000),) * 3, 200)
    selftests.without_frames(make)


def test_built_from_options_and_model():
    chip = Chip(STILL, Ticks())
    six = built.Wanted(100000, checks.SIX_UNITS, (8,) * 3 + (250,) * 3)
    full = (7.995392,) * 3 + (286.72,) * 3
    built.as_wanted("lsm9ds1", chip, 0, built.Wanted(50000, "g", 4), {},
                        (50000, 3.997696))
    built.as_wanted("lsm9ds1", chip, 0, six, {}, (119000, full))
    built.as_wanted("lsm9ds1", chip, 0, six, {"range_dps": 2000, "rate_mhz": 52000},
                        (59500, (7.995392,) * 3 + (2293.76,) * 3))
    built.as_wanted("lsm9ds1", chip, 0, None, {}, (119000, 3.997696))


def test_reading_takes_no_heap():
    checks.nothing_is_allocated(fast())
    checks.nothing_is_allocated(fast_gyro(spi=True))
