"""The MAX30102 driver against its register emulator."""

from chips import checks
from chips.bench import Bench
from chips.bus import Bus
from chips.max30102 import MAX30102 as Chip
from chips.max30102 import LowPin
from expect import Ticks
from tinysense.drivers.max30102 import MAX30102, setting_of

MARKED = [(k * 8, 262143 - k * 8) for k in range(1000)]


def bench(motion=MARKED, odr_ppm=0, identity=0x15, **options):
    now = Ticks()
    chip = Chip(motion, now, identity=identity, odr_ppm=odr_ppm)
    return Bench(MAX30102, chip, now, **options)


def test_says_what_it_is():
    d = bench().driver
    assert (d.rate_mhz, d.channels, d.axes, d.units) == (100000, 2, ("red", "ir"), "A")
    assert abs(d.full_scale - 4096e-9) < 1e-14
    assert (d.dropped, d.errors, d.done, d.measured_mhz) == (0, 0, False, 0)


def test_eighteen_bits_become_fifteen():
    values = (0, 1, 7, 8, 255, 256, 65535, 65536, 131071, 131072, 262143)
    got = bench([(value, 262143 - value) for value in values]).collect(1)
    for k in range(len(values)):
        assert got[2 * k : 2 * k + 2] == [values[k] >> 3, (262143 - values[k]) >> 3], values[k]


def test_range_current_and_rate_are_set_in_the_chip():
    for range_na, bits in ((2048, 0), (4096, 1), (8192, 2), (16384, 3)):
        b = bench(range_na=range_na, led_ua=25000)
        assert b.chip.registers[0x0A] >> 5 == bits
        assert b.chip.registers[0x0C] == b.chip.registers[0x0D] == 125
    for rate_mhz, got in ((1600000, 1600000), (1000000, 1000000), (800000, 800000),
                          (400000, 400000), (110000, 100000), (50000, 50000), (25000, 25000),
                          (10000, 12500), (1562, 1562)):
        b = bench(rate_mhz=rate_mhz)
        assert b.driver.rate_mhz == got == 1000000000000 // b.chip.period_ns(), rate_mhz
    assert setting_of(25000) == (0, 1)


def test_the_pulse_fits_the_rate():
    for rate_mhz, width in ((400000, 3), (800000, 2), (1000000, 1), (1600000, 0)):
        assert bench(rate_mhz=rate_mhz).chip.registers[0x0A] & 3 == width


def test_every_sample_comes_once_and_in_order():
    checks.each_sample_once(bench(rate_mhz=400000), lambda k: k % 1000,
                            [3000 + 977 * (i % 60) for i in range(200)], 2000)


def test_a_full_fifo_is_not_an_empty_one():
    b = bench(rate_mhz=100000)
    b.run(4)
    b.read(0)
    assert len(b.read(320000)) == 64 and b.driver.dropped == 0
    assert b.read(0) == []


def test_an_interrupt_tells_when_to_look():
    now = Ticks()
    chip = Chip(MARKED, now)
    bus, pin = Bus(chip), LowPin(chip)
    driver = MAX30102(bus, 100000, pin=pin, now=now)
    buf = bytearray(200)
    driver.read_into(buf)
    now.now += 160000
    before = bus.transfers
    assert pin.looks() == 1 and driver.read_into(buf) == 0 and bus.transfers == before
    now.now += 10000
    assert pin.looks() == 0 and driver.read_into(buf) == 17
    assert pin.looks() == 1  # reading the status lets it go
    driver.close()
    assert pin.handler is None


def test_true_rate_and_times():
    checks.true_rate_and_times(bench, rate_mhz=400000)


def test_an_overflow_is_counted_exactly():
    for away_us in (175000, 400000, 1700000):  # 34 frames, 80, 340, where 32 have room
        checks.overflow_is_counted(bench, away_us, 0, gives_up=True, ppms=(-40000, 300, 40000),
                                   unsure=0, rate_mhz=200000)


def test_bursts_that_fail_half_way_lose_nothing():
    for cut in (1, 3, 6, 7, 31):
        b = bench(rate_mhz=200000)
        b.run(2)
        b.bus.faults.every, b.bus.faults.cut = 11, cut
        got, reread = [], b.chip.reread
        for _ in range(250):
            got += b.read(40000)[::2]
        b.bus.faults.every = 0
        got += b.read(40000)[::2] + b.read(40000)[::2]
        assert b.chip.reread - reread > 10
        assert all((got[i + 1] - got[i]) % 1000 == 1 for i in range(len(got) - 1)), cut
        assert b.driver.dropped == 0 and b.accounted() == b.chip.sample, cut


def test_faults_that_take_nothing_lose_nothing():
    checks.harmless_faults(bench())


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(), later=True)


def test_no_chip_another_chip_or_a_failing_bus():
    # a MAX30100
    checks.no_other_will_do(MAX30102, Chip(MARKED, Ticks()), "0x15", identity=0x11)


def test_impossible_settings():
    checks.impossible_settings(
        MAX30102, Chip(MARKED, Ticks()), (1499,), (1650001,), (0,), (100000, 4095), (100000, 0),
        (100000, 4096, 199), (100000, 4096, 51001))


def test_close_stops_reading_and_puts_it_to_sleep():
    assert bench().chip.registers[0x09] == 3
    b = checks.closing_puts_it_to_sleep(bench)
    assert b.chip.registers[0x09] == 0x80
