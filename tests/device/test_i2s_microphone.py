"""Microphones on I2S against a machine.I2S that overruns as the real ones do: silently."""

from chips.i2s import I2S, Bench, Blocks
from expect import Ticks, numbers, raises
from tinysense.drivers import i2s_microphone
from tinysense.drivers.i2s_microphone import I2SMicrophone
from tinysense.errors import DriverError, NativeError
from tinysense.sensing import microphone
from tinysense.sensing.i2s import geometry

PINS = {"sck": 16, "ws": 17, "sd": 18, "settle_ms": 0, "dc": False}


def ramp(frame):
    """24 bits in which every frame can be told from the others."""
    return ((frame % 20000) - 10000) * 256


class Line:
    """A microphone, its bus, and their clock."""

    def __init__(self, platform="rp2", ppm=0, shift_left=0, signal=ramp, rate_mhz=16000000,
                 **options):
        self.now = Ticks()
        given = dict(PINS)
        given.update(options)
        with Bench(self.now, signal, platform, ppm, shift_left):
            self.mic = I2SMicrophone(given, rate_mhz, self.now, platform)
        self.bus = I2S.made
        self.buf = bytearray(4000)
        self.frames = 0

    def wait(self, us):
        self.now.now += us

    def read(self):
        n = self.mic.read_into(self.buf)
        self.frames += n
        return numbers(self.buf[: 2 * n])

    def drain(self):
        """All that waits, and how much was lost before each frame."""
        got, lost = [], []
        while True:
            new = self.read()
            if not new:
                return got, lost
            got += new
            lost += [self.mic.dropped] * len(new)


def test_says_what_it_is():
    mic = Line().mic
    assert (mic.rate_mhz, mic.channels, mic.axes) == (16000000, 1, ("sound",))
    assert (mic.units, mic.full_scale, mic.scale) == ("pcm", 32768, 1.0)
    assert (mic.dropped, mic.errors, mic.done, mic.clipped) == (0, 0, False, 0)


