"""MAX30102 by its registers (19-7740, revision 1), the numbers written anew here so that a wrong
constant in the driver shows."""

from chips.chip import SampledChip

_DEPTH = 32
_RATES = (50, 100, 200, 400, 800, 1000, 1600, 3200)


class MAX30102(SampledChip):
    """``motion``: frames of (red, infrared), 18-bit counts. With ROLLOVER the newest overwrite
    the oldest, and the read pointer stays where it is. It counts ``overwritten`` samples."""

    read_only = (0x00, 0x01, 0xFE, 0xFF)
    fifo_frames = _DEPTH
    fifo_register = 0x07

    def __init__(self, motion, now, address=0x57, identity=0x15, odr_ppm=0):
        super().__init__(motion, now, address, 256, odr_ppm)
        self.identity = identity
        self.slots = [0] * _DEPTH
        self.reread = 0  # times that the read pointer was set back
        self._out = bytearray(6)
        self._reset()

    def _reset(self):
        for i in range(len(self.registers)):
            self.registers[i] = 0
        self._wr = self._rd = self._ovf = self._byte = 0
        self._status = 1  # PWR_RDY
        self.held = 0
        self.fifo_on = True

    def period_ns(self):
        if self.registers[0x09] & 0x87 != 3:
            return 0
        average = 1 << min(5, self.registers[0x08] >> 5)
        return 1000000000 // _RATES[self.registers[0x0A] >> 2 & 7] * average

    def _sampled(self, n):
        if n > 2 * _DEPTH:  # what is overwritten at once need not be written
            self._ovf = 31
            self._wr += n - 2 * _DEPTH
            self.overwritten += n - 2 * _DEPTH
            self.sample += n - 2 * _DEPTH
            n = 2 * _DEPTH
        for _ in range(n):
            self._one()
        if n and self.pin is not None:
            self.pin.sampled(n)

    def _one(self):
        number = self.sample
        self.sample += 1
        if self.held == _DEPTH:
            self._ovf = min(31, self._ovf + 1)
            self.overwritten += 1
            if not self.registers[0x08] & 0x10:
                return  # full, and it does not roll over
        else:
            self.held += 1
            if self.held == _DEPTH - (self.registers[0x08] & 15):
                self._status |= 0x80
        self.slots[self._wr % _DEPTH] = number
        self._wr += 1

    def encode(self, k, out):
        for channel in range(2):
            value = self.motion[k % len(self.motion)][channel]
            out[3 * channel] = value >> 16 & 3
            out[3 * channel + 1] = value >> 8 & 0xFF
            out[3 * channel + 2] = value & 0xFF

    def read(self, register, buf):
        if register != 0x07:
            super().read(register, buf)
            return
        self.advance()
        for i in range(len(buf)):
            buf[i] = self._next_byte()

    def _next_byte(self):
        if self._byte == 0:  # the pointer moves on with the first byte (page 15)
            self.encode(self.slots[self._rd % _DEPTH], self._out)
            self._rd += 1
            if self.held:
                self.held -= 1
            self._ovf = 0
        value = self._out[self._byte]
        self._byte = (self._byte + 1) % 6
        return value

    def swallow(self, n):
        self.advance()
        for _ in range(n):
            self._next_byte()

    def get(self, register):
        self.advance()
        if register == 0x00:
            status, self._status = self._status, 0
            return status
        if register == 0x04:
            return self._wr % _DEPTH
        if register == 0x05:
            return self._ovf
        if register == 0x06:
            return self._rd % _DEPTH
        return self.identity if register == 0xFF else self.registers[register]

    def put(self, register, value):
        self.advance()
        if register == 0x09 and value & 0x40:
            self._reset()
        elif register == 0x04:
            self._wr = value % _DEPTH
        elif register == 0x05:
            self._ovf = value & 31
        elif register == 0x06:
            self.reread += self._rd % _DEPTH != value % _DEPTH
            self._rd, self._byte = value % _DEPTH, 0
        else:
            self.registers[register] = value
        if register in (0x04, 0x06):
            self.held = (self._wr - self._rd) % _DEPTH

    def get_int_level(self):
        """The INT pin: low while an enabled interrupt waits."""
        self.advance()
        return 0 if self._status & self.registers[0x02] else 1


class LowPin:
    """INT on the board: open drain, active low. Its edge is seen when the test looks()."""

    IRQ_RISING, IRQ_FALLING = 1, 2

    def __init__(self, chip):
        self.chip = chip
        self.handler = self.trigger = None
        self._was = 1

    def irq(self, handler, trigger=1, hard=False):
        self.handler, self.trigger = handler, trigger

    def value(self):
        return self.chip.get_int_level()

    def looks(self):
        level = self.value()
        if level == 0 and self._was and self.trigger == self.IRQ_FALLING:
            self.handler(self)
        self._was = level
        return level
