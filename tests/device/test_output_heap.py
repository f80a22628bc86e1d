"""Events to every output that promises it take no heap: zero bytes over thousands of them."""

import fakes
import tiny
from chips.bus import Bus
from chips.mcp2515 import MCP2515 as CanChip
from chips.ssd1306 import SSD1306 as Display
from expect import Ticks, path, write
from fakes import screen
from fakes.lights import NeoPixel
from fakes.sound import I2S
from fakes.wires import CAN, SPI, UART
from test_heap import WINDOWS, taken
from tinysense.drivers.replay import Feed
from tinysense.model import load
from tinysense.pipeline import Pipeline


def per_event(output, meanwhile=None):
    """Bytes taken while every second window is an event, of two labels in turn."""
    driver = Feed(25000, 3, "g", 4)
    ring, wing, quiet = bytes(tiny.window(20000)[:12]), bytes(tiny.window(0, 20000)[:12]), bytes(12)
    p = Pipeline(driver, load(tiny.build()), [output])

    def more():
        k = p.windows & 7
        driver.feed(ring if k < 2 else wing if 4 <= k < 6 else quiet)
        if meanwhile:
            meanwhile()

    used = taken(p, more)
    assert p.events > WINDOWS // 4
    return used


class Passing(Ticks):
    """Ten milliseconds at every look."""

    def __call__(self):
        self.now = self.now + 10 & 0x1FFFFFFF
        return self.now


def test_uart():
    from tinysense.outputs.uart import Uart

    for form in ("json", "csv"):
        uart = UART()
        assert per_event(Uart(uart, form)) == 0
        assert uart.size


def test_a_uart_that_is_slow():
    from tinysense.outputs.uart import Uart

    uart = UART()
    out = Uart(uart)

    def drain():
        uart.room = 7

    assert per_event(out, drain) == 0
    assert out.lost


def test_slcan():
    from tinysense.outputs.can import Can, Slcan

    assert per_event(Can(Slcan(UART(), extended=True, identifier=0x18FF1234))) == 0


def test_can_controller():
    from tinysense.outputs.can import Can, Controller

    can = CAN()
    assert per_event(Can(Controller(can, 0x18FF1234, True))) == 0
    assert can.frames > WINDOWS // 4


def test_mcp2515():
    from tinysense.outputs.can import Can, Controller
    from tinysense.outputs.mcp2515 import MCP2515

    cs = fakes.Pin(5)
    chip = CanChip(cs)
    chip.keeps = False
    assert per_event(Can(Controller(MCP2515(SPI(chip), cs), 0x18FF1234, True))) == 0
    assert chip.sent > WINDOWS // 4


def test_neopixel():
    from tinysense.outputs.neopixel import Neopixel

    chain = NeoPixel(None, 3)
    out = Neopixel(chain, {"ring": "#ff8000", "wing": [0, 0, 255]}, on_ms=20, now=Passing())
    assert per_event(out) == 0
    assert chain.writes > WINDOWS // 4


def test_ssd1306():
    screen.install()
    from tinysense.outputs.ssd1306 import Ssd1306

    display = Display()
    assert per_event(Ssd1306(Bus(display), on_ms=30, now=Passing())) == 0
    assert display.data_bytes > 128 * WINDOWS // 4


def test_sound():
    from tinysense.outputs.sound import Sound

    clip = path("heap.wav")
    write(clip, tiny_clip(3000))
    i2s = I2S()
    i2s.keeps = False
    out = Sound(i2s, {"ring": 500, "wing": clip}, on_ms=30, buffer=2048, now=Passing())
    assert per_event(out, i2s.taken) == 0
    assert i2s.bytes > 512 * WINDOWS


def tiny_clip(n):
    """A WAV file of n bytes of 16 kHz mono."""
    size = bytes((n & 0xFF, n >> 8, 0, 0))
    return (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data" + size
            + bytes(n))
