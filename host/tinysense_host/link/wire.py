"""Wire frames from a board (models/FORMAT.md, section 3) and what they say.

Nothing that comes is trusted: a frame counts only with its CRC, a payload
only with the sizes it claims, and memory stays bounded whatever arrives.
"""

from __future__ import annotations

import binascii
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense.channels import each, joined
from tinysense_host.link.transport import LinkError

__all__ = [
    "End", "Event", "Frame", "FrameReader", "Frames", "Hello", "Input", "Log", "Message", "Ready",
    "Scores", "Signal", "Status", "encode_frame", "encode_line", "parse",
]

SYNC = b"\xa5\x5a"
HEADER = struct.Struct("<2sBBHH")
FRAME_BYTES = HEADER.size + 4     # of a frame beside its payload
MAX_PAYLOAD = 1024
MAX_BYTES = HEADER.size + MAX_PAYLOAD + 4
LINE_START = b"~pV"     # a frame as text: `~` and base64, which begins so for the sync bytes
MAX_LINE = 2 + (MAX_BYTES + 2) // 3 * 4 + 2

HELLO, FRAMES, SCORES, EVENT, END, LOG, READY, SIGNAL, INPUT, STATUS = range(1, 11)

FRAMES_HEAD = struct.Struct("<IIQHBB")
SCORES_HEAD = struct.Struct("<IIQB3x")
EVENT_HEAD = struct.Struct("<I4xQBBH")
SIGNAL_HEAD = struct.Struct("<IIHBx")
INPUT_HEAD = struct.Struct("<IIQH2x")
STATUS_BODY = struct.Struct("<IIQIIIII")


@dataclass(frozen=True)
class Frame:
    """A frame whose CRC was right."""

    type: int
    flags: int
    sequence: int
    payload: bytes


class FrameReader:
    """Finds frames in a stream that may hold text and damage.

    `missing` counts frames that the sequence numbers show were sent and did
    not come; `damaged` counts places that looked like a frame and were none.
    """

    def __init__(self) -> None:
        self._held = b""
        self._next: int | None = None
        self.missing = 0
        self.damaged = 0

    def feed(self, data: bytes) -> tuple[list[Frame], bytes]:
        """Takes what arrived; returns whole frames and the text around them.

        b"" says that the board has been silent: then what looks like a frame
        cut off by the end of a program is given up and returned as text.
        """
        self._held += data
        frames: list[Frame] = []
        text = bytearray()
        give_up = not data and self._held.endswith(b"\x04>")
        while self._held:
            step = self._step(frames, text)
            if step == 0:
                if not give_up:
                    break
                self.damaged += 1
                step = 1
                text += self._held[:1]
            self._held = self._held[step:]
        return frames, bytes(text)

    def _step(self, frames: list[Frame], text: bytearray) -> int:
        """Handles the beginning of what is held; returns bytes used, 0 for more needed."""
        start = _first(self._held)
        if start:
            text += self._held[:start]
            return start
        if self._held[:1] == LINE_START[:1]:
            return self._line_step(frames, text)
        frame, used = _take_binary(self._held)
        if frame is not None:
            self._accept(frame, frames)
        elif used:
            self.damaged += 1
            text += self._held[:used]
        return used

    def _line_step(self, frames: list[Frame], text: bytearray) -> int:
        end = self._held.find(b"\n")
        if end < 0 and len(self._held) < MAX_LINE and LINE_START.startswith(self._held[:3]):
            return 0
        line = self._held[:end + 1] if 0 <= end < MAX_LINE else self._held[:1]
        frame = _frame_of_line(line)
        if frame is None:
            self.damaged += line.startswith(LINE_START)
            text += self._held[:1]
            return 1
        self._accept(frame, frames)
        return len(line)

    def _accept(self, frame: Frame, frames: list[Frame]) -> None:
        if self._next is not None and frame.type != HELLO:
            self.missing += (frame.sequence - self._next) & 0xFFFF
        self._next = (frame.sequence + 1) & 0xFFFF
        frames.append(frame)


def _first(held: bytes) -> int:
    """Where a frame may begin in what is held, its length if nowhere."""
    places = [i for i in (held.find(SYNC), held.find(LINE_START)) if i >= 0]
    # The last bytes may be the beginning of a mark.
    for mark in (SYNC, LINE_START):
        places += [len(held) - n for n in range(1, len(mark)) if held.endswith(mark[:n])]
    return min(places, default=len(held))


