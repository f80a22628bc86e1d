"""The same chips, quick: what they play is encoded once, and copied block by block.

For runs of many minutes on an emulated board. Registers, losses and clocks are
those of the chips they stand for.
"""

from chips.i2s import ASYNCIO, I2S
from chips.lsm6dsox import LSM6DSOX
from tinysense.copying import copy_bytes


class PlayedLSM6DSOX(LSM6DSOX):
    """``len(motion)`` must be a multiple of four: the tags count so far."""

    _table = None

    def set_up(self):
        super().set_up()
        self._table = None

    def _encode_all(self):
        assert len(self.motion) % 4 == 0
        size = self.frame_bytes
        table, one = bytearray(size * len(self.motion)), bytearray(size)
        for k in range(len(self.motion)):
            self.encode(k, one)
            copy_bytes(table, k * size, one, 0, size)
        self._table = table

    def read_fifo(self, buf):
        """Whole frames; what is not, byte by byte."""
        size, n = self.frame_bytes, len(self.motion)
        want = len(buf) // size
        if self.at or want > self.held or want * size != len(buf):
            super().read_fifo(buf)
            return
        if self._table is None:
            self._encode_all()
        done = 0
        while done < want:
            k = (self.first + done) % n
            run = min(want - done, n - k)
            copy_bytes(buf, done * size, self._table, k * size, run * size)
            done += run
        self.first += want
        self.held -= want


class PlayedI2S(I2S):
    """``period``: frames after which the left slot's signal comes again, a multiple of 256."""

    period = 4096
    words = None  # of the period, encoded by the first of these

    def __init__(self, number, **given):
        super().__init__(number, **given)
        assert not self.stereo and self.period % self.block == 0
        if PlayedI2S.words is None:
            PlayedI2S.words = bytearray(4 * self.period)
            for k in range(self.period):
                self._put(PlayedI2S.words, 4 * k, self._signal[0](k))

    def readinto(self, buf, size=-1):
        assert self.io_mode == ASYNCIO and size >= 0
        self._advance()
        n = min(size // 4, self.held)
        done = 0
        while done < n:
            run = min(n - done, self.block - self._into)
            k = (self._blocks[self._first] * self.block + self._into) % self.period
            copy_bytes(buf, 4 * done, self.words, 4 * k, 4 * run)
            done += run
            self._into += run - 1
            self._step()
        return 4 * n
