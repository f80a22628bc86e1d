"""One CAN frame per event, for a vehicle's gateway.

Three ways onto the bus: ``slcan``, a UART to a CAN adapter that speaks the
Lawicel ASCII protocol (most do); ``can``, the board's own controller
(machine.CAN of newer firmware, else pyb.CAN); ``mcp2515``, that chip on SPI.

Seven data bytes, little-endian. As rows of a DBC file:

    BO_ 1296 TinysenseEvent: 7 Vector__XXX
     SG_ Label : 0|8@1+ (1,0) [0|255] "" Vector__XXX
     SG_ Score : 8|8@1+ (1,0) [0|255] "" Vector__XXX
     SG_ Time : 16|32@1+ (1,0) [0|1073741823] "ms" Vector__XXX
     SG_ Counter : 48|8@1+ (1,0) [0|255] "" Vector__XXX

Label is the place of the label in the model, 255 if it has none. Counter goes
up by one with every event, sent or not, and from 255 to 0: a gap is a loss.
"""

from ..errors import ConfigError
from .wire import UART_OPTIONS, Wire, open_uart

ID = 0x510  # 11 bits: below diagnostics (0x700...), above what drives and brakes
FRAME_BYTES = 7
NO_LABEL = 255
# Lawicel CAN232 manual, command Sn: place in this list is n.
SLCAN_BITRATES = (10000, 20000, 50000, 100000, 125000, 250000, 500000, 800000, 1000000)
_HEX = b"0123456789ABCDEF"
_CR = 13

OPTIONS = UART_OPTIONS + (
    ("via", str, "slcan", ("slcan", "can", "mcp2515"), "see outputs/can.py"),
    ("id", int, ID, (0, 0x1FFFFFFF), "identifier of the frame"),
    ("extended", bool, False, None, "identifier of 29 bits"),
    ("bitrate", int, 500000, (10000, 1000000), "of the CAN bus"),
    ("bus", int, 1, (0, 8), "number of the CAN controller, or of the SPI bus"),
    ("cs", (int, str), -1, (-1, 255), "mcp2515: pin of CS"),
    ("sck", (int, str), -1, (-1, 255), "mcp2515: pin, -1: the bus's own"),
    ("mosi", (int, str), -1, (-1, 255), "mcp2515: pin, -1: the bus's own"),
    ("miso", (int, str), -1, (-1, 255), "mcp2515: pin, -1: the bus's own"),
    ("crystal_hz", int, 8000000, (1000000, 25000000), "mcp2515: what its crystal says"),
)


def build(options: dict) -> "Can":
    identifier, extended = options["id"], options["extended"]
    if options["via"] == "slcan":
        uart = open_uart(options, "can")
        return Can(Slcan(uart, options["bitrate"], identifier, extended))
    if options["via"] == "mcp2515":
        from .mcp2515 import open_chip

        return Can(Controller(open_chip(options), identifier, extended))
    return Can(own_controller(options["bus"], options["bitrate"], identifier, extended))


def own_controller(bus: int, bitrate: int, identifier: int = ID,
                   extended: bool = False) -> "Controller":
    """The port's own CAN controller."""
    import machine

    try:
        if hasattr(machine, "CAN"):
            return Controller(machine.CAN(bus, bitrate), identifier, extended)
        from pyb import CAN

        can = CAN(bus, CAN.NORMAL, baudrate=bitrate, auto_restart=True)
    except (AttributeError, ImportError):
        raise ConfigError("can: this firmware has no CAN: expected via slcan (a UART) or mcp2515, "
                          "got can")
    except (ValueError, OSError) as e:
        raise ConfigError("can: expected a CAN controller, got bus %d at %d bit/s: %s"
                          % (bus, bitrate, e))
    return PybController(can, identifier, extended)


class Can:
    """``Can(Slcan(UART(1, 115200)))``, or a Controller. ``lost``: frames the bus did not take."""

    def __init__(self, port: "Slcan | Controller"):
        self._port = port
        self._frame = bytearray(FRAME_BYTES)
        self._index = {}
        self.lost = 0

    def watch(self, labels: "Sequence[str]", scores: "Buffer") -> None:
        self._index = {label: i for i, label in enumerate(labels) if i < NO_LABEL}

    def emit(self, event: "Event") -> None:
        frame, time = self._frame, event.time
        frame[0] = self._index.get(event.label, NO_LABEL)
        frame[1] = event.score
        for i in range(2, 6):
            frame[i] = time & 0xFF
            time >>= 8
        if not self._port.send(frame):
            self.lost += 1
        frame[6] = frame[6] + 1 & 0xFF

    def poll(self) -> None:
        self._port.poll()

    def close(self) -> None:
        self._port.close()


class Slcan:
    """A CAN adapter on a UART: the line ``t`` identifier, length, data in hexadecimal, CR."""

    def __init__(self, uart: "UART", bitrate: int = 500000, identifier: int = ID,
                 extended: bool = False):
        _check(identifier, extended)
        if bitrate not in SLCAN_BITRATES:
            raise ConfigError("can: bitrate: slcan knows %s, got %d"
                              % (" ".join(str(b) for b in SLCAN_BITRATES), bitrate))
        head = "T%08X%d" if extended else "t%03X%d"
        self._line = bytearray((head % (identifier, FRAME_BYTES)).encode() + bytes(2 * FRAME_BYTES)
                               + b"\r")
        self._data_at = len(self._line) - 2 * FRAME_BYTES - 1
        self._wire = Wire(uart)
        # An adapter left open refuses a new rate; the first CR ends half a line it may have.
        start = b"\rC\rS%d\rO\r" % SLCAN_BITRATES.index(bitrate)
        self._wire.send(start, len(start))

    def send(self, frame: bytearray) -> bool:
        if not self._wire.free():
            return False
        line, at = self._line, self._data_at
        for byte in frame:
            line[at] = _HEX[byte >> 4]
            line[at + 1] = _HEX[byte & 15]
            at += 2
        self._wire.send(line, len(line))
        return True

    def poll(self) -> None:
        self._wire.poll()

    def close(self) -> None:
        if self._wire.free():
            self._wire.send(b"C\r", 2)
        self._wire.close()


class Controller:
    """A machine.CAN, or what is like it: send(id, data, flags) gives None if there is no room."""

    def __init__(self, can: "CAN", identifier: int = ID, extended: bool = False):
        _check(identifier, extended)
        self._can, self._id = can, identifier
        self._flags = can.FLAG_EXT_ID if extended else 0

    def send(self, frame: bytearray) -> bool:
        try:
            return self._can.send(self._id, frame, self._flags) is not None
        except OSError:
            self._can.restart()  # bus off: nobody there, or a broken wire
            return False

    def poll(self) -> None:
        pass

    def close(self) -> None:
        self._can.deinit()


class PybController(Controller):
    """A pyb.CAN: send(data, id) raises OSError if there is no room."""

    def __init__(self, can: "CAN", identifier: int = ID, extended: bool = False):
        _check(identifier, extended)
        self._can, self._id, self._extended = can, identifier, extended

    def send(self, frame: bytearray) -> bool:
        try:
            self._can.send(frame, self._id, extframe=self._extended)
        except OSError:
            return False
        return True


def _check(identifier, extended):
    if not 0 <= identifier <= (0x1FFFFFFF if extended else 0x7FF):
        raise ConfigError("can: id: expected %s, got 0x%X: set extended for 29 bits"
                          % ("29 bits" if extended else "11 bits", identifier))
