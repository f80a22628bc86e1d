"""augment.py: training windows stray, but keep physics, shapes and labels."""

from dataclasses import replace

import numpy as np
import pytest

from tinysense_host.augment import Augmenter, Inventor
from tinysense_host.folds import Example
from tinysense_host.recipe import Augmentation, load_recipe
from tinysense_host.simulate import LABELS, Sensor, gesture, person

STILL = Augmentation(
    rotate_x=0, rotate_y=0, rotate_z=0, half_turn=0, warp=0, bend=0, gain=0, axis_gain=0, shift=0,
    bias_g=0, noise_g=0, clip_g=100, background=0.5, invented=0, cut_short=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def recipe(root):
    return load_recipe(root / "models/gesture")


@pytest.fixture(scope="module")
def examples():
    rng = np.random.default_rng(1)
    made = []
    for number in range(2):
        for code, label in enumerate(LABELS):
            for _ in range(3):
                frames = gesture(label, person(number), Sensor(), rng)
                made.append(Example(frames, code, f"p{number}", f"{label}{number}"))
    return made


def test_the_seed_decides_everything(recipe, examples):
    batches = [Augmenter(recipe, examples, seed).batch(32) for seed in (3, 3, 4)]
    assert np.array_equal(batches[0][0], batches[1][0])
    assert np.array_equal(batches[0][1], batches[1][1])
    assert not np.array_equal(batches[0][0], batches[2][0])


def test_shapes_and_labels(recipe, examples):
    windows, labels = Augmenter(recipe, examples, 1).batch(400)
    assert windows.shape == (400, recipe.window, 3) and windows.dtype == np.int16
    share = (labels == 0).mean()
    assert share == pytest.approx(recipe.augmentation.background, abs=0.08)
    assert set(labels) == {0, 1, 2, 3}


def test_range_of_the_recordings_is_kept(recipe, examples):
    windows, _ = Augmenter(recipe, examples, 1).batch(400)
    limit = recipe.augmentation.clip_g * 32768 / recipe.sensor.full_scale
    assert np.abs(windows).max() <= np.ceil(limit)


def test_without_variation_the_recording_comes_back(recipe, examples):
    still = replace(recipe, augmentation=STILL)
    ring = next(e for e in examples if e.label == 1)
    (window,) = Augmenter(still, [ring], 1).varied([ring])
    start = (recipe.window - len(ring.frames)) // 2
    middle = window[start : start + len(ring.frames)].astype(int)
    step = np.abs(np.diff(ring.frames.astype(int), axis=0)).max()
    assert np.abs(middle - ring.frames).max() <= step
    assert np.abs(window[0].astype(int) - ring.frames[0]).max() <= 1


@pytest.mark.parametrize("axis", ["rotate_x", "rotate_y", "rotate_z"])
def test_rotation_keeps_lengths(recipe, examples, axis):
    turned = replace(recipe, augmentation=replace(STILL, **{axis: 40.0}))
    before = Augmenter(replace(recipe, augmentation=STILL), examples, 1).varied(examples)
    after = Augmenter(turned, examples, 1).varied(examples)
    lengths = [np.linalg.norm(w.astype(float), axis=2) for w in (before, after)]
    assert np.abs(lengths[0] - lengths[1]).max() < 3
    fixed = "xyz".index(axis[-1])
    moved = np.abs(after.astype(int) - before).max(axis=(0, 1))
    assert moved[fixed] <= 1 and all(m > 50 for i, m in enumerate(moved) if i != fixed)


def test_half_turn_is_another_grip(recipe, examples):
    turned = replace(recipe, augmentation=replace(STILL, half_turn=1.0))
    before = Augmenter(replace(recipe, augmentation=STILL), examples, 1).varied(examples)
    after = Augmenter(turned, examples, 1).varied(examples)
    assert np.abs(after + before * np.array([1, 1, -1])).max() <= 1


def test_every_invention_is_finite_and_of_three_axes(examples):
    gestures = [[e.frames / 8192 for e in examples if e.label == i] for i in (1, 2, 3)]
    inventor = Inventor(gestures, [0, 1], 128, np.random.default_rng(1))
    for kind in inventor._kinds:
        for _ in range(30):
            made = kind()
            assert made.ndim == 2 and made.shape[1] == 3 and len(made) >= 2
            assert np.isfinite(made).all()


def test_backward_takes_only_one_way_gestures():
    gestures = [[np.arange(9.0).reshape(3, 3)], [np.zeros((3, 3))]]
    made = Inventor(gestures, [0], 128, np.random.default_rng(1))._backward()
    assert np.array_equal(made, gestures[0][0][::-1])


def test_cut_short_gestures_are_background(recipe, examples):
    spec = replace(STILL, background=1.0, cut_short=1.0)
    windows, labels = Augmenter(replace(recipe, augmentation=spec), examples, 1).batch(20)
    assert (labels == 0).all()
    moving = np.abs(np.diff(windows.astype(int), axis=1)).max(axis=2) > 0
    assert not moving[:, : recipe.window // 4].any()
