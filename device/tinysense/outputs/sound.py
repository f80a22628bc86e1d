"""A tone or a WAV clip by label, over I2S (MAX98357A, PCM5102 and the like).

Nothing waits: the I2S plays ``buffer`` bytes by itself while poll() hands it the
next. So poll() must come round in less time than a buffer lasts, 128 ms with
4096 bytes of 16 kHz mono, else there is a gap, which is counted.
"""

import struct

from ..config import path_fault
from ..errors import ConfigError
from ..ticks import ticks_add, ticks_diff, ticks_ms

PCM = 1  # RIFF specification, WAVE_FORMAT_PCM
SAMPLE_BYTES = 2
SILENCE_BYTES = 1024  # pushes the end of a sound through the DMA buffers of every port
_LOOP_FRAMES = 1024  # at most, of the piece of a tone that is repeated

OPTIONS = (
    ("id", int, 0, (0, 7), "number of the I2S"),
    ("sck", (int, str), None, (0, 255), "pin of the bit clock, BCLK"),
    ("ws", (int, str), None, (0, 255), "pin of the word clock, LRC"),
    ("sd", (int, str), None, (0, 255), "pin of the data, DIN"),
    ("sounds", dict, None, None, "label: Hz, or the path of a WAV file"),
    ("rate", int, 16000, (8000, 48000), "frames per second, of the files too"),
    ("channels", int, 1, (1, 2), "of the files too"),
    ("on_ms", int, 300, (1, 10000), "how long a tone lasts"),
    ("volume", int, 50, (1, 100), "of a tone, percent"),
    ("buffer", int, 4096, (2048, 65536), "bytes that play by themselves; each tone takes as many"),
)


def build(options: dict) -> "Sound":
    import machine

    try:
        i2s = machine.I2S(options["id"], sck=machine.Pin(options["sck"]),
                          ws=machine.Pin(options["ws"]), sd=machine.Pin(options["sd"]),
                          mode=machine.I2S.TX, bits=16, rate=options["rate"],
                          format=machine.I2S.MONO if options["channels"] == 1
                          else machine.I2S.STEREO, ibuf=options["buffer"])
    except (AttributeError, TypeError, ValueError, OSError) as e:
        raise ConfigError("sound: expected an I2S, got id %d, sck %s, ws %s, sd %s: %s"
                          % (options["id"], options["sck"], options["ws"], options["sd"], e))
    return Sound(i2s, options["sounds"], options["rate"], options["channels"], options["on_ms"],
                 options["volume"], options["buffer"])


