"""train.py and crossval.py: a tiny recipe, one epoch, from windows to a checked model file."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tinysense_host import verify
from tinysense_host.crossval import cross_validate, fold_table, load_scores, save_scores, summary
from tinysense_host.errors import TinysenseError
from tinysense_host.evaluate import load_windows
from tinysense_host.folds import Example, stacked
from tinysense_host.modelfile import ModelFile
from tinysense_host.recipe import load_recipe
from tinysense_host.simulate import LABELS, Sensor, gesture, person
from tinysense_host.train import _silence, feature_floats, program_of, train

tinysense = pytest.importorskip("tinysense")


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


def test_unknown_fold_is_named(recipe, examples):
    with pytest.raises(TinysenseError, match="no fold named zoe.*there are p0, p1"):
        cross_validate(recipe, examples, only=["zoe"])


def test_no_scores_is_named(tmp_path):
    with pytest.raises(TinysenseError, match="no fold scores"):
        load_scores(tmp_path / "folds.json")


def test_what_tensorflow_says_is_shown_only_with_an_error(capfd):
    with _silence():
        os.write(2, b"greetings\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="no"), _silence():
        os.write(2, b"what is wrong\n")
        raise ValueError("no")
    assert capfd.readouterr().err == "what is wrong\n"
