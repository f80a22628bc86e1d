"""The BMI270 driver against its register emulator."""

import fakes
from chips import checks, selftests
from chips.bench import Bench, Sleeping
from chips.bmi270 import BMI270 as Chip
from chips.bmi270 import PROGRAM, SMALL_PROGRAM
from chips.bus import SPI, Bus
from chips.chip import IntPin
from expect import Ticks, path, raises, write
from tinysense.drivers import make
from tinysense.drivers.bmi270 import BMI270
from tinysense.errors import DriverError
from tinysense.ticks import ticks_us

G1 = (1000, 0, 0)
SIX = ((1000, -1000, 0, 250000, -2000000, 0),)
COUNTS = [8192, -8192, 0, 4096, -32768, 0]
MARKED = [(k * 8, 0, 0) for k in range(480)]  # at 4 g a sample's number can be read off x
_file = None


def program_file():
    global _file
    if _file is None:
        _file = path("bmi270.bin")
        write(_file, PROGRAM)
    return _file


def bench(motion=(G1,), rate_mhz=100000, odr_ppm=0, spi=False, config_file=None, **options):
    now = Ticks(1000)
    chip = Chip(motion, now, odr_ppm=odr_ppm, spi=spi)
    return Bench(BMI270, chip, now, SPI(chip, dummy=1) if spi else None, rate_mhz=rate_mhz,
                 config_file=program_file() if config_file is None else config_file, **options)


def fast(motion=MARKED, **options):
    return bench(motion, rate_mhz=400000, **options)


def failing(parts, *args, config_file=None, bus=Bus, **chip):
    """Making a driver of such a chip ends in a DriverError with these words."""
    now = Ticks(1000)
    bus = bus(Chip((G1,), now, **chip))
    file = program_file() if config_file is None else config_file
    with Sleeping(now):
        return raises(DriverError, parts, lambda: BMI270(bus, *args, now=now, config_file=file))


