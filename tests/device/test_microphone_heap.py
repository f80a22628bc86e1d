"""A microphone that is read takes no heap: zero bytes, overruns and waking up included.

Watched on MicroPython with the collector off, so that nothing can be taken and given back.
"""

import gc

import test_adc_microphone as adc
import test_i2s_microphone as i2s
import test_pdm_microphone as pdm
from chips.i2s import I2S
from expect import MICROPYTHON, Ticks, skip

READS = 1500


def taken(mic, now, wait_us):
    """Bytes of heap that READS reads take, a stall of half a second among each hundred."""
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    buf, stamp = bytearray(512), bytearray(8)
    play(mic, now, wait_us, buf, stamp, 120)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        play(mic, now, wait_us, buf, stamp, READS)
        return gc.mem_alloc() - start
    finally:
        gc.enable()


def play(mic, now, wait_us, buf, stamp, reads):
    for i in range(reads):
        now.now = now.now + (500000 if i % 100 == 99 else wait_us) & 0x1FFFFFFF
        n = mic.read_into(buf)
        while n:
            mic.stamp(n, stamp)
            n = mic.read_into(buf)


def test_i2s():
    for platform in ("rp2", "esp32"):
        line = i2s.Line(platform, dc=True, gain_db=6, settle_ms=20)
        assert taken(line.mic, line.now, 1300) == 0
        assert line.mic.dropped > 10000


def test_both_slots_of_i2s():
    line = i2s.Line("rp2", channel="right")
    assert taken(line.mic, line.now, 1300) == 0


def test_bits_by_pio():
    line = pdm.ByPio(dc=True)
    assert taken(line.mic, line.now, 2000) == 0
    assert line.mic.dropped > 10000


def test_bits_by_i2s():
    now = Ticks()
    mic, _ = pdm.by_i2s("esp32", now, dc=True)
    assert taken(mic, now, 3000) == 0
    assert mic.dropped > 10000 and I2S.made.lost == mic.dropped


def test_analog_by_dma():
    line = adc.ByDma(dc=True)
    assert taken(line.mic, line.now, 2000) == 0
    assert line.mic.dropped > 10000


def test_analog_by_a_timers_interrupts():
    if not MICROPYTHON:
        skip("the heap is watched on MicroPython")
    line = adc.ByTimer(buffer_ms=20)
    buf = bytearray(512)
    line.run(50)
    line.mic.read_into(buf)
    gc.collect()
    gc.disable()
    try:
        start = gc.mem_alloc()
        for i in range(100):
            line.run(30 if i % 10 else 600, i)
            line.now.now += 5 * line.period * (i % 3)
            while line.mic.read_into(buf):
                pass
        assert gc.mem_alloc() == start
    finally:
        gc.enable()
    assert line.mic.dropped > 1000
