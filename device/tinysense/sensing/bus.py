"""Registers of a chip over I2C or SPI: retries, recovery of a stuck bus, counted errors.

Both kinds have

    read_into(register, buf)   registers from there on; tried again where that is harmless
    burst(register, buf)       one try: for FIFOs, where reading takes something away
    read(register) -> int      write(register, value)
    errors                     transfers that failed, those that a retry mended included
    name                       where the chip is, for messages

A transfer that fails for good raises OSError.
"""

from ..errors import DriverError

TRIES = 3
CLOCKS = 9  # I2C specification UM10204, 3.1.16: a target that holds SDA lets go within nine
_HALF_PERIOD_US = 5  # of 100 kHz, which every target follows

I2C_OPTIONS = (
    ("bus", int, 0, (-1, 7), "I2C bus of the board; -1: SoftI2C on any pins"),
    ("scl", (int, str), -1, (-1, 255), "pin of SCL, -1: the bus's own"),
    ("sda", (int, str), -1, (-1, 255), "pin of SDA, -1: the bus's own"),
    ("freq", int, 400000, (10000, 1000000), "bus clock, Hz"),
)
SPI_OPTIONS = (
    ("spi", int, -1, (-1, 7), "SPI bus of the board instead of I2C"),
    ("cs", (int, str), -1, (-1, 255), "SPI: pin of chip select"),
    ("sck", (int, str), -1, (-1, 255), "SPI: pin of the clock, -1: the bus's own"),
    ("mosi", (int, str), -1, (-1, 255), "SPI: pin to the chip, -1: the bus's own"),
    ("miso", (int, str), -1, (-1, 255), "SPI: pin from the chip, -1: the bus's own"),
    ("baudrate", int, 4000000, (100000, 20000000), "SPI: clock, Hz"),
)
POWER_OPTIONS = (
    ("power_pin", (int, str), -1, (-1, 255), "pin that switches the sensor's power, -1: none"),
)
INTERRUPT_OPTIONS = (
    ("int_pin", (int, str), -1, (-1, 255), "pin wired to the chip's interrupt, -1: none"),
)


def open_bus(options: dict, name: str) -> "I2CRegisters | SPIRegisters":
    """The registers of the chip that driver options name; its power is switched on first.

    ``name``: of the driver, for messages. Options: I2C_OPTIONS and address,
    SPI_OPTIONS and POWER_OPTIONS where the driver has them.
    """
    power = power_on(options.get("power_pin", -1), name)
    if options.get("spi", -1) >= 0:
        registers = SPIRegisters(*_open_spi(options, name))
    else:
        opened = open_i2c(options, name)
        recover = lambda: _recover(options, name)  # noqa: E731 (made once, for a rare event)
        registers = I2CRegisters(opened, options["address"], recover)
    registers.power = power
    return registers


def interrupt_pin(options: dict) -> "Pin | None":
    """The input that int_pin names, None where there is none."""
    if options.get("int_pin", -1) == -1:
        return None
    import machine

    return machine.Pin(options["int_pin"], machine.Pin.IN)


def power_on(number: "int | str", name: str) -> "Pin | None":
    """Switches a sensor's power pin on; None where there is none."""
    if number == -1:
        return None
    import machine

    from ..ticks import sleep_ms

    try:
        pin = machine.Pin(number, machine.Pin.OUT)
    except (TypeError, ValueError) as e:
        raise DriverError(22, "%s: expected a pin that switches its power, got %r: %s"
                          % (name, number, e))
    pin.value(1)
    sleep_ms(20)  # supplies rise, chips load their trim values
    return pin


class Registers:
    """What both kinds share. ``power``: the pin that switches the chip, or None.

    ``several``: a bit that some chips want in the register's number with more than one byte.
    """

    power = None

    def __init__(self, several=0):
        self.several = several
        self.errors = 0
        self._one = bytearray(1)

    def read(self, register: int) -> int:
        """One register."""
        self.read_into(register, self._one)
        return self._one[0]

    def read_into(self, register: int, buf: bytearray) -> None:
        """Registers from there on; up to three tries."""
        try:
            self._get(register, buf)
        except OSError as e:
            self._try_again(e, register, buf)

    def burst(self, register: int, buf: bytearray) -> None:
        """The same in one try: what a failed read took from a FIFO is gone."""
        try:
            self._get(register, buf)
        except OSError as e:
            self._failed(e, 0)

    def write(self, register: int, value: int) -> None:
        """One register; up to three tries."""
        for left in range(TRIES - 1, -1, -1):
            self._one[0] = value
            try:
                self._put(register, self._one)
                return
            except OSError as e:
                self._failed(e, left)

    def write_from(self, register: int, data: "Buffer") -> None:
        """Several registers from there on, in one try."""
        try:
            self._put(register, data)
        except OSError as e:
            self._failed(e, 0)

    def power_off(self) -> None:
        """Switches the chip off, where a pin does that."""
        if self.power is not None:
            self.power.value(0)

    def _try_again(self, error, register, buf):
        for left in range(TRIES - 1, 0, -1):
            self._failed(error, left)
            try:
                self._get(register, buf)
                return
            except OSError as e:
                error = e
        self._failed(error, 0)

    def _failed(self, error, left):
        """Counts, mends the bus, raises the error when no try is left."""
        self.errors += 1
        self._mend()
        if left == 0:
            raise error


