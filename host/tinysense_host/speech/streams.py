"""Hours of sound through a model: streams with words at known places, score tracks, events.

    streams = joined(clips, rate_hz)            # clips to streams, words where they lie
    track = listen(model, stream)               # the model over a stream, as on a board
    events = events_of(track, decision)         # by the device's own Decision

A stream need not be sound: frames of any sensor do. Times are frames of the
sensor, counted from the start of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense_host.dataset import Frames
from tinysense_host.errors import TinysenseError

__all__ = ["Clip", "Heard", "Stream", "Track", "Word", "events_of", "first_score_s", "joined",
           "listen", "load", "whole"]  # fmt: skip

Scores = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

FADE_S = 0.01       # at the ends of a clip, so that joining makes no clicks
FLOOR_S = 0.02      # frames in which a clip's noise floor is looked for
STREAM_S = 600.0    # a stream of joined clips is about this long


@dataclass(frozen=True)
class Word:
    """``label`` (index, -1 for what is no label) is said, or shown, in frames [start, end)."""

    label: int
    start: int
    end: int


@dataclass(frozen=True, eq=False)
class Clip:
    """int16 frames (n, channels); ``label``: what they show (index), -1 for what is no label.

    ``word``: a label that makes events; else an event in it is a false accept.
    """

    frames: Frames
    label: int
    word: bool
    name: str = ""


@dataclass(frozen=True, eq=False)
class Stream:
    """What a board might hear: int16 frames (n, channels), and the words in them by start.

    ``negative``: frames that hold none of the words, and in which an event is a
    false accept; 0 where words are said. What was put between clips does not count.
    ``clips``: where each clip lies, words or not.
    """

    frames: Frames
    words: tuple[Word, ...] = ()
    negative: int = 0
    name: str = ""
    clips: tuple[Word, ...] = ()


@dataclass(frozen=True, eq=False)
class Track:
    """Scores (n, labels) of a stream; ``ends`` (n,): frames heard when each row came."""

    scores: Scores
    ends: Places
    words: tuple[Word, ...] = ()
    negative: int = 0
    name: str = ""
    clips: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Heard:
    """An event: ``label`` (index), ``score`` 0..255, ``end``: frames heard by then."""

    label: int
    score: int
    end: int


# ---- the model ----


def load(tsm: bytes) -> Any:
    """The device package's own model; TinysenseError where it is none that hears."""
    import tinysense

    try:
        model = tinysense.load(tsm)
    except ValueError as error:
        raise TinysenseError(str(error)) from error
    if model.features is None or model.sensor is None:
        raise TinysenseError(f"model {model.name!r} has no features: it takes tensors, not sound",
                             "convert it with --features")  # fmt: skip
    if len(model.scores) != len(model.labels):
        raise TinysenseError(
            f"model {model.name!r} gives {len(model.scores)} bytes for {len(model.labels)} labels: "
            "expected one score for each label", "convert it with --labels",
        )  # fmt: skip
    return model


def listen(model: Any, stream: Stream, progress: Callable[[int], None] | None = None) -> Track:
    """A model over a stream from its start, as a board runs it.

    ``model`` from load(). ``progress`` hears now and then how many frames are done.
    """
    frames = np.ascontiguousarray(stream.frames, "<i2")
    if frames.ndim != 2 or frames.shape[1] != model.features.channels:
        raise TinysenseError(f"{stream.name or 'a stream'} has frames {frames.shape}, the model "
                             f"wants {model.features.channels} channels")  # fmt: skip
    model.reset()
    length, hop, run = model.window, model.hop, model.run
    made, ends = bytearray(), []
    for count, at in enumerate(range(0, len(frames) - length + 1, hop)):
        scores = run(frames[at : at + length])
        if scores is not None:
            made += scores
            ends.append(at + length)
        if progress is not None and count % 500 == 499:
            progress(at + length)
    if progress is not None:
        progress(len(frames))
    table = np.frombuffer(bytes(made), np.uint8).reshape(-1, len(model.labels))
    return Track(table, np.array(ends, np.int64), stream.words, stream.negative, stream.name,
                 stream.clips)  # fmt: skip


def first_score_s(model: Any) -> float:
    """Seconds from a reset to the first scores: all that the model sees at once."""
    features = model.features
    rows = features.rows - 1 + model.warmup * features.row_stride
    return float((model.window + rows * model.hop) * 1000 / model.sensor.rate_mhz)


def events_of(track: Track, decision: Any) -> list[Heard]:
    """The events that the device's own Decision, a fresh one, makes of a track."""
    labels = list(decision.labels)
    heard = []
    for end, row in zip(track.ends.tolist(), track.scores, strict=True):
        event = decision.push(bytes(row))
        if event is not None:
            heard.append(Heard(labels.index(event.label), event.score, end))
    return heard


# ---- streams ----


