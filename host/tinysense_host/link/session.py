"""Talking with tinysense on a board: recording from it, and watching it decide.

The board's half is device/tinysense/link.py; wire.py parses what it sends.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense.channels import each, joined, per_count
from tinysense_host.dataset import Dataset, Gap, Recording
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError, LinkError
from tinysense_host.link.wire import (
    FRAME_BYTES,
    FRAMES_HEAD,
    MAX_PAYLOAD,
    End,
    Event,
    FrameReader,
    Frames,
    Hello,
    Log,
    Message,
    Ready,
    Scores,
    Status,
    encode_line,
    parse,
)

__all__ = ["FRAMES", "MODEL_GLOBAL", "SIGNAL", "Playback", "Take", "Traffic", "Watched",
           "driver_facts", "explain", "link_speed", "load_model", "record", "save",
           "stream_bytes", "watch", "watch_bytes"]

# What watch() may ask for of the signal: its extremes, or all frames.
SIGNAL, FRAMES = "signal", "frames"

# What link.py puts into a message where frames come by the thousand.
_GATHERED, _GATHERED_MHZ = 128, 4_000_000

# The board's own exceptions: their text already says what to do.
_OWN = ("TinysenseError", "ModelError", "ConfigError", "RecordingError", "DriverError",
        "NativeError")

# Drivers speak at least this often; watch() sends a sign of life as often.
SILENCE_S = 10.0

# Keeps a loaded model between programs, until the next soft reset.
MODEL_GLOBAL = "_ts_model"

_CONFIGURED = """
def _ts_driver(link, sensor=None):
 from tinysense import config, drivers
 c = config.load()
 return drivers.make(c["driver"], c["driver_options"], sensor)
"""
_FED = """
def _ts_driver(link, sensor=None):
 return link.HostDriver(_ts_link, {rate_mhz}, {channels!r}, {units!r}, {full_scale})
"""
_CAPTURE = """
import gc
gc.collect()
from tinysense import link
_ts_link = link.Link()
_ts_d = _ts_driver(link, {sensor})
try:
 link.capture(_ts_d, {seconds!r}, _ts_link)
finally:
 _ts_d.close()
"""
_FACTS = """
from tinysense import link
_ts_d = _ts_driver(link, {sensor})
try:
 print(link.json.dumps(link.facts(_ts_d)))
finally:
 _ts_d.close()
"""
# So many bytes, once the first have come: what a line of 115200 baud takes most of a second for.
_SPEED_BYTES = 8000
_SPEED = """
from tinysense import link
_ts_link = link.Link()
for _ in range({count}):
 _ts_link.log({text!r})
_ts_link.end({{}})
"""
_WATCH = """
import gc
gc.collect()
from tinysense import config, link, outputs, telemetry
from tinysense.model import load
from tinysense.pipeline import Pipeline
_ts_link = link.Link()
_ts_c = config.load()
try:
 {model}
except NameError:
 {model} = load(_ts_c["model"])
_ts_p = Pipeline(_ts_driver(link, {model}.sensor), {model},
 [outputs.make(o) for o in {outputs}], _ts_c)
try:
 telemetry.watch(_ts_p, {seconds!r}, _ts_link, {scores}, {signal!r}, {inputs})
finally:
 _ts_p.close()
