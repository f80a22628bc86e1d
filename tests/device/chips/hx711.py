"""HX711 as its two pins, from the data sheet's figures 2 and 3, the numbers written anew here."""

_GAINS = (128, 32, 64)  # after 25, 26, 27 pulses


class HX711:
    """``values``: 24-bit readings at gain 128, over and over; at gain 64 half, at 32 a quarter.

    ``sck``, ``dout``: the pins. ``made`` conversions, of which ``overwritten`` were not read.
    ``tick_us``: time that each touch of a pin takes; ``stretched``: high times that an
    interrupt makes longer from now on.
    """

    def __init__(self, values, now, period_us=100000, odr_ppm=0):
        self.values, self.now = values, now
        self.period_us = period_us * 1000 // (1000 + odr_ppm // 1000)
        self.tick_us = 0
        self.stretched = 0
        self.alive = True
        self.made = self.overwritten = self.resets = 0
        self.gain = 128
        self._off = False
        self.sck, self.dout = _Clock(self), _Data(self)
        self._reset()

    def _reset(self):
        self.gain = 128
        self._unsettled = 3  # conversions that are not right yet
        self._next = self.now() + self.period_us
        self._ready = False
        self._word = self._pulses = 0

    def advance(self):
        if self._pulses and self.now() - self._next >= 0:
            self._finish()
        while not self._off and self.now() - self._next >= 0:
            self._next += self.period_us
            self.overwritten += self._ready
            self._ready = True
            value = self.values[self.made % len(self.values)]
            self.made += 1
            value = value * self.gain // 128
            if self._unsettled:
                self._unsettled -= 1
                value = 0x7FFFFF
            self._word = max(-0x800000, min(0x7FFFFF, value)) & 0xFFFFFF

    def _finish(self):
        """The reading is over: its pulses say the gain of the next one."""
        gain = _GAINS[self._pulses - 25] if 25 <= self._pulses <= 27 else self.gain
        if gain != self.gain:
            self.gain, self._unsettled = gain, 3
        self._pulses = 0

    def rises(self):
        self.advance()
        if self._ready or self._pulses:
            self._pulses += 1
            self._ready = False

    def falls(self, high_us):
        if high_us > 60:
            self._off = False
            self.resets += 1
            self._reset()

    def level(self):
        self.advance()
        if not self.alive:
            return 0
        if 0 < self._pulses <= 24:
            return self._word >> (24 - self._pulses) & 1
        return 0 if self._ready else 1


class _Clock:
    """PD_SCK."""

    def __init__(self, chip):
        self._chip, self._level, self._since = chip, 0, 0

    def value(self, level):
        chip = self._chip
        chip.now.now += chip.tick_us
        if level and not self._level:
            self._since = chip.now()
            chip.rises()
            if chip.stretched:
                chip.stretched -= 1
                chip.now.now += 70
        elif self._level and not level:
            chip.falls(chip.now() - self._since)
        self._level = level


class _Data:
    """DOUT."""

    def __init__(self, chip):
        self._chip = chip

    def value(self):
        self._chip.now.now += self._chip.tick_us
        return self._chip.level()
