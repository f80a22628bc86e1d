"""Sound through the whole pipeline takes no heap: zero bytes, losses and long holes included."""

import gc

import tiny_sound
from expect import MICROPYTHON, skip
from test_hearing import Line
from tinysense.model import load

STEPS = 2500


class Counting:
    """An output that allocates nothing and counts."""

    def __init__(self):
        self.events = 0

    def emit(self, event):
        self.events += 1


def play(line, steps, stall_us):
    """As Pipeline.run() does, an inference takes 5 ms; now and then nobody reads for so long."""
    p, now = line.p, line.now
    for i in range(steps):
        inferences = p.inferences
        p.step()
        us = 5000 * (p.inferences - inferences)
        if p._idle:
            us += 1000 * p.pause_ms()
        if i % 200 == 199:
            us += stall_us
        now.now = now.now + us & 0x1FFFFFFF


def taken(line, stall_us):
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    play(line, 400, stall_us)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        play(line, STEPS, stall_us)
        return gc.mem_alloc() - start
    finally:
        gc.enable()


def test_a_model_over_rows():
    for platform in ("rp2", "esp32"):
        heard = Counting()
        line = Line(load(tiny_sound.build(4, 2)), platform, heard=heard)
        assert taken(line, 0) == 0
        assert line.p.dropped == 0 and line.p.inferences > STEPS // 5
        assert heard.events == line.p.events > STEPS // 5


def test_a_streaming_model_over_losses():
    for stall_us, lost in ((110000, 1000), (800000, 9 * 11200)):  # passed over; begun anew
        line = Line(load(tiny_sound.build(10, 5, warmup=2, smooth=3)), dc=True, gain_db=6)
        assert taken(line, stall_us) == 0
        assert line.p.dropped > lost and line.p.inferences > 100
