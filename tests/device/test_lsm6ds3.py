"""The LSM6DS3 driver against its register emulator."""

from chips import built, checks, selftests
from chips.bench import Bench
from chips.bus import SPI, Bus
from chips.chip import IntLine
from chips.lsm6ds3 import LSM6DS3 as Chip
from expect import Ticks, numbers, raises
from tinysense.drivers import lsm6ds3
from tinysense.drivers.lsm6ds3 import LSM6DS3
from tinysense.errors import DriverError

G1 = (1000, 0, 0)
SIX = (1000, -1000, 500, 250000, -2000000, 70000)
COUNTS = [8196, -8197, 4098, 3571, -28572, 1000]  # at 4 g and 2000 deg/s
MARKED = [(k * 8, 0, 0, k * 70, 0, 0) for k in range(480)]  # its number can be read off x and gx
DS3, TR_C = 0x69, 0x6A


def bench(motion=(G1,), rate_mhz=104000, odr_ppm=0, spi=False, identity=DS3, **options):
    now = Ticks()
    chip = Chip(motion, now, odr_ppm=odr_ppm, identity=identity)
    return Bench(LSM6DS3, chip, now, SPI(chip) if spi else None, rate_mhz=rate_mhz, **options)


def test_says_what_it_is():
    for identity, name, capacity in ((DS3, "LSM6DS3", 1365), (TR_C, "LSM6DS3TR-C", 682)):
        d = bench(identity=identity).driver
        checks.says_what_it_is(d, 104000, 3.997696, 1e-6)
        assert (d.chip, d.capacity) == (name, capacity)


def test_gyro_gives_six_channels_in_their_units():
    for spi in (False, True):
        for identity in (DS3, TR_C):
            b = bench((SIX,), gyro=True, spi=spi, identity=identity)
            checks.gives_six_channels(b, (3.997696, 2293.76), COUNTS, 0.001)


def test_ranges_are_set_in_the_chip():
    checks.scaled_ranges(bench, (125, 250, 500, 1000, 2000))


def test_rate_is_the_nearest_the_chip_has():
    slow = ((26000, 26000), (50000, 52000), (100000, 104000), (200000, 208000), (400000, 416000),
            (1000000, 833000), (1666000, 1666000))
    for identity, lowest, gyro in ((DS3, 13000, False), (DS3, 13000, True), (TR_C, 12500, False),
                                   (TR_C, 12500, True)):
        fast = () if gyro and identity == DS3 else ((6664000, 6664000),)
        checks.nearest_rates(bench, ((12500, lowest),) + slow + fast, 49, motion=(SIX,), gyro=gyro,
                             identity=identity)