"""


class Playback:
    """Hands a recording to the board's HostDriver, piece by piece, gaps included."""

    def __init__(self, recording: Recording, start: int = 0, end: int | None = None) -> None:
        self.recording = recording
        self._lost = 0
        self._known = {gap.start: max(gap.lost, 1) for gap in recording.gaps if gap.start > start}
        self._stretches = recording.stretches(start, end)

    def driver(self) -> str:
        """The program's line that makes the driver."""
        r = self.recording
        n = len(r.channels)
        units = joined(tuple(unit or "none" for unit in each(r.units, n)))
        ranges = [f"{value:.9g}" for value in each(r.full_scale, n)]
        full_scale = ranges[0] if len(set(ranges)) == 1 else f"({', '.join(ranges)})"
        return _FED.format(rate_mhz=r.rate_mhz, channels=tuple(r.channels), units=units,
                           full_scale=full_scale)

    def answer(self, wanted: int) -> bytes:
        """The line for READY: up to `wanted` frames, none across a gap."""
        if not self._stretches or wanted < 1:
            return encode_line(self.recording.frames[:0], self._lost)
        start, end = self._stretches[0]
        self._lost += self._known.pop(start, 0)
        cut = min(start + wanted, end)
        self._stretches[0] = (cut, end)
        if cut == end:
            del self._stretches[0]
        return encode_line(self.recording.frames[start:cut], self._lost)


@dataclass
class Traffic:
    """What came over the link: bytes; messages that did not come, by their sequence numbers;
    places that looked like a message and were damaged."""

    bytes: int = 0
    missing: int = 0
    damaged: int = 0


class _Conversation:
    """The sink of a program that speaks wire frames."""

    def __init__(self, device: Device, on_message: Callable[[Message], None],
                 playback: Playback | None, traffic: Traffic | None = None) -> None:
        self.reader = FrameReader()
        self._traffic = traffic or Traffic()
        self._before = Traffic(self._traffic.bytes, self._traffic.missing, self._traffic.damaged)
        self.end: End | None = None
        self._device, self._on_message, self._playback = device, on_message, playback

    def __call__(self, data: bytes) -> bytes:
        frames, text = self.reader.feed(data)
        self._traffic.bytes += len(data)
        self._traffic.missing = self._before.missing + self.reader.missing
        self._traffic.damaged = self._before.damaged + self.reader.damaged
        for frame in frames:
            message = parse(frame)
            if isinstance(message, Ready):
                self._answer(message)
            elif message is not None:
                if isinstance(message, End):
                    self.end = message
                self._on_message(message)
        return text

    def _answer(self, message: Ready) -> None:
        if self._playback is None:
            raise LinkError(f"the board on {self._device.port} asked for frames that nobody "
                            "offered", "set its driver in the config: tinysense sync")
        self._device.send(self._playback.answer(message.frames))


def explain(e: BoardError) -> TinysenseError:
    """A board's exception in the user's words."""
    if e.kind == "ImportError" and "tinysense" in e.text:
        return TinysenseError("the board has no tinysense", "put it there: tinysense setup")
    if e.kind == "AttributeError" and "tinysense has no" in e.text:
        return TinysenseError("the board's tinysense is older than this one, or not whole",
                              "put it there anew: tinysense setup")
    if e.kind in _OWN:
        return TinysenseError(e.text)
    if e.kind == "MemoryError":
        return TinysenseError(f"the board ran out of memory: {e.text or 'no details'}",
                              "tinysense boards shows what is free; a smaller model needs less")
    return e


def _converse(device: Device, program: str, talk: _Conversation) -> None:
    try:
        device.stream(program, talk, SILENCE_S, lambda: talk.end is not None)
    except BoardError as e:
        raise explain(e) from e
    if talk.end is None:
        raise LinkError(f"the board on {device.port} stopped without a last message",
                        "press its reset button and try again")


@dataclass
class Take:
    """What one recording brought: frames (n, channels) int16 and what is missing."""

    hello: Hello
    frames: npt.NDArray[np.int16]
    gaps: tuple[Gap, ...]
    lost_on_board: int
    lost_on_link: int
    measured_rate_mhz: int      # by the board's clock; 0 where too short to tell
    time: str                   # UTC of the beginning, ISO 8601
    end: dict[str, Any]


