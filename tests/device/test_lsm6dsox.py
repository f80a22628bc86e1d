"""The LSM6DSOX driver against its register emulator."""

from chips import built, checks, selftests
from chips.bench import Bench, Sleeping
from chips.bus import SPI, Bus
from chips.chip import IntLine
from chips.lsm6dsox import LSM6DSOX as Chip
from expect import Ticks, frames, numbers, raises
from tinysense.drivers import lsm6dsox
from tinysense.drivers.lsm6dsox import LSM6DSOX
from tinysense.errors import DriverError

G1 = (1000, 0, 0)
SIX = (1000, -1000, 500, 250000, -2000000, 70000)
COUNTS = [8196, -8197, 4098, 3571, -28572, 1000]  # at 4 g and 2000 deg/s
MARKED = [(k * 8, 0, 0) for k in range(480)]  # at 4 g a sample's number can be read off x


def bench(motion=(G1,), rate_mhz=104000, odr_ppm=0, spi=False, identity=0x6C, **options):
    now = Ticks()
    chip = Chip(motion, now, odr_ppm=odr_ppm, identity=identity)
    return Bench(LSM6DSOX, chip, now, SPI(chip) if spi else None, rate_mhz=rate_mhz, **options)


def test_says_what_it_is():
    d = bench().driver
    checks.says_what_it_is(d, 104000, 3.997696, 1e-6)
    assert (d.chip, d.capacity) == ("LSM6DSOX", 512)


def test_gyro_gives_six_channels_in_their_units():
    for spi in (False, True):
        b = bench((SIX,), gyro=True, spi=spi)
        checks.gives_six_channels(b, (3.997696, 2293.76), COUNTS, 0.001)
        assert b.driver.capacity == 256


def test_ranges_are_set_in_the_chip():
    checks.scaled_ranges(bench, (125, 250, 500, 1000, 2000))


def test_rate_is_the_nearest_the_chip_has():
    for gyro in (False, True):
        checks.nearest_rates(bench, (
            (12500, 12500), (26000, 26000), (50000, 52000), (100000, 104000), (200000, 208000),
            (400000, 417000), (1000000, 833000), (1667000, 1667000), (3333000, 3333000),
            (6667000, 6667000)), 49, motion=(SIX,), gyro=gyro)