def test_every_sample_comes_once_and_in_order():
    for options in ({}, {"spi": True}, {"identity": TR_C}):
        checks.each_sample_once(bench(MARKED, rate_mhz=833000, **options),
                                lambda k: 8 * (k % 480) * 1000 // 122,
                                [7000 + 977 * (i % 40) for i in range(200)])
    b = bench(MARKED, rate_mhz=833000, gyro=True)
    checks.both_halves_in_order(b, 280000, lambda k: 8 * k * 1000 // 122, lambda k: k)


def test_nothing_before_a_batch():
    checks.nothing_before_a_batch(bench(batch_ms=50), 5, 50000, 48000, 100)


def test_the_watermark_interrupts():
    for gyro in (False, True):
        checks.interrupt_tells_when_to_look(bench((SIX,), gyro=gyro, batch_ms=50, pin=IntLine))


def test_a_long_watermark_has_its_high_bits():
    for identity in (DS3, TR_C):
        b = bench((SIX,), rate_mhz=833000, gyro=True, batch_ms=200, identity=identity)
        registers = b.chip.registers
        assert b.driver.watermark == 166
        assert registers[0x06] | registers[0x07] << 8 == 166 * 6


def test_true_rate_and_times():
    checks.true_rate_and_times(bench, rate_mhz=416000, gyro=True)
    checks.true_rate_and_times(bench, rate_mhz=104000)


def test_an_overflow_is_counted_exactly():
    checks.overflow_is_counted(bench, 4000000, 200, rate_mhz=416000)
    checks.overflow_is_counted(bench, 4000000, 800, rate_mhz=416000, gyro=True)
    checks.overflow_is_counted(bench, 4000000, 900, rate_mhz=416000, identity=TR_C)
    checks.overflow_is_counted(bench, 4000000, 1200, rate_mhz=416000, identity=TR_C, gyro=True)
    checks.overflow_before_the_rate_is_known(bench(rate_mhz=416000), 5000000)


def test_an_overflow_keeps_the_newest_and_the_order_of_words():
    for away_us in range(4000000, 4040000, 2404):  # every place in the pattern
        b = bench(MARKED, rate_mhz=416000, gyro=True, identity=TR_C)
        b.run(5)
        got = b.read(away_us)
        assert 320 < len(got) // 6 < 341
        last = b.chip.sample - 1
        assert got[-3:] == [last % 480, 0, 0]
        assert got[3::6] == [(last - k) % 480 for k in range(len(got) // 6 - 1, -1, -1)]


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(bench(rate_mhz=416000))
    checks.harmless_faults(bench((SIX,), rate_mhz=416000, gyro=True, spi=True))


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(bench, (4, 6, 12, 7, 47), rate_mhz=416000)
    checks.torn_bursts(bench, (4, 12, 13, 50), motion=(SIX,), rate_mhz=416000, gyro=True)


def test_words_never_change_places():
    """A burst that stops anywhere leaves the pattern to find the next frame by."""
    one_of = {(8 * k * 1000 // 122, 0, 0, k, 0, 0) for k in range(480)}
    checks.halves_never_mix(bench, (4, 6, 10, 12, 17, 31), one_of, 100, motion=MARKED,
                            rate_mhz=208000, gyro=True)


def test_a_pattern_that_makes_no_sense_empties_the_fifo():
    class Odd(Chip):
        def _fifo_status(self, i):
            return 2 if i == 3 else super()._fifo_status(i)

    now = Ticks()
    b = Bench(LSM6DS3, Odd((G1,), now), now, rate_mhz=104000)
    assert b.read(100000) == []


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=26000))


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(LSM6DS3, Chip((G1,), Ticks()), "0x69", "who_am_i=0x42")
    assert bench(identity=0x42, who_am_i=0x42).driver.channels == 3


def test_impossible_settings():
    chip = Chip((G1,), Ticks())
    checks.impossible_settings(LSM6DS3, chip, (11000, 4), (7400000, 4), (0, 4), (104000, 3),
                               (104000, 0))
    raises(DriverError, "13000 to 1666000 mHz", LSM6DS3, Bus(chip), 3332000, 4, True)


def test_close_stops_reading_and_puts_it_to_sleep():
    checks.closing_puts_it_to_sleep(lambda: bench((SIX,), gyro=True))


def test_the_self_test():
    for identity in (DS3, TR_C):
        selftests.deflects(bench((SIX,), identity=identity),
                           (100, 1600, -800, 160000, 690000, -300000),
                           ((0, 80), (1, 1800), (5, 100000)))


def test_it_wakes_when_moved():
    for identity in (DS3, TR_C):
        b = checks.wakes_between_samples(bench, 400, [0, 1639, 8196], 600, identity=identity)
    raises(DriverError, "expected a threshold of 62 to 3937 mg", b.driver.wake_on_motion, 30)


def test_nothing_is_allocated():
    checks.nothing_is_allocated(bench([SIX, (0,) * 6], rate_mhz=416000, gyro=True))


def test_the_words_of_a_frame():
    """What the emulator hands out is what the data sheet says: gyroscope, then accelerometer."""
    chip = Chip((SIX,), now := Ticks())
    for register, value in ((0x10, 0x48), (0x11, 0x4C), (0x08, 0x09), (0x0A, 0x26)):
        chip.put(register, value)
    now.now += 9616
    out = bytearray(12)
    chip.read(0x3E, out)
    assert numbers(out) == COUNTS[3:] + COUNTS[:3]


def test_build():
    now = Ticks()
    chip = Chip((SIX,), now, 0x6B)
    built.as_wired(lsm6ds3, Bus(chip), chip, now, 104000, (52000, 8, 500))