@dataclass
class _Taking:
    """Collects the messages of a take."""

    on_frames: Callable[[Frames], None]
    hello: Hello | None = None
    time: str = ""
    pieces: list[Frames] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    have: int = 0
    next_frame: int = 0

    def __call__(self, message: Message) -> None:
        if isinstance(message, Hello):
            self.hello = message
            self.time = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        elif isinstance(message, Frames):
            self._take(message)
            self.on_frames(message)

    def _take(self, piece: Frames) -> None:
        if self.hello is None or piece.samples.shape[1] != len(self.hello.channels):
            raise LinkError(f"the board sent frames of {piece.samples.shape[1]} channels that its "
                            "HELLO did not announce", "run `tinysense setup` and try again")
        missing = piece.first - self.next_frame
        if missing < 0:
            raise LinkError(f"the board went back to frame {piece.first} after "
                            f"{self.next_frame}", "try again")
        if missing:
            self.gaps.append(Gap(self.have, missing))
        self.pieces.append(piece)
        self.have += len(piece.samples)
        self.next_frame = piece.first + len(piece.samples)

    def rate_mhz(self) -> int:
        """Frames per 1000 s by the device's times."""
        if len(self.pieces) < 2:
            return 0
        first, last = self.pieces[0], self.pieces[-1]
        spent = last.time_us - first.time_us
        return round((last.first - first.first) * 1e9 / spent) if spent > 0 else 0


def _sensor(for_model: bool) -> str:
    return f"{MODEL_GLOBAL}.sensor" if for_model else "None"


def _nothing(_: Frames) -> None:
    pass


def record(device: Device, seconds: float, on_frames: Callable[[Frames], None] = _nothing,
           playback: Playback | None = None, for_model: bool = False) -> Take:
    """Records from the board's configured driver, or plays a recording through it.

    for_model: the driver is set as the model wants it that load_model() loaded.
    on_frames is called as they come. LinkError, or TinysenseError in the
    board's words, if it breaks off; lost frames are no error but gaps.
    """
    taking = _Taking(on_frames)
    talk = _Conversation(device, taking, playback)
    driver = playback.driver() if playback else _CONFIGURED
    _converse(device, driver + _CAPTURE.format(seconds=seconds, sensor=_sensor(for_model)), talk)
    if taking.hello is None or talk.end is None or not taking.pieces:
        raise LinkError("the board sent no frames", "check its driver: tinysense sync")
    on_board = int(talk.end.facts.get("lost", 0))
    # Frames that were sent after the last one that came.
    tail = int(talk.end.facts.get("frames", 0)) + on_board - taking.next_frame
    gaps = taking.gaps + ([Gap(taking.have, tail)] if tail > 0 else [])
    lost = sum(gap.lost for gap in gaps)
    return Take(taking.hello, np.concatenate([p.samples for p in taking.pieces]), tuple(gaps),
                on_board, max(0, lost - on_board), 0 if playback else taking.rate_mhz(),
                taking.time, talk.end.facts)


def driver_facts(device: Device, for_model: bool = False) -> dict[str, Any]:
    """What the board's configured driver says of itself: rate_mhz, channels, units, full_scale..

    for_model: set as the model wants it that load_model() loaded. TinysenseError in the
    board's words where it has no driver.
    """
    try:
        said = device.exec(_CONFIGURED + _FACTS.format(sensor=_sensor(for_model)), timeout=20.0)
        facts: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except BoardError as e:
        raise explain(e) from e
    except (ValueError, IndexError) as e:
        raise LinkError("the board did not say what its driver is",
                        "put the same tinysense on it: tinysense setup") from e
    return facts


def link_speed(device: Device) -> float:
    """Bytes a second that come through from the board, its own Python included."""
    text = "." * 200
    count = _SPEED_BYTES // len(text)
    times: list[float] = []
    talk = _Conversation(device, lambda _: times.append(time.monotonic()), None)
    _converse(device, _SPEED.format(count=count, text=text), talk)
    spent = times[-1] - times[0]
    return (len(times) - 1) * (len(text) + FRAME_BYTES) / max(spent, 1e-4)


