"""simulate.py: the same seed gives the same people; gestures look like what they are."""

from dataclasses import replace

import numpy as np
import pytest

from tinysense_host.dataset import Dataset
from tinysense_host.errors import TinysenseError
from tinysense_host.simulate import (
    LABELS,
    RATES_HZ,
    Sensor,
    gesture,
    person,
    simulate,
    simulate_into,
)
from tinysense_host.training.recipe import SensorSpec

QUIET = Sensor(noise_g=0.0, bias_g=0.0)


def in_g(frames, sensor=QUIET):
    return frames * (sensor.full_scale_g / 32768)


def test_the_seed_decides_everything():
    first, again = (list(simulate(2, 2, seed=5)) for _ in range(2))
    for (a, x), (b, y) in zip(first, again, strict=True):
        assert a.id == b.id and x == y and np.array_equal(a.frames, b.frames)
    other = next(iter(simulate(2, 2, seed=6)))[0]
    assert not np.array_equal(other.frames[:20], first[0][0].frames[:20])


def test_adding_people_changes_nobody():
    few = {r.id: r.frames for r, _ in simulate(1, 2)}
    many = {r.id: r.frames for r, _ in simulate(3, 3)}
    assert all(np.array_equal(many[id], few[id]) for id in few)


def test_counts_people_and_labels(tmp_path):
    dataset = Dataset(tmp_path)
    assert simulate_into(dataset, people=2, per_label=3) == 2 * (4 * 3 + 1)
    segments = dataset.segments()
    assert {s.person for s in segments} == {"ada", "bob"}
    for label in LABELS:
        own = [s for s in segments if s.label == label and not s.recording.id.endswith("_long")]
        assert len(own) == 6
    assert max(len(s.frames) for s in segments) > 60 * 25


@pytest.mark.parametrize("number", range(6))
def test_a_hand_at_rest_reads_one_g(number):
    frames = in_g(gesture("wing", person(number), QUIET, np.random.default_rng(number)))
    assert np.linalg.norm(frames[:5].mean(axis=0)) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("number", range(6))
def test_slope_ends_lower_than_it_began_and_wing_does_not(number):
    """x reads gravity along the wand: it rises as the wand sinks."""
    who = person(number)
    rise = {}
    for label in ("slope", "wing", "ring"):
        frames = in_g(gesture(label, who, QUIET, np.random.default_rng(number)))
        rise[label] = frames[-5:, 0].mean() - frames[:5, 0].mean()
    assert rise["slope"] > 0.25 > max(abs(rise["wing"]), abs(rise["ring"]))


def test_range_clips_and_rate_counts():
    who, rng = person(5), np.random.default_rng
    wide = gesture("wing", who, Sensor(full_scale_g=16), rng(1))
    narrow = gesture("wing", who, Sensor(full_scale_g=0.5), rng(1))
    assert np.abs(wide).max() < 32767 and narrow.max() == 32767
    fast = gesture("wing", who, Sensor(rate_hz=100), rng(1))
    assert len(fast) == pytest.approx(4 * len(wide), rel=0.15)


IMU = Sensor(rate_hz=200.0, noise_g=0.0, bias_g=0.0, full_scale_dps=2000.0, noise_dps=0.0,
             bias_dps=0.0)  # fmt: skip


@pytest.mark.parametrize("label", LABELS)
@pytest.mark.parametrize("number", range(3))
def test_the_gyroscope_says_how_gravity_turns(label, number):
    """Gravity at the beginning, turned by what the gyroscope read, is gravity at the end."""
    who = person(number)
    frames = gesture(label, who, IMU, np.random.default_rng(number))
    assert frames.shape[1] == 6
    gravity = frames[:20, :3].mean(axis=0) * (4 / 32768)
    rates = np.radians(frames[:, 3:] * (2000 / 32768))
    most = np.abs(rates).max()
    for rate in rates[10:-10]:
        gravity = gravity - np.cross(rate, gravity) / IMU.rate_hz
    if label != "negative":
        assert np.degrees(most) > 50
    ends = frames[-20:, :3].mean(axis=0) * (4 / 32768)
    assert np.abs(gravity - ends).max() < 0.06


def test_a_gyroscope_changes_nothing_of_the_accelerometer():
    with_gyro = list(simulate(1, 2, sensor=Sensor(full_scale_dps=1000.0)))
    for (six, label), (three, same) in zip(with_gyro, simulate(1, 2), strict=True):
        assert label == same and np.array_equal(six.frames[:, :3], three.frames)
        assert six.channels == ("x", "y", "z", "gx", "gy", "gz")
        assert six.units == ("g",) * 3 + ("deg/s",) * 3
        assert six.full_scale == (4.0,) * 3 + (1000.0,) * 3


def test_a_gyroscope_at_rest_reads_noise_and_bias():
    rest = [r for r, _ in simulate(1, 1, sensor=Sensor(full_scale_dps=250.0)) if "ring" in r.id]
    still = rest[0].frames[:5, 3:] * (250 / 32768)
    assert 0.01 < np.abs(still).max() < 5


def test_the_sensor_of_a_recipe():
    spec = SensorSpec("accelerometer", "g", ("x", "y", "z"), 50.0, 8.0)
    assert Sensor.of(spec) == Sensor(50.0, 8.0)
    six = SensorSpec("imu", ("g",) * 3 + ("deg/s",) * 3, ("x", "y", "z", "gx", "gy", "gz"), 50.0,
                     (8.0,) * 3 + (500.0,) * 3)  # fmt: skip
    assert Sensor.of(six) == Sensor(50.0, 8.0, full_scale_dps=500.0)
    for other in (replace(spec, units="m/s2"), replace(spec, channels=("a", "b", "c")),
                  replace(spec, full_scale=(4.0, 4.0, 8.0)), replace(six, units="g"),
                  replace(six, full_scale=(8.0,) * 5 + (500.0,))):  # fmt: skip
        with pytest.raises(TinysenseError, match="the simulator has no sensor of"):
            Sensor.of(other)


@pytest.mark.parametrize(("people", "per_label"), [(0, 1), (1, 0)])
def test_nobody_is_refused(people, per_label):
    with pytest.raises(TinysenseError, match="at least one"):
        next(simulate(people, per_label))


def test_unknown_label_is_named():
    with pytest.raises(TinysenseError, match="draws no 'loop'"):
        gesture("loop", person(0), QUIET, np.random.default_rng(0))


@pytest.mark.parametrize("facts", [{"rate_hz": x} for x in (0, -1, 0.5, 1001, 1e9, np.nan, np.inf)]
                         + [{"full_scale_g": x} for x in (0, -1, 1e4, np.nan, np.inf)]
                         + [{"full_scale_dps": x} for x in (1, -1, 1e5, np.nan)])  # fmt: skip
def test_no_such_sensor(facts):
    with pytest.raises(TinysenseError, match="the simulator's (rate|range) must be"):
        Sensor(**facts)


@pytest.mark.parametrize("rate", RATES_HZ)
def test_the_slowest_and_the_fastest_sensor_make_frames(rate):
    frames = gesture("ring", person(0), Sensor(rate_hz=rate), np.random.default_rng(1))
    assert len(frames) >= rate


def test_a_seed_below_zero_is_refused():
    with pytest.raises(TinysenseError, match="seed must be 0"):
        next(simulate(1, 1, -1))
