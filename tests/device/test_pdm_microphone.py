"""PDM microphones: bits of a modulator by PIO and DMA, by I2S and by SPI."""

from chips.i2s import I2S, Pin
from chips.i2s import Bench as I2SBench
from chips.pdm import amplitude_of, modulate, sine
from chips.rp2 import DMA, PIO, SPI, Bench, StateMachine
from expect import Ticks, numbers, raises
from tinysense.drivers import pdm_microphone
from tinysense.drivers.pdm_microphone import PDMMicrophone, decimation_for
from tinysense.errors import DriverError

PINS = {"clk": 2, "data": 3, "part": "spm1423", "settle_ms": 0, "dc": False}
BYTES_PER_FRAME = 8  # 64 bits
FRAMES = 640
_tone = []


def tone():
    """Bits of 1 kHz at a quarter of full scale, 40 ms at 1.024 MHz; the first one uppermost."""
    if not _tone:
        _tone.append(modulate(sine(8192, 1024), FRAMES * BYTES_PER_FRAME))
    return _tone[0]


def reversed_bits(byte):
    out = 0
    for bit in range(8):
        out |= (byte >> bit & 1) << (7 - bit)
    return out


_REVERSED = bytes([reversed_bits(byte) for byte in range(256)])


def pio_word(buf, at, i):
    """A word as the state machine shifts it to the right: the first bit ends lowest."""
    bits, start = tone(), i * 4 % (FRAMES * BYTES_PER_FRAME)
    for k in range(4):
        buf[at + k] = _REVERSED[bits[start + k]]


class ByPio:
    def __init__(self, number=0, **options):
        self.now = Ticks()
        given = dict(PINS, state_machine=number)
        given.update(options)
        with Bench(self.now, Pin) as bench:
            bench.feed(4 + (number & 3) + (number >> 2) * 8, 32000, 4, pio_word)
            self.mic = PDMMicrophone(given, 16000000, self.now, "rp2")
        self.state = StateMachine.made[number]
        self.ring = DMA.channels[0]
        self.buf = bytearray(4000)

    def read(self, us):
        self.now.now += us
        n = self.mic.read_into(self.buf)
        return numbers(self.buf[: 2 * n])


def i2s_frame(buf, at, frame):
    """Two slots: little-endian words, the first bit uppermost."""
    bits, start = tone(), frame * 8 % (FRAMES * BYTES_PER_FRAME)
    for k in range(8):
        buf[at + k] = bits[start + (k ^ 3)]


def by_i2s(platform, now, **options):
    given = dict(PINS, source="i2s")
    given.update(options)
    with I2SBench(now, None, platform, filler=i2s_frame):
        return PDMMicrophone(given, 16000000, now, platform), I2S.made


def test_says_what_it_is():
    mic = ByPio().mic
    assert (mic.rate_mhz, mic.channels, mic.units, mic.full_scale) == (16000000, 1, "pcm", 32768)
    assert (mic.decimation, mic.dropped, mic.errors, mic.clipped) == (64, 0, 0, 0)


def test_a_tone_by_pio():
    line = ByPio()
    got = []
    for _ in range(20):
        got += line.read(2000)
    assert len(got) == FRAMES
    amplitude, noise = amplitude_of(got[64:], 16)
    assert abs(amplitude - 8192) < 40 and noise < 12
    assert line.mic.dropped == 0


def test_the_state_machine_reads_what_the_clock_let_out():
    """Left: put out while the clock is low, read at its rising edge."""
    left, right = ByPio(1), ByPio(6, channel="right")
    assert left.state.program == [("nop", 0), ("in pins 1", 1)]
    assert right.state.program == [("nop", 1), ("in pins 1", 0)]
    assert left.state.freq == right.state.freq == 2048000  # two steps a bit
    assert (left.state.clk, left.state.data, left.state.running) == (2, 3, True)
    assert left.ring.read_from is left.state and left.ring.treq == 5
    assert right.ring.treq == 14


def test_pieces_of_any_size_are_the_same_sound():
    whole, parts = ByPio(), ByPio()
    parts.buf = bytearray(2 * 13)
    wanted = whole.read(15000)
    got, new = [], parts.read(15000)
    while new:
        got += new
        new = parts.read(0)
    assert got == wanted and len(wanted) == 240


def test_an_overrun_by_dma_is_counted_exactly():
    for stall_us in (105000, 150000, 1000000, 7777777, 60000000):
        line = ByPio(buffer_ms=50)
        frames = len(line.read(10000))
        line.now.now += stall_us
        for _ in range(30):
            frames += len(line.read(0))
        assert frames + line.mic.dropped == line.ring.moved // 2, stall_us
        assert 160 + 800 <= frames <= 160 + 50 * 16 + 256, stall_us
        for _ in range(50):
            frames += len(line.read(1300))
        assert frames + line.mic.dropped == line.ring.moved // 2, stall_us


def test_losses_are_told_with_the_first_frames_behind_them():
    line = ByPio(buffer_ms=50)
    line.read(10000)
    line.now.now += 500000
    assert line.mic.dropped == 0
    assert line.read(0) != []
    assert line.mic.dropped == 8160 - 160 - 50 * 16 - 256