def stream_bytes(rate_mhz: int, channels: int) -> float:
    """Bytes a second that frames take on the link (tinysense.link's messages)."""
    gathered = _GATHERED if rate_mhz >= _GATHERED_MHZ else 1
    return rate_mhz / 1000 * (2 * channels + (FRAME_BYTES + FRAMES_HEAD.size) / gathered)


def watch_bytes(rate_mhz: int, channels: int) -> float:
    """Bytes a second that a watched pipeline's frames take on the link (tinysense.telemetry)."""
    size, per_second = 2 * channels, rate_mhz / 1000
    gathered = max(1, min(int(per_second * 0.1), (MAX_PAYLOAD - FRAMES_HEAD.size) // size))
    return per_second * (size + (FRAME_BYTES + FRAMES_HEAD.size) / gathered)


def save(dataset: Dataset, take: Take, label: str, session: str = "", person: str = "") -> str:
    """Adds a take to a dataset under a new id, labelled as a whole; returns the id."""
    name = dataset.new_id(label)
    n = len(take.hello.channels)
    units = tuple("" if unit == "none" else unit for unit in each(take.hello.units, n))
    source = {"driver": take.hello.facts.get("driver", ""),
              "measured_rate_mhz": take.measured_rate_mhz,
              "lost_on_board": take.lost_on_board, "lost_on_link": take.lost_on_link}
    dataset.add_recording(Recording(
        id=name, frames=take.frames, rate_mhz=take.hello.rate_mhz, channels=take.hello.channels,
        units=units, scale=per_count(take.hello.full_scale),
        device=str(take.hello.facts.get("device", "")),
        time=take.time, person=person, session=session, gaps=take.gaps, source=source))
    dataset.set_label(name, label)
    return name


@dataclass
class Watched:
    """What a pipeline on the board did: its events, and the counters of its end."""

    hello: Hello | None = None
    events: list[Event] = field(default_factory=list)
    windows: int = 0
    end: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0


def load_model(device: Device, path: str | None = None) -> None:
    """Restarts the board and loads its model (of the config, or at `path`) first thing."""
    device.soft_reset()
    where = repr(path) if path else 'config.load()["model"]'
    try:
        device.exec("from tinysense import config\nfrom tinysense.model import load\n"
                    f"{MODEL_GLOBAL} = load({where})", timeout=60.0)
    except BoardError as e:
        raise explain(e) from e


def watch(device: Device, seconds: float | None = None, *,
          on_message: Callable[[Message], None] | None = None, playback: Playback | None = None,
          scores: bool = True, outputs: bool = False, signal: str = "", inputs: bool = False,
          traffic: Traffic | None = None) -> Watched:
    """Runs the board's pipeline; on_message gets every message as it comes.

    playback: a recording instead of the configured driver. outputs: also the
    configured outputs. scores, signal ("", SIGNAL, FRAMES), inputs: what the board
    sends beside events and counters. traffic: counted there as it comes. A model
    loaded by load_model() is used again.
    """
    seen = Watched()
    begin = time.monotonic()

    def collect(message: Message) -> None:
        if isinstance(message, Hello):
            seen.hello = message
        elif isinstance(message, Event):
            seen.events.append(message)
        elif isinstance(message, Scores):
            seen.windows = message.window
        elif isinstance(message, Status):
            seen.windows = message.windows
        elif isinstance(message, End):
            seen.end = message.facts
        if on_message is not None and not (isinstance(message, Log) and not message.text):
            on_message(message)

    talk = _Conversation(device, collect, playback, traffic)
    program = (playback.driver() if playback else _CONFIGURED) + _WATCH.format(
        model=MODEL_GLOBAL, outputs='_ts_c["outputs"]' if outputs else "[]", seconds=seconds,
        scores=scores, signal=signal, inputs=inputs)
    _converse(device, program, talk)
    seen.seconds = time.monotonic() - begin
    return seen