def test_every_sample_comes_once_and_in_order():
    for spi in (False, True):
        checks.each_sample_once(bench(MARKED, rate_mhz=833000, spi=spi),
                                lambda k: 8 * (k % 480) * 1000 // 122,
                                [7000 + 977 * (i % 40) for i in range(200)])
    marked = [(k * 8, 0, 0, k * 70, 0, 0) for k in range(480)]
    b = bench(marked, rate_mhz=833000, gyro=True)
    checks.both_halves_in_order(b, 280000, lambda k: 8 * k * 1000 // 122, lambda k: k)


def test_nothing_before_a_batch():
    checks.nothing_before_a_batch(bench(batch_ms=50), 5, 50000, 48000, 100)


def test_the_watermark_interrupts():
    for gyro in (False, True):
        checks.interrupt_tells_when_to_look(bench((SIX,), gyro=gyro, batch_ms=50, pin=IntLine))


def test_true_rate_and_times():
    checks.true_rate_and_times(bench, rate_mhz=417000, gyro=True)
    checks.true_rate_and_times(bench, rate_mhz=104000)


def test_an_overflow_is_counted_exactly():
    checks.overflow_is_counted(bench, 1700000, 100, rate_mhz=417000)
    checks.overflow_is_counted(bench, 1700000, 300, rate_mhz=417000, gyro=True)
    checks.overflow_before_the_rate_is_known(bench(rate_mhz=417000), 3000000)


def test_an_overflow_keeps_the_newest():
    b = bench(MARKED, rate_mhz=417000)
    b.run(5)
    got = b.read(2000000)[::3]
    assert len(got) == 512
    last = b.chip.sample - 1
    assert got[-1] == 8 * (last % 480) * 1000 // 122
    assert b.driver.dropped > 200


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(bench(rate_mhz=417000))
    checks.harmless_faults(bench((SIX,), rate_mhz=417000, gyro=True, spi=True))


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(bench, (7, 14, 21, 50), rate_mhz=417000)
    checks.torn_bursts(bench, (14, 21, 35, 100), motion=(SIX,), rate_mhz=417000, gyro=True)


def test_frames_are_never_put_together_of_two():
    """A word that is lost takes the other half of its frame with it, whatever its counter."""
    motion = [(k * 8, 0, 0, k * 70, 0, 0) for k in range(480)]
    one_of = {(8 * k * 1000 // 122, 0, 0, k, 0, 0) for k in range(480)}
    checks.halves_never_mix(bench, (7, 21, 28, 35, 49, 63), one_of, 300, motion=motion,
                            rate_mhz=208000, gyro=True, gyro_dps=2000)


def test_one_word_lost():
    """The half that is left is passed over, and the frame counted once."""
    b = bench((SIX,), rate_mhz=104000, gyro=True)
    b.run(5)
    b.now.now += 96200
    b.chip.advance()
    held = b.chip.held
    b.chip.swallow(7)
    b.driver._torn = True  # as after a burst that failed
    out = b.read(0)
    assert len(out) == 6 * (held - 1) and out[:6] == COUNTS and out[-6:] == COUNTS
    b.run(2)
    assert b.driver.dropped == 1 and b.accounted() == b.chip.sample


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=26000))


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(LSM6DSOX, Chip((G1,), Ticks()), "0x6c", "who_am_i=0x42")
    assert bench(identity=0x6B, who_am_i=0x6B).driver.channels == 3


def test_impossible_settings():
    chip = Chip((G1,), Ticks())
    checks.impossible_settings(LSM6DSOX, chip, (11000, 4), (7400000, 4), (0, 4), (104000, 3),
                               (104000, 0))
    raises(DriverError, "2000 deg/s, got 4, 300", LSM6DSOX, Bus(chip), 104000, 4, True, 0x6A, 0,
           300)


def test_close_stops_reading_and_puts_it_to_sleep():
    checks.closing_puts_it_to_sleep(lambda: bench((SIX,), gyro=True))


def test_the_self_test():
    selftests.deflects(bench((SIX,), gyro=True), (60, 1600, -800, 160000, 690000, -300000),
                       ((0, 40), (1, 1800), (5, 100000)))


def test_it_wakes_when_moved():
    b = checks.wakes_between_samples(bench, 400, [0, 1639, 8196], 600)
    assert abs(b.accounted() * 9615 - b.now.now) < 60000


def test_thresholds_of_waking():
    for threshold_mg, parts, steps in ((16, 256, 1), (150, 256, 10), (984, 256, 63),
                                       (1000, 64, 16), (3937, 64, 63)):
        b = bench()
        with Sleeping(b.now):
            b.driver.wake_on_motion(threshold_mg)
        assert (b.chip.wake_parts(), b.chip.registers[0x5B]) == (parts, steps), threshold_mg
    for threshold_mg in (0, 7, 4000):
        raises(DriverError, "expected a threshold of 15 to 3937 mg", bench().driver.wake_on_motion,
               threshold_mg)


def test_nothing_is_allocated():
    b = bench([SIX, (0,) * 6], rate_mhz=417000, gyro=True)
    checks.nothing_is_allocated(b)
    assert b.frames == 0 and b.driver.dropped == 0  # _step does not count


def test_a_frame_of_both_kinds_of_word():
    """What the emulator hands out is what the data sheet says: tag, counter, parity."""
    now = Ticks()
    chip = Chip((SIX,), now)
    for register, value in ((0x10, 0x48), (0x11, 0x4C), (0x09, 0x44), (0x0A, 0x06)):
        chip.put(register, value)
    now.now += 2 * 9616
    out = bytearray(28)
    chip.read(0x78, out)
    assert [out[i] for i in (0, 7, 14, 21)] == [0x09, 0x11, 0x0A, 0x12]
    assert numbers(out[1:7]) == COUNTS[3:] and numbers(out[8:14]) == COUNTS[:3]
    assert frames(*COUNTS[:3]) == out[8:14]


def test_build():
    now = Ticks()
    chip = Chip((SIX,), now, 0x6B)
    built.as_wired(lsm6dsox, Bus(chip), chip, now, 104000, (52000, 8, 500))
