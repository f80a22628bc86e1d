"""What all microphones share: mono int16 out of a source's words or bits, losses counted.

A source takes what an interrupt or a DMA has put into memory. It has

    most           frames that one read() gives at most
    raw, at        after read(): the buffer, and the byte where the frames begin
    frame_bytes    bytes there of one frame
    lost           frames lost before those, since the start
    back_us        how long ago the last of them was sampled
    read(want) -> frames, 0 where none wait
    close()
"""

from ..errors import DriverError, NativeError
from ..native import core
from .driver import Driver
from .timebase import Timebase

RATES_MHZ = (8000000, 16000000, 22050000, 44100000, 48000000)
HIGH_PASS_HZ = 20  # what lies below is the microphone's offset, and wind
UNITY = 256  # gain of 1 in the core
MOST_GAIN_DB, LEAST_GAIN_DB = 48, -40
MSB_FIRST, LSB_FIRST, WORDS = range(3)  # orders of bits: TS_PDM_... of the core

MICROPHONE_OPTIONS = (
    ("rate_mhz", int, 0, (0, 48000000), "millihertz: 8000000 16000000 22050000 44100000 48000000, "
     "0: as the model wants, or 16 kHz"),
    ("gain_db", int, 0, (LEAST_GAIN_DB, MOST_GAIN_DB), "decibels"),
    ("dc", bool, True, None, "take the offset out: a high pass at 20 Hz"),
    ("settle_ms", int, 100, (0, 5000), "what a microphone says while it wakes up is left out"),
    ("buffer_ms", int, 100, (10, 2000), "how long nobody may read before frames are lost"),
)


def need_core() -> None:
    """NativeError where the core on this board has no microphones."""
    if not hasattr(core, "pcm_init"):
        raise NativeError("_tinysense on this board is the small one, which has no microphones: "
                          "run `tinysense setup` on the computer")


def wanted_rate(options: dict, sensor: "Sensor | None", name: str) -> int:
    """The rate in mHz that options or model ask for; DriverError if no microphone has it."""
    rate = options["rate_mhz"] or (sensor.rate_mhz if sensor else 16000000)
    if rate not in RATES_MHZ:
        raise DriverError(22, "%s: expected a rate of 8, 16, 22.05, 44.1 or 48 kHz, got %s mHz: "
                          "set rate_mhz" % (name, rate))
    return rate


def ratio_of(rate_hz: int) -> tuple:
    """(microseconds, frames in them), whole and small: their products stay small integers."""
    us, frames = 1000000, rate_hz
    while frames:
        us, frames = frames, us % frames
    return 1000000 // us, rate_hz // us


def high_pass(rate_mhz: int) -> int:
    """The dc_shift of the core's high pass: the narrowest that is not above 20 Hz."""
    shift = 1
    while rate_mhz > 6283 * HIGH_PASS_HZ << shift:  # 2 pi
        shift += 1
    return shift


def fixed_gain(gain_db: "float") -> int:
    """Decibels as the core's gain, in 256ths."""
    if not LEAST_GAIN_DB <= gain_db <= MOST_GAIN_DB:
        raise DriverError(22, "expected a gain of %d to %d dB, got %r"
                          % (LEAST_GAIN_DB, MOST_GAIN_DB, gain_db))
    return min(65535, int(UNITY * 10 ** (gain_db / 20) + 0.5))


class Words:
    """Decoder of words: ``channel`` of ``channels``, ``shift`` bits to the left (right if < 0)."""

    def __init__(self, rate_mhz: int, word_bytes: int, channels: int = 1, channel: int = 0,
                 shift: int = 0, offset_binary: bool = False, dc: bool = True,
                 gain_db: "float" = 0):
        need_core()
        self._state = bytearray(core.pcm_bytes())
        _made(core.pcm_init(self._state, word_bytes, channels, channel, shift, offset_binary,
                            high_pass(rate_mhz) if dc else 0, fixed_gain(gain_db)))

    def decode(self, source: "object", n: int, buf: bytearray) -> None:
        """n frames of a source to int16 in buf."""
        _made(core.pcm_run(self._state, source.raw, source.at, n, buf, 0))

    def restart(self) -> None:
        """The next sample is taken for the offset."""
        core.pcm_restart(self._state)

    @property
    def clipped(self) -> int:
        """Samples beyond int16."""
        return core.pcm_clipped(self._state)


