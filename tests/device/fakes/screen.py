"""Stands in for MicroPython's framebuf where there is none: on CPython."""

MONO_VLSB = 0


class FrameBuffer:
    """MONO_VLSB only. Its font is of bars: the bits of a character, one column each."""

    def __init__(self, buffer, width, height, format, stride=None):
        assert format == MONO_VLSB
        self._buf, self._width, self._height = buffer, width, height
        self._stride = stride or width
        assert len(buffer) >= (height // 8 - 1) * self._stride + width

    def pixel(self, x, y, colour=None):
        if not (0 <= x < self._width and 0 <= y < self._height):
            return 0
        at, bit = (y >> 3) * self._stride + x, 1 << (y & 7)
        if colour is None:
            return 1 if self._buf[at] & bit else 0
        self._buf[at] = self._buf[at] & ~bit | (bit if colour else 0)
        return None

    def fill_rect(self, x, y, width, height, colour):
        for row in range(y, y + height):
            for column in range(x, x + width):
                self.pixel(column, row, colour)

    def text(self, text, x, y, colour=1):
        for character in text:
            for column in range(7):
                if ord(character) >> column & 1:
                    self.fill_rect(x + column, y, 1, 7, colour)
            x += 8


def install():
    """Makes ``import framebuf`` work; returns the module, the real one if there is one."""
    import sys

    try:
        import framebuf
    except ImportError:
        framebuf = sys.modules["framebuf"] = sys.modules[__name__]
    return framebuf
