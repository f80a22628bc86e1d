"""A line per event on a UART that is slower than events."""

import json

import fakes
from expect import raises
from fakes.wires import UART, PlainUART
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError
from tinysense.outputs.line import Line
from tinysense.outputs.uart import Uart

RING, WING = Event("ring", 231, 4200), Event("wing", 0, 0x3FFFFFFF)


def test_json_lines_are_those_of_serial():
    uart = UART()
    out = Uart(uart)
    events = [RING, WING, Event('a "b" \\c', 7, 0), Event("grün", 255, 1)]
    for event in events:
        out.emit(event)
    lines = uart.text.decode().split("\n")
    assert lines[0] == '{"label": "ring", "score": 231, "time": 4200}'
    assert lines[-1] == "" and len(lines) == 5
    for line, event in zip(lines, events):
        assert json.loads(line) == {"label": event.label, "score": event.score,
                                    "time": event.time}


def test_csv_lines():
    uart = UART()
    out = Uart(uart, "csv")
    for label in ("ring", "a,b", 'say "go"'):
        out.emit(Event(label, 9, 10))
    assert uart.text == b'ring,9,10\n"a,b",9,10\n"say ""go""",9,10\n'


def test_numbers_of_every_length():
    line = Line("csv", b"")
    for n in (0, 1, 9, 10, 99, 100, 255):
        for time in (0, 9, 10, 12345, 999999999, 1000000000, 0x3FFFFFFF):
            size = line.write(Event("x", n, time))
            assert bytes(line.buf[:size]) == b"x,%d,%d" % (n, time)


def test_what_does_not_fit_goes_out_later_and_whole():
    uart = UART()
    out = Uart(uart, "csv")
    out.watch(["ring", "wing"], b"")
    uart.room = 5
    out.emit(RING)
    assert uart.text == b"ring,"
    out.emit(WING)  # the wire is still busy with the first
    out.poll()
    assert uart.text == b"ring," and out.lost == 1
    uart.room = 2
    out.poll()
    uart.room = 100
    out.poll()
    out.emit(Event("wing", 1, 2))
    assert uart.text == b"ring,231,4200\nwing,1,2\n" and out.lost == 1
    out.close()
    assert not uart.running


def test_made_by_config():
    fake = fakes.install(UART=UART)
    out = outputs.make({"kind": "uart", "uart": 2, "baudrate": 9600, "tx": 8, "rx": 9,
                        "form": "csv"})
    out.emit(RING)
    assert out._wire._uart.asked == (2, 9600, 256, {"tx": 8, "rx": 9})
    assert out._wire._uart.text == b"ring,231,4200\n"
    fake.UART = PlainUART  # a port without a transmit buffer
    assert outputs.make("uart")._wire._uart.asked == (1, 115200, 0, {})
    raises(ConfigError, ("uart", "form", "json csv"), outputs.make,
           {"kind": "uart", "form": "xml"})
    fakes.install()
    raises(ConfigError, ("expected a UART, got uart 1", "tx"), outputs.make, "uart")