class Bits:
    """Decoder of a PDM microphone's bits, ``decimation`` (64, 128 or 256) a frame."""

    def __init__(self, rate_mhz: int, decimation: int, bit_order: int, order: int = 4,
                 dc: bool = True, gain_db: "float" = 0):
        need_core()
        self._state = bytearray(core.pdm_bytes())
        self._offset = Words(rate_mhz, 2) if dc else None
        _made(core.pdm_init(self._state, order, decimation // 4, 4, bit_order,
                            fixed_gain(gain_db)))

    def decode(self, source: "object", n: int, buf: bytearray) -> None:
        """n frames of a source to int16 in buf."""
        _made(core.pdm_run(self._state, source.raw, source.at, n * source.frame_bytes, buf, 0))
        if self._offset is not None:
            _made(core.pcm_run(self._offset._state, buf, 0, n, buf, 0))

    def restart(self) -> None:
        """The next sample is taken for the offset."""
        if self._offset is not None:
            self._offset.restart()

    @property
    def clipped(self) -> int:
        """Samples beyond int16."""
        extra = self._offset.clipped if self._offset is not None else 0
        return core.pdm_clipped(self._state) + extra


class Microphone(Driver):
    """``Microphone(source, decoder, rate_mhz)``: frames of one channel, units "pcm".

    ``clipped`` counts samples that gain took beyond int16. Losses are
    counted from the first frame on that read_into() gave.
    """

    def __init__(self, source: "object", decoder: "Words | Bits", rate_mhz: int,
                 settle_ms: int = 0, timebase: "Timebase | None" = None, buffer_ms: int = 100):
        self._describe(rate_mhz, ("sound",), "pcm", 32768)
        self._source, self._decoder = source, decoder
        self.most: int = source.most
        self.pause_ms: int = max(1, buffer_ms // 4)
        self.timebase = timebase or Timebase(rate_mhz)
        self._settle = rate_mhz // 1000 * settle_ms // 1000  # frames to leave out
        self._told = 0  # of source.lost

    @property
    def measured_mhz(self) -> int:
        """The true rate by the board's clock, 0 while unknown."""
        return self.timebase.measured_mhz

    @property
    def clipped(self) -> int:
        """Samples that gain took beyond int16."""
        return self._decoder.clipped

    def read_into(self, buf: bytearray) -> int:
        """Frames that wait, at most what one look gives; 0 where there are none.

        A failed read is counted in ``errors``; 50 in a row raise DriverError.
        """
        source = self._source
        if self.done:
            return 0
        try:
            n = source.read(min(len(buf) // 2, self.most))
        except OSError as e:
            self._failed(e)
            return 0
        if self._in_a_row:
            self._in_a_row = 0
        if n == 0:
            return 0
        self._decoder.decode(source, n, buf)
        # To set an attribute is dear where a class has properties: only what changes.
        lost = source.lost - self._told
        self.timebase.mark(n + lost, source.back_us, 0, False)
        if lost:
            self._told = source.lost
        if self._settle > 0:
            self._settle -= n + lost
            self._decoder.restart()
            return 0
        if lost:
            self.dropped += lost
        return n

    def stamp(self, n: int, out: bytearray, at: int = 0) -> None:
        """Device time of the first of the ``n`` frames just read: 8 bytes, little-endian us."""
        self.timebase.stamp(n - 1, out, at)

    def close(self) -> None:
        """Stops the clock of the microphone, which puts it to sleep."""
        if not self.done:
            self.done = True
            self._source.close()


def _made(code):
    if code < 0:
        raise DriverError(22, "microphone: %s: expected a buffer of int16 at an even address"
                          % core.error_text(code))
