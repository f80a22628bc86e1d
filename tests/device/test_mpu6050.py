"""The MPU6050 driver against its register emulator."""

from chips import checks, selftests
from chips.bench import Bench, Sleeping
from chips.checks import STILL
from chips.chip import IntPin
from chips.mpu6050 import MPU6050 as Chip
from expect import Ticks, raises
from tinysense.drivers.mpu6050 import MPU6050, filter_setting
from tinysense.errors import DriverError

G1 = (1000, 0, 0)
SIX = (1000, -1000, 0, 250000, -2000000, 0)
COUNTS = [8192, -8192, 0, 4096, -32768, 0]
MARKED = [(k * 8, 0, 0) for k in range(480)]  # at 4 g a sample's number can be read off x


def bench(motion=(G1,), rate_mhz=100000, odr_ppm=0, identity=0x68, **options):
    now = Ticks()
    chip = Chip(motion, now, identity=identity, odr_ppm=odr_ppm)
    return Bench(MPU6050, chip, now, rate_mhz=rate_mhz, **options)


def fast(motion=MARKED, **options):
    return bench(motion, rate_mhz=500000, **options)


def test_says_what_it_is():
    checks.says_what_it_is(bench().driver, 100000, 4)


def test_gyro_gives_six_channels_in_their_units():
    checks.gives_six_channels(bench((SIX,), gyro=True, gyro_dps=2000), (4, 2000), COUNTS)


def test_relatives_are_known_by_their_ids():
    for identity, name in ((0x70, "MPU6500"), (0x71, "MPU9250"), (0x73, "MPU9255"),
                           (0x19, "MPU6886")):
        for gyro in (False, True):
            b = bench((SIX,), identity=identity, gyro=gyro)
            assert b.driver.chip == name
            assert b.read(100000)[: b.driver.channels] == COUNTS[: b.driver.channels], name


def test_ranges_are_set_in_the_chip():
    checks.whole_ranges(bench, (250, 500, 1000, 2000))


def test_rate_is_the_nearest_the_chip_has():
    checks.nearest_rates(bench, (
        (1000000, 1000000), (500000, 500000), (416000, 500000), (100000, 100000), (52000, 52631),
        (50000, 50000), (25000, 25000), (3907, 3906)))


def test_filter_stays_below_half_the_rate():
    for rate_mhz, setting in ((1000000, 1), (368000, 1), (367999, 2), (188000, 2), (100000, 3),
                              (50000, 4), (25000, 5), (10000, 6), (4000, 6)):
        assert filter_setting(rate_mhz) == setting, rate_mhz


def test_every_sample_comes_once_and_in_order():
    checks.each_sample_once(bench(MARKED, rate_mhz=1000000), lambda k: 8 * (k % 480) * 4096 // 500,
                            [7000 + 977 * (i % 40) for i in range(200)], 4000)


def test_nothing_before_a_batch():
    checks.nothing_before_a_batch(bench(batch_ms=50), 5, 50000, 49000)


def test_an_interrupt_tells_when_to_look():
    checks.interrupt_tells_when_to_look(bench(batch_ms=50, pin=IntPin))


def test_true_rate_and_times():
    checks.true_rate_and_times(fast, motion=(SIX,), gyro=True)


def test_an_overflow_is_counted_exactly():
    # 850 frames where 170 have room
    checks.overflow_is_counted(fast, 1700000, 600, gives_up=True)


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(fast(), 100)


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(fast, (6, 12, 7, 47, 1))


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=25000))


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(MPU6050, Chip((G1,), Ticks()), "0x68", "who_am_i=0x42")
    assert bench(identity=0x42, who_am_i=0x42).driver.channels == 3


def test_impossible_settings():
    checks.impossible_settings(MPU6050, Chip((G1,), Ticks()), (3906, 4), (1000001, 4), (0, 4),
                               (100000, 3), (100000, 0))


def test_close_stops_reading_and_puts_it_to_sleep():
    b = checks.closing_puts_it_to_sleep(bench)
    assert b.chip.registers[0x6B] & 0x40


