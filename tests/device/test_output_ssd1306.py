"""A display that shows what its RAM and its settings say; drawing is framebuf's own where it is."""

import fakes
from chips.bus import Bus
from chips.ssd1306 import SSD1306 as Chip
from expect import MICROPYTHON, Ticks, raises, skip
from fakes import screen
from tinysense import outputs
from tinysense.decision import Event
from tinysense.errors import ConfigError, DriverError

framebuf = screen.install()
from tinysense.outputs.ssd1306 import Ssd1306

LABELS = ["rest", "ring", "wing"]


class Display:
    """The output, its chip, and the clock."""

    def __init__(self, height=64, labels=(), **options):
        self.chip, self.now = Chip(height), Ticks()
        self.bus = Bus(self.chip)
        self.out = Ssd1306(self.bus, height, now=self.now, **options)
        self.scores = bytearray(len(labels))
        if labels:
            self.out.watch(labels, self.scores)

    def settle(self, ms=100):
        """Time passes, pages go out."""
        self.now.now += ms
        for _ in range(20):
            self.out.poll()

    def rows(self, y, height):
        return self.chip.picture()[y:y + height]

    def bar(self, y, x=0):
        """How long a bar is in row y, which has nothing else from x on."""
        row = self.chip.picture()[y][x:]
        length = sum(row)
        assert row == [1] * length + [0] * (len(row) - length), (y, row)
        return length


def text(words, width=128):
    """Eight rows as framebuf draws them."""
    buf = bytearray(width)
    canvas = framebuf.FrameBuffer(buf, width, 8, framebuf.MONO_VLSB)
    for word, x in words:
        canvas.text(word, x, 0, 1)
    return [[buf[x] >> y & 1 for x in range(width)] for y in range(8)]


def test_the_set_up_is_right_for_both_sizes_and_the_picture_begins_empty():
    for height in (64, 32):
        display = Display(height)
        assert display.chip.on and display.chip.set[0x8D] == 0x14
        display.settle()
        assert display.chip.picture() == [[0] * 128] * height
    assert Display(contrast=9).chip.set[0x81] == 9
    raises(ConfigError, ("height", "32 or 64", "48"), Ssd1306, Bus(Chip()), 48)


def test_a_poll_sends_one_page_at_most():
    display = Display(64, LABELS)
    for _ in range(8):
        before = display.chip.data_bytes
        display.out.poll()
        assert display.chip.data_bytes - before == 128
    before = display.bus.transfers
    display.out.poll()
    assert display.bus.transfers == before  # nothing changed, nothing sent
    display.out.emit(Event("ring", 7))
    assert display.bus.transfers == before  # an event does not wait for the bus
    display.out.poll()
    assert display.bus.transfers == before + 1 and display.chip.largest == 7 + 128


def test_label_and_score_stand_on_top_for_a_while():
    display = Display(64, LABELS, on_ms=3000)
    for label, score, words in (("ring", 231, (("ring", 0), ("231", 104))),
                                ("wing", 0, (("wing", 0), ("0", 120))),
                                ("a long label", 42, (("a long label", 0), ("42", 112)))):
        display.out.emit(Event(label, score))
        display.settle()
        assert display.rows(0, 8) == text(words), label
    display.settle(2899)
    assert display.rows(0, 8) == text((("a long label", 0), ("42", 112)))
    display.settle(1)
    assert display.rows(0, 8) == [[0] * 128] * 8


def test_a_label_longer_than_the_display_gives_way_to_the_score():
    display = Display()
    display.out.emit(Event("x" * 30, 255))
    display.settle()
    assert display.rows(0, 8) == text((("x" * 12, 0), ("255", 104)))


def test_bars_with_names_follow_the_scores():
    display = Display(64, LABELS)
    for scores, lengths in (((0, 0, 0), (0, 0, 0)), ((255, 128, 1), (84, 42, 0)),
                            ((0, 255, 64), (0, 84, 21))):
        for i in range(3):
            display.scores[i] = scores[i]
        display.settle()
        for i in range(3):
            assert [display.bar(8 + 8 * i + y, 44) for y in range(7)] == [lengths[i]] * 7
            assert display.bar(8 + 8 * i + 7, 44) == 0  # a gap between bars
            name = [row[:44] for row in text(((LABELS[i], 0),))]
            assert [row[:44] for row in display.rows(8 + 8 * i, 8)] == name


