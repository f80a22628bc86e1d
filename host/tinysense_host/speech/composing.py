"""Streams of varied clips over noise, and the windows in them that a network learns from.

A clip alone would not do: the front end adapts to what came before, so its features depend on
history, and a board always has one. So words are put into streams, as a board hears them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .augmenting import (
    Floats,
    fitted,
    in_room,
    made_noise,
    mixed,
    resampled,
    room,
    to_int16,
)
from .clips import Clip, Sound
from .recipe import SpeechRecipe

__all__ = ["Composer", "Examples", "Mark", "Stream", "gathered"]

_ITEMS = 16  # clips of a stream: about twenty seconds
_NOISE_S = 20  # a stream of noise alone
_LEAD_MS = 600  # before the first: the front end starts to know the noise


@dataclass(frozen=True, eq=False)
class Mark:
    """A window to learn: it ends before sample ``end``; ``alone``: its clip without noise."""

    end: int
    label: int
    alone: Floats | None = None


@dataclass(frozen=True, eq=False)
class Stream:
    """int16 ``samples`` and the windows in them to learn."""

    samples: Sound
    marks: list[Mark]


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows of features (n, rows + spare, channels) int16, labels (n,), the teacher's view.

    A window starts at any of the first ``spare`` + 1 rows: the word moves within it.
    ``taught`` (n, labels) are a teacher's probabilities, or the labels' where it has none.
    """

    rows: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int64]
    taught: Floats
    spare: int

    def joined(self, other: Examples) -> Examples:
        """Both, one after the other."""
        return Examples(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.taught, other.taught]),
            self.spare,
        )