class I2CRegisters(Registers):
    """``I2CRegisters(i2c, 0x68)``. ``recover``: frees a stuck bus and returns a new I2C."""

    def __init__(self, i2c: "I2C", address: int, recover: "Callable[[], I2C] | None" = None,
                 several: int = 0):
        super().__init__(several)
        self._i2c, self.address, self._recover = i2c, address, recover
        self.name = "I2C address 0x%02x" % address
        self.recoveries = 0

    def _get(self, register, buf):
        if self.several and len(buf) > 1:
            register |= self.several
        self._i2c.readfrom_mem_into(self.address, register, buf)

    def _put(self, register, data):
        if len(data) > 1:
            register |= self.several
        self._i2c.writeto_mem(self.address, register, data)

    def _mend(self):
        if self._recover is None:
            return
        fresh = self._recover()
        if fresh is not None:
            self._i2c = fresh
            self.recoveries += 1


class SPIRegisters(Registers):
    """``SPIRegisters(spi, Pin(5, Pin.OUT))``: bit 7 of the register reads, as all these chips do.

    ``several``: 0x40 of ADXL345, LIS3DH; ``dummy``: bytes that come before the first (BMI270: 1).
    """

    address = 0

    def __init__(self, spi: "SPI", cs: "Pin", several: int = 0, dummy: int = 0):
        super().__init__(several)
        self._spi, self._cs = spi, cs
        self.dummy = dummy
        self.name = "SPI"
        self._command = bytearray(1)
        cs.value(1)

    def _get(self, register, buf):
        self._command[0] = register | 0x80 | (self.several if len(buf) > 1 else 0)
        self._cs.value(0)
        try:
            self._spi.write(self._command)
            for _ in range(self.dummy):
                self._spi.readinto(self._command)
            self._spi.readinto(buf)
        finally:
            self._cs.value(1)

    def _put(self, register, data):
        self._command[0] = register & 0x7F | (self.several if len(data) > 1 else 0)
        self._cs.value(0)
        try:
            self._spi.write(self._command)
            self._spi.write(data)
        finally:
            self._cs.value(1)

    def _mend(self):
        pass


def registers(bus: "object", address: int, several_i2c: int = 0,
              several_spi: int = 0) -> "I2CRegisters | SPIRegisters":
    """What a driver's class was given: registers as they are, a machine.I2C with an address.

    ``several_i2c``, ``several_spi``: the chip's bits for more than one byte, where it has them.
    """
    made = bus if isinstance(bus, Registers) else I2CRegisters(bus, address)
    made.several = made.several or (several_spi if isinstance(made, SPIRegisters) else several_i2c)
    return made


def _pins(options, names):
    import machine

    return {name: machine.Pin(options[name]) for name in names if options[name] != -1}


def open_i2c(options: dict, name: str, where: str = "driver_options") -> "I2C":
    """The I2C bus; ports say in many ways that they have no such bus or no pins for it."""
    import machine

    try:
        pins = _pins(options, ("scl", "sda"))
        if options["bus"] < 0:
            return machine.SoftI2C(freq=options["freq"], **pins)
        return machine.I2C(options["bus"], freq=options["freq"], **pins)
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise DriverError(22, "%s: expected an I2C bus, got bus %d, scl %s, sda %s: %s: name "
                          "the pins in %s: scl, sda; and bus (-1: any pins)"
                          % (name, options["bus"], options["scl"], options["sda"], e, where))


def _open_spi(options, name):
    import machine

    try:
        cs = machine.Pin(options["cs"], machine.Pin.OUT)
        spi = machine.SPI(options["spi"], baudrate=options["baudrate"], polarity=1, phase=1,
                          **_pins(options, ("sck", "mosi", "miso")))
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise DriverError(22, "%s: expected an SPI bus, got spi %d, cs %s: %s: name the pins in "
                          "driver_options: spi, cs, sck, mosi, miso"
                          % (name, options["spi"], options["cs"], e))
    return spi, cs


def _recover(options, name):
    """Clocks a target free that holds SDA low, ends with a STOP, and opens the bus anew.

    None, and nothing done, where the pins are not known or SDA is high.
    """
    import machine

    if options["scl"] == -1 or options["sda"] == -1:
        return None
    sda = machine.Pin(options["sda"], machine.Pin.OPEN_DRAIN, value=1)
    if sda.value():
        return open_i2c(options, name)
    scl = machine.Pin(options["scl"], machine.Pin.OPEN_DRAIN, value=1)
    free_bus(scl, sda)
    return open_i2c(options, name)


def free_bus(scl: "Pin", sda: "Pin") -> bool:
    """Nine clocks at most, then a STOP, on open-drain pins; whether SDA is free now."""
    from ..ticks import sleep_us

    for _ in range(CLOCKS):
        if sda.value():
            break
        scl.value(0)
        sleep_us(_HALF_PERIOD_US)
        scl.value(1)
        sleep_us(_HALF_PERIOD_US)
    scl.value(0)
    sda.value(0)
    sleep_us(_HALF_PERIOD_US)
    scl.value(1)
    sleep_us(_HALF_PERIOD_US)
    sda.value(1)
    sleep_us(_HALF_PERIOD_US)
    return bool(sda.value())
