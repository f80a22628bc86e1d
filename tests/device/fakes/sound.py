"""A fake machine.I2S that sends, non-blocking."""


class I2S:
    """Takes one write at a time; taken() is the moment when all of it is in its buffer."""

    TX, MONO, STEREO = 5, 0, 1
    made = None

    def __init__(self, number=0, **options):
        assert options.get("mode", I2S.TX) == I2S.TX and options.get("bits", 16) == 16
        self.number, self.options = number, options
        self.handler = None
        self.pending = False
        self.keeps = True  # False: counts only, for the heap's sake
        self.writes = []
        self.bytes = 0
        self.running = True
        I2S.made = self

    def irq(self, handler):
        self.handler = handler

    def write(self, data, size=None):
        assert self.running and self.handler and not self.pending, "one write at a time"
        size = len(data) if size is None else size
        assert 0 < size <= len(data)
        if self.keeps:
            self.writes.append(bytes(data[:size]))
        self.bytes += size
        self.pending = True
        return size

    def taken(self):
        if self.pending:
            self.pending = False
            self.handler(self)

    def deinit(self):
        self.running = False
