"""An MCP2515 on SPI, as far as sending goes (data sheet DS20001801H, sections 3, 5, 10, 12)."""

_CANSTAT, _CANCTRL, _CNF3, _CNF2, _CNF1, _TXB0CTRL = 0x0E, 0x0F, 0x28, 0x29, 0x2A, 0x30
_TXREQ = 0x08
_CONFIGURATION = 0x80
_TIMING = _CNF1, _CNF2, _CNF3


class MCP2515:
    """``frames``: (id, extended, data) that went out while the bus is ``free``.

    It is selected by ``cs``, a fake Pin: what comes while that is high is not for it.
    """

    def __init__(self, cs, crystal_hz=8000000):
        self._cs, self._crystal_hz = cs, crystal_hz
        self.frames, self.free = [], True
        self.keeps = True  # False: counts only, for the heap's sake
        self.sent = 0
        self._reset()

    def _reset(self):
        self._registers = bytearray(128)
        self._registers[_CANSTAT] = self._registers[_CANCTRL] = _CONFIGURATION

    def transfer(self, out, into):
        if self._cs.value():
            return
        command = out[0]
        if command == 0xC0:
            self._reset()
        elif command == 0x02:
            for i in range(2, len(out)):
                self._write(out[1] + i - 2, out[i])
        elif command == 0x03:
            for i in range(2, len(out)):
                into[i] = self._registers[out[1] + i - 2]
        elif command == 0xA0:
            into[1] = 0x04 if self._registers[_TXB0CTRL] & _TXREQ else 0
        elif command == 0x40:
            for i in range(1, len(out)):
                self._write(_TXB0CTRL + i, out[i])
        elif command == 0x81:
            self._registers[_TXB0CTRL] |= _TXREQ
            self.move()
        else:
            raise AssertionError("instruction 0x%02x" % command)

    def move(self):
        """What waits goes out, if the bus is free and the chip in normal mode."""
        r = self._registers
        if not r[_TXB0CTRL] & _TXREQ or not self.free or r[_CANSTAT] & 0xE0:
            return
        r[_TXB0CTRL] &= ~_TXREQ & 0xFF
        self.sent += 1
        if not self.keeps:
            return
        identifier = r[0x31] << 3 | r[0x32] >> 5
        extended = bool(r[0x32] & 0x08)
        if extended:
            identifier = identifier << 18 | (r[0x32] & 3) << 16 | r[0x33] << 8 | r[0x34]
        self.frames.append((identifier, extended, bytes(r[0x36:0x36 + (r[0x35] & 15)])))

    def bit(self):
        """(bits per second, sample point in percent) of what is set."""
        r = self._registers
        before = 1 + (r[_CNF2] & 7) + 1 + (r[_CNF2] >> 3 & 7) + 1
        assert r[_CNF2] & 0x80, "phase 2 is not what CNF3 says"
        quanta = before + (r[_CNF3] & 7) + 1
        return (self._crystal_hz // (2 * ((r[_CNF1] & 0x3F) + 1) * quanta), 100 * before // quanta)

    def _write(self, address, value):
        r = self._registers
        if address in _TIMING:
            assert r[_CANSTAT] & 0xE0 == _CONFIGURATION, "bit timing outside configuration mode"
        r[address] = value
        if address == _CANCTRL:
            r[_CANSTAT] = value & 0xE0
