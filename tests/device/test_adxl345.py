"""The ADXL345 driver against its register emulator, over I2C and SPI."""

from chips import built, checks, selftests
from chips.adxl345 import ADXL345 as Chip
from chips.bench import Bench, Sleeping
from chips.bus import SPI
from chips.checks import STILL, numbered
from chips.chip import IntLine
from expect import Ticks, raises
from tinysense.drivers import adxl345
from tinysense.drivers.adxl345 import ADXL345

STEPS_US = [500 + 975 * (i % 40) for i in range(200)]


def make(motion=STILL, odr_ppm=0, behind=0, spi=False, **options):
    now = Ticks(1000)
    chip = Chip(motion, now, odr_ppm=odr_ppm, behind=behind)
    return Bench(ADXL345, chip, now, SPI(chip, several=0x40) if spi else None, **options)


def fast(**options):
    return make(rate_mhz=400000, **options)


def count_of(k):
    """x of sample k of numbered(8, 480) at 4 g: 11 bits, 256 of them for 1 g."""
    return k % 480 * 8 * 256 // 1000 * 32


def test_says_what_it_is():
    d = make().driver
    checks.says_what_it_is(d, 100000, 4)
    assert d.capacity == 32


def test_range_is_set_in_the_chip():
    for range_g, top in ((2, 32704), (4, 16384), (8, 8192), (16, 4096)):
        b = make(motion=((0, -500, 2000),), range_g=range_g)
        assert b.chip.range_g == range_g == b.driver.full_scale
        assert b.read(100000)[:3] == [0, -16384 // range_g, top], range_g
        assert b.chip.registers[0x31] & 0x08


def test_rate_is_the_nearest_the_chip_has():
    checks.nearest_rates(make, (
        (3200000, 3200000), (1700000, 1600000), (416000, 400000), (100000, 100000), (25000, 25000),
        (12000, 12500), (3100, 3125), (1500, 1562), (97, 97)))


def test_every_sample_comes_once_and_in_order():
    for behind in (0, 1):
        checks.each_sample_once(fast(motion=numbered(8, 480), behind=behind), count_of, STEPS_US)


def test_the_fast_rates():
    b = make(motion=numbered(8, 480), rate_mhz=3200000)
    assert b.driver.watermark == 16

    def expected(k):  # there the lowest bit is 0
        return (k % 480 * 8 * 256 // 1000 & ~1) * 32

    checks.each_sample_once(b, expected, [us // 4 for us in STEPS_US[:100]])


def test_every_sample_over_spi():
    b = fast(motion=numbered(8, 480), spi=True)
    b.chip.spi = True
    with Sleeping(b.now):
        checks.each_sample_once(b, count_of, STEPS_US)


def test_spi_reads_keep_their_distance():
    b = fast(spi=True)
    b.chip.spi = True
    adxl345.FIFO_POP_US, was = 4, adxl345.FIFO_POP_US
    try:
        with Sleeping(b.now):
            raises(AssertionError, "less than 5 us", b.read, 19000)
    finally:
        adxl345.FIFO_POP_US = was


def test_nothing_before_a_batch():
    b = make(batch_ms=60)
    assert b.chip.registers[0x38] & 0x1F == 6
    checks.nothing_before_a_batch(b, 6, 60000, 59000)


def test_an_interrupt_tells_when_to_look():
    checks.interrupt_tells_when_to_look(make(batch_ms=50, pin=IntLine))


def test_true_rate_and_times():
    checks.true_rate_and_times(fast)


def test_an_overflow_is_counted_exactly():
    for behind in (0, 1):
        checks.overflow_is_counted(fast, 1700000, 600, behind=behind)


def test_an_overflow_before_the_rate_is_known():
    checks.overflow_before_the_rate_is_known(fast(), 3000000)
    checks.overflow_before_the_rate_is_known(fast(), 3000000, 20000)


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(make())
    checks.harmless_faults(make(spi=True))


def test_an_entry_whose_transfer_fails_is_counted():
    checks.torn_bursts(fast, (1, 3, 5))


def test_what_came_before_a_failed_transfer_is_kept():
    b = fast(batch_ms=20)
    b.read(20000)
    b.now.now += 20000
    b.bus.faults.strikes = Nth(5)  # the level, then the fourth of eight entries
    assert b.driver.read_into(b.buf) == 3
    assert b.driver.read_into(b.buf) == 5
    assert (b.driver.dropped, b.driver.errors) == (0, 1)


class Nth:
    """The nth transfer from now on fails."""

    def __init__(self, n):
        self._left = n

    def __call__(self):
        self._left -= 1
        return self._left == 0


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(make())


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(ADXL345, Chip(STILL, Ticks()), "0xe5")


def test_takes_over_from_another_program():
    checks.takes_over(ADXL345, Chip)


def test_impossible_settings():
    checks.impossible_settings(ADXL345, Chip(STILL, Ticks()), (96, 4), (3200001, 4), (0, 4),
                               (100000, 3), (100000, 0))


def test_close_stops_reading_and_puts_it_to_sleep():
    checks.closing_puts_it_to_sleep(make)


def test_wakes_on_motion():
    checks.wakes_on_motion(fast, 500)
    checks.thresholds(make, 63, 15937)


def test_asleep_it_samples_slowly():
    b = make()
    b.driver.wake_on_motion(130)
    assert b.chip.registers[0x2C] == 0x17 and b.chip.registers[0x24] == 2
    assert b.chip.period_ns() == 80000000


def test_selftest():
    selftests.measures(fast, {"x": 0.8, "y": -0.9, "z": 1.2})
    # Page 22, tables 14 and 15: counts of 256 to a g, times what the supply does to them.
    selftests.limits_are_noticed(fast, ((195, 4451), (-4451, -195), (293, 5776)), 25)
    selftests.without_frames(make)


def test_built_from_options_and_model():
    chip = Chip(STILL, Ticks())
    wanted = built.Wanted(25000, "g", 8)
    built.as_wanted("adxl345", chip, 0x40, wanted, {}, (25000, 8))
    built.as_wanted("adxl345", chip, 0x40, wanted, {"range_g": 16, "rate_mhz": 50000},
                        (50000, 16))
    built.as_wanted("adxl345", chip, 0x40, None, {}, (100000, 4))


def test_reading_takes_no_heap():
    checks.nothing_is_allocated(fast())
    checks.nothing_is_allocated(fast(spi=True))