class Composer:
    """Endless streams of a recipe's clips; ``noises`` are recordings without words."""

    def __init__(
        self, recipe: SpeechRecipe, clips: Sequence[Clip], noises: Sequence[Sound], seed: int
    ) -> None:
        self.recipe, self.rng = recipe, np.random.default_rng(seed)
        self.clips = list(clips)
        self.noises = [n for n in noises if len(n) >= recipe.rate // 2 and n.any()]
        if recipe.silence != recipe.rest:
            self.noises += [
                c.samples for c in clips if c.label == recipe.silence and c.samples.any()
            ]
        self.rest = [c for c in clips if c.label == recipe.rest and c.samples.any()]

    def __iter__(self) -> Iterator[Stream]:
        """Every clip ``copies`` times, in an order of chance, and streams of other speech."""
        spec = self.recipe.augmentation
        words = [c for c in self.clips if c.samples.any()]
        order = np.concatenate([self.rng.permutation(len(words)) for _ in range(spec.copies)])
        for at in range(0, len(order), _ITEMS):
            yield self._stream([words[i] for i in order[at : at + _ITEMS]])
            if self.rest and self.rng.random() < spec.background:
                chosen = self.rng.integers(0, len(self.rest), _ITEMS)
                yield self._background([self.rest[i] for i in chosen])

    def negatives(self, count: int) -> Iterator[Stream]:
        """``count`` streams without a word of ours: other speech, and every fourth noise alone."""
        for number in range(count):
            if self.rest and number % 4 < 3:
                chosen = self.rng.integers(0, len(self.rest), _ITEMS)
                yield self._background([self.rest[i] for i in chosen])
            else:
                silence = np.zeros(_NOISE_S * self.recipe.rate, np.float32)
                yield Stream(self._over_noise([silence]), [])

    @property
    def count(self) -> int:
        """About how many streams there will be."""
        spec = self.recipe.augmentation
        return int(len(self.clips) * spec.copies / _ITEMS * (1 + spec.background * bool(self.rest)))

    def _stream(self, clips: Sequence[Clip]) -> Stream:
        """Words with gaps between them."""
        spec, rate = self.recipe.augmentation, self.recipe.rate
        response = self._room()
        late = max(0, spec.tail_ms[1]) * rate // 1000
        parts: list[Floats] = [np.zeros(self._some(_LEAD_MS, 2 * _LEAD_MS), np.float32)]
        at, marks = len(parts[0]), []
        for clip in clips:
            alone = self._varied(clip)
            sound = self._heard(alone, clip, response)
            at_once = spec.flowing > 0 and self.rng.random() < spec.flowing
            gap = np.zeros(0 if at_once else late + self._some(*spec.gap_ms), np.float32)
            end = at + len(sound) + spec.tail_ms[1] * rate // 1000
            marks.append(Mark(end, clip.label, alone))
            parts += [sound, gap]
            at += len(sound) + len(gap)
        return Stream(self._over_noise(parts), marks)

    def _background(self, clips: Sequence[Clip]) -> Stream:
        """Speech without a word of ours, close together: every window of it is ``rest``."""
        recipe, response = self.recipe, self._room()
        parts = []
        for clip in clips:
            sound = self._heard(self._varied(clip, spread=False), clip, response)
            parts += [sound, np.zeros(self._some(0, 300), np.float32)]
        samples = self._over_noise(parts)
        first, step = recipe.span + recipe.rate // 2, recipe.rate // 2
        ends = range(first, len(samples), step)
        return Stream(samples, [Mark(end, recipe.rest) for end in ends])

    def _some(self, low_ms: int, high_ms: int) -> int:
        """Samples of a time between the two."""
        return int(self.rng.integers(low_ms, high_ms + 1)) * self.recipe.rate // 1000

    def _room(self) -> Floats | None:
        spec = self.recipe.augmentation
        if self.rng.random() >= spec.room:
            return None
        return room(self.rng, self.recipe.rate, spec.room_s)

    def _varied(self, clip: Clip, *, spread: bool = True) -> Floats:
        """Another speed, another place in the window."""
        spec = self.recipe.augmentation
        sound = clip.samples.astype(np.float32) / np.float32(32768)
        sound = resampled(sound, float(np.exp(self.rng.uniform(-spec.speed, spec.speed))))
        span = self.recipe.span
        if spread and spec.anywhere and len(sound) < span:
            before = int(self.rng.integers(0, span - len(sound) + 1))
            sound = np.pad(sound, (before, span - len(sound) - before))
        return sound

    def _heard(self, sound: Floats, clip: Clip, response: Floats | None) -> Floats:
        """Another room; the peak becomes 1, about 1 for sound without words."""
        if response is not None:
            sound = in_room(sound, response)
        peak = max(1e-4, float(np.abs(sound).max()))
        level = self.rng.uniform(-6, 6) if clip.label == self.recipe.silence else 0.0
        return sound * np.float32(10 ** (level / 20) / peak)

    def _over_noise(self, parts: Sequence[Floats]) -> Sound:
        """The parts, whose peaks are about 1, at one level and with one noise behind them."""
        spec, rng = self.recipe.augmentation, self.rng
        gains = 10 ** (rng.uniform(-4, 0, len(parts)) / 20)
        speech = np.concatenate([p * np.float32(g) for p, g in zip(parts, gains, strict=True)])
        low, high = spec.snr_db
        snr = rng.uniform(high, high + 30) if rng.random() < spec.noiseless else (
            rng.uniform(low, high)
        )
        # Words have an rms of about 15 dB below their peaks.
        sound = mixed(speech, self._noise(len(speech)), snr, 0.18)
        level = rng.uniform(*spec.level_db)
        return to_int16(sound * np.float32(10 ** (level / 20)))

    def _noise(self, count: int) -> Floats:
        """Recorded, made, or the babble of several speakers; its level may wander."""
        rng, choice = self.rng, self.rng.random()
        if self.noises and choice < 0.5:
            chosen = self.noises[int(rng.integers(0, len(self.noises)))]
            noise = fitted(chosen.astype(np.float32) / np.float32(32768), count, rng)
        elif self.rest and choice < 0.65:
            noise = self._babble(count)
        else:
            noise = made_noise(rng, count, self.recipe.rate)
        points = 10 ** (rng.normal(0, 3, max(2, count // self.recipe.rate)) / 20)
        wander = np.interp(np.linspace(0, len(points) - 1, count), np.arange(len(points)), points)
        return np.asarray(noise * wander, np.float32)

    def _babble(self, count: int) -> Floats:
        """Several rest clips at once, over and over: talk from which no word stands out."""
        chosen = self.rng.integers(0, len(self.rest), 5)
        voices = [fitted(self.rest[i].samples.astype(np.float32), count, self.rng) for i in chosen]
        noise = np.sum(voices, axis=0) / np.float32(32768)
        return np.asarray(noise + 1e-5 * self.rng.standard_normal(count), np.float32)


def gathered(
    composer: Composer,
    rows_of: Callable[[Sound], npt.NDArray[np.int32]],
    progress: Callable[[int, int], None] | None = None,
    teacher: Callable[[Floats], Floats] | None = None,
) -> Examples:
    """All windows of the composer's streams; ``rows_of`` gives the rows of a stream.

    ``teacher`` gives probabilities (labels,) for a clip as it is before rooms and noise.
    """
    recipe, tail = composer.recipe, composer.recipe.augmentation.tail_ms
    spare = (tail[1] - tail[0]) // recipe.front_end.step_ms
    kept = recipe.front_end.rows + spare
    one_hot = np.eye(len(recipe.labels), dtype=np.float32)
    rows, labels, taught = [], [], []
    for number, stream in enumerate(composer):
        values = rows_of(stream.samples)
        for mark in stream.marks:
            last = (mark.end - recipe.window) // recipe.hop + 1
            if not kept <= last <= len(values):
                continue
            rows.append(values[last - kept : last].astype(np.int16))
            labels.append(mark.label)
            if teacher is None or mark.alone is None:
                taught.append(one_hot[mark.label])
            else:
                taught.append(teacher(mark.alone))
        if progress is not None and number % 10 == 0:
            progress(number, max(number + 1, composer.count))
    shape = (0, kept, recipe.front_end.channels)
    return Examples(
        np.stack(rows) if rows else np.zeros(shape, np.int16),
        np.array(labels, np.int64),
        np.stack(taught).astype(np.float32) if taught else one_hot[:0],
        spare,
    )
