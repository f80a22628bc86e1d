"""main.py of a board that records numbered frames, a hundred blocks a second at most, and says
what is durable.

Runs on an emulated board (test_power_cuts.py), not under pytest.
"""

from tinysense.field.recorder import Recorder
from tinysense.ticks import sleep_ms


class Numbered:
    """Frames (k, k + 1, .. k + 5), modulo 32768, always 32 at a time."""

    rate_mhz, channels, units, full_scale = 416000, 6, "g", 4
    dropped = errors = measured_mhz = 0
    done = False

    def __init__(self):
        self.next = 0

    def read_into(self, buf):
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


def record():
    recorder = Recorder(Numbered(), "/rec", ("walk",), segment_kb=32, keep_free_kb=64,
                        overwrite=True, start="always")
    print("on", recorder.recording)
    told = 0
    while True:
        recorder.step()
        sleep_ms(1)  # a run must not come round to its own first segments
        if recorder.synced != told:
            told = recorder.synced
            print("synced", recorder._writer.id, recorder._writer.blocks)


record()
