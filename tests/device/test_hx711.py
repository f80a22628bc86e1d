"""The HX711 driver against two pins of an emulated one."""

import fakes
from chips.bench import Sleeping, Timed
from chips.hx711 import HX711 as Chip
from expect import Ticks, raises
from tinysense.drivers import hx711
from tinysense.drivers.hx711 import HX711
from tinysense.errors import DriverError


def bench(values=(25600,), odr_ppm=0, rate_mhz=10000, **options):
    now = Ticks()
    chip = Chip(values, now, 1000000000 // rate_mhz, odr_ppm)
    return Timed(lambda pins, **more: HX711(pins.sck, pins.dout, rate_mhz, **more), chip, now,
                 bus=chip, **options)


def test_says_what_it_is():
    d = bench().driver
    assert (d.rate_mhz, d.channels, d.axes, d.units) == (10000, 1, ("force",), "none")
    assert d.full_scale == 8388608
    d = bench(counts_per_unit=420000, units="N", shift=4).driver
    assert d.units == "N" and abs(d.full_scale - 524288 / 420000) < 1e-6


def test_readings_are_signed_shifted_and_saturated():
    values = (0, 1, 256, -256, -1, 8388607, -8388608, 70000, -70000)
    for shift in (8, 4, 0):
        got = bench(values * 4, shift=shift).collect(4)[:9]
        at = 4  # of the values; the first four are not settled
        assert got == [max(-32768, min(32767, values[(at + k) % 9] >> shift)) for k in range(9)]


def test_conversions_that_are_not_settled_are_left_out():
    for gain, part in ((128, 1), (64, 2), (32, 4)):
        b = bench(gain=gain)
        got = b.collect(3)
        assert b.chip.gain == gain
        assert set(got) == {25600 // part >> 8}, gain


def test_every_conversion_comes_once():
    b = bench([k << 8 for k in range(1000)])
    got = b.collect(40)
    assert got == list(range(4, 4 + len(got))) and len(got) >= 395
    assert b.driver.dropped == 0 and b.chip.overwritten == 0


def test_true_rate_and_losses():
    for ppm in (-40000, 0, 40000):
        b = bench(odr_ppm=ppm, rate_mhz=80000)
        b.collect(8, 1000)
        true_mhz = 1000000000 // b.chip.period_us
        assert abs(b.driver.measured_mhz - true_mhz) * 200 < true_mhz, ppm
        b.read(500000)
        b.collect(8, 1000)
        assert b.driver.dropped > 35
        assert abs(b.driver.dropped - b.chip.overwritten) <= 1, (ppm, b.driver.dropped)
        assert abs(b.frames + b.driver.dropped + 4 - b.chip.made) <= 2


def test_tare():
    b = bench([51200] * 30 + [51200 + 2560] * 30, shift=8)
    assert b.collect(1)[0] == 200
    b.driver.tare()
    assert b.collect(1)[-1] == 0 and b.driver.offset == 51200
    assert b.collect(2)[-1] == 10
    assert bench(offset=25600).collect(1)[0] == 0


def test_slow_pins_are_fast_enough():
    b = bench([k << 8 for k in range(1000)])
    b.chip.tick_us = 15
    got = b.collect(5)
    assert got == list(range(4, 4 + len(got))) and b.chip.resets == 1


def test_a_stretched_pulse_resets_the_chip_and_it_goes_on():
    b = bench()
    b.collect(2)
    b.chip.stretched = 1
    got = b.collect(3)
    assert b.chip.resets > 1
    assert got[-1] == 100


def test_a_chip_that_stops_is_reset_and_given_up_at_last():
    b = bench()
    b.collect(2)
    b.chip._off = True  # as after a long high of PD_SCK
    b.collect(2)
    assert b.driver.errors == 1 and b.chip.resets == 2
    assert b.collect(2)[-1] == 100
    b.chip.alive = False  # DOUT stays low
    e = raises(DriverError, ("HX711 stopped answering", "wires"), b.collect, 60)
    assert e.errno == 5


def test_no_chip():
    b = bench()
    b.chip.alive = False
    e = raises(DriverError, ("no HX711", "DOUT", "wires"), HX711, b.chip.sck, b.chip.dout)
    assert e.errno == 19


def test_impossible_settings():
    b = bench()
    for options in ((10000, 100), (11000, 128), (10000, 128, 9), (10000, 128, -1),
                    (10000, 128, 8, 0, -1)):
        raises(DriverError, "HX711: expected", HX711, b.chip.sck, b.chip.dout, *options)


def test_close_switches_it_off():
    b = bench()
    with b.driver as d:
        pass
    assert b.read(1000000) == [] and d.done
    assert b.chip.sck._level == 1


def test_options_and_pins():
    asked = []
    now = Ticks()
    chip = Chip((25600,), now)

    class Machine:
        class Pin:
            OUT, IN, PULL_DOWN = 1, 0, 2

            def __new__(cls, number, mode, pull=None):
                asked.append((number, mode, pull))
                return chip.sck if mode else chip.dout

    import sys

    fakes.install()
    sys.modules["machine"] = Machine
    options = {row[0]: row[2] for row in hx711.OPTIONS}
    options.update(sck=2, dout=3)
    with Sleeping(now):
        driver = hx711.build(options)
    assert asked == [(2, 1, None), (3, 0, 2)]
    assert driver.units == "none" and driver.rate_mhz == 10000