class Library:
    """What micropython-lib's module bmi270 does to the bus it is given."""

    class BMI270:
        program = PROGRAM

        def __init__(self, bus, address=0x68):
            self.bus, self.address = bus, address
            if bus.readfrom_mem(address, 0x00, 1)[0] != 0x24:
                raise OSError("No BMI270 device was found")
            self.write(0x7E, 0xB6)
            self.write(0x7C, 0x00)
            self.write(0x59, 0x00)
            for at in range(0, len(self.program), 16):
                self.write(0x5B, at // 2 & 15)
                self.write(0x5C, at // 2 >> 4)
                bus.writeto_mem(address, 0x5E, self.program[at : at + 16])
            self.write(0x59, 0x01)
            got = bytearray(1)
            bus.readfrom_mem_into(address, 0x21, got)  # it waits; the driver does anyway
            self.write(0x7E, 0xB0)
            self.write(0x7D, 0x0E)

        def write(self, register, value):
            self.bus.writeto_mem(self.address, register, bytes((value,)))


class Sensor:
    """What a model wants."""

    rate_mhz, channels = 100000, 6
    units = checks.SIX_UNITS
    full_scale = (8,) * 3 + (400,) * 3


def test_says_what_it_is():
    checks.says_what_it_is(bench().driver, 100000, 4)


def test_gyro_comes_first_in_the_chip_and_last_in_frames():
    checks.gives_six_channels(bench(SIX, gyro=True, gyro_dps=2000), (4, 2000), COUNTS)


def test_ranges_are_set_in_the_chip():
    checks.whole_ranges(bench, (125, 250, 500, 1000, 2000))


def test_rate_is_the_nearest_the_chip_has():
    checks.nearest_rates(bench, (
        (1600000, 1600000), (1199000, 800000), (104000, 100000), (52000, 50000), (26000, 25000),
        (12500, 12500)))


def test_every_sample_comes_once_and_in_order():
    for spi in (False, True):
        for gyro in (False, True):
            b = bench(checks.numbered(8, 480), rate_mhz=1600000, spi=spi, gyro=gyro)
            checks.each_sample_once(b, lambda k: k % 480 * 8 * 4096 // 500,
                                    [7000 + 977 * (i % 40) for i in range(40)], 1500)


def test_nothing_before_a_batch():
    b = bench(batch_ms=50)
    assert b.driver.watermark == 5
    b.read(100000)
    assert b.read(49000) == []
    assert len(b.read(1000)) == 15


def test_an_interrupt_tells_when_a_batch_waits():
    b = bench(pin=IntPin, batch_ms=50)
    b.pin.watermark = b.chip.watermark
    assert b.chip.watermark == b.driver.watermark == 5
    checks.interrupt_tells_when_to_look(b)


def test_without_a_pin_its_output_stays_off():
    assert bench().chip.registers[0x53] == 0


def test_true_rate_and_times():
    checks.true_rate_and_times(fast, motion=SIX, gyro=True)


def test_an_overflow_is_counted_exactly():
    # 680 frames where 341 or 170 have room
    checks.overflow_is_counted(fast, 1700000, 300)
    checks.overflow_is_counted(fast, 1700000, 300, motion=checks.numbered(8, 480), gyro=True)


def test_the_newest_frames_survive_an_overflow():
    b = bench(MARKED, rate_mhz=400000, gyro=False)
    b.run(10)
    got = b.read(1700000)[::3]
    assert len(got) == 341
    assert got[-1] == 8 * ((b.chip.sample - 1) % 480) * 4096 // 500


def test_an_overflow_before_the_rate_is_known_is_counted_by_the_nominal_one():
    b = bench(rate_mhz=400000)
    b.read(40000)
    before = b.frames
    assert b.read(1700000) == []  # given up
    b.run(1)
    assert abs(b.driver.dropped - 680) <= 2
    assert b.frames > before


def test_faults_that_take_nothing_lose_nothing():
    for spi in (False, True):
        checks.harmless_faults(fast(spi=spi), 100)


def test_bursts_that_fail_half_way_are_counted():
    checks.torn_bursts(fast, (6, 12, 7, 47, 1), harmless=(1,))


def test_a_chip_that_is_gone_ends_it():
    checks.a_chip_that_is_gone(bench(rate_mhz=25000))


def test_no_chip_another_chip_or_a_failing_bus():
    checks.no_other_will_do(BMI270, Chip((G1,), Ticks()), "0x24", "is it a BMI270", 0xD1)
    assert failing(("no chip answers", "0x68", "wires"), address=0x69).errno == 19


def test_impossible_settings():
    checks.impossible_settings(BMI270, Chip((G1,), Ticks()), (12499, 4), (1600001, 4), (0, 4),
                               (100000, 3), (100000, 0), (24999, 4, True))


def test_its_program_is_loaded_from_a_file_in_bursts():
    b = bench()
    assert b.chip.running and b.chip.get(0x21) == 1
    assert 128 < b.bus.transfers < 128 * 3 + 60


def test_a_program_that_fails_on_its_way_is_sent_again():
    now = Ticks(1000)
    chip = Chip((G1,), now)
    bus = Bus(chip)

    def make():
        return BMI270(bus, now=now, config_file=program_file())

    with Sleeping(now):
        bus.faults.every = 40
        d = make()
    assert d.errors > 2 and chip.get(0x21) == 1


def test_its_program_comes_from_the_library_where_it_is_installed():
    for spi in (False, True):
        with fakes.Modules(bmi270=Library):
            b = bench(SIX, config_file="", spi=spi, gyro=True)
        assert b.read(100000)[:6] == COUNTS


def test_without_its_program_it_says_what_to_install():
    with fakes.Modules(bmi270=None):
        failing(("mip install bmi270", "8192 bytes", "config_file"), config_file="")


def test_another_module_of_that_name():
    class Other:
        class BMI270:
            def __init__(self, bus):
                bus.scan()

    with fakes.Modules(bmi270=Other):
        failing("not micropython-lib's", config_file="")


def test_a_file_that_is_not_there_or_of_another_size():
    failing(("no file", "gone.bin", "8192"), config_file="gone.bin")
    for size in (0, 8191, 8193):
        other = path("other.bin")
        write(other, bytes(size))
        failing(("expected Bosch's program of 8192 bytes", "got %d bytes" % size),
                config_file=other)


def test_a_damaged_program():
    for damaged in (bytes(8192), PROGRAM[:-1] + b"\0"):
        other = path("other.bin")
        write(other, damaged)
        failing(("INTERNAL_STATUS 1", "got 2", "damaged"), config_file=other)


def small():
    other = path("small.bin")
    write(other, SMALL_PROGRAM)
    return other


def test_the_small_program_has_a_large_fifo_and_no_motion():
    b = bench(config_file=small())
    assert b.driver.capacity == 1024
    b.read(100000)
    assert len(b.read(9000000)) == 2700 and b.driver.dropped == 0
    raises(DriverError, "cannot wake on motion", b.driver.wake_on_motion, 100)


def settings(chip):
    """Without the page of features that is shown, and what counts samples in it."""
    return bytes(chip.registers)[:0x2F] + bytes(chip.registers)[0x40:]


def test_self_test_says_how_far_the_masses_move():
    def selftest(b):
        before = bytes(b.chip.registers)
        got = b.driver.selftest()
        assert bytes(b.chip.registers) == before
        return got

    b = fast(motion=SIX, gyro=True)
    got = checks.goes_on_as_before(b, selftest, settings, (50, 100), COUNTS)
    assert [round(got[axis], 1) for axis in "xyz"] == [20, -20, 15]


def test_self_test_finds_a_weak_axis():
    for axis, weak in enumerate((15.5, -14.5, 9.5)):
        b = bench()
        b.chip.deflection[axis] = weak
        selftests.fails(b, "failed its self-test", "%s moved" % "xyz"[axis])


def test_motion_wakes():
    for milli, wakes in ((210, True), (-210, True), (190, False)):
        b = bench([(0, 0, 1000)], pin=IntPin)
        checks.sees_motion(b, 200, milli, wakes)
        assert b.chip.period_ns() == 20000000  # 50 Hz
        assert b.chip.registers[0x7C] & 1 and b.chip.registers[0x55] == 1
        assert b.chip.features[1][15] == 0xB9  # on, to the program's output, 410 / 2048 g


def test_it_samples_again_after_it():
    b = fast(motion=SIX, gyro=True)
    page = bytes(b.chip.features[1])
    checks.goes_on_as_before(b, checks.asleep, settings, (3950, 4100), COUNTS)
    assert not b.chip.features[1][15] & 0x80 and page[15] == 0x38


def test_impossible_thresholds():
    checks.thresholds(bench, 1, 999)


def test_built_from_a_config():
    fake = fakes.install(Bus(Chip(SIX, ticks_us)))
    with make("bmi270", {"bus": 1, "scl": 3, "sda": 2, "config_file": program_file()}, Sensor) as d:
        assert fake.asked == (1, 400000, {"scl": 3, "sda": 2})
        assert (d.rate_mhz, d.full_scale) == (100000, (8, 8, 8, 500, 500, 500))


def test_close_stops_reading_and_puts_it_to_sleep():
    b = checks.closing_puts_it_to_sleep(bench)
    assert b.chip.registers[0x7D] == 0 and b.chip.registers[0x7C] & 1


def test_reading_takes_no_heap():
    for spi in (False, True):
        checks.nothing_is_allocated(fast(motion=SIX, gyro=True, spi=spi), 1000, 40000)