def whole(clip: Clip, first: int) -> Stream:
    """A recording without any of the words as a stream of its own.

    ``first``: frames before the first scores, in which nothing can be heard.
    """
    places = (Word(clip.label, 0, len(clip.frames)),) if clip.label >= 0 else ()
    return Stream(clip.frames, (), max(0, len(clip.frames) - first), clip.name, places)


def joined(
    clips: Iterable[Clip],
    rate_hz: float,
    *,
    lead_s: float = 2.0,
    pause_s: float = 1.0,
    stream_s: float = STREAM_S,
    seed: int = 1,
) -> Iterator[Stream]:
    """Clips one after another, in streams of about ``stream_s`` seconds.

    Clips of words and others must not be mixed: the first give streams with
    words, the others negative ones. ``lead_s`` seconds come
    before the first clip, ``pause_s`` after each; they hold white noise as loud
    as the quietest tenth of the clips beside them, so that the background
    does not come and go. Same clips and seed, same streams.
    """
    rng = np.random.default_rng(seed)
    limit, pause = round(stream_s * rate_hz), round(pause_s * rate_hz)
    batch: list[Clip] = []
    total = 0
    for clip in clips:
        batch.append(clip)
        total += len(clip.frames) + pause
        if total >= limit:
            yield _join(batch, rate_hz, round(lead_s * rate_hz), pause, rng)
            batch, total = [], 0
    if batch:
        yield _join(batch, rate_hz, round(lead_s * rate_hz), pause, rng)


def _join(
    clips: Sequence[Clip], rate_hz: float, lead: int, pause: int, rng: np.random.Generator
) -> Stream:
    fade = round(FADE_S * rate_hz)
    rooms = [_Room(clip.frames, rate_hz, rng) for clip in clips]
    parts = [rooms[0].noise(lead)]
    places, at = [], lead
    for i, clip in enumerate(clips):
        after = rooms[min(i + 1, len(clips) - 1)]
        parts += [_faded(clip.frames, rooms[i], fade), _between(rooms[i], after, pause)]
        places.append(Word(clip.label, at, at + len(clip.frames)))
        at += len(clip.frames) + pause
    kinds = {clip.word for clip in clips}
    if len(kinds) > 1:
        raise ValueError("clips of words and others are joined apart")
    words = tuple(places) if True in kinds else ()
    negative = 0 if True in kinds else sum(len(clip.frames) for clip in clips)
    name = clips[0].name if len(clips) == 1 else f"{len(clips)} clips from {clips[0].name}"
    frames = np.concatenate(parts)
    return Stream(np.rint(frames).clip(-32768, 32767).astype(np.int16), words, negative, name,
                  tuple(places))  # fmt: skip


class _Room:
    """The noise in which a clip was made, as its quietest tenth tells."""

    def __init__(self, frames: Frames, rate_hz: float, rng: np.random.Generator) -> None:
        size = max(2, min(len(frames), round(FLOOR_S * rate_hz)))
        count = len(frames) // size
        self._rng, self._size, self._channels = rng, size, frames.shape[1]
        self._power = np.zeros((size // 2 + 1, frames.shape[1]))
        if count == 0:
            return
        cut = frames[: count * size].astype(np.float64).reshape(count, size, -1)
        cut -= cut.mean(1, keepdims=True)
        quietest = np.argsort((cut**2).sum((1, 2)), kind="stable")[: max(1, count // 10)]
        # Hann window; its mean square is 3/8.
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
        spectra = np.fft.rfft(cut[quietest] * window[:, None], axis=1)
        self._power = (np.abs(spectra) ** 2).mean(0) / (0.375 * size)

    def noise(self, count: int) -> npt.NDArray[np.float64]:
        """(count, channels): white noise, filtered."""
        if count == 0:
            return np.zeros((0, self._channels))
        spectrum = np.fft.rfft(self._rng.standard_normal((count, self._channels)), axis=0)
        at = np.linspace(0, len(self._power) - 1, len(spectrum))
        bins = np.arange(len(self._power))
        gain = [np.sqrt(np.interp(at, bins, channel)) for channel in self._power.T]
        return np.fft.irfft(spectrum * np.stack(gain, 1), count, axis=0)


def _between(before: _Room, after: _Room, count: int) -> npt.NDArray[np.float64]:
    """One room's noise becomes another's."""
    share = (np.arange(count)[:, None] + 0.5) / max(1, count)
    return before.noise(count) * np.sqrt(1 - share) + after.noise(count) * np.sqrt(share)


def _faded(frames: Frames, room: _Room, size: int) -> npt.NDArray[np.float64]:
    """The clip, at its ends faded into its room's noise."""
    out = frames.astype(np.float64)
    size = min(size, len(frames) // 2)
    share = (np.arange(size)[:, None] + 0.5) / max(1, size)
    for side, ramp in ((slice(0, size), share), (slice(len(frames) - size, None), share[::-1])):
        out[side] = frames[side] * ramp + room.noise(size) * (1 - ramp)
    return out
