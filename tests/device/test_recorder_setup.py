"""A recorder from the config: pins, display, card, sleep; and what is refused."""

import sys

import fakes
from chips.bus import Bus
from chips.mpu6050 import MPU6050 as Chip
from chips.ssd1306 import SSD1306
from expect import Ticks, path, raises
from fakes import screen
from tinysense.errors import ConfigError, DriverError
from tinysense.field import recorder as module
from tinysense.field import sdcard
from tinysense.field.recorder import Recorder
from tinysense.field.triggers import Button, Level, Motion, Schedule, Wake


def config(name, **options):
    options["folder"] = path(name)
    return {"driver": "mpu6050", "driver_options": {"scl": 5, "sda": 4}, "recorder": options}


def machine(**more):
    display = SSD1306()
    screen.install()
    fake = fakes.install(Bus(Chip(((0, 0, 1000),), Ticks()), display), **more)
    fake.display = display
    return fake


def test_every_option_has_its_part():
    machine()
    r = Recorder.from_config(config("setup_all", button=14, level_pin=15, every_s=60, for_s=10,
                                    motion=200, led=25, display={"height": 32}, labels=["a", "b"],
                                    note="here", start="never"))
    assert [type(t) for t in r.triggers] == [Button, Level, Schedule, Motion]
    assert len(r.signs) == 2 and r.labels == ("a", "b")
    assert fakes.Pin.made[14].pull == fakes.Pin.PULL_UP
    assert fakes.Pin.made[15].pull == fakes.Pin.PULL_DOWN
    r.step()
    r.close()
    wake = Recorder.from_config(config("setup_wake", wake_mg=100, start="never"))
    assert [type(t) for t in wake.triggers] == [Wake]
    plain = Recorder.from_config(config("setup_plain", start="never"))
    assert plain.triggers == plain.signs == ()


def test_what_is_refused():
    machine()
    for options, parts in (({"every_s": 5, "for_s": 10}, ("for_s", "got 10")),
                           ({"labels": [1]}, ("labels", "text")),
                           ({"button": 999}, ("button",)), ({"wrong": 1}, ("wrong",)),
                           ({"display": {"height": 48}}, ("height",)),
                           ({"start": "perhaps"}, ("start",))):
        raises(ConfigError, parts, Recorder.from_config, config("setup_bad", **options))


def test_the_display_shows_the_state():
    fake = machine()
    r = Recorder.from_config(config("setup_display", display={"height": 64}, labels=["walk"],
                                    start="never"))
    r.step()
    assert any([any(row) for row in fake.display.picture()[:8]])
    r.close()
    assert not fake.display.on


def test_it_sleeps_while_the_fifo_fills():
    slept = []

    def lightsleep(ms):
        slept.append(ms)

    machine(lightsleep=lightsleep)
    r = Recorder.from_config(config("setup_sleep", sleep_ms=20, start="never"))
    r.run(0.01)
    assert slept and set(slept) == {20}


def test_a_chip_that_wakes_it():
    class Interrupt:
        edges = 0

        def fired(self):
            return self.edges > 0

        def take(self):
            self.edges = 0

    class Sleeper:
        rate_mhz, channels, units, full_scale, dropped = 100000, 3, "g", 4, 0
        done, measured_mhz, armed = False, 0, 0
        interrupt = Interrupt()

        def wake_on_motion(self, threshold_mg):
            self.armed = threshold_mg

        def resume(self):
            self.armed = 0

        def read_into(self, buf):
            return 0

        def close(self):
            pass

    now, driver = Ticks(), Sleeper()
    r = Recorder(driver, path("setup_sleeper"), triggers=(Wake(80, 100, 2, now=now),),
                 start="never")
    r.step()
    assert driver.armed == 80 and not r.recording
    driver.interrupt.edges = 1
    r.step()
    assert driver.armed == 0 and r.recording
    now.now += 2500
    r.step()
    assert not r.recording
    r.step()
    assert driver.armed == 80
    r.close()


def test_a_card_is_mounted_or_refused_in_one_line():
    mounted = []

    class Card:
        def __init__(self, slot=0):
            if slot == 3:
                raise OSError(19, "ENODEV")

    fake = machine(SDCard=Card)
    sdcard.mount_at, kept = lambda card, where: mounted.append(where), sdcard.mount_at
    try:
        where = path("no_such_card")
        assert sdcard.mount({"path": where}) == where and mounted == [where]
        raises(DriverError, ("no SD card", "is it in"), sdcard.mount, {"path": where, "slot": 3})
        sys.modules.pop("sdcard", None)
        fake.SPI = None
        raises(DriverError, "mip install sdcard", sdcard.mount, {"path": where, "spi": 0, "cs": 5})
        del fake.SDCard
        raises(DriverError, "no SD card", sdcard.mount, {"path": where})
        raises(ConfigError, "wrong", sdcard.mount, {"wrong": 1})
    finally:
        sdcard.mount_at = kept


def test_options_are_in_step_with_the_class():
    names = [row[0] for row in module.OPTIONS]
    assert len(names) == len(set(names)) and "labels" in names
