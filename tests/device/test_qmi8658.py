"""The QMI8658 driver against its register emulator, on buses whose transfers take time."""

from chips import built, checks, selftests
from chips.bench import Sleeping, Timed
from chips.chip import IntLine
from chips.qmi8658 import QMI8658 as Chip
from chips.qmi8658 import TimedBus, TimedSPI
from expect import Ticks, raises
from tinysense.drivers import qmi8658
from tinysense.drivers.qmi8658 import QMI8658
from tinysense.errors import DriverError

G1 = (1000, 0, 0)
SIX = (1000, -1000, 500, 256000, -2048000, 64000)
COUNTS = [8192, -8192, 4096, 4096, -32768, 1024]  # at 4 g and 2048 deg/s
MARKED = [(k * 8, 0, 0, k * 1000, 0, 0) for k in range(480)]


def bench(motion=(G1,), rate_mhz=125000, odr_ppm=0, spi=False, busy_polls=1, **options):
    now = Ticks()
    chip = Chip(motion, now, odr_ppm=odr_ppm, busy_polls=busy_polls)
    bus = TimedSPI(chip, now) if spi else TimedBus(chip, now)
    return Timed(QMI8658, chip, now, bus, rate_mhz=rate_mhz, **options)


def test_says_what_it_is():
    d = bench().driver
    checks.says_what_it_is(d, 125000, 4)
    assert d.capacity == 128


def test_gyro_gives_six_channels_in_their_units():
    for spi in (False, True):
        checks.gives_six_channels(bench((SIX,), 112100, gyro=True, spi=spi), (4, 2048), COUNTS)


def test_ranges_are_set_in_the_chip():
    checks.whole_ranges(bench, (16, 32, 64, 128, 256, 512, 1024, 2048))


def test_rate_is_the_nearest_the_chip_has():
    checks.nearest_rates(bench, (
        (31250, 31250), (50000, 62500), (100000, 125000), (208000, 250000), (416000, 500000),
        (1000000, 1000000)), 4, motion=(SIX,))
    checks.nearest_rates(bench, (
        (31250, 28025), (50000, 56050), (100000, 112100), (208000, 224200), (416000, 448400),
        (1000000, 896800)), 4, motion=(SIX,), gyro=True)


def test_every_sample_comes_once_and_in_order():
    for rate_mhz, options in ((125000, {}), (500000, {}), (1000000, {"spi": True}),
                              (125000, {"busy_polls": 3})):
        b = bench(MARKED, rate_mhz, **options)
        checks.each_sample_once(b, lambda k: 8 * (k % 480) * 4096 // 500,
                                [7000 + 977 * (i % 40) for i in range(150)], 400)
        assert b.chip.thrown == 0


def test_nothing_is_lost_while_it_is_read():
    """The chip takes no samples while its FIFO is read: reads fit between them."""
    for rate_mhz, gyro, spi in ((31250, False, False), (500000, False, False),
                                (28025, True, False), (112100, True, False), (224200, True, False),
                                (448400, True, False), (896800, True, True)):
        for ppm in (-20000, 20000):
            b = bench(MARKED, rate_mhz, ppm, spi=spi, gyro=gyro)
            for i in range(300):
                b.read(1000 + 4001 * i % 39000)
            assert b.driver.dropped == b.chip.thrown <= 1, (rate_mhz, spi, ppm, b.chip.thrown)
            assert b.accounted() == b.chip.sample


def test_what_is_lost_while_it_is_read_is_counted_exactly():
    """Where the bus is too slow for one frame between two samples."""
    for rate_mhz, gyro in ((896800, True), (1000000, False)):
        b = bench(MARKED, rate_mhz, -20000, gyro=gyro)
        b.run(20, 30000)
        assert b.chip.thrown > 500
        with Sleeping(b.now):
            b.driver._look()
        untold = b.driver._lost
        assert abs(b.driver.dropped + untold - b.chip.thrown) <= 1
        assert abs(b.accounted() + untold - b.chip.sample) <= 1
        true_mhz = 1000000000000 // b.chip.true_period_ns()
        assert abs(b.driver.measured_mhz - true_mhz) * 2000 < true_mhz