def _take_binary(held: bytes) -> tuple[Frame | None, int]:
    """(frame, bytes used); (None, 0) for more needed; (None, 1) for no frame here."""
    if len(held) < HEADER.size:
        return None, 0 if held.startswith(SYNC[:len(held)]) or held.startswith(SYNC) else 1
    _, kind, flags, sequence, size = HEADER.unpack_from(held)
    if not held.startswith(SYNC) or size > MAX_PAYLOAD:
        return None, 1
    end = HEADER.size + size
    if len(held) < end + 4:
        return None, 0
    if binascii.crc32(held[2:end]) != int.from_bytes(held[end:end + 4], "little"):
        return None, 1
    return Frame(kind, flags, sequence, held[HEADER.size:end]), end + 4


def _frame_of_line(line: bytes) -> Frame | None:
    if not line.startswith(LINE_START):
        return None
    try:
        data = binascii.a2b_base64(line[1:].strip())
    except binascii.Error:
        return None
    frame, used = _take_binary(data)
    return frame if used == len(data) else None


@dataclass(frozen=True)
class Hello:
    """What will be sent: rate in millihertz, channels' names, units; full_scale: the value,
    in units, of the count 32768. Of these two a tuple, one a channel, where channels differ."""

    rate_mhz: int
    channels: tuple[str, ...]
    units: str | tuple[str, ...]
    full_scale: float | tuple[float, ...]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Frames:
    """samples int16 (n, channels); first: number of the first, lost ones counted."""

    first: int
    lost: int
    time_us: int
    samples: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Scores:
    """One window's scores, uint8 (labels,), steps of 1/256; lost: frames so far."""

    window: int
    lost: int
    time_us: int
    scores: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Event:
    """A decision: label index and name, score in steps of 1/256.

    time_us is by the frame clock: a replay gives the same ones each time.
    """

    window: int
    time_us: int
    label: int
    score: int
    name: str


@dataclass(frozen=True)
class End:
    """The board's counters at the end."""

    facts: dict[str, Any]


@dataclass(frozen=True)
class Log:
    """A line of text."""

    text: str


@dataclass(frozen=True)
class Ready:
    """The board asks for so many frames."""

    frames: int


@dataclass(frozen=True)
class Signal:
    """Least and greatest of each channel in `frames` frames from number `first` on:
    extremes int16 (channels, 2)."""

    first: int
    lost: int
    frames: int
    extremes: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Input:
    """What features made of a window: values int8 (n,), from place `at` of `size` on."""

    window: int
    size: int
    time_us: int
    at: int
    values: npt.NDArray[np.int8]


@dataclass(frozen=True)
class Status:
    """A pipeline's counters; rate_mhz: by the driver's own account, 0 unknown."""

    frames: int
    lost: int
    time_us: int
    windows: int
    inferences: int
    events: int
    errors: int
    rate_mhz: int


Message = Hello | Frames | Scores | Event | End | Log | Ready | Signal | Input | Status


