"""augment.py: training windows stray, but keep physics, shapes and labels."""

from dataclasses import replace

import numpy as np
import pytest

from tinysense_host.simulate import LABELS, Sensor, gesture, person
from tinysense_host.training.augment import Augmenter, Inventor, _backward_in_time
from tinysense_host.training.folds import Example
from tinysense_host.training.recipe import Augmentation, SensorSpec, load_recipe

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
    inventor = Inventor(gestures, [0, 1], 128, np.random.default_rng(1), 25.0)
    for kind in inventor._kinds:
        for _ in range(30):
            made = kind()
            assert made.ndim == 2 and made.shape[1] == 3 and len(made) >= 2
            assert np.isfinite(made).all()


def test_backward_takes_only_one_way_gestures():
    gestures = [[np.arange(9.0).reshape(3, 3)], [np.zeros((3, 3))]]
    made = Inventor(gestures, [0], 128, np.random.default_rng(1), 25.0)._backward()
    assert np.array_equal(made, gestures[0][0][::-1])


IMU = SensorSpec("imu", ("g",) * 3 + ("deg/s",) * 3, ("x", "y", "z", "gx", "gy", "gz"), 25.0,
                 (4.0,) * 3 + (1000.0,) * 3)  # fmt: skip


@pytest.fixture(scope="module")
def six_axes(recipe):
    rng = np.random.default_rng(1)
    sensor = Sensor(full_scale_dps=1000.0, noise_g=0.0, noise_dps=0.0, bias_g=0.0, bias_dps=0.0)
    made = [
        Example(gesture(label, person(number), sensor, rng), code, f"p{number}", f"{label}{number}")
        for number in range(2)
        for code, label in enumerate(LABELS)
        for _ in range(3)
    ]
    return replace(recipe, sensor=IMU), made


def turned_gravity(windows, start):
    """How far gravity at the end is from gravity at ``start`` turned by the gyroscope, in g."""
    forces = windows[:, :, :3] * (4 / 32768)
    rates = np.radians(windows[:, :, 3:] * (1000 / 32768))
    gravity = forces[:, start]
    for i in range(start, windows.shape[1]):
        gravity = gravity - np.cross(rates[:, i], gravity) / 25
    return np.abs(gravity - forces[:, -1]).max(axis=1)


@pytest.mark.parametrize("varied", [{}, {"rotate_x": 40.0, "rotate_z": 40.0}, {"half_turn": 1.0}])
def test_six_axes_stay_one_movement(six_axes, varied):
    """Turned together: what the gyroscope reads still turns gravity from first to last."""
    recipe, examples = six_axes
    gestures = [e for e in examples if e.label]
    spec = replace(STILL, bias_dps=0.0, noise_dps=0.0, **varied)
    windows = Augmenter(replace(recipe, augmentation=spec), gestures, 1).varied(gestures)
    assert np.abs(windows[:, :, 3:]).max() > 2000
    assert np.median(turned_gravity(windows, 0)) < 0.12  # at 25 Hz


def test_a_faster_movement_turns_faster(six_axes):
    recipe, examples = six_axes
    still = replace(recipe, augmentation=replace(STILL, bias_dps=0.0, noise_dps=0.0))
    maker = Augmenter(still, examples, 1)
    x = maker._floats(next(e for e in examples if e.label == 1).frames)
    slow, fast = maker._placed(x), replace(still, augmentation=replace(STILL, warp=0.7))
    other = Augmenter(fast, examples, 3)._placed(x)
    ways = [np.abs(w[:, 3:]).sum(axis=0) for w in (slow, other)]
    assert ways[1] == pytest.approx(ways[0], rel=0.1)  # as far, at whatever speed
    assert np.abs(other[:, 3:]).max() != pytest.approx(np.abs(slow[:, 3:]).max(), rel=0.05)


def test_every_invention_of_six_axes(six_axes):
    _, examples = six_axes
    unit = np.repeat([8192.0, 32.768], 3)
    gestures = [[e.frames / unit for e in examples if e.label == i] for i in (1, 2, 3)]
    inventor = Inventor(gestures, [0, 1], 128, np.random.default_rng(1), 25.0)
    for kind in inventor._kinds:
        turning = []
        for _ in range(30):
            made = kind()
            assert made.shape[1] == 6 and len(made) >= 2 and np.isfinite(made).all()
            turning.append(np.abs(made[:, 3:]).max())
        assert 1 < np.median(turning) < 3000, kind


def test_backward_in_time_undoes_turns(six_axes):
    _, examples = six_axes
    x = next(e for e in examples if e.label == 2).frames
    windows = np.stack([x, _backward_in_time(x)]).astype(np.float64)
    assert turned_gravity(windows, 0).max() < 0.12


def test_a_tilt_is_read_by_both_sensors():
    gestures = [[np.concatenate([np.tile([0, 0, 1.0], (20, 1)), np.ones((20, 3))], axis=1)]]
    inventor = Inventor(gestures, [], 64, np.random.default_rng(1), 25.0)
    angles = np.linspace(0, np.pi / 3, 50)
    poses = np.stack([np.sin(angles), 0 * angles, np.cos(angles)], axis=1)
    held = inventor._held(poses)
    rates = held[1:-1, 3:]
    assert np.abs(rates[:, [0, 2]]).max() < 0.1
    assert rates[:, 1] == pytest.approx(-60 / 49 * 25, rel=0.03)


def test_cut_short_gestures_are_background(recipe, examples):
    spec = replace(STILL, background=1.0, cut_short=1.0)
    windows, labels = Augmenter(replace(recipe, augmentation=spec), examples, 1).batch(20)
    assert (labels == 0).all()
    moving = np.abs(np.diff(windows.astype(int), axis=1)).max(axis=2) > 0
    assert not moving[:, : recipe.window // 4].any()
