"""Coloured lights (WS2812, SK6812): a colour by label, as bright as the score is high."""

from ..errors import ConfigError
from ..ticks import ticks_diff, ticks_ms

OPTIONS = (
    ("pin", (int, str), None, (0, 255), "pin number or name"),
    ("colours", dict, None, None, 'label: "#rrggbb" or [red, green, blue]'),
    ("count", int, 1, (1, 1024), "lights in the chain"),
    ("bytes_each", int, 3, (3, 4), "4 for lights with white"),
    ("brightness", int, 25, (1, 100), "percent at the highest score"),
    ("on_ms", int, 300, (1, 3600000), "how long"),
)


def build(options: dict) -> "Neopixel":
    import machine

    try:
        from neopixel import NeoPixel
    except ImportError:
        raise ConfigError("neopixel: this firmware has no module neopixel: install it with "
                          "`mpremote mip install neopixel`")
    chain = NeoPixel(machine.Pin(options["pin"]), options["count"], bpp=options["bytes_each"])
    return Neopixel(chain, options["colours"], options["brightness"], options["on_ms"])


class Neopixel:
    """``Neopixel(NeoPixel(Pin(16), 8), {"ring": "#00ff80", "wing": [255, 0, 0]})``.

    ``brightness``: percent of full light at a score of 255; at 100 one light
    takes 60 mA. Labels not named leave it as it is. While it is written no
    interrupt is served on most boards, for 30 us a light.
    """

    def __init__(self, chain: "NeoPixel", colours: dict, brightness: int = 25, on_ms: int = 300,
                 now: "Callable[[], int]" = ticks_ms):
        self._colours = {label: _rgb(label, given) for label, given in colours.items()}
        self._chain, self._brightness, self._on_ms, self._now = chain, brightness, on_ms, now
        self._pixel = [0, 0, 0, 0]  # white stays dark
        self._lit = True
        self._since = 0
        self._off()

    def emit(self, event: "Event") -> None:
        colour = self._colours.get(event.label)
        if colour is None:
            return
        level = event.score * self._brightness  # 25500 at most
        for i in range(3):
            self._pixel[i] = colour[i] * level // 25500
        self._show()
        self._lit = True
        self._since = self._now()

    def poll(self) -> None:
        if self._lit and ticks_diff(self._now(), self._since) >= self._on_ms:
            self._off()

    def close(self) -> None:
        self._off()

    def _off(self):
        self._lit = False
        for i in range(3):
            self._pixel[i] = 0
        self._show()

    def _show(self):
        self._chain.fill(self._pixel)
        self._chain.write()


def _rgb(label, given):
    """(red, green, blue), each 0..255, of "#rrggbb" or three numbers."""
    numbers = given
    if isinstance(given, str) and len(given) == 7 and given[0] == "#":
        try:
            numbers = [int(given[i:i + 2], 16) for i in (1, 3, 5)]
        except ValueError:
            numbers = ()
    good = isinstance(numbers, (list, tuple)) and len(numbers) == 3
    if not good or not all(isinstance(n, int) and 0 <= n <= 255 for n in numbers):
        raise ConfigError('neopixel: colour of %s: expected "#rrggbb" or three numbers of 0 to '
                          "255, got %r" % (label, given))
    return bytes(numbers)
