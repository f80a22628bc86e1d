"""speech/clips.py: labels by folder, speakers in one part only, bad files named."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from tone_clips import RATE, RECIPE, write_tones

from tinysense_host.errors import TinysenseError
from tinysense_host.speech.clips import part_of, read_clips, speaker_of
from tinysense_host.training.recipe import load_any_recipe


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return load_any_recipe(tmp_path)


@pytest.mark.parametrize(
    "stem, speaker",
    [
        ("0a7c2a8d_nohash_3", "0a7c2a8d"),
        ("backward_0cb74144_nohash_2", "0cb74144"),
        ("en-us_f3_nohash_12", "en-us_f3"),
        ("0cb7414_nohash_2", "0cb7414"),
        ("1849", "1849"),
    ],
)
def test_who_speaks(stem, speaker):
    assert speaker_of(stem) == speaker


def test_a_speaker_is_in_one_part_only(tmp_path, recipe):
    clips = read_clips([write_tones(tmp_path / "clips")], recipe).clips
    parts = {}
    for clip in clips:
        parts.setdefault(clip.speaker, set()).add(part_of(clip.speaker, 3))
    assert len(parts) == 9 and all(len(p) == 1 for p in parts.values())
    assert len({next(iter(p)) for p in parts.values()}) == 3


def test_parts_of_many_speakers_are_about_equal_and_stay():
    counts = np.bincount([part_of(f"{i:08x}", 5) for i in range(5000)], minlength=5)
    assert counts.min() > 900
    assert [part_of(name, 10) for name in ("0cb74144", "1849", "en-us_f3")] == [0, 3, 2]


def test_labels_come_from_folders(tmp_path, recipe):
    folder = write_tones(tmp_path / "clips")
    (folder / "_background_noise_").mkdir()
    soundfile.write(folder / "_background_noise_" / "tap.wav", np.ones(5 * RATE // 2, np.int16), RATE)
    found = read_clips([folder], recipe)
    labels = {c.word: c.label for c in found.clips}
    assert labels == {"low": 2, "high": 3, "sweep": 1, "_silence_": 0}
    assert [len(n) for n in found.noises] == [5 * RATE // 2]
    quiet = [c for c in found.clips if c.speaker == "tap"]
    assert [(len(c.samples), c.label) for c in quiet] == [(RATE, 0)] * 2
    assert found.clips[0].samples.dtype == np.int16


def test_no_more_than_the_recipe_wants(tmp_path, recipe):
    folder = write_tones(tmp_path / "clips")
    few = replace(recipe, source=replace(recipe.source, most=5, most_rest=3))
    words = [c.word for c in read_clips([folder], few).clips]
    assert {w: words.count(w) for w in set(words)} == {
        "low": 5, "high": 5, "_silence_": 5, "sweep": 3,
    }  # fmt: skip


def test_a_folder_of_nothing(tmp_path, recipe):
    with pytest.raises(TinysenseError, match="no folder of clips at .*nowhere"):
        read_clips([tmp_path / "nowhere"], recipe)
    (tmp_path / "empty" / "low").mkdir(parents=True)
    with pytest.raises(TinysenseError, match="empty holds no clips"):
        read_clips([tmp_path / "empty"], recipe)


def test_a_file_that_is_no_sound(tmp_path, recipe):
    folder = write_tones(tmp_path / "clips", speakers=1)
    bad = folder / "low" / "voice0_nohash_9.wav"
    bad.write_bytes(b"RIFF and nothing more")
    with pytest.raises(TinysenseError, match="voice0_nohash_9.wav"):
        read_clips([folder], recipe)
