"""False accepts against false rejects: what a decision makes of score tracks, for any threshold.

Scores are computed once (streams.listen); here the device's Decision
(device/tinysense/decision.py) is applied to whole tracks with NumPy, for
hundreds of thresholds. Events are the same ones: tests/host/test_tuning.py
compares them on random tracks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tinysense_host.speech.streams import Heard, Track, Word

__all__ = ["NEVER", "Counts", "Evidence", "Frontier", "Point", "Setting", "Smoothed",
           "poisson_bound"]  # fmt: skip

Ints = npt.NDArray[np.int64]

NEVER = 256         # a threshold that no score reaches, as decision.SCORE_MAX
_NEGATIVE = -2      # in place of a word: a false accept
_NO_WORD = -1       # among words, but when none was said
_APART = 1 << 24    # inferences between tracks: more than any refractory time


@dataclass(frozen=True)
class Setting:
    """What of META's decision is tuned; ``threshold`` one for each label, 0..256."""

    smooth: int
    threshold: tuple[int, ...]
    refractory_ms: int


@dataclass(frozen=True, eq=False)
class Counts:
    """For each label (labels,): words said; words it made an event for; events beyond the first
    for the same word; events when another word was said, or none; events on negatives."""

    words: Ints
    detected: Ints
    repeats: Ints
    wrong: Ints
    false: Ints

    @property
    def rejects(self) -> Ints:
        """Words without an event of their label."""
        return self.words - self.detected

    @property
    def errors(self) -> int:
        """All that goes wrong where words are said."""
        return int((self.rejects + self.repeats + self.wrong).sum())

    @property
    def reject_rate(self) -> float:
        """Share of all words that made no event."""
        total = int(self.words.sum())
        return int(self.rejects.sum()) / total if total else 0.0


