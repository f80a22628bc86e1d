"""The ICM-20948 driver against its register emulator."""

import fakes
from chips import checks, selftests
from chips.bench import Bench, Sleeping
from chips.bus import SPI, Bus
from chips.chip import IntPin
from chips.icm20948 import ICM20948 as Chip
from expect import Ticks, raises
from tinysense.drivers import make
from tinysense.drivers.icm20948 import ICM20948, filter_setting
from tinysense.errors import DriverError
from tinysense.ticks import ticks_us

G1 = (1000, 0, 0)
SIX = ((1000, -1000, 0, 250000, -2000000, 0),)
COUNTS = [8192, -8192, 0, 4096, -32768, 0]
MARKED = [(k * 8, 0, 0) for k in range(480)]  # at 4 g a sample's number can be read off x


def bench(motion=(G1,), rate_mhz=100000, odr_ppm=0, spi=False, fifo_bytes=512, **options):
    now = Ticks()
    chip = Chip(motion, now, odr_ppm=odr_ppm, spi=spi, fifo_bytes=fifo_bytes)
    return Bench(ICM20948, chip, now, SPI(chip) if spi else None, rate_mhz=rate_mhz, **options)


def fast(motion=MARKED, **options):
    return bench(motion, rate_mhz=562500, **options)


def test_says_what_it_is():
    checks.says_what_it_is(bench().driver, 102272, 4)


def test_gyro_gives_six_channels_in_their_units():
    for spi in (False, True):
        checks.gives_six_channels(bench(SIX, gyro=True, gyro_dps=2000, spi=spi), (4, 2000), COUNTS)


def test_ranges_are_set_in_the_chip():
    checks.whole_ranges(bench, (250, 500, 1000, 2000))


def test_rate_is_the_nearest_the_chip_has():
    checks.nearest_rates(bench, (
        (1125000, 1125000), (600000, 562500), (104000, 102272), (100000, 102272), (50000, 48913),
        (25000, 25000), (4395, 4394)), 1, motion=SIX, gyro=True)


def test_filter_stays_below_half_the_rate():
    for rate_mhz, setting in ((1125000, 1), (492000, 1), (491999, 2), (240000, 2), (102272, 4),
                              (51136, 4), (25000, 5), (12000, 6), (4394, 6)):
        assert filter_setting(rate_mhz) == setting, rate_mhz


def test_without_gyro_it_is_off():
    assert bench().chip.banks[0][0x07] == 7
    assert bench(gyro=True).chip.banks[0][0x07] == 0


def test_every_sample_comes_once_and_in_order():
    for spi in (False, True):
        checks.each_sample_once(bench(MARKED, rate_mhz=1125000, spi=spi),
                                lambda k: k % 480 * 8 * 4096 // 500,
                                [7000 + 977 * (i % 40) for i in range(60)], 1500)


def test_nothing_before_a_batch():
    b = bench(rate_mhz=1125000, batch_ms=20)
    assert b.driver.watermark == 22
    b.read(100000)
    assert b.read(19000) == []
    assert len(b.read(1000)) > 60


def test_an_interrupt_tells_when_to_look():
    b = bench(pin=IntPin, rate_mhz=25000, batch_ms=200)
    assert b.driver.watermark == 5
    checks.interrupt_tells_when_to_look(b)


def test_true_rate_and_times():
    checks.true_rate_and_times(fast, motion=SIX, gyro=True)


def test_an_overflow_is_counted_exactly():
    for fifo_bytes in (512, 4096):  # the data sheet's, and what others saw
        checks.overflow_is_counted(fast, 2000000, 1000, gives_up=True, fifo_bytes=fifo_bytes)


def test_faults_that_take_nothing_lose_nothing():
    for spi in (False, True):
        checks.harmless_faults(fast(spi=spi), 100)


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(fast, (6, 12, 7, 47, 1))


