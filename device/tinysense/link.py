"""Frames from the board to the host while it captures or watches, and lines back.

The bytes are in models/FORMAT.md, section 3. Types and payloads, little-endian:

1 HELLO   JSON: rate_mhz, channels (names), units, full_scale (lists of one a channel
          where channels differ), driver, device; where a pipeline is watched, model,
          labels, thresholds, background, window, hop and row (bytes of the input
          that belong to one time; 0 unknown) too
2 FRAMES  u32 number of the first frame since HELLO, lost ones counted;
          u32 frames lost since HELLO; u64 device time of the first frame, us;
          u16 frames; u8 channels; u8 zero; s16[frames][channels]
3 SCORES  u32 window number, from 1; u32 frames lost so far; u64 time, us;
          u8 labels; u8[3] zero; u8[labels] scores in steps of 1/256
4 EVENT   u32 window number; u32 zero; u64 time since the first frame by the frame
          clock, us; u8 label; u8 score; u16 zero; label, UTF-8
5 END     JSON: frames, lost, errors (of the driver), why ("done", "stopped" or an
          error); where a pipeline is watched, windows and events too
6 LOG     UTF-8
7 READY   u16 frames wanted: the host answers with one line (see HostDriver)
8 SIGNAL  u32 number of the first frame, as in FRAMES; u32 frames lost so far; u16 frames;
          u8 channels; u8 zero; s16[channels][2] least and greatest of these frames
9 INPUT   u32 window number; u32 bytes of the model's input; u64 time, us; u16 where
          in it the bytes that follow lie; u16 zero; the bytes, s8
10 STATUS u32 frames; u32 lost; u64 time, us; u32 windows; u32 inferences; u32 events;
          u32 errors; u32 rate by the driver's account, millihertz, 0 unknown

The first frame sent is HELLO, with sequence 0; the last is END.
"""
import json
import struct
import sys
from array import array
from binascii import a2b_base64, b2a_base64

try:
    from _tinysense import crc32
except ImportError:
    from binascii import crc32

from .channels import names, per_count
from .copying import copy_bytes
from .ticks import sleep_ms, ticks_diff, ticks_ms, ticks_us

HELLO, FRAMES, SCORES, EVENT, END, LOG, READY, SIGNAL, INPUT, STATUS = range(1, 11)

_HEADER_BYTES = 8
MAX_PAYLOAD = 1024
_GATHER_FRAMES = 32
_GATHER_SOUND = 128  # frames, where thousands come in a second: 12 % of the line for the rest
_SOUND_MHZ = 4000000
_GATHER_MS = 50
_POLL_MS = 4  # between two looks at a driver that holds what waits
SILENT_MS = 3000
_LINE_BYTES = 576  # of frames in a line from the host; 780 characters
HEAD = 20  # bytes before the samples, scores or name
_COUNTERS, _SIGNAL_HEAD = 36, 12  # bytes of STATUS, of SIGNAL before the samples
_SMALL = 64  # bytes behind the head that are sent in one piece with it


class Clock:
    """Microseconds since it was made, in 64 bits, without allocating.

    ticks_us wraps after minutes, and an integer beyond 30 bits lives on the
    heap; so times are four limbs of 16 bits, lowest first. now() must be
    called at least every eight minutes.
    """

    def __init__(self):
        self._now = array("H", (0, 0, 0, 0))
        self._past = array("H", (0, 0, 0, 0))
        self._last = ticks_us()

    def now(self):
        """The limbs of the time; the same array every time."""
        t = ticks_us()
        _add(self._now, self._now, ticks_diff(t, self._last))
        self._last = t
        return self._now

    def before(self, us):
        """The limbs of the time `us` microseconds ago; the same array every time."""
        self.now()
        if not _add(self._past, self._now, -us):
            _add(self._past, self._past, us)  # before the clock began: at its beginning
        return self._past


def _add(to, limbs, us):
    # to = limbs + us; False where the sum is below zero.
    carry = us
    for i in range(4):
        if carry == 0 and to is limbs:
            return True
        carry += limbs[i]
        to[i] = carry & 0xFFFF
        carry >>= 16
    return carry >= 0


