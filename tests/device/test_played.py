"""The quick chips of long runs do what those do whose place they take."""

from chips.i2s import I2S, Bench, Pin
from chips.lsm6dsox import LSM6DSOX
from chips.played import PlayedI2S, PlayedLSM6DSOX
from expect import Ticks

MOTION = [(k * 3 % 4000, -k, 7, k * 1000, -1000 * k, 5000) for k in range(40)]


def motion_chip(kind, now):
    chip = kind(MOTION, now)
    for register, value in ((0x10, 0x68), (0x11, 0x6C), (0x09, 0x66), (0x0A, 0x06)):
        chip.write(register, bytes((value,)))
    return chip


def test_motion():
    now = Ticks()
    slow, quick = motion_chip(LSM6DSOX, now), motion_chip(PlayedLSM6DSOX, now)
    seed = 1
    for _ in range(150):
        seed = (seed * 8121 + 28411) % 134456
        now.now += seed % 50000 if seed % 16 else 900000  # it overflows
        if seed % 7 == 0:
            slow.swallow(21)
            quick.swallow(21)
        for size in (14 * (seed % 30), 7, 14 * (seed % 5), 3 if seed % 11 == 0 else 14):
            a, b = bytearray(size), bytearray(size)
            slow.read(0x78, a)
            quick.read(0x78, b)
            assert a == b
        assert (slow.first, slow.held, slow.at) == (quick.first, quick.held, quick.at)
    assert quick.overwritten == slow.overwritten > 1000


def noise(frame):
    return frame % 256 * 7919 * 31 % 65536 * 256 - 8388608


def test_sound():
    for platform in ("rp2", "esp32"):
        now, buses = Ticks(), []
        PlayedI2S.period, PlayedI2S.words = 256, None
        for kind in (I2S, PlayedI2S):
            with Bench(now, noise, platform):
                buses.append(kind(0, sck=Pin(1), ws=Pin(2), sd=Pin(3), mode=I2S.RX, bits=32,
                                  format=I2S.MONO, rate=16000, ibuf=8000))
            buses[-1].ioctl(3, 1)
        slow, quick = buses
        seed = 1
        for _ in range(200):
            seed = (seed * 8121 + 28411) % 134456
            now.now += seed % 9000 if seed % 16 else 200000  # it overruns
            a, b = bytearray(4 * (seed % 200)), bytearray(4 * (seed % 200))
            assert slow.readinto(a, len(a)) == quick.readinto(b, len(b)) and a == b
            assert (slow.held, slow.lost) == (quick.held, quick.lost)
        assert slow.lost > 5000