def test_many_labels_have_thinner_bars_without_names():
    for height, n, pitch in ((64, 7, 8), (64, 8, 7), (64, 12, 4), (64, 56, 1), (32, 3, 8),
                             (32, 12, 2), (32, 24, 1)):
        display = Display(height, ["label%d" % i for i in range(n)])
        x = 44 if pitch == 8 else 0
        for turn in range(2):
            for i in range(n):
                display.scores[i] = 255 - i if turn else 128
            display.settle()
            for i in range(n):
                want = display.scores[i] * (128 - x) // 255
                for y in range(max(1, pitch - 1)):
                    assert display.bar(8 + pitch * i + y, x) == want, (height, n, i, y)
                if pitch > 1:
                    assert display.bar(8 + pitch * i + pitch - 1, x) == 0, (height, n, i)
    display = Display(64, ["l%d" % i for i in range(8)])
    display.settle()
    display.scores[1] = 255  # this bar alone, which lies on two pages
    display.settle()
    assert [display.bar(15 + y) for y in range(7)] == [128] * 6 + [0]
    display = Display(32, ["l%d" % i for i in range(99)])  # more than there are rows
    display.scores[98] = 255
    display.settle()
    assert not any(any(row) for row in display.rows(8, 24))


def test_bars_are_drawn_no_oftener_than_asked():
    display = Display(64, LABELS, refresh_ms=100)
    display.settle()
    display.scores[1] = 200
    before = display.bus.transfers
    display.settle(99)
    assert display.bus.transfers == before
    display.settle(1)
    assert display.bus.transfers == before + 1


def test_every_page_gets_its_turn():
    display = Display(64, LABELS)
    display.settle()
    display.scores[2] = 255
    display.now.now += 100
    for score in range(8):  # an event at every poll
        display.out.emit(Event("ring", score))
        display.out.poll()
    assert display.bar(24, 44) == 84


def test_a_display_that_drops_off_comes_back():
    display = Display(64, LABELS)
    display.settle()
    display.out.emit(Event("ring", 231))
    display.bus.fail_next(1)
    display.out.poll()
    assert display.out.errors == 1
    for i in range(128):  # it lost its supply
        display.chip.ram[i] = 0xFF
    display.chip.power_on()
    before = display.bus.transfers
    display.settle(999)
    assert display.bus.transfers == before  # not asked all the time
    display.settle(1)
    display.settle()
    assert display.rows(0, 8) == text((("ring", 0), ("231", 104))) and display.out.errors == 1
    display.bus.fail_next(2)  # gone for longer
    display.out.emit(Event("ring", 1))
    display.settle()
    display.settle(1000)
    display.settle(1000)
    display.settle()
    assert display.out.errors == 3 and display.rows(0, 8) == text((("ring", 0), ("1", 120)))


def test_close_switches_it_off():
    display = Display()
    display.out.close()
    assert not display.chip.on
    display.bus.fail_next(1)
    display.out.close()


def test_lines_of_text():
    d = Display(32)
    d.out.write(1, "12 s")
    d.out.write(3, "a line that is too long")
    assert d.rows(8, 8) == text([("12 s", 0)])
    assert d.rows(24, 8) == text([("a line that is t", 0)])
    d.out.write(1, "")
    assert d.rows(8, 8) == text([])
    d.bus.fail_next(1)
    d.out.write(0, "lost")
    d.now.now += 2000
    d.out.write(0, "back")
    assert d.rows(0, 8) == text([("back", 0)])


def test_nobody_at_the_address():
    raises(DriverError, ("ssd1306", "0x3d", "wires"), Ssd1306, Bus(Chip()), 64, 0x3D)


def test_made_by_config():
    chip = Chip(32, 0x3D)
    fake = fakes.install(Bus(chip))
    out = outputs.make({"kind": "ssd1306", "bus": 1, "scl": 3, "sda": 2, "height": 32,
                        "address": 0x3D, "freq": 100000})
    assert fake.asked == (1, 100000, {"scl": 3, "sda": 2}) and chip.on
    out.close()
    out = outputs.make({"kind": "ssd1306", "bus": -1, "height": 32, "address": 0x3D})
    assert fake.asked[0] == -1
    del fake.I2C
    raises(DriverError, ("expected an I2C bus, got bus 0", "scl"), outputs.make, "ssd1306")


def test_without_framebuf():
    if MICROPYTHON:
        skip("MicroPython has framebuf")
    with fakes.Modules(framebuf=None):
        raises(ConfigError, "no module framebuf", Ssd1306, Bus(Chip()))
