"""APDS-9960 by its registers (AV02-4191EN), the numbers written anew here so that a wrong constant
in the driver shows. Its two engines run one after the other: proximity, then light."""

from chips.chip import Chip


class APDS9960(Chip):
    """``light``: (clear, red, green, blue, proximity) of cycle after cycle, over and over.

    Light is in counts of one 2.78 ms cycle at gain 1; proximity 0..255. ``speed_ppm``:
    how much faster the chip's own clock runs. ``cycles``: how many it has finished.
    """

    read_only = (0x92, 0x93)

    def __init__(self, light, now, address=0x39, identity=0xAB, speed_ppm=0):
        super().__init__(address, 256)
        self.light, self._now, self._ppm = light, now, speed_ppm
        self.identity = identity
        self.cycles = 0
        self.lost = 0  # results that a newer one replaced before they were read
        self.registers[0x81], self.registers[0x8E] = 0xFF, 0x40  # reset values
        self._next = None
        self._valid = 0
        self._data = bytearray(9)

    @property
    def integration_cycles(self):
        return 256 - self.registers[0x81]

    @property
    def gain(self):
        return (1, 4, 16, 64)[self.registers[0x8F] & 3]

    def period_us(self):
        pulses = (self.registers[0x8E] & 0x3F) + 1
        us = 700 + 16 * pulses + self.integration_cycles * 2780
        return us * 1000 // (1000 + self._ppm // 1000)

    def _advance(self):
        if self.registers[0x80] & 7 != 7:
            self._next = None
            return
        if self._next is None:
            self._next = self._now() + self.period_us()
        while self._now() - self._next >= 0:
            self._next += self.period_us()
            self.lost += self._valid == 3
            self._valid = 3
            self._measure(self.light[self.cycles % len(self.light)])
            self.cycles += 1

    def _measure(self, values):
        most = min(65535, 1025 * self.integration_cycles)
        for i in range(4):
            counts = min(most, values[i] * self.integration_cycles * self.gain)
            self._data[2 * i], self._data[2 * i + 1] = counts & 0xFF, counts >> 8
        self._data[8] = values[4]

    def get(self, register):
        if register == 0x92:
            return self.identity
        if register == 0x93:
            self._advance()
            return self._valid
        if 0x94 <= register <= 0x9C:
            self._valid &= 1 if register == 0x9C else 2
            return self._data[register - 0x94]
        return self.registers[register]

    def put(self, register, value):
        self._advance()
        self.registers[register] = value
        self._advance()
