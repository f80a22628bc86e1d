"""A frame per event: by SLCAN on a UART, by the board's controller, by an MCP2515."""

import fakes
from chips.mcp2515 import MCP2515 as Chip
from expect import raises
from fakes.wires import CAN, SPI, UART, PybCAN
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError, DriverError
from tinysense.outputs.can import Can, Controller, PybController, Slcan
from tinysense.outputs.mcp2515 import MCP2515, bit_timing

LABELS = ["rest", "ring", "wing"]
RING = Event("ring", 231, 0x01020304)
FRAME = b"\x01\xe7\x04\x03\x02\x01"  # label 1, score 231, time; a counter follows


def watched(port):
    out = Can(port)
    out.watch(LABELS, b"")
    return out


def test_slcan_opens_the_adapter_and_sends_lines():
    uart = UART()
    out = watched(Slcan(uart))
    assert uart.text == b"\rC\rS6\rO\r"
    uart.clear()
    out.emit(RING)
    out.emit(Event("unknown", 0, 0))
    assert uart.text == b"t510701E70403020100\rt5107FF000000000001\r"
    uart.clear()
    out.close()
    assert uart.text == b"C\r" and not uart.running


def test_slcan_extended_and_every_bitrate():
    for n, bitrate in enumerate((10000, 20000, 50000, 100000, 125000, 250000, 500000, 800000,
                                 1000000)):
        uart = UART()
        out = watched(Slcan(uart, bitrate, 0x18FF1234, True))
        assert uart.text == b"\rC\rS%d\rO\r" % n
        uart.clear()
        out.emit(RING)
        assert uart.text == b"T18FF1234701E70403020100\r"
    raises(ConfigError, ("bitrate", "500000", "83300"), Slcan, UART(), 83300)


def test_identifiers_have_11_or_29_bits():
    for good, extended in ((0, False), (0x7FF, False), (0x800, True), (0x1FFFFFFF, True)):
        Slcan(UART(), 500000, good, extended)
    for bad, extended in ((-1, False), (0x800, False), (0x20000000, True)):
        raises(ConfigError, ("can: id", "29 bits" if extended else "11 bits"), Slcan, UART(),
               500000, bad, extended)
        raises(ConfigError, "can: id", Controller, CAN(), bad, extended)
        raises(ConfigError, "can: id", PybController, PybCAN(1, 0, 500000, True), bad, extended)


def test_the_counter_shows_what_a_busy_uart_lost():
    uart = UART()
    out = watched(Slcan(uart))
    uart.clear()
    uart.room = 10
    out.emit(RING)
    out.emit(RING)
    uart.room = -1
    out.poll()
    out.emit(RING)
    assert uart.text == b"t510701E70403020100\rt510701E70403020102\r" and out.lost == 1


def test_the_counter_goes_round():
    can = CAN()
    out = watched(Controller(can))
    for i in range(300):
        out.emit(RING)
        assert bytes(can.data[:can.length]) == FRAME + bytes((i & 0xFF,))
    assert can.frames == 300 and out.lost == 0


def test_own_controller():
    can = CAN()
    out = watched(Controller(can, 0x123))
    out.emit(RING)
    assert (can.identifier, can.flags, bytes(can.data[:7])) == (0x123, 0, FRAME + b"\0")
    can.room = 0
    out.emit(RING)
    can.room, can.bus_off = 9, True
    out.emit(RING)
    assert out.lost == 2 and can.restarts == 1 and not can.bus_off
    out.emit(RING)
    assert out.lost == 2 and bytes(can.data[:7]) == FRAME + b"\3"
    out.poll()
    out.close()
    assert not can.running
    can = CAN()
    watched(Controller(can, 0x12345, True)).emit(RING)
    assert (can.identifier, can.flags) == (0x12345, CAN.FLAG_EXT_ID)


def test_pyb_controller():
    can = PybCAN(1, PybCAN.NORMAL, 500000, True)
    out = watched(PybController(can, 0x12345, True))
    out.emit(RING)
    assert (can.identifier, can.extframe, bytes(can.data[:7])) == (0x12345, True, FRAME + b"\0")
    can.room = 0
    out.emit(RING)
    assert out.lost == 1