class Link:
    """Writes frames to `out`, by default the REPL's output.

    An output without `buffer` takes text only: there each frame is a line of
    `~` and base64. Buffers are made here, and slices once for each size; what a
    message takes is one integer, the CRC, where that does not fit 30 bits, and
    a second one where more than 64 bytes follow its head.
    """

    def __init__(self, out: "object" = None):
        out = sys.stdout if out is None else out
        self.binary = hasattr(out, "buffer")
        self._out = out.buffer if self.binary else out
        self._flush = getattr(self._out, "flush", None)
        self._sequence = 0
        self._buffer = bytearray(_HEADER_BYTES + _COUNTERS + _SMALL + 4)
        self._tail = bytearray(4)
        self._summed, self._heads, self._whole = {}, {}, {}
        self.clock = Clock()

    def hello(self, facts: dict) -> None:
        """Begins: facts as listed under HELLO."""
        self._sequence = 0
        self._text(HELLO, json.dumps(facts))

    def end(self, facts: dict) -> None:
        """Ends: facts as listed under END."""
        self._text(END, json.dumps(facts))

    def log(self, text: str) -> None:
        """Sends a line of text, cut to what fits."""
        self._text(LOG, text[: MAX_PAYLOAD // 4])

    def frames(self, samples: "Buffer", n: int, channels: int, first: int, lost: int,
               time: "array") -> None:
        """Sends n frames; samples: the bytes of int16 (n, channels), no more.

        first: number of the first one, lost ones counted; time: as from Clock.
        """
        struct.pack_into("<IIHHHHHBB", self._buffer, _HEADER_BYTES, first, lost,
                         time[0], time[1], time[2], time[3], n, channels, 0)
        self._send(FRAMES, HEAD, samples, 2 * n * channels)

    def scores(self, window: int, lost: int, scores: "Buffer") -> None:
        """Sends one window's scores, steps of 1/256, at most 255 of them."""
        t = self.clock.now()
        struct.pack_into("<IIHHHHBBH", self._buffer, _HEADER_BYTES, window, lost,
                         t[0], t[1], t[2], t[3], len(scores), 0, 0)
        self._send(SCORES, HEAD, scores, len(scores))

    def event(self, window: int, label: int, score: int, name: str, time_ms: int) -> None:
        """Sends an event: label's index, score in steps of 1/256, label's name, Event.time."""
        data = name.encode()
        struct.pack_into("<IIQBBH", self._buffer, _HEADER_BYTES, window, 0, time_ms * 1000,
                         label, score, 0)
        self._send(EVENT, HEAD, data, len(data))

    def signal(self, extremes: "Buffer", n: int, channels: int, first: int, lost: int) -> None:
        """Sends the extremes of n frames, int16 (channels, 2); else as frames()."""
        struct.pack_into("<IIHBB", self._buffer, _HEADER_BYTES, first, lost, n, channels, 0)
        self._send(SIGNAL, _SIGNAL_HEAD, extremes, 4 * channels)

    def input(self, window: int, size: int, at: int, part: "Buffer") -> None:
        """Sends the part of a model's input, int8 (size), that begins at `at`."""
        t = self.clock.now()
        struct.pack_into("<IIHHHHHH", self._buffer, _HEADER_BYTES, window, size,
                         t[0], t[1], t[2], t[3], at, 0)
        self._send(INPUT, HEAD, part, len(part))

    def status(self, frames: int, lost: int, windows: int, inferences: int, events: int,
               errors: int, measured_mhz: int) -> None:
        """Sends a pipeline's counters."""
        t = self.clock.now()
        struct.pack_into("<IIHHHHIIIII", self._buffer, _HEADER_BYTES, frames, lost, t[0], t[1],
                         t[2], t[3], windows, inferences, events, errors, measured_mhz)
        self._send(STATUS, _COUNTERS)

    def ready(self, n: int) -> None:
        """Asks the host for up to n frames."""
        struct.pack_into("<H", self._buffer, _HEADER_BYTES, n)
        self._send(READY, 2)

    def _text(self, kind, text):
        data = text.encode()
        if len(data) > MAX_PAYLOAD:
            raise ValueError("link: expected at most %d bytes of text, got %d"
                             % (MAX_PAYLOAD, len(data)))
        self._send(kind, 0, data, len(data))

    def _send(self, kind, head, body=b"", body_bytes=0):
        """Sends `head` bytes of payload from the buffer, then body."""
        buffer, end = self._buffer, _HEADER_BYTES + head
        struct.pack_into("<BBBBHH", buffer, 0, 0xA5, 0x5A, kind, 0, self._sequence,
                         head + body_bytes)
        self._sequence = (self._sequence + 1) & 0xFFFF
        if body_bytes > _SMALL:
            if end not in self._summed:
                self._cut(end)
            struct.pack_into("<I", self._tail, 0, crc32(body, crc32(self._summed[end], 0)))
            self._write(self._heads[end], body, self._tail)
            return
        copy_bytes(buffer, end, body, 0, body_bytes)
        end += body_bytes
        if end not in self._summed:
            self._cut(end)
        struct.pack_into("<I", buffer, end, crc32(self._summed[end], 0))
        self._write(self._whole[end])

    def _cut(self, end):
        """Slices of the buffer for a frame whose payload ends there, made once."""
        view = memoryview(self._buffer)
        self._summed[end], self._whole[end] = view[2:end], view[: end + 4]
        self._heads[end] = view[:end]

    def _write(self, part, body=None, tail=None):
        if not self.binary:
            data = bytes(part) + (bytes(body) + bytes(tail) if body is not None else b"")
            self._out.write("~" + b2a_base64(data).decode().strip() + "\n")
            return
        write = self._out.write
        write(part)
        if body is not None:
            write(body)
            write(tail)
        if self._flush:
            self._flush()


def frames_per_message(channels: int) -> int:
    """How many frames of so many channels fit into one message."""
    return (MAX_PAYLOAD - HEAD) // (2 * channels)


class HostDriver:
    """A driver (see tinysense/drivers) whose frames the host sends over standard input.

    Each READY is answered by one line: base64 of u32 CRC-32, u32 frames lost
    so far, and the int16 frames; no frames says the end. Base64, because byte
    3 would interrupt the program. A damaged line is asked for again, twice.
    A line holds more frames than one call wants: what is left waits here.
    read_into waits for the host: time stands still for the pipeline.
    """

    errors = 0
    takes_stdin = True

    def __init__(self, link: Link, rate_mhz: int, axes: tuple, units: "str | tuple",
                 full_scale: "float | tuple", stdin: "object" = None):
        # Not the scale: 4 g survives decimal text and short floats, 4/32768 does not.
        self.rate_mhz, self.axes, self.units, self.full_scale = rate_mhz, axes, units, full_scale
        self.channels, self.scale = len(axes), per_count(full_scale)
        self.measured_mhz = 0
        self.dropped = 0
        self.done = False
        self._link = link
        self._stdin = sys.stdin if stdin is None else stdin
        self._held = b""

    def read_into(self, buf: bytearray) -> int:
        """Fills buf and returns the number of frames. OSError if lines stay damaged."""
        size = 2 * self.channels
        if not self._held and not self.done:
            self._held = self._line(size)
        n = min(len(buf) // size * size, len(self._held))
        buf[:n] = self._held[:n]
        self._held = self._held[n:]
        return n // size

    def _line(self, size):
        for _ in range(3):
            self._link.ready(_LINE_BYTES // size)
            data = _unpack(self._stdin.readline())
            if data is not None and len(data) % size == 4 % size and len(data) <= 4 + _LINE_BYTES:
                self.dropped = struct.unpack("<I", data[:4])[0]
                self.done = len(data) == 4
                return memoryview(data)[4:]
            self.errors += 1
        raise OSError("link: expected a whole line from the host, got three damaged ones: "
                      "try again")

    def close(self) -> None:
        """Asks for no more."""
        self.done = True
        self._held = b""


def _unpack(line):
    # The bytes of a line from the host, None if they were damaged.
    try:
        data = a2b_base64(line.strip())
    except ValueError:
        return None
    if len(data) < 8 or crc32(data[4:], 0) != struct.unpack("<I", data[:4])[0]:
        return None
    return data[4:]


def facts(driver: "Driver") -> dict:
    """What HELLO says of a driver and of this board."""
    axes = getattr(driver, "axes", None)
    if not axes:  # as the computer names them when it imports such a recording
        axes = names(driver.channels, driver.units)
    return {"rate_mhz": driver.rate_mhz, "channels": list(axes), "units": driver.units,
            "full_scale": driver.full_scale, "driver": type(driver).__name__,
            "device": getattr(sys.implementation, "_machine", sys.platform)}


def capture(driver: "Driver", seconds: "float", link: Link = None) -> None:
    """Sends a driver's frames for so many seconds of its own clock, lost frames counted.

    Ends early when the driver is done or Ctrl-C comes. Raises OSError when
    the driver gives nothing for three seconds.
    """
    link = link or Link()
    link.hello(facts(driver))
    gather = _Gather(driver, link)
    wanted = int(seconds * driver.rate_mhz / 1000 + 0.5)
    why = "done"
    try:
        gather.run(wanted)
    except KeyboardInterrupt:
        why = "stopped"
    except Exception as e:
        why = "%s: %s" % (type(e).__name__, e)
        raise
    finally:
        link.end({"frames": gather.sent, "lost": gather.lost, "errors": driver.errors, "why": why})


class _Gather:
    """Collects frames into messages: full, or after 50 ms, or before a gap."""

    def __init__(self, driver, link):
        self.sent = self.lost = 0
        self._driver, self._link = driver, link
        self._start = driver.dropped
        size = 2 * driver.channels
        many = driver.rate_mhz >= _SOUND_MHZ
        n = min(_GATHER_SOUND if many else _GATHER_FRAMES, frames_per_message(driver.channels))
        self._pause_ms = min(_POLL_MS, getattr(driver, "pause_ms", 1))
        view = memoryview(bytearray(n * size))
        # Slices made once: up to frame i, and from it on.
        self._until = [view[: i * size] for i in range(n + 1)]
        self._since = [view[i * size :] for i in range(n + 1)]
        self._capacity, self._size = n, size
        self._period_us = max(1, 1000000000 // driver.rate_mhz)
        self._held = 0

    def run(self, wanted):
        heard = since = ticks_ms()
        while self.sent + self.lost + self._held < wanted:
            n = self._read(wanted - self.sent - self.lost - self._held)
            now = ticks_ms()
            if n:
                if self._held == n:
                    since = now
                heard = now
            elif self._driver.done:
                break
            elif ticks_diff(now, heard) > SILENT_MS:
                raise silent(self._driver)
            else:
                sleep_ms(self._pause_ms)
            if self._held == self._capacity or ticks_diff(now, since) >= _GATHER_MS:
                self._flush()
        self._flush()

    def _read(self, most):
        """Reads up to `most` frames behind those held; returns how many."""
        room = self._since[self._held]
        if most < self._capacity - self._held:
            room = room[: most * self._size]
        n = self._driver.read_into(room)
        lost = self._driver.dropped - self._start
        if lost != self.lost:
            # The gap lies before the frames just read: what is held goes first.
            fresh = bytes(room[: n * self._size])
            self._flush()
            self.lost = lost
            self._until[n][:] = fresh
        if n and self._held == 0:
            self._time = self._link.clock.before((n - 1) * self._period_us)
        self._held += n
        return n

    def _flush(self):
        if self._held:
            self._link.frames(self._until[self._held], self._held, self._driver.channels,
                              self.sent + self.lost, self.lost, self._time)
            self.sent += self._held
            self._held = 0


def silent(driver: "Driver") -> OSError:
    """What is raised where a driver gives nothing for SILENT_MS."""
    return OSError("driver %s gave no frame for %d ms: check its wiring and power"
                   % (type(driver).__name__, SILENT_MS))
