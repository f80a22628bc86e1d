"""main.py of a board whose recorder runs by itself, for test_loggers.py.

Runs on an emulated board, not under pytest. Frames are (k, k + 1, .. k + 5), modulo 32768;
what a reader of the board's recordings finds missing was lost.
"""

from tinysense.field.recorder import Recorder
from tinysense.ticks import sleep_ms


class Numbered:
    """32 frames at a time, some thousand a second at most."""

    rate_mhz, channels, units, full_scale = 416000, 6, "g", 4
    dropped = errors = measured_mhz = 0
    done = False

    def __init__(self):
        self.next = 0

    def read_into(self, buf):
        sleep_ms(5)
        at = 0
        for k in range(self.next, self.next + 32):
            for c in range(6):
                buf[at] = k + c & 0xFF
                buf[at + 1] = k + c >> 8 & 0x7F
                at += 2
        self.next += 32
        return 32

    def close(self):
        pass


Recorder(Numbered(), "/rec", ("walk",), segment_kb=64, overwrite=True, start="always").run()
