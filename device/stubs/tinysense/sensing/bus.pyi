"""Registers of a chip over I2C or SPI: retries, recovery of a stuck bus, counted errors.

Both kinds have

    read_into(register, buf)   registers from there on; tried again where that is harmless
    burst(register, buf)       one try: for FIFOs, where reading takes something away
    read(register) -> int      write(register, value)
    errors                     transfers that failed, those that a retry mended included
    name                       where the chip is, for messages

A transfer that fails for good raises OSError.
"""

# Written by device/files.py.
from ..types import Buffer, I2C, Pin, SPI
from collections.abc import Callable
from typing import Any

TRIES: int
CLOCKS: int
I2C_OPTIONS: tuple[Any, ...]
SPI_OPTIONS: tuple[Any, ...]
POWER_OPTIONS: tuple[Any, ...]
INTERRUPT_OPTIONS: tuple[Any, ...]

def open_bus(options: dict[str, Any], name: str) -> I2CRegisters | SPIRegisters:
    """The registers of the chip that driver options name; its power is switched on first.

    ``name``: of the driver, for messages. Options: I2C_OPTIONS and address,
    SPI_OPTIONS and POWER_OPTIONS where the driver has them.
    """

def interrupt_pin(options: dict[str, Any]) -> Pin | None:
    """The input that int_pin names, None where there is none."""

def power_on(number: int | str, name: str) -> Pin | None:
    """Switches a sensor's power pin on; None where there is none."""

class Registers:
    """What both kinds share. ``power``: the pin that switches the chip, or None.

    ``several``: a bit that some chips want in the register's number with more than one byte.
    """
    several: Any
    errors: int
    def __init__(self, several: Any = 0) -> None: ...
    def read(self, register: int) -> int:
        """One register."""
    def read_into(self, register: int, buf: bytearray) -> None:
        """Registers from there on; up to three tries."""
    def burst(self, register: int, buf: bytearray) -> None:
        """The same in one try: what a failed read took from a FIFO is gone."""
    def write(self, register: int, value: int) -> None:
        """One register; up to three tries."""
    def write_from(self, register: int, data: Buffer) -> None:
        """Several registers from there on, in one try."""
    def power_off(self) -> None:
        """Switches the chip off, where a pin does that."""

class I2CRegisters(Registers):
    """``I2CRegisters(i2c, 0x68)``. ``recover``: frees a stuck bus and returns a new I2C."""
    address: int
    name: Any
    recoveries: int
    def __init__(self, i2c: I2C, address: int, recover: Callable[[], I2C] | None = None, several: int = 0) -> None: ...

class SPIRegisters(Registers):
    """``SPIRegisters(spi, Pin(5, Pin.OUT))``: bit 7 of the register reads, as all these chips do.

    ``several``: 0x40 of ADXL345, LIS3DH; ``dummy``: bytes that come before the first (BMI270: 1).
    """
    dummy: int
    name: str
    def __init__(self, spi: SPI, cs: Pin, several: int = 0, dummy: int = 0) -> None: ...

def registers(bus: object, address: int, several_i2c: int = 0, several_spi: int = 0) -> I2CRegisters | SPIRegisters:
    """What a driver's class was given: registers as they are, a machine.I2C with an address.

    ``several_i2c``, ``several_spi``: the chip's bits for more than one byte, where it has them.
    """

def open_i2c(options: dict[str, Any], name: str, where: str = 'driver_options') -> I2C:
    """The I2C bus; ports say in many ways that they have no such bus or no pins for it."""

def free_bus(scl: Pin, sda: Pin) -> bool:
    """Nine clocks at most, then a STOP, on open-drain pins; whether SDA is free now."""
