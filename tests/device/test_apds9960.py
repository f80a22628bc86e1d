"""The APDS9960 driver against its register emulator."""

from chips import checks
from chips.apds9960 import APDS9960 as Chip
from chips.bench import Bench
from expect import Ticks
from tinysense.drivers.apds9960 import APDS9960

MARKED = [(k, 2 * k, 3, 0, k) for k in range(100)]


def bench(light=MARKED, identity=0xAB, speed_ppm=0, **options):
    now = Ticks()
    chip = Chip(light, now, identity=identity, speed_ppm=speed_ppm)
    return Bench(APDS9960, chip, now, **options)


def test_says_what_it_is():
    d = bench().driver
    assert (d.rate_mhz, d.channels) == (10000, 5)
    assert d.axes == ("clear", "red", "green", "blue", "proximity")
    assert d.units == ("none",) * 4 + ("%",)
    assert d.cycles == 35 and d.full_scale[0] == 65536 / 35 / 4
    assert abs(d.scale[4] * (255 << 7) - 100) < 0.01


def test_values_are_the_chips():
    b = bench(((40, 30, 20, 10, 200),), gain=16)
    scale = b.driver.scale
    clear, red, green, blue, proximity = b.collect(1)[:5]
    assert [round(n * scale[0]) for n in (clear, red, green, blue)] == [40, 30, 20, 10]
    assert proximity == 200 << 7
    assert b.chip.gain == 16


def test_light_compares_over_rates_and_gains():
    for rate_mhz in (1000, 5000, 50000, 100000):
        for gain in (1, 4, 16, 64):
            b = bench(((3, 3, 3, 3, 0),), rate_mhz=rate_mhz, gain=gain)
            b.collect(3)
            got = b.collect(2)[0]
            assert abs(got * b.driver.scale[0] - 3) <= b.driver.scale[0], (rate_mhz, gain)


def test_light_beyond_the_range_saturates():
    b = bench(((60000, 0, 0, 0, 255),), gain=64)
    assert b.collect(1)[:5] == [1025 * 35 // 2, 0, 0, 0, 255 << 7]
    b = bench(((60000, 0, 0, 0, 0),), gain=64, rate_mhz=2000)
    assert b.collect(2)[0] == 32767


def test_every_frame_is_a_cycle_of_its_own():
    for ppm in (-50000, 0, 50000):
        b = bench(rate_mhz=10000, speed_ppm=ppm)
        got = b.collect(9)[4::5]
        assert len(got) >= 80
        assert all(got[i] < got[i + 1] for i in range(len(got) - 1)), ppm
        assert b.frames + b.driver.dropped in (89, 90)


def test_integration_fits_the_period():
    for rate_mhz, cycles in ((100000, 2), (50000, 6), (10000, 35), (1000, 256), (10, 256)):
        b = bench(rate_mhz=rate_mhz)
        assert b.chip.integration_cycles == b.driver.cycles == cycles
        assert b.chip.period_us() < 1000000000 // rate_mhz


def test_faults_are_counted_and_mended():
    b = bench()
    b.bus.faults.every = 10
    b.run(60, 5000)
    assert b.bus.faults.faults > 50 and b.driver.errors == b.bus.faults.faults
    assert b.frames + b.driver.dropped in (599, 600)


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(), 100000, later=True)


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(APDS9960, Chip(MARKED, Ticks()), "0xab")
    assert bench(identity=0xA8).driver.channels == 5


def test_impossible_settings():
    checks.impossible_settings(APDS9960, Chip(MARKED, Ticks()), (9, 4), (100001, 4), (0, 4),
                               (10000, 0), (10000, 2), (10000, 65))


def test_close_stops_reading_and_puts_it_to_sleep():
    b = bench()
    with b.driver as d:
        assert b.chip.registers[0x80] == 7
    assert b.collect(1) == [] and d.done
    assert b.chip.registers[0x80] == 0
