"""Fake machine.I2C and machine.SPI: chips answer at their addresses, nobody else does.

Neither here nor in the chips' read paths is anything allocated, so that the
heap tests see the drivers alone.
"""

# As machine.I2C raises them; the text is CPython's want.
EIO, ENODEV, ETIMEDOUT = (5, "EIO"), (19, "ENODEV"), (110, "ETIMEDOUT")


class Faults:
    """When transfers fail. ``every``: one in so many, by a fixed pseudo-random row.

    ``cut``: such a transfer takes that many bytes from the chip before it fails; -1: none.
    A chip with ``fifo_register`` gives bytes up from there only.
    """

    def __init__(self):
        self.every = 0
        self.cut = -1
        self.failing = 0  # transfers that fail next
        self.stuck = False  # the chip holds SDA low: all fail until nine clocks have passed
        self.transfers = 0
        self.faults = 0
        self._random = 12345

    def strikes(self):
        self.transfers += 1
        if self.stuck:
            return True
        if self.failing > 0:
            self.failing -= 1
            return True
        if self.every:
            self._random = (self._random * 8121 + 28411) % 134456  # small integers on a board
            return self._random % self.every == 0
        return False


class Bus:
    """An I2C bus: ``Bus(chip, ...)``: each chip has ``address``, ``read(register, buf)``,
    ``write(register, data)``, and ``several``, a bit it wants
    with more than one byte, where it does. ``fail_next(n)`` lets the next n transfers end in EIO.
    After ``interrupt_after`` transfers Ctrl-C comes. ``faults`` has more."""

    def __init__(self, *chips):
        self._chips = {chip.address: chip for chip in chips}
        self.faults = Faults()
        self.interrupt_after = -1
        self.scl = self.sda = None
        self._register = -1
        self._scratch = [bytearray(n) for n in range(65)]

    @property
    def transfers(self):
        return self.faults.transfers

    def fail_next(self, n):
        self.faults.failing = n

    def scan(self):
        return sorted(self._chips)

    def readfrom_mem_into(self, address, register, buf):
        self._register = register
        chip = self._chip(address, buf)
        chip.read(_without(chip, register, buf), buf)

    def writeto_mem(self, address, register, data):
        chip = self._chip(address, None)
        chip.write(_without(chip, register, data), data)

    def readfrom_into(self, address, buf):
        """For chips that have no registers: ``receive(buf)``."""
        self._chip(address, None).receive(buf)

    def writeto(self, address, data):
        """For chips that have no registers, and displays: ``send(data)``."""
        self._chip(address, None).send(data)

    def writevto(self, address, parts):
        self._chip(address, None).send(b"".join(bytes(part) for part in parts))

    def _chip(self, address, buf):
        strikes = self.faults.strikes()
        if self.faults.transfers == self.interrupt_after:
            raise KeyboardInterrupt
        chip = self._chips.get(address)
        if strikes:
            self.faults.faults += 1
            cut = self.faults.cut
            if chip is not None and buf is not None and cut >= 0 and len(buf) > cut \
                    and hasattr(chip, "swallow") \
                    and getattr(chip, "fifo_register", self._register) == self._register:
                chip.swallow(cut)
            raise OSError(*(ETIMEDOUT if self.faults.stuck else EIO))
        if chip is None:
            raise OSError(*ENODEV)
        return chip


def _without(chip, register, data):
    """The register without the bit that some chips want on I2C with more than one byte."""
    bit = getattr(chip, "several", 0)
    assert len(data) == 1 or register & bit == bit, "several bytes without the bit"
    return register & ~bit


class SPI:
    """A machine.SPI with one chip, whose select pin is ``spi.cs``: bit 7 of the first byte reads.

    ``several``: the bit that the chip wants with more than one byte, else it repeats itself.
    ``dummy``: bytes that come before the first.
    """

    def __init__(self, chip, several=0, dummy=0):
        self.chip, self.cs = chip, Select(self)
        self._several, self._dummy = several, dummy
        self.faults = Faults()
        self._command = -1
        self._skip = 0

    def select(self):
        self._command = -1
        self._skip = self._dummy

    def write(self, data):
        assert self.cs.level == 0, "a transfer without chip select"
        if self._command < 0:
            self._command = data[0]
            assert len(data) == 1, "expected the register alone first"
            return
        self._may_fail()
        if len(data) > 1:
            assert self._command & self._several == self._several, "several bytes without the bit"
        self.chip.write(self._register(), data)

    def readinto(self, buf, write=0):
        assert self.cs.level == 0 and self._command & 0x80, "a read without its bit"
        if self._skip:
            assert len(buf) == 1
            self._skip -= 1
            return
        self._may_fail()
        if len(buf) > 1:
            assert self._command & self._several == self._several, "several bytes without the bit"
        self.chip.read(self._register(), buf)

    def _may_fail(self):
        if self.faults.strikes():
            self.faults.faults += 1
            raise OSError(*EIO)

    def _register(self):
        return self._command & 0x7F & ~self._several


class Select:
    """The select pin of an SPI chip."""

    def __init__(self, spi):
        self._spi = spi
        self.level = 1

    def value(self, level=None):
        if level is None:
            return self.level
        if level == 0 and self.level:
            self._spi.select()
        self.level = level
        return None


class StuckBus:
    """Pins of an I2C bus on which a chip holds SDA low until SCL has been clocked often enough."""

    def __init__(self, faults, clocks=5):
        self._faults, self._left = faults, clocks
        self.scl, self.sda = Line(self, True), Line(self, False)

    def clocked(self):
        if self._left > 0:
            self._left -= 1
        self._faults.stuck = self._left > 0

    def holds(self):
        return self._left > 0


class Line:
    """One open-drain pin of it."""

    def __init__(self, bus, is_clock):
        self._bus, self._clock, self.level = bus, is_clock, 1

    def value(self, level=None):
        if level is None:
            return 0 if not self._clock and self._bus.holds() else self.level
        if self._clock and level and not self.level:
            self._bus.clocked()
        self.level = level
        return None
