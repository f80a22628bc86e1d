"""The BME280 driver against its register emulator."""

from chips import checks
from chips.bench import Bench
from chips.bme280 import BME280 as Chip
from chips.bus import SPI, Bus
from expect import Ticks, raises
from tinysense.drivers.bme280 import BME280
from tinysense.errors import DriverError

EXAMPLE = (519888, 415148, 30000)  # 25.08 degC, 100653 Pa
WEATHER = [(t, p, h) for t in (370000, 420000, 519888, 600000, 690000)
           for p in (280000, 415148, 560000) for h in (21000, 30000, 42000)]


def bench(raws=(EXAMPLE,), identity=0x60, **options):
    now = Ticks()
    chip = Chip(raws, now, identity=identity)
    return Bench(BME280, chip, now, **options)


def test_says_what_it_is():
    d = bench().driver
    assert (d.chip, d.rate_mhz, d.channels) == ("BME280", 1000, 3)
    assert (d.axes, d.units) == (("temperature", "humidity", "pressure"), ("degC", "%RH", "Pa"))
    assert d.full_scale == (327.68, 128, 131072)
    assert (d.dropped, d.errors, d.done, d.measured_mhz) == (0, 0, False, 1000)


def test_the_data_sheets_example():
    b = bench()
    b.read()
    assert b.read(10000) == [2508, b.chip.humidity_1024(EXAMPLE) + 2 >> 2, 100656 + 2 >> 2]
    assert abs(b.chip.pascals_256(EXAMPLE) - 25767237) < 8  # the data sheet says 100653.27 Pa


def test_the_arithmetic_is_the_data_sheets():
    b = bench(WEATHER, rate_mhz=100000, reference_pa=90000)
    got = b.collect(1, 2500)
    assert len(got) >= 3 * len(WEATHER)
    for k in range(len(WEATHER)):
        reading = WEATHER[k]
        t, h, p = got[3 * k : 3 * k + 3]
        assert t == b.chip.centi_degrees(reading), reading
        assert abs(4 * h - b.chip.humidity_1024(reading)) <= 3, reading
        assert p == max(-32768, min(32767, b.chip.pascals(reading) - 90000)), reading
        assert abs(b.chip.pascals(reading) - b.chip.pascals_256(reading) // 256) < 8, reading


def test_other_calibrations():
    for calibration, humidity in (
            ((28485, 26735, 50, 36738, -10635, 3024, 6980, -4, -7, 9900, -10230, 4285),
             (75, 361, 0, 324, 0, 30)),
            ((26100, 25200, -32, 40000, -11900, -500, 9000, 300, 90, 15500, -14600, 6000),
             (255, 500, 40, -60, 100, -20))):
        now = Ticks()
        chip = Chip(WEATHER, now, calibration=calibration, humidity=humidity)
        b = Bench(BME280, chip, now, rate_mhz=100000, reference_pa=100000)
        got = b.collect(1, 2500)
        for k in range(len(WEATHER)):
            t, h, p = got[3 * k : 3 * k + 3]
            assert t == chip.centi_degrees(WEATHER[k])
            assert abs(4 * h - chip.humidity_1024(WEATHER[k])) <= 3
            assert p == max(-32768, min(32767, chip.pascals(WEATHER[k]) - 100000))


def test_bmp280_has_no_humidity():
    b = bench(identity=0x58)
    assert (b.driver.chip, b.driver.channels) == ("BMP280", 2)
    assert (b.driver.axes, b.driver.units) == (("temperature", "pressure"), ("degC", "Pa"))
    b.read()
    assert b.read(10000) == [2508, 25164]
    assert bench(humidity=False).driver.full_scale == (327.68, 131072)


def test_every_frame_is_a_measurement_of_its_own():
    b = bench(WEATHER, rate_mhz=10000)
    assert b.read() == []  # begun
    assert b.read(7000) == []  # not ready
    first = b.read(3000)
    assert len(first) == 3 and b.chip.taken == 1
    assert b.read(80000) == [] and b.chip.taken == 1
    b.collect(5, 5000)
    assert b.frames == b.chip.taken == 51 and b.driver.dropped == 0


def test_frames_nobody_asked_for_are_dropped():
    b = bench(rate_mhz=10000)
    b.collect(1, 5000)
    before = b.frames
    assert b.read(1000000) == []  # ten are due, one is begun
    assert b.driver.dropped == 0
    assert len(b.read(8000)) == 3  # meanwhile an eleventh is due
    assert b.driver.dropped == 10 and b.frames == before + 1


def test_oversampling_takes_its_time():
    b = bench(oversampling=16, rate_mhz=8000)
    assert b.chip.registers[0xF4] == 0xB4  # asleep, 16 times
    b.read()
    assert b.chip.duration_us() == 98000
    assert b.read(97000) == [] and len(b.read(1000)) == 3
    raises(DriverError, ("8 Hz", "oversampling 16"),
           lambda: bench(oversampling=16, rate_mhz=9000))


def test_settings_lost_in_a_dip_of_power_come_back():
    b = bench(rate_mhz=10000)
    first = b.collect(1, 5000)[:3]
    b.chip.brown_out()
    b.collect(1, 5000)
    assert b.collect(1, 5000)[:3] == first


def test_over_spi():
    now = Ticks()
    chip = Chip((EXAMPLE,), now)
    b = Bench(BME280, chip, now, SPI(chip))
    b.read()
    assert b.read(10000)[0] == 2508


def test_faults_are_counted_and_mended():
    b = bench(rate_mhz=10000)
    b.bus.faults.every = 10
    b.collect(60, 5000)
    assert b.bus.faults.faults > 100 and b.driver.errors == b.bus.faults.faults
    assert b.frames + b.driver.dropped == 600


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=10000), 100000, later=True)


def test_no_chip():
    checks.no_chip(BME280, "0x76")


def test_another_chip():
    checks.another_chip(BME280, Chip((EXAMPLE,), Ticks()), "0x60 or 0x58")


def test_no_calibration():
    now = Ticks()
    bus = Bus(Chip((EXAMPLE,), now, calibration=(0,) * 12))
    raises(DriverError, ("calibration", "zeros"), BME280, bus)
    bus = Bus(Chip((EXAMPLE,), now))

    def failing(address, register, data):
        raise OSError(5, "EIO")

    bus.writeto_mem = failing
    raises(DriverError, ("calibration", "wires"), BME280, bus)


def test_impossible_settings():
    checks.impossible_settings(  # rate, humidity, reference, oversampling
        BME280, Chip((EXAMPLE,), Ticks()), (9,), (108000,), (1000, True, 0, 3), (1000, True, 0, 0),
        (1000, True, -1), (1000, True, 120001))


def test_close():
    b = bench()
    with b.driver as d:
        pass
    assert b.read(2000000) == [] and d.done
