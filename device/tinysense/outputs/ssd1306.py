"""A small display (SSD1306, 128 x 64 or 128 x 32, I2C): the event's label, and all scores as bars.

Sections are those of Solomon Systech's data sheet SSD1306, revision 1.5.
"""

from ..errors import ConfigError, DriverError
from ..sensing.bus import I2C_OPTIONS, open_i2c
from ..ticks import ticks_diff, ticks_ms

ADDRESS = 0x3C  # 8.1.5: 0x3D with SA0 high
COMMANDS = 0x00  # 8.1.5.2, control byte: Co 0, D/C 0: only commands follow
ONE_COMMAND = 0x80  # Co 1, D/C 0: one command byte, then the next control byte
DATA = 0x40  # Co 0, D/C 1: only data follow
COLUMN_LOW = 0x00  # 10.1.1, lower half of the column where data go
COLUMN_HIGH = 0x10  # 10.1.2
ADDRESSING = 0x20  # 10.1.3
PAGE_ADDRESSING = 0x02
START_LINE = 0x40  # 10.1.6
CONTRAST = 0x81  # 10.1.7
SEGMENT_REMAP = 0xA1  # 10.1.8: column 127 is SEG0, as the modules are mounted
FROM_RAM = 0xA4  # 10.1.9
NORMAL = 0xA6  # 10.1.10: a set bit is lit
MULTIPLEX = 0xA8  # 10.1.11: rows - 1
DISPLAY_OFF, DISPLAY_ON = 0xAE, 0xAF  # 10.1.12
PAGE = 0xB0  # 10.1.13
SCAN_DOWN = 0xC8  # 10.1.14: from COM[N-1] to COM0
OFFSET = 0xD3  # 10.1.15
CLOCK = 0xD5  # 10.1.16
CLOCK_RESET = 0x80
PRECHARGE = 0xD9  # 10.1.17
PRECHARGE_PUMP = 0xF1  # 15 clocks, 1 clock: for the charge pump
COM_PINS = 0xDA  # 10.1.18
ALTERNATIVE, SEQUENTIAL = 0x12, 0x02  # modules of 64 rows, of 32 rows
VCOMH = 0xDB  # 10.1.19
VCOMH_083 = 0x30  # about 0.83 x VCC
CHARGE_PUMP = 0x8D  # 8.10 and the table of commands there
PUMP_ON = 0x14

WIDTH = 128
CHAR = 8  # pixels of framebuf's font, both ways
_HEAD = bytes((ONE_COMMAND, PAGE, ONE_COMMAND, COLUMN_LOW, ONE_COMMAND, COLUMN_HIGH, DATA))
_STRIDE = len(_HEAD) + WIDTH
_DIGITS = "0", "1", "2", "3", "4", "5", "6", "7", "8", "9"
_NAME_CHARS = 5
_RETRY_MS = 1000

OPTIONS = I2C_OPTIONS + (
    ("address", int, ADDRESS, (8, 119), "60, or 61"),
    ("height", int, 64, (32, 64), "32 or 64 rows"),
    ("contrast", int, 255, (0, 255), "how bright"),
    ("refresh_ms", int, 100, (10, 10000), "how often the bars follow the scores"),
    ("on_ms", int, 3000, (1, 3600000), "how long the label stands"),
)


def build(options: dict) -> "Ssd1306":
    i2c = open_i2c(options, "ssd1306", "its options")
    return Ssd1306(i2c, options["height"], options["address"], options["contrast"],
                   options["refresh_ms"], options["on_ms"])


