"""speech/augmenting.py and composing.py: ranges, lengths, seeds, places of words."""

from dataclasses import replace

import numpy as np
import pytest
from tone_clips import RATE, RECIPE, tone

from tinysense_host.speech import augmenting as aug
from tinysense_host.speech.clips import Clip
from tinysense_host.speech.composing import Composer, gathered
from tinysense_host.training.recipe import load_any_recipe


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def rms(x):
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64))))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.25])
def test_speed_changes_length_and_pitch(factor):
    x = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE).astype(np.float32)
    y = aug.resampled(x, factor)
    assert len(y) == round(RATE / factor)
    peak = np.abs(np.fft.rfft(y * np.hanning(len(y)))).argmax() * RATE / len(y)
    assert peak == pytest.approx(440 * factor, abs=2)


@pytest.mark.parametrize("kind", aug.NOISES)
@pytest.mark.parametrize("count", [1, 100, 16001])
def test_made_noise(rng, kind, count):
    noise = aug.made_noise(rng, count, RATE, kind)
    assert noise.shape == (count,) and noise.dtype == np.float32 and np.isfinite(noise).all()
    assert rms(noise) == pytest.approx(1, rel=1e-3)


def test_colours_differ(rng):
    def slope(kind):
        power = np.abs(np.fft.rfft(aug.made_noise(rng, 1 << 16, RATE, kind))) ** 2
        return 10 * np.log10(power[1000:2000].mean() / power[10000:20000].mean())

    assert slope("white") == pytest.approx(0, abs=1)
    assert slope("pink") == pytest.approx(10, abs=2)
    assert slope("brown") == pytest.approx(20, abs=2)
    assert slope("blue") < -8


def test_a_room_keeps_length_and_the_direct_sound(rng):
    for _ in range(20):
        response = aug.room(rng, RATE, 0.4)
        assert response[0] == 1 and len(response) <= 0.4 * RATE
        click = np.zeros(3000, np.float32)
        click[100] = 1
        heard = aug.in_room(click, response)
        assert len(heard) == 3000 and heard[100] == pytest.approx(1, abs=1e-5)
        assert np.abs(heard[:100]).max() < 1e-5 < np.abs(heard[200:]).max()


@pytest.mark.parametrize("snr_db", [0, 10, 30])
def test_noise_at_a_ratio(rng, snr_db):
    speech = rng.normal(0, 0.1, 20000).astype(np.float32)
    both = aug.mixed(speech, aug.made_noise(rng, 20000, RATE), snr_db, rms(speech))
    assert 20 * np.log10(rms(speech) / rms(both - speech)) == pytest.approx(snr_db, abs=0.1)


def test_int16_saturates():
    x = np.array([0, 1, -1, 3, -3, 0.5], np.float32)
    assert aug.to_int16(x).tolist() == [0, 32767, -32768, 32767, -32768, 16384]


@pytest.mark.parametrize("length", [1, 50, 100, 1000])
def test_noise_is_fitted(rng, length):
    noise = np.arange(length, dtype=np.float32)
    cut = aug.fitted(noise, 100, rng)
    assert len(cut) == 100 and set(np.diff(cut)) <= {1.0, float(1 - length)}


def test_masks_and_warps_leave_shapes(rng):
    x = rng.normal(size=(8, 25, 40)).astype(np.float32)
    masked = aug.masked(x, rng, 6, 5)
    assert masked.shape == x.shape and (masked != x).any() and (masked == x).mean() > 0.5
    warped = aug.warped(x, rng, 0.1)
    assert warped.shape == x.shape and warped.dtype == np.float32
    assert warped.max() <= x.max() and warped.min() >= x.min()
    assert np.array_equal(aug.warped(x, rng, 0.0), x)


def composer(recipe, seed):
    rng = np.random.default_rng(0)
    words = [("low", 2, 300), ("high", 3, 1500), ("sweep", 1, 700)]
    clips = [Clip(tone(rng, hz), label, word, "a", word) for word, label, hz in words]
    hush = rng.normal(0, 50, RATE // 2).astype(np.int16)
    return Composer(recipe, [*clips, Clip(hush, 0, "_silence_", "b", "hush")], [], seed)


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return load_any_recipe(tmp_path)


def test_streams_repeat_by_their_seed(recipe):
    first, same, other = (list(composer(recipe, seed)) for seed in (1, 1, 2))
    assert len(first) == len(same)
    for a, b in zip(first, same, strict=True):
        assert np.array_equal(a.samples, b.samples) and a.samples.dtype == np.int16
        assert [(m.end, m.label) for m in a.marks] == [(m.end, m.label) for m in b.marks]
    assert not np.array_equal(first[0].samples, other[0].samples)


def test_every_clip_comes_as_often_as_the_recipe_says(recipe):
    plain = replace(recipe, augmentation=replace(recipe.augmentation, background=0.0))
    labels = [m.label for s in composer(plain, 1) for m in s.marks]
    assert np.bincount(labels).tolist() == [4, 4, 4, 4]


def test_a_word_lies_in_its_window(recipe):
    quiet = replace(recipe.augmentation, noiseless=1.0, room=0.0, background=0.0, gap_ms=(900, 900))
    for stream in composer(replace(recipe, augmentation=quiet), 3):
        for mark in stream.marks:
            if mark.label < 2:
                continue
            middle = mark.end - recipe.rate // 10
            own = stream.samples[middle - recipe.span : middle].astype(np.float64)
            around = stream.samples[max(0, mark.end - 2 * recipe.span) : mark.end + 8000]
            assert np.abs(own).max() > 0.99 * np.abs(around[-recipe.span - 8000 :]).max() / 1.6


def test_gathered_windows_fit_the_network(recipe):
    def rows_of(samples):
        count = (len(samples) - recipe.window) // recipe.hop + 1
        return np.tile(np.arange(count)[:, None], (1, 40)).astype(np.int32)

    found = gathered(composer(recipe, 1), rows_of)
    assert found.spare == 10 and found.rows.shape[1:] == (35, 40)
    assert (np.diff(found.rows[:, :, 0]) == 1).all()
    assert np.array_equal(found.taught.argmax(axis=1), found.labels)


def test_a_teacher_hears_clips_alone(recipe):
    heard = []

    def teacher(clip):
        heard.append(clip)
        return np.full(4, 0.25, np.float32)

    rows = np.zeros((10000, 40), np.int32)
    found = gathered(composer(recipe, 1), lambda _: rows, teacher=teacher)
    assert len(heard) == (found.taught[:, 0] == 0.25).sum() >= 12
    assert all(len(c) >= recipe.span and np.abs(c).max() <= 1 for c in heard)
