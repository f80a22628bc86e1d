"""Speakers that training never heard: two halves, a threshold from the one, numbers of the other."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import tiny_hearing
from tiny_hearing import RATE, tone

from tinysense_host.speech.clips import Clip, part_of
from tinysense_host.speech.unheard import counted, half_of, judged_unheard, unheard_evidence

FOLDS, TESTED = 3, 0
VOICES = [f"voice{i}" for i in range(40)]
UNHEARD = [v for v in VOICES if part_of(v, FOLDS) == TESTED]


def clip(voice: str, word: str, level: int) -> Clip:
    label = tiny_hearing.LABELS.index(word)
    hz = tiny_hearing.TONES.get(word, 0)
    samples = tone(hz, level=level, seed=VOICES.index(voice))[:, 0]
    return Clip(samples, label, word, voice, f"{word}/{voice}")


def course(level_of: dict[int, int]) -> SimpleNamespace:
    """Words of every voice, as loud as its half has them, and two seconds of rest each."""
    clips = [clip(v, word, level_of[part_of(v, 2 * FOLDS) // FOLDS])
             for v in UNHEARD for word in ("low", "high")]
    rest = [replace(clip(v, "quiet", 0), samples=np.zeros(2 * RATE, np.int16)) for v in UNHEARD]
    recipe = SimpleNamespace(rate=RATE, background=(0,), training=SimpleNamespace(
        folds=FOLDS, tested=TESTED))
    noise = np.zeros(20 * RATE, np.int16)
    return SimpleNamespace(recipe=recipe, clips_of=lambda part: [*clips, *rest],
                           sources=SimpleNamespace(noises=[noise]))


def test_every_speaker_is_in_one_half() -> None:
    halves = [{v for v in UNHEARD if half_of(clip(v, "low", 1), FOLDS) == n} for n in (0, 1)]
    assert all(halves) and not halves[0] & halves[1]
    assert halves[0] | halves[1] == set(UNHEARD)


def test_evidence_holds_the_speakers_of_its_half_alone() -> None:
    made = course({0: 8000, 1: 8000})
    first, second = (unheard_evidence(made, tiny_hearing.build(), n)[0] for n in (0, 1))
    words = [int(e.words.sum()) for e in (first, second)]
    assert sum(words) == 2 * len(UNHEARD)
    assert words[0] == 2 * sum(part_of(v, 2 * FOLDS) == TESTED for v in UNHEARD)
    # Two seconds of rest for every voice; the noise, less what comes before scores, in the first.
    assert second.hours * 3600 == pytest.approx(words[1], abs=0.01)
    assert 17 < first.hours * 3600 - words[0] < 20


def test_a_threshold_chosen_on_loud_voices_is_told_of_faint_ones() -> None:
    """What is chosen on the first half says nothing good of the second, and the numbers show it."""
    made, tsm = course({0: 8000, 1: 40}), tiny_hearing.build()
    chosen_on, setting = unheard_evidence(made, tsm, 0)
    others, _ = unheard_evidence(made, tsm, 1)
    best = judged_unheard(chosen_on, setting, 0.5).best
    assert best.counts.reject_rate == 0
    assert counted(others, best.setting).reject_rate == 1
    assert (counted(chosen_on, best.setting).detected == best.counts.detected).all()
