"""An SSD1306 display that takes commands and data as its data sheet says (revision 1.5).

Section 8.1.5.2 for the control bytes, 9 and 10 for the commands. What it is not
told to do by a set-up that is complete, it does not show.
"""

_ARGUMENTS = {0x20: 1, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}
_PLAIN = (0xA0, 0xA1, 0xA4, 0xA5, 0xA6, 0xA7, 0xAE, 0xAF)


class SSD1306:
    """``lit(x, y)`` says what is seen. Sending it allocates nothing."""

    def __init__(self, height=64, address=0x3C):
        self.address, self.height = address, height
        self.ram = bytearray(0xA5 if i % 3 else 0x5A for i in range(8 * 128))  # after power-on
        self.largest = self.data_bytes = 0
        self.power_on()

    def power_on(self):
        """Settings after a reset; the RAM keeps what it has."""
        self.set = {0x20: 2, 0x81: 0x7F, 0x8D: 0x10, 0xA8: 63, 0xD3: 0, 0xD5: 0x80, 0xD9: 0x22,
                    0xDA: 0x12, 0xDB: 0x20}
        self.remap, self.scan, self.inverse, self.all_on = 0xA0, 0xC0, 0xA6, 0xA4
        self.on = False
        self.page = self.column = self.start = 0
        self._waits = 0

    def send(self, data):
        self.largest = max(self.largest, len(data))
        control, left = 0, 0  # how many more bytes the control byte is for; -1: all
        for byte in data:
            if left == 0:
                assert byte & 0x3F == 0, "control byte 0x%02x" % byte
                control, left = byte, 1 if byte & 0x80 else -1
                continue
            if control & 0x40:
                self._data(byte)
            else:
                self._command(byte)
            left -= 1 if left > 0 else 0
        assert self._waits == 0, "a command without its argument"

    def lit(self, x, y):
        """A pixel of the module, whose panel is mounted so that A1h and C8h are upright."""
        if not self.on or self.set[0x8D] != 0x14 or self.set[0xA8] != self.height - 1:
            return 0
        upright = self.remap == 0xA1 and self.scan == 0xC8 and self.set[0xDA] == (
            0x12 if self.height == 64 else 0x02)
        assert upright and self.set[0xD3] == 0 and self.start == 0, "a scrambled picture"
        bit = self.ram[(y >> 3) * 128 + x] >> (y & 7) & 1
        return 1 if self.all_on == 0xA5 else bit ^ (self.inverse == 0xA7)

    def picture(self):
        """Rows of 0 and 1."""
        return [[self.lit(x, y) for x in range(128)] for y in range(self.height)]

    def _data(self, byte):
        assert self.set[0x20] == 2, "only page addressing is emulated"
        self.ram[self.page * 128 + self.column] = byte
        self.column = (self.column + 1) % 128
        self.data_bytes += 1

    def _command(self, byte):
        if self._waits:
            self.set[self._waits] = byte
            self._waits = 0
        elif byte in _ARGUMENTS:
            self._waits = byte
        elif byte < 0x10:
            self.column = self.column & 0x70 | byte
        elif byte < 0x20:
            self.column = self.column & 0x0F | (byte & 7) << 4
        elif 0x40 <= byte < 0x80:
            self.start = byte & 0x3F
        elif 0xB0 <= byte < 0xB8:
            self.page = byte & 7
        elif byte in (0xC0, 0xC8):
            self.scan = byte
        else:
            self._plain(byte)

    def _plain(self, byte):
        assert byte in _PLAIN, "command 0x%02x" % byte
        if byte < 0xA2:
            self.remap = byte
        elif byte < 0xA6:
            self.all_on = byte
        elif byte < 0xA8:
            self.inverse = byte
        else:
            self.on = byte == 0xAF
