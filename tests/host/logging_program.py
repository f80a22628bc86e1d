"""A program for repl_board.py: a recorder or a pipeline that runs till Ctrl-C.

Not run under pytest. RUN, put in front, says which.
"""

import time

from tinysense.field.recorder import Recorder


class Numbered:
    """Frames (k, k, k), three thousand a second."""

    rate_mhz, channels, units, full_scale = 3000000, 3, "g", 4
    dropped = errors = measured_mhz = 0
    done = False
    next = 0

    def read_into(self, buf):
        time.sleep(0.01)
        for k in range(30):
            buf[6 * k:6 * k + 6] = (self.next + k & 0x7FFF).to_bytes(2, "little") * 3
        self.next += 30
        return 30

    def close(self):
        pass


def record(label="walk", start="always"):
    Recorder(Numbered(), "/rec", (label,), start=start).run()


def infer(logger=False):
    import tiny

    from tinysense.drivers.replay import Feed
    from tinysense.model import load
    from tinysense.pipeline import Pipeline

    p = Pipeline(Feed(25000, 3, "g", 4), load(tiny.build()))
    p.logger = logger
    p.run()
