"""folds.py: nobody is in training and test at once, and no file either."""

import numpy as np
import pytest

from tinysense_host.dataset import Dataset, Gap, Recording
from tinysense_host.errors import TinysenseError
from tinysense_host.training.folds import Example, examples_of, folds_of, stacked
from tinysense_host.training.recipe import load_recipe


@pytest.fixture
def recipe(root):
    return load_recipe(root / "models/gesture")


def fill(dataset, id, label, frames, person="", **facts):
    counts = np.arange(frames * 3, dtype=np.int16).reshape(frames, 3)
    known = {"rate_mhz": 25000, "channels": ("x", "y", "z"), "units": "g", "scale": 0.001}
    dataset.add_recording(Recording(id=id, frames=counts, person=person, **(known | facts)))
    dataset.set_label(id, label)


def test_long_background_becomes_windows(tmp_path, recipe):
    dataset = Dataset(tmp_path)
    window = recipe.window
    fill(dataset, "long", "negative", 3 * window + 5)
    fill(dataset, "short", "negative", 2 * window)
    fill(dataset, "gesture", "wing", 3 * window, "ada")
    found = {e.recording: [] for e in examples_of(dataset, recipe)}
    for e in examples_of(dataset, recipe):
        found[e.recording].append(e)
    assert [e.start for e in found["long"]] == [0, window, 2 * window]
    assert all(len(e.frames) == window and len(e.whole) == 3 * window + 5 for e in found["long"])
    assert [len(e.frames) for e in found["short"]] == [2 * window]
    assert [len(e.frames) for e in found["gesture"]] == [3 * window]


def test_frames_come_at_the_model_scale(tmp_path, recipe):
    dataset = Dataset(tmp_path)
    fill(dataset, "a", "wing", 10)
    (example,) = examples_of(dataset, recipe)
    expected = np.rint(np.arange(30) * 0.001 * 32768 / recipe.sensor.full_scale)
    assert example.frames.reshape(-1).tolist() == expected.tolist()


def test_gap_parts_an_example(tmp_path, recipe):
    dataset = Dataset(tmp_path)
    fill(dataset, "a", "wing", 10, gaps=(Gap(4),))
    assert [len(e.frames) for e in examples_of(dataset, recipe)] == [4, 6]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"rate_mhz": 23749}, "23.749 Hz, the recipe wants 25 Hz"),
        ({"rate_mhz": 50000}, "50 Hz, the recipe wants 25 Hz"),
        ({"units": "m/s2"}, "in m/s2, the recipe wants x y z in g"),
        ({"channels": ("x", "z", "y")}, "x z y"),
    ],
)
def test_other_sensors_are_refused(tmp_path, recipe, facts, says):
    dataset = Dataset(tmp_path)
    fill(dataset, "a", "wing", 10, **facts)
    with pytest.raises(TinysenseError, match=says):
        examples_of(dataset, recipe)


def test_a_clock_that_is_a_little_off_fits(tmp_path, recipe):
    dataset = Dataset(tmp_path)
    fill(dataset, "a", "wing", 10, rate_mhz=26250)
    assert len(examples_of(dataset, recipe)) == 1


def test_unknown_label_is_named(tmp_path, recipe):
    dataset = Dataset(tmp_path)
    fill(dataset, "a", "loop", 10)
    with pytest.raises(TinysenseError, match="labelled 'loop'"):
        examples_of(dataset, recipe)


def example(label, person="", recording="r", start=0):
    return Example(np.zeros((5, 3), np.int16), label, person, recording, start)


def crowd(files):
    """Three people with gestures (label 1), and background (label 0) in files of nobody."""
    gestures = [example(1, p, f"g_{p}") for p in ("ada", "bob", "cleo") for _ in range(4)]
    return gestures + [
        example(0, "", name, start) for name, count in files.items() for start in range(count)
    ]


@pytest.mark.parametrize(
    "files",
    [{}, {"a": 1}, {"a": 6}, {"a": 5, "b": 3}, {"a": 2, "b": 2, "c": 2}, dict.fromkeys("abcde", 2)],
)
def test_training_never_saw_what_is_tested(files):
    examples = crowd(files)
    folds = folds_of(examples, [0])
    assert [f.name for f in folds] == ["ada", "bob", "cleo"]
    for fold in folds:
        assert {e.person for e in fold.test} - {""} == {fold.name}
        assert not {e.origin for e in fold.train} & {e.origin for e in fold.test}
    tested = [e for f in folds for e in f.test]
    assert len(tested) == len(examples) and len({id(e) for e in tested}) == len(examples)


def test_background_reaches_every_fold_by_halving():
    folds = folds_of(crowd({"a": 6}), [0])
    sizes = sorted(sum(e.label == 0 for e in f.test) for f in folds)
    assert sizes == [1, 2, 3]
    halves = [[e.start for e in f.test if e.label == 0] for f in folds]
    assert all(h == list(range(h[0], h[0] + len(h))) for h in halves)


def test_own_background_stays_with_its_person():
    examples = [*crowd({"a": 2, "b": 2}), example(0, "bob", "mine")]
    bob = folds_of(examples, [0])[1]
    assert [e.recording for e in bob.test if e.label == 0] == ["mine"]


def test_one_person_is_no_fold():
    with pytest.raises(TinysenseError, match="two people"):
        folds_of([example(1, "ada")], [0])


def test_stacked():
    windows, labels = stacked([example(1), example(0)], 8)
    assert windows.shape == (2, 8, 3) and labels.tolist() == [1, 0]


def test_folds_of_the_real_recordings(shared, tmp_path, recipe):
    from tinysense_host.importers import Facts, import_into

    dataset = Dataset(tmp_path)
    import_into(dataset, [shared / "data/imu_magicwand_tf"], Facts())
    folds = folds_of(examples_of(dataset, recipe), recipe.background)
    assert len(folds) == 10
    assert all(any(e.label == 0 for e in f.test) for f in folds)
    assert sum(e.label != 0 for f in folds for e in f.test) == 223 + 218 + 228
