"""A fake of the module neopixel: a chain whose lights show what was last written."""


class NeoPixel:
    """Bytes in the order of the wire (green, red, blue, white); ``shown`` is what is lit."""

    ORDER = 1, 0, 2, 3

    def __init__(self, pin, n, bpp=3):
        self.pin, self.n, self.bpp = pin, n, bpp
        self.buf, self._wire = bytearray(n * bpp), bytearray(b"\xff" * (n * bpp))
        self.writes = 0

    def fill(self, pixel):
        for i in range(self.n):
            for k in range(self.bpp):
                self.buf[i * self.bpp + self.ORDER[k]] = pixel[k]

    def write(self):
        for i in range(len(self.buf)):
            self._wire[i] = self.buf[i]
        self.writes += 1

    def shown(self, i):
        """(red, green, blue) of a light, with white where it has that."""
        return tuple(self._wire[i * self.bpp + self.ORDER[k]] for k in range(self.bpp))