def test_a_chip_that_does_not_count_its_samples():
    """Not what the data sheet says; then the clock tells what is missing, as with other chips."""
    now = Ticks()
    chip = Chip(MARKED, now, odr_ppm=-20000)
    chip.counting = False
    b = Timed(QMI8658, chip, now, TimedBus(chip, now))
    got = b.read()[::3]
    for i in range(300):
        got += b.read(1000 + 4001 * i % 39000)[::3]
    assert got == [8 * (k % 480) * 4096 // 500 for k in range(len(got))]
    assert b.driver.dropped == chip.thrown == 0 and b.accounted() == chip.sample
    b.read(1800000)
    b.run(2)
    assert b.driver.dropped > 90 and abs(b.accounted() - chip.sample) <= 1


def test_nothing_before_a_batch():
    b = bench(batch_ms=80)
    assert b.driver.watermark == 10
    b.read(160000)
    before = b.bus.transfers
    assert b.read(50000) == [] and b.bus.transfers == before
    assert len(b.read(40000)) >= 30


def test_the_watermark_interrupts():
    for line in (1, 2):
        b = bench(batch_ms=80, pin=IntLine, int_line=line)
        b.read()
        b.now.now += 60000
        b.chip.advance()
        before = b.bus.transfers
        assert b.read() == [] and b.bus.transfers == before
        b.now.now += 30000
        b.chip.advance()
        assert len(b.read()) >= 30
        b.run(5, 2000)
        assert b.driver.dropped == 0 and b.accounted() == b.chip.sample
        b.driver.close()
        assert b.pin.handler is None


def test_true_rate_and_times():
    checks.true_rate_and_times(bench, motion=(SIX,), rate_mhz=224200, gyro=True)


def test_an_overflow_is_counted_exactly():
    for ppm in checks.PPM:
        for wait in (0, 10):  # the rate unknown, and known
            b = bench(MARKED, 500000, ppm)
            b.run(wait)
            got = b.read(1700000)[::3]
            assert len(got) >= 128
            b.run(2)
            assert b.driver.dropped > 600 and b.chip.overwritten > 600
            assert abs(b.accounted() - b.chip.sample) <= 1, (ppm, b.accounted(), b.chip.sample)


def test_faults_are_counted_exactly():
    """A burst that failed may have taken half a word, which the chip's count does not show: the
    FIFO is emptied. Retries make a read longer than planned, so a sample may come into it."""
    for spi in (False, True):
        b = bench(MARKED, 125000, spi=spi)
        b.run(2)
        b.bus.faults.every = 10
        b.run(20)
        b.bus.faults.every = 0
        b.run(2)
        assert b.bus.faults.faults > 50 and b.driver.errors == b.bus.faults.faults
        assert 0 < b.driver.dropped < 900
        assert abs(b.accounted() - b.chip.sample) <= 1


def test_bursts_that_fail_half_way_are_counted():
    lost, known = 0, {(8 * k * 4096 // 500, 0, 0) for k in range(480)}
    for cut in (1, 6, 7, 12, 47):
        for gyro in (False, True):
            b = bench(MARKED, 224200, -30000, gyro=gyro)
            b.run(5)
            b.bus.faults.every, b.bus.faults.cut = 23, cut
            for _ in range(250):
                frames, channels = b.read(37000), b.driver.channels
                for i in range(0, len(frames), channels):
                    assert tuple(frames[i : i + 3]) in known
            b.bus.faults.every = 0
            b.run(5)
            lost += b.driver.dropped
            assert abs(b.accounted() - b.chip.sample) <= 1, (cut, b.accounted(), b.chip.sample)
    assert lost > 150


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=62500))


def test_a_command_that_is_never_done():
    now = Ticks()
    chip = Chip((G1,), now, busy_polls=1000000)
    with Sleeping(now):
        raises(DriverError, "refused a command", QMI8658, TimedBus(chip, now))


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(QMI8658, Chip((G1,), Ticks()), "0x05")


def test_impossible_settings():
    checks.impossible_settings(QMI8658, Chip((G1,), Ticks()), (20000, 4), (1200000, 4), (0, 4),
                               (125000, 3), (125000, 0))


def test_close_stops_reading_and_puts_it_to_sleep():
    checks.closing_puts_it_to_sleep(bench)


def test_the_self_test():
    b = bench()
    b.run(5)
    moved = selftests.run(b)
    for axis, value in (("x", 700 / 2048), ("y", -800 / 2048), ("z", 900 / 2048),
                        ("gx", 5000 / 16), ("gy", -375), ("gz", 7000 / 16)):
        assert abs(moved[axis] - value) < 1e-6
    b.run(3)
    assert len(b.read(100000)) > 0 and b.driver.dropped > 40
    for axis, bad in ((0, 400), (4, 4700)):
        b.chip.response = [bad if i == axis else (700, 5000)[i > 2] for i in range(6)]
        selftests.fails(b, "self-test", "expected", "keep it still")
    b.bus.fail_next(1000)
    selftests.fails(b, "self-test broken off")


def test_it_wakes_when_moved():
    for line in (1, 2):
        checks.wakes_between_samples(bench, 800, [0, 1638, 8192], 100, awake_s=2, int_line=line)
    checks.thresholds(bench, 1, 255)


def test_nothing_is_allocated():
    checks.nothing_is_allocated(bench([SIX, (0,) * 6], 224200, gyro=True), 1000)


def test_build():
    now = Ticks()
    chip = Chip((SIX,), now, 0x6A)
    built.as_wired(qmi8658, TimedBus(chip, now), chip, now, 125000, (56050, 8, 1024))
