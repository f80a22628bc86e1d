"""Fake machine.UART, machine.SPI, machine.CAN and pyb.CAN. Sending allocates nothing."""


class UART:
    """Takes ``room`` bytes at once, more after take(). ``text``: what came out of it."""

    def __init__(self, number=1, baudrate=115200, txbuf=0, **pins):
        self.asked = (number, baudrate, txbuf, {name: pins[name].number for name in pins})
        self._sent = bytearray(8192)
        self.size = 0
        self.room = -1  # no limit
        self.running = True

    def write(self, data, offset=None, size=None):
        """As MicroPython's streams: write(data), write(data, size), write(data, offset, size)."""
        assert self.running
        if size is None:
            offset, size = 0, len(data) if offset is None else offset
        assert offset + size <= len(data)
        if 0 <= self.room < size:
            size = self.room
        for i in range(size):
            self._sent[self.size] = data[offset + i]
            self.size = (self.size + 1) % len(self._sent)
        if self.room >= 0:
            self.room -= size
        return size if size else None

    @property
    def text(self):
        return bytes(self._sent[:self.size])

    def clear(self):
        self.size = 0

    def deinit(self):
        self.running = False


class PlainUART(UART):
    """One that knows no txbuf, as on stm32."""

    def __init__(self, number=1, baudrate=115200, **pins):
        if "txbuf" in pins:
            raise TypeError("extra keyword arguments given")
        super().__init__(number, baudrate, **pins)


class SPI:
    """Hands each transfer to the chip: ``chip.transfer(out, into)``; ``into`` may be None."""

    def __init__(self, chip):
        self._chip = chip

    def write(self, data):
        self._chip.transfer(data, None)

    def write_readinto(self, data, into):
        self._chip.transfer(data, into)


class CAN:
    """machine.CAN: send(id, data, flags) -> place in the queue, None if it is full."""

    FLAG_EXT_ID = 2
    buses = 1

    def __init__(self, bus=1, bitrate=500000):
        if not 1 <= bus <= CAN.buses:
            raise ValueError("CAN(%d) doesn't exist" % bus)
        self.asked = (bus, bitrate)
        self.room, self.bus_off = 1 << 20, False
        self.identifier = self.flags = None
        self.data = bytearray(8)
        self.length = self.frames = self.restarts = 0
        self.running = True

    def send(self, identifier, data, flags=0):
        if self.bus_off:
            raise OSError(5)
        if self.room == 0:
            return None
        self.room -= 1
        self.keep(identifier, data)
        self.flags = flags
        return 0

    def keep(self, identifier, data):
        assert len(data) <= 8
        self.identifier, self.length = identifier, len(data)
        for i in range(self.length):
            self.data[i] = data[i]
        self.frames += 1

    def restart(self):
        self.restarts += 1
        self.bus_off = False

    def deinit(self):
        self.running = False


class PybCAN(CAN):
    """pyb.CAN: send(data, id, extframe=) raises OSError if its mailboxes are full."""

    NORMAL = 0

    def __init__(self, bus=1, mode=None, baudrate=0, auto_restart=False):
        assert mode == PybCAN.NORMAL and auto_restart
        super().__init__(bus, baudrate)
        self.extframe = None

    def send(self, data, identifier, extframe=False):
        if self.room == 0:
            raise OSError(12)
        self.room -= 1
        self.keep(identifier, data)
        self.extframe = extframe