def chip_and_spi():
    cs = fakes.Pin(5)
    chip = Chip(cs)
    return chip, SPI(chip), cs


def test_mcp2515_sends_standard_and_extended_frames():
    for identifier, extended in ((0x510, False), (0, False), (0x7FF, False), (0, True),
                                 (0x18FF1234, True), (0x1FFFFFFF, True)):
        chip, spi, cs = chip_and_spi()
        out = watched(Controller(MCP2515(spi, cs), identifier, extended))
        assert chip.bit() == (500000, 75)
        out.emit(RING)
        assert chip.frames == [(identifier, extended, FRAME + b"\0")]
        out.close()


def test_mcp2515_on_a_busy_bus():
    chip, spi, cs = chip_and_spi()
    out = watched(Controller(MCP2515(spi, cs)))
    chip.free = False
    out.emit(RING)
    out.emit(RING)
    assert out.lost == 1 and chip.frames == []
    chip.free = True
    chip.move()
    out.emit(RING)
    assert [frame[2][6] for frame in chip.frames] == [0, 2]


def test_mcp2515_bit_timing():
    for bitrate, crystal_hz in ((500000, 8000000), (125000, 8000000), (250000, 16000000),
                                (1000000, 16000000), (1000000, 20000000), (100000, 8000000),
                                (33333, 16000000)):
        if bitrate == 33333:
            raises(ConfigError, ("bitrate", "33333"), bit_timing, bitrate, crystal_hz)
            continue
        cs = fakes.Pin(5)
        chip = Chip(cs, crystal_hz)
        MCP2515(SPI(chip), cs, bitrate, crystal_hz)
        got, sampled = chip.bit()
        assert got == bitrate and 70 <= sampled <= 82, (bitrate, crystal_hz, sampled)
    raises(ConfigError, ("1000000 bit/s at 8000000 Hz",), bit_timing, 1000000, 8000000)


def test_mcp2515_that_is_not_there():
    class Nobody:
        def transfer(self, out, into):
            for i in range(len(into or b"")):
                into[i] = 0xFF

    raises(DriverError, ("mcp2515", "wires"), MCP2515, SPI(Nobody()), fakes.Pin(5))


def test_made_by_config():
    chip = Chip(fakes.Pin(17))
    chip._cs = None
    asked = []

    def spi(number, baudrate=0, **pins):
        asked.append((number, {name: pins[name].number for name in pins}))
        chip._cs = fakes.Pin.made[17]
        return SPI(chip)

    fakes.install(UART=UART, CAN=CAN, SPI=spi)
    assert outputs.make("can")._port._wire._uart.text == b"\rC\rS6\rO\r"
    out = outputs.make({"kind": "can", "via": "can", "id": 3})
    assert out._port._can.asked == (1, 500000)
    outputs.make({"kind": "can", "via": "mcp2515", "bus": 0, "cs": 17, "sck": 18,
                  "bitrate": 250000}).emit(RING)
    assert asked == [(0, {"sck": 18})] and chip.bit() == (250000, 75)
    assert chip.frames[0][2] == b"\xff" + FRAME[1:] + b"\0"  # nobody told it the labels
    raises(ConfigError, ("expected a CAN controller, got bus 2",), outputs.make,
           {"kind": "can", "via": "can", "bus": 2})
    raises(ConfigError, ("via", "slcan can mcp2515"), outputs.make, {"kind": "can", "via": "lin"})


def test_made_by_config_on_older_firmware():
    fakes.install(UART=UART)
    raises(ConfigError, ("this firmware has no CAN", "slcan"), outputs.make,
           {"kind": "can", "via": "can"})
    raises(ConfigError, ("SPI bus and pins",), outputs.make,
           {"kind": "can", "via": "mcp2515", "cs": 5})

    class Pyb:
        pass

    Pyb.CAN = PybCAN
    with fakes.Modules(pyb=Pyb):
        out = outputs.make({"kind": "can", "via": "can", "bitrate": 125000})
    assert out._port._can.asked == (1, 125000)