def test_i2s_brings_the_same_frames():
    wanted = []
    pio = ByPio()
    for _ in range(20):
        wanted += pio.read(2000)
    for platform in ("rp2", "esp32"):
        now = Ticks()
        mic, bus = by_i2s(platform, now)
        assert bus.rate == 16000 and bus.stereo and bus.pins == (2, 3 if platform == "x" else 3, 3)
        buf, got = bytearray(4000), []
        for _ in range(24):
            now.now += 2000
            n = mic.read_into(buf)
            got += numbers(buf[: 2 * n])
        assert got[:512] == wanted[:512], platform
        assert mic.dropped == 0


def test_an_overrun_by_i2s_is_counted_in_frames():
    """128 bits a frame: two frames of the bus to one."""
    now = Ticks()
    mic, bus = by_i2s("rp2", now, decimation=128)
    assert bus.rate == 32000
    buf, frames = bytearray(4000), 0
    for pause in (20000, 400250) + 20 * (1100,):
        now.now += pause
        n = mic.read_into(buf)
        while n:
            frames += n
            n = mic.read_into(buf)
    assert bus.lost > 0 and mic.dropped == bus.lost // 2
    assert frames + mic.dropped == (bus._arrived - bus.held) // 2


def test_spi_clocks_in_what_is_asked_for():
    now, sent = Ticks(), [0]

    def source(buf):
        bits = tone()
        for i in range(len(buf)):
            buf[i] = bits[(sent[0] + i) % len(bits)]
        sent[0] += len(buf)
        now.now += len(buf) * 1000 // 128

    SPI.source = source
    with Bench(now, Pin):
        mic = PDMMicrophone(dict(PINS, source="spi", bus=1), 16000000, now, "esp32")
    assert (SPI.made.number, SPI.made.baudrate, SPI.made.mode) == (1, 1024000, (0, 0))
    assert SPI.made.pins == (2, 3)
    buf, got = bytearray(4000), []
    for _ in range(5):
        n = mic.read_into(buf)
        got += numbers(buf[: 2 * n])
    assert n == 128 and mic.dropped == 0
    amplitude, noise = amplitude_of(got[64:], 16)
    assert abs(amplitude - 8192) < 40 and noise < 12
    now.now += 12345  # nobody clocked: 197.52 frames
    mic.read_into(buf)
    assert mic.dropped == 197
    now.now += 2000000 - 12345
    mic.read_into(buf)
    assert mic.dropped == 32000
    mic.close()
    assert SPI.made.baudrate == 0


def test_decimations_that_the_clock_allows():
    for part, rate_mhz, wanted, bits in (
            ("mp34dt05", 16000000, 0, 128), ("spm1423", 16000000, 0, 64),
            ("spm1423", 16000000, 128, 128), ("mp34dt06", 8000000, 0, 256),
            ("msm261", 8000000, 0, 128), ("mp34dt05", 22050000, 0, 64),
            ("mp34dt05", 44100000, 0, 64), ("mp34dt05", 48000000, 0, 64)):
        assert decimation_for(part, rate_mhz, wanted) == bits, (part, rate_mhz)
    for part, rate_mhz, wanted in (("mp34dt05", 16000000, 64), ("mp34dt05", 44100000, 128),
                                   ("spm1423", 16000000, 100)):
        raises(DriverError, ("expected a decimation for which the clock of %s" % part,
                             "got %d" % wanted), decimation_for, part, rate_mhz, wanted)


def test_gain_comes_before_the_rounding():
    loud = ByPio(gain_db=12)
    got = []
    for _ in range(20):
        got += loud.read(2000)
    amplitude, _ = amplitude_of(got[64:], 16)
    assert abs(amplitude - 8192 * 3.981) < 160 and loud.mic.clipped <= 8
    clipping = ByPio(gain_db=24)
    for _ in range(20):
        clipping.read(2000)
    assert clipping.mic.clipped > 1000


def test_close_stops_clock_and_dma():
    line = ByPio(5)
    with line.mic:
        assert len(line.read(3000)) == 48
    assert not line.state.running and not line.ring.running
    assert [channel.closed for channel in DMA.channels] == [True, True]
    assert PIO.removed == [(1, line.state.program)]
    assert line.read(3000) == []


def test_what_cannot_be_built():
    now = Ticks()
    with Bench(now, Pin):
        for _ in range(11):
            DMA()
        raises(DriverError, "two free DMA channels", PDMMicrophone, PINS, 16000000, now, "rp2")
        StateMachine.made[0] = None
        raises(DriverError, ("expected a free state machine", "clk 2, data 3", "claimed"),
               PDMMicrophone, PINS, 16000000, now, "rp2")
        raises(DriverError, ("channel left from spi", "tie L/R"), PDMMicrophone,
               dict(PINS, source="spi", channel="right"), 16000000, now, "rp2")
        raises(DriverError, ("expected an I2S bus", "esp32, rp2, stm32 and mimxrt"),
               PDMMicrophone, dict(PINS, source="i2s"), 16000000, now, "nrf52")


def test_build():
    from tinysense.config import check

    now = Ticks()
    checked = check(pdm_microphone.OPTIONS, {"clk": 2, "data": 3, "power_pin": 9}, "options")
    with I2SBench(now, None, "esp32", filler=i2s_frame):
        mic = pdm_microphone.build(dict(checked, source="i2s"))
        assert Pin.made[9].level == 1
    assert mic.decimation == 128 and mic.rate_mhz == 16000000