def test_a_fault_while_it_empties_its_fifo_does_not_end_it():
    b = bench(rate_mhz=562500)
    b.run(3)
    offset = b.accounted() - b.chip.sample
    b.now.now += 2000000  # an overflow
    restart = b.bus.transfers + 4  # the status, the count, and two writes

    def strikes(inner=b.bus.faults.strikes):
        inner()
        return restart < b.bus.faults.transfers <= restart + 3

    b.bus.faults.strikes = strikes
    b.run(2)
    assert b.driver.errors == 3 and b.driver.dropped > 1000
    assert abs(b.accounted() - b.chip.sample - offset) <= 1


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=25000), 40000)


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(ICM20948, Chip((G1,), Ticks()), "0xea", "is it an ICM-20948", 0x71)
    bus = Bus(Chip((G1,), Ticks(), address=0x69))
    assert raises(DriverError, ("no chip answers", "0x68", "wires"), ICM20948, bus).errno == 19


def test_a_chip_left_in_another_bank():
    now = Ticks()
    chip = Chip((G1,), now)
    chip.bank = 2
    with Sleeping(now):
        ICM20948(Bus(chip), now=now)
    assert chip.bank == 0


def test_impossible_settings():
    checks.impossible_settings(ICM20948, Chip((G1,), Ticks()), (4394, 4), (1125001, 4), (0, 4),
                               (100000, 3), (100000, 0))


def passing(**options):
    # 2620 x 1.01^99 = 7016 counts
    b = bench(checks.STILL, **options)
    b.chip.codes, b.chip.response = [100] * 6, [7016] * 6
    return b


def settings(chip):
    return [bytes(bank) for bank in chip.banks] + [chip.bank]


def test_self_test_says_what_each_axis_does():
    b = passing(rate_mhz=562500, range_g=16)
    got = checks.goes_on_as_before(b, selftests.run, settings, (300, 500), [204, -410, 2048])
    assert sorted(got) == sorted(checks.SIX_AXES) and b.chip.bank == 0
    assert abs(got["x"] - 0.428) < 0.001 and abs(got["gx"] - 53.53) < 0.01


def test_self_test_finds_a_weak_axis():
    for axis, name in enumerate(checks.SIX_AXES):
        b = passing()
        b.chip.response[axis] = 3500
        selftests.fails(b, "failed its self-test", ": %s moved by" % name)


def test_self_test_without_factory_codes():
    b = passing()
    b.chip.codes = [0] * 6
    b.chip.response = [3700] * 3 + [7900] * 3
    selftests.run(b)
    b.chip.response[5] = 7800  # 59.5 deg/s
    selftests.fails(b, "gz moved by")


def test_motion_wakes():
    for threshold, wakes in ((396, True), (404, False)):
        b = bench([(0, 0, 1000)], pin=IntPin)
        assert 38 <= checks.sees_motion(b, threshold, 400, wakes) <= 41  # 20 Hz
        bank = b.chip.banks[0]
        assert bank[0x06] & 0x20 and bank[0x05] & 0x20 and bank[0x07] == 7 and bank[0x0F] == 0x20


def test_it_samples_again_after_it():
    b = fast(motion=SIX, gyro=True)
    checks.goes_on_as_before(b, checks.asleep, settings, (5600, 5800), COUNTS)


def test_impossible_thresholds():
    checks.thresholds(bench, 4, 1020)


def test_a_fault_there_leaves_bank_0():
    b = bench()
    b.bus.fail_next(0)
    fails = b.bus.transfers + 12

    def strikes(inner=b.bus.faults.strikes):
        inner()
        return fails <= b.bus.faults.transfers < fails + 3

    b.bus.faults.strikes = strikes
    raises(DriverError, "refused a setting", b.driver.wake_on_motion, 100)
    assert b.chip.bank == 0


def test_built_from_a_config():
    fake = fakes.install(Bus(Chip(SIX, ticks_us, address=0x69)))
    options = {"bus": 1, "scl": 3, "sda": 2, "address": 0x69, "gyro": True, "rate_mhz": 1125000}
    with make("icm20948", options) as d:
        assert fake.asked == (1, 400000, {"scl": 3, "sda": 2})
        assert (d.rate_mhz, d.full_scale) == (1125000, (4, 4, 4, 2000, 2000, 2000))


def test_close_stops_reading_and_puts_it_to_sleep():
    b = checks.closing_puts_it_to_sleep(bench)
    assert b.chip.banks[0][0x06] & 0x40


def test_reading_takes_no_heap():
    for spi in (False, True):
        checks.nothing_is_allocated(fast(motion=SIX, gyro=True, spi=spi), 1000, 40000)
