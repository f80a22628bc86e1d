"""speech/course.py and what it uses: tones instead of words, all the way to a streaming .tsm."""

from dataclasses import replace

import numpy as np
import pytest
from tone_clips import RECIPE, write_tones

from tinysense_host.errors import TinysenseError
from tinysense_host.hostcore import FeatureStream, HostModel, run_features
from tinysense_host.modelfile import ModelFile
from tinysense_host.speech.clips import part_of
from tinysense_host.speech.composing import Examples
from tinysense_host.speech.course import Course
from tinysense_host.speech.fitting import GAIN, OFFSET, Batches, fit, scaled
from tinysense_host.speech.training import front_end
from tinysense_host.training.recipe import load_any_recipe

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("tones")
    (made / "recipe.toml").write_text(RECIPE)
    write_tones(made / "clips")
    return made


@pytest.fixture(scope="module")
def recipe(folder):
    return load_any_recipe(folder)


@pytest.fixture(scope="module")
def course(folder, recipe):
    return Course(recipe, folder / "clips", folder / "built")


@pytest.fixture(scope="module")
def trained(course):
    return course.train()


def test_a_recipe_learns_tones_of_unheard_voices(course, trained):
    score = course.tested(trained)
    assert score.total == 16 and score.accuracy >= 0.9
    assert score.confusion.sum(axis=1).tolist() == [4, 4, 4, 4]


def test_the_file_says_what_it_hears(trained):
    model = ModelFile.read(trained.tsm)
    assert model.meta["sensor"]["kind"] == "microphone" and model.meta["sensor"]["units"] == "pcm"
    assert model.meta["decision"]["threshold"] == [256, 256, 160, 160]
    assert model.meta["warmup"] == 12 and model.inputs[0].shape[-3:] == (2, 40, 1)


def test_golden_vectors_hold(trained):
    """Of raw sound, from a reset on: rows by the core's front end, outputs by the model."""
    file = ModelFile.read(trained.tsm)
    model, gold = HostModel(trained.tsm), file.gold
    assert len(gold) == 3
    windows = np.frombuffer(gold.windows.tobytes(), "<i2").reshape(3, -1, 1)
    assert np.array_equal(run_features(file.feat, windows).view(np.uint8), gold.inputs)
    model.reset()
    for given, expected in zip(gold.inputs, gold.outputs, strict=True):
        assert model.run([given.tobytes()])[0] == expected.tobytes()


def test_nobody_tested_is_trained_on(course, recipe):
    tested = {c.speaker for c in course.clips_of(recipe.training.tested)}
    others = {c.speaker for p in (1, 2) for c in course.clips_of(p)}
    assert tested and others and not tested & others
    assert {part_of(s, 3) for s in tested} == {0}


def test_training_repeats(course, recipe):
    short = replace(recipe, training=replace(recipe.training, steps=4))
    first, same = (fit(short, course.examples(0), 1)[0].get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))


def test_a_label_without_clips_is_named(tmp_path, recipe):
    clips = write_tones(tmp_path / "clips")
    for file in (clips / "high").iterdir():
        file.rename(clips / "low" / f"x{file.name}")
    with pytest.raises(TinysenseError, match="no clips of high to train on"):
        Course(recipe, clips, tmp_path)


def test_a_recipe_without_clips(tmp_path, recipe):
    with pytest.raises(TinysenseError, match="names no clips.*--data"):
        Course(recipe, None, tmp_path)


def test_features_are_in_the_network_s_units(recipe):
    program = front_end(recipe)
    sound = np.random.default_rng(0).normal(0, 1000, 16000).astype(np.int16)
    values = FeatureStream(program.to_bytes()).values(sound)
    assert np.allclose(program.floats(values), scaled(values))
    assert OFFSET * GAIN == 2.0


def test_batches_keep_to_shares_and_sum_to_one(recipe):
    labels = np.array([0] * 50 + [1] * 100 + [2] * 5 + [3] * 5)
    rows = np.zeros((160, 35, 40), np.int16)
    examples = Examples(rows, labels, np.eye(4, dtype=np.float32)[labels], 10)
    batches = Batches(recipe, examples, 1)
    x, y = batches.batch(2000)
    assert x.shape == (2000, 25, 40) and y.shape == (2000, 2, 4)
    assert np.allclose(y.sum(axis=2), 1, atol=1e-5)
    assert np.allclose(y[:, 1].mean(axis=0), np.array([0.5, 1, 1, 1]) / 3.5, atol=0.04)
