"""How good a model is that hears: clips to a confusion matrix, streams to events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense_host.evaluate import Score
from tinysense_host.speech.streams import Clip, Stream, Track, Word, first_score_s, listen
from tinysense_host.speech.tradeoff import Evidence, Setting, Smoothed

__all__ = ["OTHER", "alone", "clip_scores", "confusion_of", "listened", "score_of"]

Scores = npt.NDArray[np.uint8]

OTHER = "(other)"   # in place of a background label where a model has none
_AT_ONCE = 1.1      # times what a model sees: a second, where it sees 0.99 s


def listened(
    model: Any, streams: Iterable[Stream], progress: Callable[[float], None] | None = None
) -> list[Track]:
    """The tracks of all streams; ``progress`` hears how many seconds are done."""
    rate_hz, before = model.sensor.rate_mhz / 1000, 0

    def report(frames: int) -> None:
        if progress is not None:
            progress((before + frames) / rate_hz)

    tracks = []
    for stream in streams:
        tracks.append(listen(model, stream, report))
        before += len(stream.frames)
    return tracks


def score_of(evidence: Evidence, setting: Setting, seen_s: float, name: str = "") -> Score:
    """Clips right by their scores (see clip_scores), and what the decision makes of streams.

    ``seen_s``: seconds that the model sees at once. A word is ``detected`` where it made one
    event, the right one, ``missed`` where it made none. A model without
    background labels gets one more, OTHER: no score reached its threshold.
    """
    labels, background = evidence.labels, evidence.background
    confusion = confusion_of(evidence, setting, seen_s)
    if not background:
        labels, background = (*labels, OTHER), (OTHER,)
    detected, missed = _words(evidence, setting)
    false = int(Smoothed(evidence, setting.smooth).count(setting).false.sum())
    speaking = [t for t, n in zip(setting.threshold, evidence.labels, strict=True)
                if n not in evidence.background]  # fmt: skip
    return Score(name, labels, background, confusion, false, evidence.hours, 0, 0,
                 detected, missed, min(speaking, default=256))  # fmt: skip


def confusion_of(
    evidence: Evidence, setting: Setting, seen_s: float
) -> npt.NDArray[np.int64]:
    """Clips by (true, given): given is the highest score. Clips that are no label are left out,
    unless there is one background label, or none, to be given to them."""
    quiet = [evidence.labels.index(n) for n in evidence.background]
    size = len(evidence.labels) + (not quiet)
    other = quiet[0] if len(quiet) == 1 else -1 if quiet else size - 1
    confusion = np.zeros((size, size), np.int64)
    for track in evidence.tracks:
        for place in track.clips:
            scores = clip_scores(track, place, seen_s * evidence.rate_mhz / 1000, quiet)
            true = place.label if place.label >= 0 else other
            if scores is None or true < 0:
                continue
            given = int(scores.argmax())
            if not quiet and scores[given] < setting.threshold[given]:
                given = other
            confusion[true, given] += 1
    return confusion


def alone(model: Any, clips: Iterable[Clip]) -> list[Track]:
    """Each clip by itself, from a reset on, as benchmarks count: not what a board hears.

    What is shorter than the model sees at once gets zeros behind it.
    """
    need = round(first_score_s(model) * model.sensor.rate_mhz / 1000)
    tracks = []
    for clip in clips:
        more = max(0, need - len(clip.frames)) + model.hop * model.features.row_stride
        frames = np.pad(clip.frames, ((0, more), (0, 0)))
        place = Word(clip.label, 0, len(clip.frames))
        tracks.append(listen(model, Stream(frames, (), 0, clip.name, (place,))))
    return tracks


def clip_scores(
    track: Track, place: Word, seen: float, quiet: Sequence[int]
) -> Scores | None:
    """The scores that stand for a clip, or None where there are none.

    Those of the moment when the model has just heard all of it; of a clip
    longer than the ``seen`` frames that the model sees at once, those of the
    moment in it when a word (no label of ``quiet``) stands highest.
    """
    first = int(np.searchsorted(track.ends, place.start, side="right"))
    last = int(np.searchsorted(track.ends, place.end, side="left"))
    last = min(last, len(track.ends) - 1)
    if first > last:
        return None
    if place.end - place.start <= _AT_ONCE * seen:
        return np.asarray(track.scores[last])
    part = track.scores[first : last + 1]
    words = np.delete(part, list(quiet), axis=1)
    at = int(words.max(1).argmax()) if words.shape[1] else len(part) - 1
    return np.asarray(part[at])


def _words(evidence: Evidence, setting: Setting) -> tuple[int, int]:
    """(words with one event, the right one; words without any)."""
    detected = missed = 0
    events = Smoothed(evidence, setting.smooth).events(setting)
    for track, heard in zip(evidence.tracks, events, strict=True):
        starts = np.array([w.start for w in track.words], np.int64)
        labels: list[list[int]] = [[] for _ in track.words]
        for event in heard:
            at = int(np.searchsorted(starts, event.end, side="right")) - 1
            if at >= 0 and event.end <= track.words[at].end + evidence.tolerance:
                labels[at].append(event.label)
        for word, found in zip(track.words, labels, strict=True):
            detected += found == [word.label]
            missed += not found
    return detected, missed