def test_frames_come_as_they_were_sampled():
    for platform, rate_mhz in (("rp2", 16000000), ("rp2", 44100000), ("esp32", 8000000),
                               ("pyboard", 48000000), ("mimxrt", 22050000)):
        line = Line(platform, rate_mhz=rate_mhz)
        for _ in range(200):
            line.wait(1700)
            first = line.frames
            got = line.drain()[0]
            assert got == [ramp(first + i) // 256 for i in range(len(got))], (platform, rate_mhz)
        assert line.frames > 300 * rate_mhz // 1000000
        assert line.mic.dropped == line.bus.lost == 0


def test_nothing_is_read_where_nothing_waits():
    line = Line()
    assert line.read() == []
    line.wait(999)
    assert line.read() == []
    line.wait(1)
    assert len(line.read()) == 16


def test_a_read_never_waits():
    """The fake refuses a read in blocking mode, as the driver would have waited there."""
    line = Line()
    line.bus.io_mode = 0
    raises(Blocks, (), line.mic.read_into, line.buf)


def test_a_small_buffer_gets_what_fits():
    line = Line()
    line.wait(20000)
    line.buf = bytearray(15)
    assert line.read() == [ramp(i) // 256 for i in range(7)]
    assert line.read() == [ramp(i) // 256 for i in range(7, 14)]
    line.buf = bytearray(1)
    assert line.read() == []


def test_an_overrun_is_counted_exactly():
    """Rings take no more; so the hole is behind what they held."""
    for platform in ("rp2", "pyboard"):
        line = Line(platform)
        line.wait(20500)
        line.drain()
        line.wait(345000)
        assert line.mic.dropped == 0
        got, lost = line.drain()
        assert line.bus.lost == 345 * 16 - 1600 == 3920
        assert got == [ramp(320 + i) // 256 for i in range(1600)]
        assert lost == [0] * 1600 and line.mic.dropped == 0
        line.wait(3000)
        got, lost = line.drain()
        assert got == [ramp(i) // 256 for i in range(320 + 5520, 320 + 5520 + 48)]
        assert lost == [3920] * 48


def test_an_overrun_on_esp32_loses_the_oldest():
    """256 frames at once; seven wait, where 100 ms were asked for."""
    line = Line("esp32")
    line.buf = bytearray(2 * 100)
    line.wait(17000)
    assert len(line.read()) == 100
    line.buf = bytearray(2 * 4000)
    line.wait(50 * 16000 + 3000)
    got, lost = line.drain()
    assert line.bus.lost == (51 - 8) * 256
    assert got[:156] == [ramp(i) // 256 for i in range(100, 256)] and lost[:156] == [0] * 156
    newest = 51 * 256
    assert got[156:] == [ramp(i) // 256 for i in range(newest - 7 * 256, newest)]
    assert lost[156:] == [line.bus.lost] * (7 * 256)


def test_many_stalls_on_every_port():
    """The sum is exact each time; where somebody looked again soon after."""
    for platform in ("rp2", "esp32"):
        for ppm in (0, 40, -40):
            line = Line(platform, ppm)
            for i in range(400):
                line.wait(900 + 37 * (i % 13))
                line.drain()
                if i % 40 == 39:
                    line.wait(150000 + i * 3100)
            for _ in range(60):
                line.wait(770)
                line.drain()
            assert line.mic.dropped == line.bus.lost > 10000, (platform, ppm)
            assert line.frames + line.mic.dropped + line.bus.held == line.bus._arrived


def test_time_and_rate():
    line = Line()
    stamps = bytearray(8)
    for i in range(900):
        line.wait(1000 + i % 7)
        n = len(line.read())
        if n and i > 100:
            line.mic.stamp(n, stamps)
            wanted = (line.frames - n + 1) * 1000000 // 16000
            assert abs(int.from_bytes(stamps, "little") - wanted) < 700, i
    assert abs(line.mic.measured_mhz - 16000000) < 30000
    fast = Line(ppm=10000)
    for _ in range(2000):
        fast.wait(1000)
        fast.drain()
    assert abs(fast.mic.measured_mhz - 16160000) < 20000


def test_the_right_slot():
    line = Line(channel="right")
    line.wait(4000)
    assert line.bus.stereo
    assert line.read() == [-ramp(i) // 256 for i in range(64)]


def test_gain_and_clipping():
    line = Line(gain_db=20)
    line.wait(10000)
    got = line.read()
    assert got == [max(-32768, (i - 10000) * 10) for i in range(160)]
    assert line.mic.clipped == 160
    quiet = Line(gain_db=-20, signal=lambda frame: 100 * 256)
    quiet.wait(1000)
    assert quiet.read() == [10] * 16


def test_the_offset_is_taken_out():
    line = Line(dc=True, signal=lambda frame: 300000 + (frame % 2) * 5120)
    for _ in range(100):
        line.wait(10000)
        got = line.read()
    assert abs(sum(got)) < len(got) == 160 and max(got) == 10


def test_words_whose_sign_came_too_early():
    for platform, late in (("esp32", -1), ("rp2", 1)):
        line = Line(platform, shift_left=1, part="sph0645", late_bit=late)
        line.wait(40000)
        got = line.read()
        assert got == [(i - 10000) for i in range(len(got))] and got
    assert not i2s_microphone.late_bit("sph0645", "rp2")
    assert not i2s_microphone.late_bit("inmp441", "esp32")


def test_what_wakes_up_is_left_out():
    line = Line(settle_ms=50)
    got = []
    for _ in range(60):
        line.wait(5000)
        got += line.read()
    assert got[0] == ramp(800) // 256 and line.mic.dropped == 0


def test_failed_reads_are_counted():
    line = Line()
    line.wait(5000)
    line.bus.fail = 3
    assert line.read() == line.read() == line.read() == []
    assert (line.mic.errors, line.mic.last_error) == (3, 5)
    assert len(line.read()) == 80
    line.bus.fail = 50
    for _ in range(49):
        line.read()
    raises(DriverError, "stopped answering", line.mic.read_into, line.buf)


def test_close_and_with():
    line = Line()
    with line.mic as mic:
        line.wait(2000)
        assert len(line.read()) == 32
    assert mic.done and not line.bus.open
    line.wait(2000)
    assert line.read() == []
    mic.close()


def test_asyncio_waits():
    import asyncio

    line = Line()

    async def listen():
        heard = 0
        while heard < 64:
            await line.mic.wait()
            line.wait(2000)
            heard += len(line.read())
        return heard

    assert asyncio.run(listen()) == 64


def test_rates_that_parts_have():
    for part, rate_mhz in (("sph0645", 8000000), ("ics43434", 22050000)):
        raises(DriverError, ("expected a rate that %s has" % part, "set rate_mhz"),
               I2SMicrophone, dict(PINS, part=part), rate_mhz)
    for part, rate_mhz in (("sph0645", 48000000), ("ics43434", 8000000), ("inmp441", 44100000)):
        assert Line(part=part, rate_mhz=rate_mhz).bus.rate == rate_mhz // 1000


def test_build_takes_the_rate_from_the_model():
    class Sensor:
        rate_mhz, units, channels = 8000000, "pcm", 1

    now = Ticks()
    options = dict(PINS, part="inmp441")
    from tinysense.config import check

    with Bench(now, ramp, "rp2"):
        checked = check(i2s_microphone.OPTIONS, options, "options")
        assert i2s_microphone.build(checked, Sensor).rate_mhz == 8000000
        assert i2s_microphone.build(checked).rate_mhz == 16000000
        assert i2s_microphone.build(dict(checked, rate_mhz=44100000), Sensor).rate_mhz == 44100000
        raises(DriverError, ("i2s_microphone: expected a rate of 8, 16", "12000000"),
               i2s_microphone.build, dict(checked, rate_mhz=12000000))
        raises(DriverError, ("expected an I2S bus", "ws 9", "must be sck+1"),
               i2s_microphone.build, dict(checked, ws=9))


def test_a_core_without_microphones():
    class Small:
        """The small native module."""

    kept, microphone.core = microphone.core, Small
    try:
        raises(NativeError, ("the small one", "tinysense setup"), Line)
    finally:
        microphone.core = kept


def test_a_buffer_at_an_odd_address():
    line = Line()
    line.wait(5000)
    raises(DriverError, ("multiple of 4", "expected a buffer of int16"), line.mic.read_into,
           memoryview(bytearray(100))[1:])


def test_buffers_hold_what_was_asked_for():
    for frames in (1, 15, 16, 17, 256, 257, 1600, 4410):
        for platform in ("rp2", "esp32", "pyboard", "mimxrt"):
            ibuf, block, capacity, _ = geometry(frames, platform)
            assert capacity >= frames and capacity % block == 0
            if platform == "esp32":
                assert ibuf == (capacity + 256) * 8 and ibuf // 2048 >= 2
            else:
                assert (ibuf - 1) // 8 == capacity