def _object(payload: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except ValueError as e:
        raise LinkError(f"the board sent {what} that is no JSON: {payload[:40]!r}",
                        "put the same tinysense on it: tinysense setup") from e
    if not isinstance(value, dict):
        raise LinkError(f"the board sent {what} {payload[:40]!r}, expected an object",
                        "put the same tinysense on it: tinysense setup")
    return value


def _hello(payload: bytes) -> Hello:
    facts = _object(payload, "HELLO")
    rate, names, full = facts.get("rate_mhz"), facts.get("channels"), facts.get("full_scale")
    good = (isinstance(rate, int) and not isinstance(rate, bool) and 0 < rate < 2**32
            and isinstance(names, list) and 1 <= len(names) <= 16
            and all(isinstance(n, str) for n in names))
    units, ranges = _values(facts.get("units", "none"), names), _values(full, names)
    good = (good and len(units) > 0 and all(isinstance(u, str) for u in units) and len(ranges) > 0
            and all(type(v) in (int, float) and 0 < v < 1e9 for v in ranges))
    if not good:
        raise LinkError(f"the board's HELLO has rate_mhz {rate!r}, channels {names!r}, units "
                        f"{facts.get('units')!r}, full_scale {full!r}; expected a rate, 1 to 16 "
                        "names, and units and a range above 0 for all or for each",
                        "put the same tinysense on it: tinysense setup")
    assert isinstance(names, list) and isinstance(rate, int)
    return Hello(rate, tuple(names), joined(units), joined(tuple(map(float, ranges))), facts)


def _values(said: Any, names: Any) -> tuple[Any, ...]:
    """One value for each channel; nothing where it is a list of another length."""
    try:
        found: tuple[Any, ...] = each(said, len(names))
    except (ValueError, TypeError):
        return ()
    return found


def _short(what: str, payload: bytes) -> LinkError:
    return LinkError(f"the board sent {what} of {len(payload)} bytes, which do not fit what it "
                     "says is in it", "put the same tinysense on it: tinysense setup")


def _frames(payload: bytes) -> Frames:
    if len(payload) < FRAMES_HEAD.size:
        raise _short("FRAMES", payload)
    first, lost, time_us, n, channels, _ = FRAMES_HEAD.unpack_from(payload)
    body = payload[FRAMES_HEAD.size:]
    if not 1 <= channels <= 16 or len(body) != 2 * n * channels:
        raise _short("FRAMES", payload)
    samples = np.frombuffer(body, dtype="<i2").astype(np.int16).reshape(n, channels)
    return Frames(first, lost, time_us, samples)


def _scores(payload: bytes) -> Scores:
    if len(payload) < SCORES_HEAD.size:
        raise _short("SCORES", payload)
    window, lost, time_us, n = SCORES_HEAD.unpack_from(payload)
    body = payload[SCORES_HEAD.size:]
    if len(body) != n:
        raise _short("SCORES", payload)
    return Scores(window, lost, time_us, np.frombuffer(body, dtype=np.uint8))


def _event(payload: bytes) -> Event:
    if len(payload) < EVENT_HEAD.size:
        raise _short("EVENT", payload)
    window, time_us, label, score, _ = EVENT_HEAD.unpack_from(payload)
    name = payload[EVENT_HEAD.size:].decode("utf-8", "replace")
    return Event(window, time_us, label, score, name)


def _ready(payload: bytes) -> Ready:
    if len(payload) != 2:
        raise _short("READY", payload)
    return Ready(int.from_bytes(payload, "little"))


def _signal(payload: bytes) -> Signal:
    if len(payload) < SIGNAL_HEAD.size:
        raise _short("SIGNAL", payload)
    first, lost, frames, channels = SIGNAL_HEAD.unpack_from(payload)
    body = payload[SIGNAL_HEAD.size:]
    if not 1 <= channels <= 16 or len(body) != 4 * channels:
        raise _short("SIGNAL", payload)
    extremes = np.frombuffer(body, dtype="<i2").astype(np.int16).reshape(channels, 2)
    return Signal(first, lost, frames, extremes)


def _input(payload: bytes) -> Input:
    if len(payload) < INPUT_HEAD.size:
        raise _short("INPUT", payload)
    window, size, time_us, at = INPUT_HEAD.unpack_from(payload)
    values = np.frombuffer(payload[INPUT_HEAD.size:], dtype=np.int8)
    if at + len(values) > size:
        raise _short("INPUT", payload)
    return Input(window, size, time_us, at, values)


def _status(payload: bytes) -> Status:
    if len(payload) != STATUS_BODY.size:
        raise _short("STATUS", payload)
    return Status(*STATUS_BODY.unpack(payload))


_PARSERS: dict[int, Callable[[bytes], Message]] = {
    HELLO: _hello, FRAMES: _frames, SCORES: _scores, EVENT: _event, READY: _ready,
    SIGNAL: _signal, INPUT: _input, STATUS: _status,
    END: lambda payload: End(_object(payload, "END")),
    LOG: lambda payload: Log(payload.decode("utf-8", "replace")),
}


def parse(frame: Frame) -> Message | None:
    """What a frame says; None for a type this host does not know.

    Raises LinkError where the payload is not what its type promises.
    """
    parser = _PARSERS.get(frame.type)
    return None if parser is None else parser(frame.payload)


def encode_frame(kind: int, sequence: int, payload: bytes) -> bytes:
    """A frame's bytes, as a board sends them: for whatever plays a board to this host."""
    body = HEADER.pack(SYNC, kind, 0, sequence & 0xFFFF, len(payload)) + payload
    return body + binascii.crc32(body[2:]).to_bytes(4, "little")


def encode_line(samples: npt.NDArray[np.int16], lost: int = 0) -> bytes:
    """The answer to READY: int16 frames (n, channels) as a line of text, none for the end.

    lost: frames missing before the last of these, since the beginning.
    """
    data = lost.to_bytes(4, "little") + np.ascontiguousarray(samples, dtype="<i2").tobytes()
    return binascii.b2a_base64(binascii.crc32(data).to_bytes(4, "little") + data)