class Ssd1306:
    """``Ssd1306(I2C(0, freq=400000), height=64)``.

    The label of the last event stands on top for ``on_ms``, with its score; below it
    is a bar for each label, with its name where there is room, as long as the
    latest score. A poll() sends one page of 128 x 8 pixels at most: 3 ms at 400 kHz,
    13 ms at 100 kHz. A display that stops answering is counted in ``errors`` and
    asked again, from its set-up on, every second.
    """

    def __init__(self, i2c: "I2C", height: int = 64, address: int = ADDRESS, contrast: int = 255,
                 refresh_ms: int = 100, on_ms: int = 3000, now: "Callable[[], int]" = ticks_ms):
        if height not in (32, 64):
            raise ConfigError("ssd1306: height: expected 32 or 64, got %r" % (height,))
        self._i2c, self._address, self._now = i2c, address, now
        self._refresh_ms, self._on_ms = refresh_ms, on_ms
        self._setup = _setup(height, contrast)
        self._n_pages = height // 8
        self._draw_on(bytearray(_STRIDE * self._n_pages))
        self._dirty = bytearray(b"\1" * self._n_pages)
        self._next = 0
        self._labels, self._scores = (), b""
        self._drawn = bytearray(0)
        self._shows = False
        self._since = self._looked = self._failed_at = now()
        self._lost = False
        self.errors = 0
        try:
            i2c.writeto(address, self._setup)
        except OSError as e:
            raise DriverError(e.errno, "ssd1306: no display answers at I2C address 0x%02x: check "
                              "wires, power and address" % address)

    def watch(self, labels: "Sequence[str]", scores: "Buffer") -> None:
        rows = 8 * (self._n_pages - 1)
        self._labels = tuple(labels[:rows])
        self._scores = scores
        self._pitch = max(1, min(CHAR, rows // max(1, len(self._labels))))
        self._drawn = bytearray(len(self._labels))
        self._bar_x = 0
        if self._pitch == CHAR:
            self._bar_x = _NAME_CHARS * CHAR + 4
            for i in range(len(self._labels)):
                self._canvas.text(self._labels[i][:_NAME_CHARS], 0, CHAR * (i + 1), 1)
                self._dirty[i + 1] = 1

    def emit(self, event: "Event") -> None:
        canvas = self._canvas
        canvas.fill_rect(0, 0, WIDTH, CHAR, 0)
        canvas.text(event.label, 0, 0, 1)
        canvas.fill_rect(WIDTH - 4 * CHAR, 0, 4 * CHAR, CHAR, 0)
        score, x = event.score, WIDTH - CHAR
        while True:
            canvas.text(_DIGITS[score % 10], x, 0, 1)
            score //= 10
            if score == 0:
                break
            x -= CHAR
        self._dirty[0] = 1
        self._shows = True
        self._since = self._now()

    def write(self, row: int, text: str) -> None:
        """A line of text, 16 characters at most, at row 0 to height / 8 - 1; it goes out at once.

        For whoever has the display alone, such as a recorder's signs.
        """
        self._canvas.fill_rect(0, CHAR * row, WIDTH, CHAR, 0)
        self._canvas.text(text[: WIDTH // CHAR], 0, CHAR * row, 1)
        now = self._now()
        if self._lost and ticks_diff(now, self._failed_at) >= _RETRY_MS:
            self._start_again(now)
        if not self._lost:
            self._send(self._pages[row], now)

    def poll(self) -> None:
        now = self._now()
        if self._shows and ticks_diff(now, self._since) >= self._on_ms:
            self._shows = False
            self._canvas.fill_rect(0, 0, WIDTH, CHAR, 0)
            self._dirty[0] = 1
        if ticks_diff(now, self._looked) >= self._refresh_ms:
            self._looked = now
            self._draw_bars()
        if self._lost:
            if ticks_diff(now, self._failed_at) >= _RETRY_MS:
                self._start_again(now)
            return
        for _ in range(self._n_pages):
            page = self._next
            self._next = page + 1 if page + 1 < self._n_pages else 0
            if self._dirty[page]:
                self._dirty[page] = 0
                self._send(self._pages[page], now)
                return

    def close(self) -> None:
        """Switches the display off."""
        self._send(bytes((COMMANDS, DISPLAY_OFF)), self._now())

    def _draw_on(self, buf):
        """Every page in ``buf`` with its address before it, ready to be sent as it is."""
        try:
            from framebuf import MONO_VLSB, FrameBuffer
        except ImportError:
            raise ConfigError("ssd1306: this firmware has no module framebuf: expected one with it")
        view = memoryview(buf)
        self._pages = tuple(view[at:at + _STRIDE] for at in range(0, len(buf), _STRIDE))
        for i in range(self._n_pages):
            self._pages[i][:len(_HEAD)] = _HEAD
            self._pages[i][1] = PAGE | i
        self._canvas = FrameBuffer(view[len(_HEAD):], WIDTH, 8 * self._n_pages, MONO_VLSB, _STRIDE)

    def _draw_bars(self):
        """Only what changed since it was drawn."""
        for i in range(len(self._labels)):
            length = self._scores[i] * (WIDTH - self._bar_x) // 255
            if length != self._drawn[i]:
                self._drawn[i] = length
                self._draw_bar(CHAR + i * self._pitch, length)

    def _draw_bar(self, y, length):
        height = self._pitch - 1 if self._pitch > 1 else 1
        x = self._bar_x
        self._canvas.fill_rect(x, y, length, height, 1)
        self._canvas.fill_rect(x + length, y, WIDTH - x - length, height, 0)
        self._dirty[y >> 3] = 1
        self._dirty[y + height - 1 >> 3] = 1

    def _start_again(self, now):
        if self._send(self._setup, now):
            self._lost = False
            for i in range(self._n_pages):
                self._dirty[i] = 1

    def _send(self, data, now):
        try:
            self._i2c.writeto(self._address, data)
        except OSError:
            self.errors += 1
            self._lost = True
            self._failed_at = now
            return False
        return True


def _setup(height, contrast):
    """The commands that switch a module on (application note in the data sheet, figure 2)."""
    pins = ALTERNATIVE if height == 64 else SEQUENTIAL
    return bytes((COMMANDS, DISPLAY_OFF, CLOCK, CLOCK_RESET, MULTIPLEX, height - 1, OFFSET, 0,
                  START_LINE, CHARGE_PUMP, PUMP_ON, ADDRESSING, PAGE_ADDRESSING, SEGMENT_REMAP,
                  SCAN_DOWN, COM_PINS, pins, CONTRAST, contrast, PRECHARGE, PRECHARGE_PUMP,
                  VCOMH, VCOMH_083, FROM_RAM, NORMAL, DISPLAY_ON))
