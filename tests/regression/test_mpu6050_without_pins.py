"""An empty config on a board whose I2C needs pins ended in TypeError: 'sda' argument required."""

import sys

import fakes
import pytest

from tinysense import drivers
from tinysense.errors import DriverError


def needs_pins(number, freq=0, scl=None, sda=None):
    raise TypeError("'sda' argument required")


def has_no_such_bus(number, freq=0, scl=None, sda=None):
    raise ValueError(f"I2C({number}) doesn't exist")


@pytest.mark.parametrize(("bus", "said"), [
    (needs_pins, "'sda' argument required"), (has_no_such_bus, r"I2C\(0\) doesn't exist")])
def test_the_options_it_needs_are_named(bus, said, monkeypatch):
    fake = fakes.install()
    monkeypatch.setitem(sys.modules, "machine", fake)
    fake.I2C = bus
    with pytest.raises(DriverError, match=f"{said}.*driver_options: scl, sda") as caught:
        drivers.make("mpu6050", {})
    assert "\n" not in str(caught.value)


def test_a_board_without_i2c(monkeypatch):
    fake = fakes.install()
    monkeypatch.setitem(sys.modules, "machine", fake)
    del fake.I2C
    with pytest.raises(DriverError, match="driver_options: scl, sda"):
        drivers.make("mpu6050", {})
