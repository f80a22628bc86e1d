"""The MPU6050 driver against its register emulator."""

from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip
from expect import Ticks, numbers, raises
from tinysense.drivers import mpu6050
from tinysense.drivers.mpu6050 import MPU6050, filter_setting, fitting_range
from tinysense.errors import DriverError

G1, G2 = (1000, 0, 0), (0, -500, 2000)


class Bench:
    """A chip, its bus, a driver and their clock."""

    def __init__(self, motion=(G1,), rate_mhz=100000, **options):
        self.now = Ticks()
        self.chip = Chip(motion, self.now)
        self.bus = Bus(self.chip)
        self.driver = MPU6050(self.bus, rate_mhz, now=self.now, **options)
        self.buf = bytearray(2 * self.driver.channels * 4)

    def read(self, at_us):
        self.now.now = at_us
        n = self.driver.read_into(self.buf)
        return numbers(self.buf)[: n * self.driver.channels]


def test_says_what_it_is():
    d = Bench().driver
    assert (d.rate_mhz, d.channels, d.axes, d.units) == (100000, 3, ("x", "y", "z"), "g")
    assert (d.full_scale, d.scale) == (4, 4 / 32768)
    assert (d.dropped, d.errors, d.done) == (0, 0, False)


def test_range_is_set_in_the_chip():
    for range_g in (2, 4, 8, 16):
        b = Bench((G2,), range_g=range_g)
        assert b.chip.range_g == range_g == b.driver.full_scale
        assert b.read(0) == [0, -16384 // range_g, min(32767, 65536 // range_g)], range_g


def test_rate_is_set_in_the_chip():
    for rate_mhz, chip_hz in ((1000000, 1000), (500000, 500), (400000, 500), (100000, 100),
                              (52000, 1000 / 19), (50000, 50), (25000, 25), (3907, 1000 / 255)):
        b = Bench(rate_mhz=rate_mhz)
        assert b.chip.rate_hz == chip_hz, rate_mhz
        assert b.chip.rate_hz * 1000 >= rate_mhz


def test_filter_stays_below_half_the_rate():
    for rate_mhz, setting in ((1000000, 1), (368000, 1), (367999, 2), (188000, 2), (100000, 3),
                              (50000, 4), (25000, 5), (10000, 6), (4000, 6)):
        assert filter_setting(rate_mhz) == setting, rate_mhz


def test_chip_is_woken():
    assert Bench().chip.registers[0x6B] == 0x01


def test_frames_follow_the_motion():
    b = Bench((G1, G2, (-4000, 3999, -3999)))
    assert b.read(0) == [8192, 0, 0]
    assert b.read(10000) == [0, -4096, 16384]
    assert b.read(20000) == [-32768, 32759, -32760]
    assert b.driver.dropped == 0


def test_nothing_before_it_is_due():
    b = Bench()
    assert len(b.read(0)) == 3
    assert b.read(1) == []
    assert b.read(9999) == []
    assert len(b.read(10000)) == 3


def test_late_polls_are_dropped_frames():
    for at_us, dropped in ((10000, 0), (19999, 0), (20000, 1), (29999, 1), (30000, 2),
                           (1000000, 99)):
        b = Bench()
        b.read(0)
        assert len(b.read(at_us)) == 3
        assert b.driver.dropped == dropped, at_us


def test_gyro_gives_six_channels():
    b = Bench(((1000, -1000, 0, 250000, -2000000, 0),), gyro=True, gyro_dps=2000)
    d = b.driver
    assert (d.channels, d.units, d.full_scale, d.scale) == (6, "none", 32768, 1.0)
    assert b.read(0) == [8192, -8192, 0, 4096, -32768, 0]


def test_failed_transfers_are_counted():
    b = Bench()
    b.read(0)
    b.bus.fail_next(2)
    assert b.read(10000) == []
    assert b.read(20000) == []
    assert (b.driver.errors, b.driver.dropped, b.driver.last_error) == (2, 2, 5)
    assert len(b.read(30000)) == 3
    assert (b.driver.errors, b.driver.dropped) == (2, 2)


def test_a_chip_that_is_gone_ends_it():
    b = Bench()
    b.bus.fail_next(49)
    for i in range(49):
        b.read(10000 * i)
    assert len(b.read(490000)) == 3  # 49 are forgiven
    b.bus.fail_next(50)
    for i in range(50, 99):
        b.read(10000 * i)
    e = raises(DriverError, ("stopped answering", "50 reads in a row", "0x68"), b.read, 990000)
    assert e.errno == 5


def test_no_chip():
    e = raises(DriverError, ("no chip answers", "0x68", "wires"), MPU6050, Bus())
    assert e.errno == 19
    assert isinstance(e, OSError)


def test_another_chip():
    now = Ticks()
    bus = Bus(Chip((G1,), now, identity=0x70))
    raises(DriverError, ("id 0x68", "got id 0x70", "who_am_i=0x70"), MPU6050, bus)
    assert MPU6050(bus, who_am_i=0x70).channels == 3


def test_a_bus_that_fails_while_configuring():
    class Failing(Bus):
        def writeto_mem(self, address, register, data):
            raise OSError(5, "EIO")

    bus = Failing(Chip((G1,), Ticks()))
    raises(DriverError, ("refused a write", "0x6b"), MPU6050, bus)


def test_impossible_settings():
    bus = Bus(Chip((G1,), Ticks()))
    for rate_mhz, range_g in ((3906, 4), (1000001, 4), (0, 4), (100000, 3), (100000, 0)):
        raises(DriverError, "MPU6050: expected", MPU6050, bus, rate_mhz, range_g)


def test_close_stops_reading():
    b = Bench()
    b.driver.close()
    assert b.read(0) == []
    assert b.driver.done


def test_range_that_fits_a_model():
    for full_scale, range_g in ((1, 2), (2, 2), (2.1, 4), (4, 4), (9, 16), (16, 16), (20, 16)):
        assert fitting_range(full_scale) == range_g
    assert mpu6050.ADDRESS == 0x68
