"""Hard negatives: which moments are taken, which rows they become, how often they come."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tinysense_host.speech import mining
from tinysense_host.speech.clips import Clip
from tinysense_host.speech.composing import Composer, Examples
from tinysense_host.training.recipe import load_any_recipe

RATE = 16000


@pytest.fixture(scope="module")
def recipe(root):
    return load_any_recipe(root / "models/wakeword")


def clip(recipe, label: int, seed: int) -> Clip:
    rng = np.random.default_rng(seed)
    return Clip((rng.normal(0, 3000, RATE // 2)).astype(np.int16), label, "w", f"s{seed}", "")


def table(recipe, peaks: dict[int, int], count: int = 400) -> np.ndarray:
    scores = np.zeros((count, len(recipe.labels)), np.uint8)
    word = 1 - recipe.rest
    for at, score in peaks.items():
        scores[at, word] = score
    scores[:, recipe.rest] = 200    # the background's own score does not matter
    return scores


def test_the_highest_moments_are_taken_and_none_beside_them(recipe):
    scores = table(recipe, {150: 200, 155: 255, 160: 100, 300: 90, 350: 60})
    assert mining._ends(recipe, scores) == [156, 301]


def test_nothing_is_taken_before_the_window_is_full(recipe):
    assert mining._ends(recipe, table(recipe, {recipe.front_end.rows - 1: 255})) == []
    assert mining._ends(recipe, np.zeros((0, 2), np.uint8)) == []


def test_what_is_taken_ends_where_the_word_was_heard(recipe, monkeypatch):
    monkeypatch.setattr(mining, "HostModel", lambda tsm: SimpleNamespace(file=SimpleNamespace(feat=b"")))
    monkeypatch.setattr(mining, "FeatureStream", lambda feat: None)
    monkeypatch.setattr(mining, "_scores", lambda *_: table(recipe, {200: 255}))
    channels = recipe.front_end.channels

    def rows_of(samples):
        return np.repeat(np.arange(400)[:, None], channels, axis=1)

    composer = Composer(recipe, [clip(recipe, recipe.rest, 1)], [], 1)
    found = mining.mined(recipe, b"", composer, rows_of, 4)
    assert found.rows.shape == (4, recipe.front_end.rows + found.spare, channels)
    # The window in the middle of the spare ones has row 200, with which the word came, as its last.
    middle = found.rows[0, found.spare - found.spare // 2 :][: recipe.front_end.rows]
    assert middle[-1, 0] == 200
    assert set(found.labels) == {recipe.rest} and found.taught[:, recipe.rest].all()


def test_negatives_are_speech_without_our_words_and_noise(recipe):
    rest = [clip(recipe, recipe.rest, n) for n in range(3)]
    word = Clip(np.full(RATE, 20000, np.int16), 1 - recipe.rest, "w", "s", "")
    streams = list(Composer(recipe, [*rest, word], [], 1).negatives(8))
    assert len(streams) == 8 and all(m.label == recipe.rest for s in streams for m in s.marks)
    assert all(s.samples.any() and s.samples.dtype == np.int16 for s in streams)
    assert sum(not s.marks for s in streams) == 2
    again = list(Composer(recipe, [*rest, word], [], 1).negatives(8))
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(streams, again, strict=True))


def test_hard_negatives_come_often_but_are_never_most(recipe):
    def examples(count: int, label: int) -> Examples:
        return Examples(np.zeros((count, 3, 4), np.int16), np.full(count, label),
                        np.zeros((count, 2), np.float32), 1)

    own = examples(100, recipe.rest).joined(examples(50, 1 - recipe.rest))
    for hard, expected in ((examples(4, recipe.rest), 24), (examples(15, recipe.rest), 30),
                           (examples(80, recipe.rest), 80), (examples(0, recipe.rest), 0)):
        weighted = mining.weighted(own, [hard], recipe.rest)
        assert int((weighted.labels == recipe.rest).sum()) == 100 + expected
        assert int((weighted.labels != recipe.rest).sum()) == 50