@dataclass(frozen=True)
class Evidence:
    """Tracks of one model, and how its decision counts.

    ``hop_us``: microseconds from one inference to the next. A word counts as
    detected where an event comes from its start until ``tolerance_s`` after its end.
    """

    labels: tuple[str, ...]
    background: tuple[str, ...]
    hop_us: int
    rate_mhz: int
    tracks: tuple[Track, ...]
    tolerance_s: float = 0.75

    @property
    def hours(self) -> float:
        """Of negatives."""
        return sum(t.negative for t in self.tracks) * 1000 / self.rate_mhz / 3600

    @property
    def tolerance(self) -> int:
        """In frames."""
        return round(self.tolerance_s * self.rate_mhz / 1000)

    @cached_property
    def word_labels(self) -> Ints:
        """The label of every word of every track, in their order."""
        return np.array([w.label for t in self.tracks for w in t.words], np.int64)

    @property
    def words(self) -> Ints:
        """How many words of each label were said."""
        return np.bincount(self.word_labels, minlength=len(self.labels)).astype(np.int64)

    def wait(self, refractory_ms: int) -> int:
        """Inferences from an event to the next that may follow, as Decision counts them."""
        return min(_APART, max(1, -(-refractory_ms * 1000 // self.hop_us)))


class Smoothed:
    """The tracks of some evidence, averaged over ``smooth`` inferences.

    For every moment at which a decision may speak: the winning label, its sum
    of scores, and the word that belongs there.
    """

    def __init__(self, evidence: Evidence, smooth: int) -> None:
        self.evidence = evidence
        self.smooth = smooth
        parts = []
        base = first_word = 0
        for number, track in enumerate(evidence.tracks):
            winner, top = _winners(track, smooth)
            ends = track.ends[smooth - 1 :]
            place = base + np.arange(len(winner))
            word = _word_at(track.words, ends, evidence.tolerance, first_word)
            if not track.words:
                word[:] = _NEGATIVE
            parts.append((winner, top, place, word, ends, np.full(len(winner), number)))
            base += len(track.scores) + _APART
            first_word += len(track.words)
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        winner, top, self._place, self._word, self._end, self._track = columns
        self._winner = np.asarray(winner, np.int64)
        self._top = np.asarray(top, np.int64)
        quiet = [name in evidence.background for name in evidence.labels]
        self._rows = [np.flatnonzero((self._winner == i) & (not silent))
                      for i, silent in enumerate(quiet)]  # fmt: skip

    def events(self, setting: Setting) -> list[list[Heard]]:
        """The events of each track."""
        found: list[list[Heard]] = [[] for _ in self.evidence.tracks]
        for row in self._events(setting.threshold, self.evidence.wait(setting.refractory_ms)):
            score = (int(self._top[row]) + self.smooth // 2) // self.smooth
            heard = Heard(int(self._winner[row]), score, int(self._end[row]))
            found[int(self._track[row])].append(heard)
        return found

    def count(self, setting: Setting) -> Counts:
        """What a setting (of this ``smooth``) makes of all tracks."""
        return self._count(
            self._events(setting.threshold, self.evidence.wait(setting.refractory_ms))
        )

    def alone(self, label: int, threshold: int, wait: int) -> Counts:
        """What a label does by itself, as if no other could make events.

        Together with others it has at most as many: with events at least
        ``wait`` apart, the first possible one at every step is the most there can be.
        """
        rows = self._rows[label]
        return self._count(self._spaced(rows[self._top[rows] >= threshold * self.smooth], wait))

    def _events(self, threshold: Sequence[int], wait: int) -> Ints:
        """Rows in which an event is made."""
        least = np.array(threshold, np.int64) * self.smooth
        chosen = [rows[self._top[rows] >= least[i]] for i, rows in enumerate(self._rows)]
        return self._spaced(np.sort(np.concatenate(chosen)), wait)

    def _spaced(self, rows: Ints, wait: int) -> Ints:
        """Of rows where an event may be, those where it is: the first, and then each that
        is ``wait`` or more after the one before."""
        places = self._place[rows]
        following = np.searchsorted(places, places + wait).tolist()
        kept, at = [], 0
        while at < len(following):
            kept.append(at)
            at = following[at]
        return rows[kept]

    def _count(self, rows: Ints) -> Counts:
        labels = len(self.evidence.labels)
        said = self.evidence.word_labels
        label, word = self._winner[rows], self._word[rows]
        own = np.zeros(len(rows), bool)
        own[word >= 0] = said[word[word >= 0]] == label[word >= 0]
        hits = word[own]
        first = np.zeros(len(hits), bool)
        first[np.unique(hits, return_index=True)[1]] = True

        def per_label(which: npt.NDArray[np.int64]) -> Ints:
            return np.bincount(which, minlength=labels).astype(np.int64)

        return Counts(
            self.evidence.words, per_label(said[hits[first]]), per_label(said[hits[~first]]),
            per_label(label[~own & (word != _NEGATIVE)]), per_label(label[word == _NEGATIVE]),
        )  # fmt: skip


def _winners(track: Track, smooth: int) -> tuple[Ints, Ints]:
    """The label of the highest sum (the first of equals) and that sum, at every moment."""
    count = max(0, len(track.scores) - smooth + 1)
    winner, top = np.zeros(count, np.int64), np.full(count, -1, np.int64)
    for label, column in enumerate(np.ascontiguousarray(track.scores.T)):
        total = np.cumsum(column, dtype=np.int64)
        sums = total[smooth - 1 :].copy()
        sums[1:] -= total[: max(0, count - 1)]
        higher = sums > top
        winner[higher] = label
        top = np.maximum(top, sums)
    return winner, top


def _word_at(words: Sequence[Word], ends: Ints, tolerance: int, first: int) -> Ints:
    """The number of the word that an event belongs to: the one that began last, until
    ``tolerance`` after its end."""
    if not words:
        return np.full(len(ends), _NO_WORD, np.int64)
    starts = np.array([w.start for w in words], np.int64)
    until = np.array([w.end for w in words], np.int64) + tolerance
    at = np.searchsorted(starts, ends, side="right") - 1
    inside = (at >= 0) & (ends <= until[at])
    return np.where(inside, at + first, _NO_WORD)


# ---- the best thresholds for every number of false accepts ----


@dataclass(frozen=True, eq=False)
class Point:
    """A setting and what it does; ``margin``: steps that thresholds are from doing worse."""

    setting: Setting
    counts: Counts
    margin: int

    def false_per_hour(self, hours: float) -> float:
        """False accepts per hour of negatives."""
        return float(self.counts.false.sum() / hours) if hours else 0.0


class Frontier:
    """For every number of false accepts up to ``most`` the thresholds with fewest errors.

    Labels are swept alone; how many false accepts each may have is shared out
    by dynamic programming. In company they have at most as many (see Smoothed.alone).
    """

    def __init__(
        self, view: Smoothed, refractory_ms: int, most: int, fixed: Sequence[int] | None = None
    ) -> None:
        """``fixed``: thresholds of labels that no word was said of; they only go up."""
        evidence = view.evidence
        self._view, self._refractory_ms, self.most = view, refractory_ms, most
        self._fixed = fixed
        self._labels = [i for i, n in enumerate(evidence.labels) if n not in evidence.background]
        wait = evidence.wait(refractory_ms)
        self._options = {i: self._sweep(i, wait) for i in self._labels}
        self._share()

    def _sweep(self, label: int, wait: int) -> list[tuple[int, int, float]]:
        """(threshold, false accepts, errors), from "never" down to too many false accepts."""
        words = int(self._view.evidence.words[label])
        rows = [(NEVER, 0, float(words))]
        lowest = 0
        if words == 0 and self._fixed is not None:
            lowest = self._fixed[label]
            rows = [(NEVER, 0, NEVER - lowest)]
        for threshold in range(NEVER - 1, lowest - 1, -1):
            counts = self._view.alone(label, threshold, wait)
            false = int(counts.false.sum())
            if false > self.most:
                break
            errors = int(counts.rejects[label] + counts.repeats[label] + counts.wrong[label])
            rows.append((threshold, false, errors if words else threshold - lowest))
        return rows

    def _share(self) -> None:
        """self._best[k]: fewest errors with k false accepts; self._parts: each label's share."""
        best = np.zeros(self.most + 1)
        parts = []
        for label in self._labels:
            least = np.full(self.most + 1, np.inf)
            for _, false, errors in self._options[label]:
                least[false] = min(least[false], errors)
            least = np.minimum.accumulate(least)
            tried = np.full((self.most + 1, self.most + 1), np.inf)
            for own in range(self.most + 1):
                tried[own, own:] = least[own] + best[: self.most + 1 - own]
            parts.append(tried.argmin(0))
            best = tried.min(0)
        self._best, self._parts = best, parts

    def steps(self) -> list[int]:
        """The numbers of false accepts at which errors become fewer."""
        fewer = np.flatnonzero(np.diff(self._best) < 0) + 1
        return [0, *fewer.tolist()]

    def at(self, false: int) -> Point:
        """The best thresholds with at most ``false`` false accepts, and what they do together."""
        left = max(step for step in self.steps() if step <= min(false, self.most))
        threshold, margin = [NEVER] * len(self._view.evidence.labels), NEVER
        for label, parts in zip(reversed(self._labels), reversed(self._parts), strict=True):
            own = int(parts[left])
            left -= own
            threshold[label], room = self._middle(label, own)
            if self._view.evidence.words[label]:
                margin = min(margin, room)
        setting = Setting(self._view.smooth, tuple(threshold), self._refractory_ms)
        return Point(setting, self._view.count(setting), margin)

    def _middle(self, label: int, false: int) -> tuple[int, int]:
        """The middle of the thresholds that serve best, and how far it is from their edges."""
        fitting = [(t, errors) for t, own, errors in self._options[label] if own <= false]
        fewest = min(errors for _, errors in fitting)
        plateau = sorted(t for t, errors in fitting if errors == fewest)
        middle = plateau[len(plateau) // 2]
        return middle, min(middle - plateau[0], plateau[-1] - middle)


def poisson_bound(count: int, confidence: float = 0.95) -> float:
    """The most events that were to be expected, given that ``count`` came.

    Above it, so few would have come with a probability of less than 1 - confidence:
    the exact one-sided bound for a Poisson process (Garwood 1936, Biometrika 28).
    3.0 for none: the rule of three.
    """
    low, high = float(count), count + 10.0 + 10.0 * math.sqrt(count + 1.0)
    for _ in range(100):
        middle = (low + high) / 2
        if _poisson_at_most(count, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _poisson_at_most(count: int, mean: float) -> float:
    terms = (i * math.log(mean) - mean - math.lgamma(i + 1) for i in range(count + 1))
    return math.fsum(math.exp(t) for t in terms) if mean > 0 else 1.0
