"""train.py and crossval.py: a tiny recipe, one epoch, from windows to a checked model file."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tinysense_host import verify
from tinysense_host.errors import TinysenseError
from tinysense_host.evaluate import load_windows
from tinysense_host.modelfile import ModelFile
from tinysense_host.simulate import LABELS, Sensor, gesture, person
from tinysense_host.training.crossval import (
    cross_validate,
    fold_table,
    load_scores,
    save_scores,
    summary,
)
from tinysense_host.training.folds import Example, stacked
from tinysense_host.training.recipe import SensorSpec, load_recipe
from tinysense_host.training.train import feature_floats, program_of, silence, train

tinysense = pytest.importorskip("tinysense")
from tinysense.drivers.replay import Feed  # noqa: E402


@pytest.fixture(scope="module")
def recipe(root):
    full = load_recipe(root / "models/gesture")
    return replace(
        full,
        network=replace(full.network, convolutions=((4, 5, 4), (6, 3, 4)), pool=1),
        training=replace(full.training, epochs=1, repeat=1, golden=2, calibration=10),
    )


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(1)
    return [
        Example(gesture(label, person(who), Sensor(), rng), code, f"p{who}", f"{label}{who}")
        for who in range(2)
        for code, label in enumerate(LABELS)
        for _ in range(4)
    ]


def test_network_sees_what_the_core_computes(recipe, examples):
    windows, _ = stacked(examples, recipe.window)
    floats = feature_floats(program_of(recipe), windows)
    wanted = windows.reshape(len(windows), -1) * (recipe.sensor.full_scale / 32768)
    assert np.allclose(floats, wanted, rtol=0, atol=1e-6)


def test_every_label_needs_examples(recipe, examples):
    with pytest.raises(TinysenseError, match="no examples of ring"):
        train(recipe, [e for e in examples if e.label != 1])


@pytest.fixture(scope="module")
def trained(recipe, examples):
    pytest.importorskip("tensorflow", reason="training needs pip install 'tinysense[train]'")
    heard = []
    made = train(
        recipe, examples, progress=lambda *now: heard.append(now), choose_threshold=lambda tsm: 230
    )
    return made, heard


def test_model_file_holds_everything(trained, recipe):
    made, heard = trained
    model = tinysense.load(made.tsm)
    assert tuple(model.labels) == recipe.labels
    assert (model.window, model.hop) == (recipe.window, recipe.hop)
    assert model.sensor.rate_mhz == recipe.sensor.rate_mhz
    assert model.sensor.full_scale == recipe.sensor.full_scale
    assert model.decision["threshold"] == [256, 230, 230, 230] and made.threshold == 230
    assert heard and heard[-1][0] == heard[-1][1]


def test_golden_vectors_hold_on_the_core(trained):
    assert tinysense.load(trained[0].tsm).selftest(quiet=True) == (2, 2)


def test_same_seed_same_bytes(trained, recipe, examples):
    without = replace(recipe, training=replace(recipe.training, golden=0))
    again = train(without, examples)
    assert again.tflite == trained[0].tflite
    assert ModelFile.read(again.tsm).gold is None


def test_folds_keep_what_a_board_needs_for_a_proof(recipe, examples, tmp_path):
    pytest.importorskip("tensorflow", reason="training needs pip install 'tinysense[train]'")
    heard = []
    quick = replace(recipe, training=replace(recipe.training, golden=0))
    scores = cross_validate(quick, examples, out=tmp_path, only=["p1"], done=heard.append)
    assert [s.name for s in scores] == ["p1"] and heard == scores
    assert scores[0].total == sum(e.person == "p1" for e in examples)
    windows, labels = load_windows(tmp_path / "fold_p1.windows.npz")
    assert len(windows) == scores[0].total
    opened = verify.open_model(tmp_path / "fold_p1.tsm", tmp_path / "fold_p1.tflite")
    case = verify.windows_case(opened, windows)
    assert verify.compare(case, verify.HostRunner(opened.blob), opened.model.outputs).ok
    count = len(opened.model.labels)
    given = np.array([list(np.frombuffer(x, np.int8)[-count:]) for x in case.expected])
    assert (given.argmax(axis=1) == labels).sum() == scores[0].right
    save_scores(tmp_path / "folds.json", scores)
    (loaded,) = load_scores(tmp_path / "folds.json")
    assert np.array_equal(loaded.confusion, scores[0].confusion)
    assert fold_table([loaded]) == fold_table(scores)
    assert summary([loaded, loaded]).total == 2 * loaded.total


SIX = SensorSpec("imu", ("g",) * 3 + ("deg/s",) * 3, ("x", "y", "z", "gx", "gy", "gz"), 25.0,
                 (4.0,) * 3 + (1000.0,) * 3)  # fmt: skip


def test_six_axes_from_examples_to_events(recipe):
    """A model of accelerometer and gyroscope, and a driver of six channels in front of it."""
    pytest.importorskip("tensorflow", reason="training needs pip install 'tinysense[train]'")
    rng = np.random.default_rng(1)
    sensor = Sensor.of(SIX)
    examples = [
        Example(gesture(label, person(who), sensor, rng), code, f"p{who}", f"{label}{who}")
        for who in range(2)
        for code, label in enumerate(LABELS)
        for _ in range(4)
    ]
    six = replace(recipe, sensor=SIX)
    windows, _ = stacked(examples, six.window)
    floats = feature_floats(program_of(six), windows)
    assert np.allclose(floats, windows.reshape(len(windows), -1) * (4 / 32768), atol=1e-6)
    model = tinysense.load(train(six, examples).tsm)
    assert (model.sensor.units, model.sensor.full_scale) == (SIX.units, SIX.full_scale)
    assert model.selftest(quiet=True) == (2, 2)
    driver = Feed(25000, 6, SIX.units, (8,) * 3 + (2000,) * 3)
    driver.axes = SIX.channels
    pipeline = tinysense.Pipeline(driver, model, [], {"axes": "y -x z"})
    driver.feed(windows[0].tobytes()[: 12 * 200])
    driver.end()
    while not driver.done:
        pipeline.step()
    wanted = 2 * windows[0][:, [1, 0, 2, 4, 3, 5]].astype(int) * [1, -1, 1, 1, -1, 1]
    seen = np.frombuffer(windows[0].tobytes(), np.int16).reshape(-1, 6).copy()
    model.features.adapt(seen, len(seen))
    assert np.array_equal(seen, np.clip(wanted, -32768, 32767))
    with pytest.raises(ValueError, match="model wants frames in g g g deg/s deg/s deg/s"):
        tinysense.Pipeline(Feed(25000, 6, "g", 8), model, [])


def test_unknown_fold_is_named(recipe, examples):
    with pytest.raises(TinysenseError, match="no fold named zoe.*there are p0, p1"):
        cross_validate(recipe, examples, only=["zoe"])


def test_no_scores_is_named(tmp_path):
    with pytest.raises(TinysenseError, match="no fold scores"):
        load_scores(tmp_path / "folds.json")


def test_what_tensorflow_says_is_shown_only_with_an_error(capfd):
    with silence():
        os.write(2, b"greetings\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="no"), silence():
        os.write(2, b"what is wrong\n")
        raise ValueError("no")
    assert capfd.readouterr().err == "what is wrong\n"
