"""Drivers that are built as a config and a model say."""

import fakes
from chips import checks
from chips.bench import Sleeping
from chips.bus import SPI, Bus
from expect import Ticks
from tinysense import config, drivers
from tinysense.features import Sensor


class Wanted:
    """The sensor that a model asks for."""

    def __init__(self, rate_mhz, units, full_scale):
        self.rate_mhz, self.units, self.full_scale = rate_mhz, units, full_scale
        self.channels = 3 if isinstance(units, str) else len(units)


class ChipSelect:
    """machine.Pin where the only pin is the select of ``ChipSelect.spi``."""

    IN, OUT = 0, 1
    spi = None

    def __init__(self, number, mode=0):
        assert (number, mode) == (5, 1)

    def value(self, level=None):
        return ChipSelect.spi.cs.value(level)


def as_wanted(name, chip, several_spi, wanted, given, expected):
    """As a config and a model say, on I2C and on SPI; expected: rate and full scale."""
    fakes.install(Bus(chip))
    with Sleeping(Ticks()):
        driver = drivers.make(name, given, wanted)
    assert (driver.rate_mhz, driver.full_scale) == expected
    assert driver.bus.name == "I2C address 0x%02x" % chip.address
    spi = ChipSelect.spi = SPI(chip, several_spi)
    fakes.install(SPI=lambda number, **more: spi, Pin=ChipSelect)
    with Sleeping(Ticks()):
        driver = drivers.make(name, dict(given, spi=0, cs=5), wanted)
    assert (driver.rate_mhz, driver.full_scale) == expected and driver.bus.name == "SPI"


def as_wired(module, bus, chip, now, rate_mhz, fitted):
    """Pins, address, interrupt as a config says; ``fitted``: rate and ranges of a model's."""
    machine = fakes.install(bus)
    given = {"bus": 0, "scl": 13, "sda": 12, "address": chip.address, "int_pin": 24}
    options = config.check(module.OPTIONS, given, "driver_options")
    with Sleeping(now):
        d = module.build(options)
    assert machine.asked == (0, 400000, {"scl": 13, "sda": 12}) and d.rate_mhz == rate_mhz
    assert d.channels == 3 and d.interrupt is not None and fakes.Pin.made[24].handler is not None
    sensor = Sensor({"units": list(checks.SIX_UNITS), "channels": list(checks.SIX_AXES),
                     "rate_mhz": 50000, "full_scale": [7.995392] * 3 + [573.44] * 3})
    with Sleeping(now):
        d = module.build(options, sensor)
    assert d.channels == 6 and (d.rate_mhz, chip.range_g, chip.range_dps) == fitted