class Sound:
    """``Sound(i2s, {"ring": 880, "wing": "/wing.wav"}, rate=16000)``; the I2S is TX, 16 bits.

    A new event's sound takes the place of one that still plays. ``gaps``: times
    that poll() came too late. ``errors``: clips that ended because a read failed.
    """

    def __init__(self, i2s: "I2S", sounds: dict, rate: int = 16000, channels: int = 1,
                 on_ms: int = 300, volume: int = 50, buffer: int = 4096,
                 now: "Callable[[], int]" = ticks_ms):
        self._frame = SAMPLE_BYTES * channels
        self._bytes_per_s = rate * self._frame
        size = buffer - buffer % 512
        clips = bytearray(size) if any(isinstance(s, str) for s in sounds.values()) else None
        self._sources = {}
        for label, given in sounds.items():
            if isinstance(given, str):
                self._sources[label] = Clip(given, clips, rate, channels)
            else:
                piece = tone(_hertz(label, given, rate, size // self._frame), rate, channels,
                             volume, size)
                self._sources[label] = Tone(piece, on_ms * self._bytes_per_s // 1000)
        self._silence = bytes(SILENCE_BYTES)
        self._i2s, self._now = i2s, now
        self._source = None
        self._busy = self._queued = False
        self._empty_at = self._since = now()
        self._give_up_ms = 4 * size * 1000 // self._bytes_per_s + 100
        self.gaps = self.errors = 0
        i2s.irq(self._taken)

    def emit(self, event: "Event") -> None:
        source = self._sources.get(event.label)
        if source is None:
            return
        self._source = source
        self._queued = False  # from here on a pause is none of ours
        try:
            source.begin()
        except OSError:
            self._failed()
        self.poll()

    def poll(self) -> None:
        if self._source is None:
            return
        now = self._now()
        # A full scheduler loses the call to _taken(); that must not be silence for ever.
        if self._busy and ticks_diff(now, self._since) < self._give_up_ms:
            return
        try:
            size = self._source.fill()
        except OSError:
            self._failed()
            size = 0
        if size:
            self._write(self._source.buf, size, now)
        else:
            self._source = None
            self._write(self._silence, SILENCE_BYTES, now)

    def close(self) -> None:
        self._source = None
        self._i2s.deinit()
        for source in self._sources.values():
            source.close()

    def _write(self, buf, size, now):
        start = self._empty_at
        if not self._queued:
            start = now
        elif ticks_diff(now, start) > 0:
            start = now
            if self._source is not None:  # silence may come when it likes
                self.gaps += 1
        self._empty_at = ticks_add(start, size * 1000 // self._bytes_per_s)
        self._queued = self._busy = True
        self._since = now
        self._i2s.write(buf, size)

    def _taken(self, i2s):
        """Called by the I2S when all of a write has gone into its buffer."""
        self._busy = False

    def _failed(self):
        self._source = None
        self.errors += 1


class Tone:
    """A piece of a tone that is repeated until ``length`` bytes have been played."""

    def __init__(self, piece: bytearray, length: int):
        self.buf, self._length, self._left = piece, length, 0

    def begin(self) -> None:
        self._left = self._length

    def fill(self) -> int:
        """Bytes of ``buf`` to play next, 0 at the end."""
        if self._left <= 0:
            return 0
        self._left -= len(self.buf)
        return len(self.buf)

    def close(self) -> None:
        pass


class Clip:
    """The samples of a WAV file, read into ``buf`` piece by piece."""

    def __init__(self, path: str, buf: bytearray, rate: int, channels: int):
        self.buf, self._left = buf, 0
        fault = path_fault(path)
        if fault:
            raise ConfigError("sound: %s" % fault)
        try:
            self._file = open(path, "rb")
        except OSError as e:
            raise ConfigError("sound: %s: expected a WAV file, cannot open it: errno %s"
                              % (path, e.errno))
        self._at, self._length = samples_of(self._file, path, rate, channels)

    def begin(self) -> None:
        self._file.seek(self._at)
        self._left = self._length

    def fill(self) -> int:
        """Bytes of ``buf`` to play next, 0 at the end."""
        if self._left <= 0:
            return 0
        got = self._file.readinto(self.buf) or 0
        size = got if got < self._left else self._left
        self._left = self._left - size if got else 0
        return size

    def close(self) -> None:
        self._file.close()


def tone(hertz: int, rate: int, channels: int, volume: int, size: int) -> bytearray:
    """Whole periods of a sine, so that the piece follows on itself; at most ``size`` bytes."""
    from math import pi, sin

    periods, frames = _loop(hertz, rate, min(_LOOP_FRAMES, size // (SAMPLE_BYTES * channels)))
    loop = bytearray()
    for i in range(frames):
        value = int(sin(2 * pi * (i * periods % frames) / frames) * 32767 * volume / 100)
        loop += struct.pack("<h", value) * channels
    piece = bytearray(size - size % len(loop))
    for at in range(0, len(piece), len(loop)):
        piece[at:at + len(loop)] = loop
    return piece


def _loop(hertz, rate, limit):
    """(periods, frames): the shortest piece whose tone is nearest to the one asked for."""
    best, best_error = (1, rate // hertz), rate
    for frames in range(2, limit + 1):
        periods = (hertz * frames + rate // 2) // rate
        if periods and 2 * periods < frames:
            error = abs(periods * rate / frames - hertz)
            if error < best_error:
                best, best_error = (periods, frames), error
            if error == 0:
                break
    return best


def samples_of(f: "BinaryIO", path: str, rate: int, channels: int) -> tuple:
    """(place, bytes) of a WAV file's samples; ConfigError unless the I2S can play them as they are.

    The layout is that of the RIFF specification: chunks of tag, length, body,
    at even places.
    """
    end = f.seek(0, 2)
    f.seek(0)
    head = f.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        raise ConfigError("sound: %s: expected a WAV file, got something else" % path)
    at, checked = 12, False
    while at + 8 <= end:
        f.seek(at)
        tag, length = struct.unpack("<4sI", f.read(8))
        at += 8
        if at + length > end:
            raise ConfigError("sound: %s: cut short: copy it to the board again" % path)
        if tag == b"fmt " and length >= 16:
            _check_format(f.read(16), path, rate, channels)
            checked = True
        elif tag == b"data" and checked:
            return at, length - length % (SAMPLE_BYTES * channels)
        at += length + length % 2
    raise ConfigError("sound: %s: expected chunks fmt and data, in this order" % path)


def _check_format(body, path, rate, channels):
    kind, own_channels, own_rate, _, _, bits = struct.unpack("<HHIIHH", body)
    if kind != PCM or bits != 8 * SAMPLE_BYTES:
        raise ConfigError("sound: %s: expected PCM of 16 bits, got format %d of %d bits"
                          % (path, kind, bits))
    if own_rate != rate or own_channels != channels:
        raise ConfigError("sound: %s: expected rate %d and channels %d, as the I2S has, got %d and "
                          "%d: convert the file, or set rate and channels"
                          % (path, rate, channels, own_rate, own_channels))


def _hertz(label, given, rate, frames):
    """A tone of which at least one period fits and which the rate can hold."""
    lowest, highest = max(20, rate // frames + 1), rate // 4
    if not isinstance(given, int) or not lowest <= given <= highest:
        raise ConfigError("sound: sound of %s: expected %d to %d Hz, or the path of a WAV file, "
                          "got %r" % (label, lowest, highest, given))
    return given
