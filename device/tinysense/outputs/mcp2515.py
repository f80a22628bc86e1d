"""MCP2515: a CAN controller on SPI, as far as sending needs it.

Tables, registers and figures are those of Microchip's data sheet DS20001801H.
"""

from ..errors import ConfigError, DriverError
from ..ticks import sleep_ms

# Instructions: table 12-1
RESET = 0xC0
READ = 0x03
WRITE = 0x02
READ_STATUS = 0xA0
LOAD_TXB0 = 0x40  # figure 12-5: from TXB0SIDH on
RTS_TXB0 = 0x81

CANSTAT = 0x0E  # register 10-2: OPMOD in bits 7:5
CANCTRL = 0x0F  # register 10-1: REQOP in bits 7:5
CNF3 = 0x28  # register 5-3; CNF2 and CNF1 follow
CONFIGURATION = 0x80
NORMAL = 0x00
STATUS_TX0REQ = 0x04  # figure 12-8
BTLMODE = 0x80  # register 5-2: PS2 as CNF3 says
EXIDE = 0x08  # register 3-4, TXBnSIDL: 29 bits
_SETTLE_MS = 2  # oscillator start-up: 128 cycles, section 8.1
_SPI_HZ = 4000000  # the chip takes 10 MHz


def open_chip(options: dict) -> "MCP2515":
    """The chip that the rows of outputs/can.py name."""
    import machine

    try:
        cs = machine.Pin(options["cs"], machine.Pin.OUT)
        pins = {name: machine.Pin(options[name]) for name in ("sck", "mosi", "miso")
                if options[name] != -1}
        spi = machine.SPI(options["bus"], baudrate=_SPI_HZ, **pins)
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise ConfigError("can: expected an SPI bus and pins, got bus %d, cs %s: %s: name bus, cs; "
                          "and sck, mosi, miso" % (options["bus"], options["cs"], e))
    return MCP2515(spi, cs, options["bitrate"], options["crystal_hz"])


class MCP2515:
    """``MCP2515(SPI(0, 4000000), Pin(5, Pin.OUT), 500000, crystal_hz=8000000)``.

    send(), restart() and deinit() are those of machine.CAN. Only transmit buffer
    0 is used, so frames go out in order.
    """

    FLAG_EXT_ID = 2

    def __init__(self, spi: "SPI", cs: "Pin", bitrate: int = 500000, crystal_hz: int = 8000000):
        self._spi, self._cs = spi, cs
        self._out, self._in = bytearray(2), bytearray(2)
        self._load = bytearray(6 + 8)  # instruction, SIDH, SIDL, EID8, EID0, DLC, data
        self._load[0] = LOAD_TXB0
        self._rts = bytes((RTS_TXB0,))
        timing = bit_timing(bitrate, crystal_hz)
        cs.value(1)
        self._write(bytes((RESET,)))
        sleep_ms(_SETTLE_MS)
        if self._mode() != CONFIGURATION:
            raise DriverError(19, "mcp2515: nothing, or another chip, answers on SPI: check wires, "
                              "power, bus and cs")
        self._write(bytes((WRITE, CNF3)) + timing)
        self._write(bytes((WRITE, CANCTRL, NORMAL)))

    def send(self, identifier: int, data: "Buffer", flags: int = 0) -> "int | None":
        """0, or None while the frame before still waits for the bus."""
        self._out[0], self._out[1] = READ_STATUS, 0
        self._transfer()
        if self._in[1] & STATUS_TX0REQ:
            return None
        load = self._load
        self._address(identifier, flags)
        load[5] = len(data)
        at = 6
        for byte in data:
            load[at] = byte
            at += 1
        self._write(load)
        self._write(self._rts)
        return 0

    def restart(self) -> None:
        """Nothing: the chip comes back from bus-off by itself (section 6.7)."""

    def deinit(self) -> None:
        """Off the bus, until made anew."""
        self._write(bytes((RESET,)))

    def _address(self, identifier, flags):
        """Registers 3-3 to 3-6: SID10:3, SID2:0 and EID17:16, EID15:8, EID7:0."""
        load, low = self._load, 0
        if flags & self.FLAG_EXT_ID:
            low = identifier & 0xFFFF
            load[2] = (identifier >> 18 & 7) << 5 | EXIDE | identifier >> 16 & 3
            identifier >>= 18
        else:
            load[2] = (identifier & 7) << 5
        load[1] = identifier >> 3
        load[3] = low >> 8
        load[4] = low & 0xFF

    def _mode(self):
        buf = bytearray((READ, CANSTAT, 0))
        self._cs.value(0)
        self._spi.write_readinto(buf, buf)
        self._cs.value(1)
        return buf[2] & 0xE0

    def _write(self, data):
        self._cs.value(0)
        self._spi.write(data)
        self._cs.value(1)

    def _transfer(self):
        self._cs.value(0)
        self._spi.write_readinto(self._out, self._in)
        self._cs.value(1)


def bit_timing(bitrate: int, crystal_hz: int) -> bytes:
    """CNF3, CNF2, CNF1: 16 to 8 time quanta a bit, sampled near three quarters (section 5)."""
    for quanta in range(16, 7, -1):
        divider, rest = divmod(crystal_hz, 2 * bitrate * quanta)
        if rest == 0 and 1 <= divider <= 64:
            phase2 = quanta // 4
            phase1 = (quanta - 1 - phase2) // 2
            propagation = quanta - 1 - phase2 - phase1
            return bytes((phase2 - 1, BTLMODE | phase1 - 1 << 3 | propagation - 1, divider - 1))
    raise ConfigError("can: bitrate: no bit time of mcp2515 fits %d bit/s at %d Hz: expected "
                      "another bitrate or crystal_hz" % (bitrate, crystal_hz))
