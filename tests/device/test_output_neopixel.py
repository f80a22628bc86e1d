"""Coloured lights on a chain that is not there."""

import fakes
from expect import Ticks, raises
from fakes.lights import NeoPixel
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError
from tinysense.outputs.neopixel import Neopixel

COLOURS = {"ring": "#ff8000", "wing": [0, 255, 1]}


def test_dark_until_the_first_event():
    chain = NeoPixel(None, 3)
    Neopixel(chain, COLOURS)
    assert [chain.shown(i) for i in range(3)] == [(0, 0, 0)] * 3


def test_colour_by_label_and_brightness_by_score():
    chain, now = NeoPixel(None, 2), Ticks()
    lights = Neopixel(chain, COLOURS, 100, 300, now)
    for label, score, shown in (("ring", 255, (255, 128, 0)), ("ring", 128, (128, 64, 0)),
                                ("rest", 255, (128, 64, 0)), ("wing", 255, (0, 255, 1)),
                                ("wing", 0, (0, 0, 0))):
        lights.emit(Event(label, score))
        assert chain.shown(0) == chain.shown(1) == shown, (label, score)
    lights = Neopixel(chain, COLOURS, 20, 300, now)
    lights.emit(Event("ring", 255))
    assert chain.shown(0) == (51, 25, 0)


def test_off_after_a_while():
    chain, now = NeoPixel(None, 1), Ticks()
    lights = Neopixel(chain, COLOURS, 100, 300, now)
    lights.emit(Event("ring", 255))
    now.now = 200
    lights.emit(Event("wing", 255))
    for at, shown in ((499, (0, 255, 1)), (500, (0, 0, 0))):
        now.now = at
        lights.poll()
        assert chain.shown(0) == shown, at
    writes = chain.writes
    now.now = 900
    lights.poll()
    assert chain.writes == writes  # nothing to do, nothing written
    lights.emit(Event("wing", 255))
    lights.close()
    assert chain.shown(0) == (0, 0, 0)


def test_lights_with_white_keep_it_dark():
    chain = NeoPixel(None, 1, bpp=4)
    Neopixel(chain, COLOURS, 100).emit(Event("ring", 255))
    assert chain.shown(0) == (255, 128, 0, 0)


def test_refuses_colours():
    for bad in ("ff8000", "#ff80", "#ff80zz", [1, 2], [1, 2, 256], [1, 2, -1], [1, 2, 0.5], 3,
                None):
        raises(ConfigError, ("colour of ring", "#rrggbb"), Neopixel, NeoPixel(None, 1),
               {"ring": bad})


class Module:
    pass


Module.NeoPixel = NeoPixel


def test_made_by_config():
    fakes.install()
    wanted = {"kind": "neopixel", "pin": 16, "colours": COLOURS, "count": 8, "bytes_each": 4}
    with fakes.Modules(neopixel=Module):
        lights = outputs.make(wanted)
    lights.emit(Event("ring", 255))
    chain = lights._chain
    assert (chain.pin.number, chain.n, chain.shown(7)) == (16, 8, (63, 32, 0, 0))
    with fakes.Modules(neopixel=None):
        raises(ConfigError, ("no module neopixel", "mip install neopixel"), outputs.make, wanted)
