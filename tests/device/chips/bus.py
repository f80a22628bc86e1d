"""A fake machine.I2C: chips answer at their addresses, nobody else does.

Neither here nor in the chips' read paths is anything allocated, so that the
heap tests see the drivers alone.
"""

EIO, ENODEV = 5, 19


class Bus:
    """``Bus(chip, ...)``: each chip has ``address``, ``read(register, buf)``, ``write(register,
    data)``. ``fail_next(n)`` lets the next n transfers end in EIO. After ``interrupt_after``
    transfers Ctrl-C comes."""

    def __init__(self, *chips):
        self._chips = {chip.address: chip for chip in chips}
        self._failing = 0
        self.transfers = 0
        self.interrupt_after = -1

    def fail_next(self, n):
        self._failing = n

    def scan(self):
        return sorted(self._chips)

    def readfrom_mem_into(self, address, register, buf):
        self._chip(address).read(register, buf)

    def writeto_mem(self, address, register, data):
        self._chip(address).write(register, data)

    def _chip(self, address):
        self.transfers += 1
        if self.transfers == self.interrupt_after:
            raise KeyboardInterrupt
        if self._failing > 0:
            self._failing -= 1
            raise OSError(EIO, "EIO")
        if address not in self._chips:
            raise OSError(ENODEV, "ENODEV")
        return self._chips[address]