PASSING = {  # identity: codes, responses in counts, what the test says of x and gx
    # 4096 x 0.34 x (0.92/0.34)^(15/30) = 2291, 25 x 131 x 1.046^15 = 6430; y turns the other way
    0x68: ([16, 16, 16, 16, 16, 16], [2291, 2291, 2291, 6430, -6430, 6430], 0.559, 49.06),
    # 2620 x 1.01^99 = 7016
    0x71: ([100] * 6, [7016] * 6, 0.428, 53.53),
    0x19: ([100] * 6, [7016] * 6, 0.428, 53.53),
}


def test_self_test_says_what_each_axis_does():
    for identity, (codes, response, g, dps) in PASSING.items():
        b = bench(STILL, identity=identity)
        b.chip.codes, b.chip.response = codes, response
        got = selftests.run(b)
        assert sorted(got) == sorted(checks.SIX_AXES)
        assert abs(got["x"] - g) < 0.001 and abs(got["gx"] - dps) < 0.01, (identity, got)
        assert (got["gy"] < 0) == (identity == 0x68)


def test_self_test_finds_a_weak_axis():
    for identity, (codes, response, _, _) in PASSING.items():
        tolerance = 15 if identity == 0x68 else 51  # per cent
        for axis, name in enumerate(checks.SIX_AXES):
            b = bench(STILL, identity=identity)
            b.chip.codes = codes
            b.chip.response = list(response)
            b.chip.response[axis] = response[axis] * (100 - tolerance) // 100
            selftests.fails(b, "failed its self-test", ": %s moved by" % name, "expected")


def test_self_test_of_a_chip_without_factory_codes():
    for identity, least, counts in ((0x68, 0.3, 4096), (0x70, 0.225, 16384)):
        b = bench(STILL, identity=identity)
        turn = 61 * 131
        turns = [turn, -turn if identity == 0x68 else turn, turn]
        b.chip.response = [int(least * counts) + 5] * 3 + turns
        with Sleeping(b.now):
            assert b.driver.selftest()["z"] > least
            b.chip.response[2] -= 10
            raises(DriverError, "z moved by", b.driver.selftest)


def settings(chip):
    return bytes(chip.registers)


def test_self_test_gives_its_settings_back():
    b = bench(STILL, rate_mhz=500000, range_g=16, gyro=True, gyro_dps=500)
    b.chip.codes, b.chip.response, _, _ = PASSING[0x68]
    # half a second and a little of 500 Hz
    checks.goes_on_as_before(b, selftests.run, settings, (200, 400),
                             [204, -410, 2048, 32, 0, -33])


def test_motion_wakes():
    for identity, threshold, steps in ((0x68, 320, 10), (0x70, 320, 80), (0x71, 320, 80),
                                       (0x19, 320, 80)):
        b = bench([(0, 0, 1000)], identity=identity)
        assert checks.sees_motion(b, threshold, 400, True) >= 39
        assert b.chip.registers[0x20 if identity == 0x19 else 0x1F] == steps
        assert b.chip.registers[0x37] == 0x20  # stays until it is read
        assert 20000000 < b.chip.period_ns() < 60000000


def test_less_motion_does_not_wake():
    for identity in (0x68, 0x71, 0x19):
        b = bench([(0, 0, 1000)], identity=identity)
        assert checks.sees_motion(b, 416, 400, False) >= 39


def test_it_samples_again_after_it():
    for identity in (0x68, 0x71, 0x19):
        b = bench(STILL, rate_mhz=500000, identity=identity, gyro=True)
        # ten seconds and the time of setting up
        checks.goes_on_as_before(b, checks.asleep, settings, (4900, 5200), [819, -1639, 8192])
        assert len(b.read(40000)) == 120


def test_impossible_thresholds():
    for identity, low, high in ((0x68, 32, 8160), (0x71, 4, 1020)):
        checks.thresholds(lambda: bench(identity=identity), low, high)  # noqa: B023


def test_a_bus_that_fails_there():
    b = bench(STILL)
    b.bus.fail_next(100)
    raises(DriverError, "refused a setting", b.driver.wake_on_motion, 100)
    raises(DriverError, "refused a setting", b.driver.selftest)


def test_nothing_is_allocated():
    checks.nothing_is_allocated(fast(motion=(SIX, (0,) * 6), gyro=True))
