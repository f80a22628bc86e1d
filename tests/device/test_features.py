"""Features: geometry, axes, scale, and the drivers that are refused."""

import struct

import tiny
from expect import frames, numbers, raises
from tinysense.errors import ModelError
from tinysense.features import Features, Sensor, axis_bytes, hertz, ratio
from tinysense.model import load


class FakeDriver:
    def __init__(self, **changes):
        self.rate_mhz, self.channels, self.units, self.full_scale = 25000, 3, "g", 4
        self.axes = ("x", "y", "z")
        for name, value in changes.items():
            setattr(self, name, value)


def connected(axes="", **changes):
    features = load(tiny.build()).features
    features.connect(FakeDriver(**changes), axes)
    return features


def adapted(features, *values):
    data = frames(*values)
    features.adapt(data, len(values) // 3)
    return numbers(data)


def test_same_sensor_leaves_frames_alone():
    values = (1, -2, 3, 32767, -32768, 0)
    assert adapted(connected(), *values) == list(values)


def test_axes():
    for axes, want in (("x y z", [1, 2, 3]), ("y x z", [2, 1, 3]), ("-x,-y,z", [-1, -2, 3]),
                       ("+z -x y", [3, -1, 2])):
        assert adapted(connected(axes), 1, 2, 3) == want, axes


def test_range_is_scaled_and_saturates():
    wide = connected(full_scale=16)
    assert adapted(wide, 100, -100, 8191, 8192, -8192, -8193) == [400, -400, 32764, 32767, -32768,
                                                                 -32768]
    odd = connected(full_scale=5)
    assert adapted(odd, 1000, -1000, 3) == [1250, -1250, 4]  # 3.75 rounds


def test_ratio_is_exact_where_it_can_be():
    for have, want, expected in ((4, 4, (1, 0)), (16, 4, (4, 0)), (5, 4, (5, 2)), (4.5, 4, (9, 3))):
        assert ratio(have, want) == expected
    mult, shift = ratio(39.2266, 9.80665)
    assert abs(mult / (1 << shift) - 4.0) < 1e-4
    raises(ModelError, "too far", ratio, 1e6, 1)


def test_axis_names_are_checked():
    names = ("x", "y", "z")
    assert axis_bytes("-z y x", names) == bytes((0x82, 1, 0))
    for axes, parts in (("x y", "names 2 axes, expected 3"), ("x y q", "got 'q'"),
                        ("x x z", "twice"), ("x -x z", "twice")):
        raises(ModelError, parts, axis_bytes, axes, names)


def test_other_drivers_are_refused():
    for changes, parts in (
        ({"rate_mhz": 50000}, ("25 Hz", "50 Hz", "set the driver's rate")),
        ({"rate_mhz": 12500}, ("25 Hz", "12.5 Hz")),
        ({"channels": 6}, ("3 channels (x y z)", "has 6")),
        ({"units": "m/s2"}, ("in g", "gives m/s2")),
        ({"full_scale": 2}, ("+-4 g", "+-2", "range")),
    ):
        raises(ModelError, parts, connected_by, changes)


IMU = ("x", "y", "z", "gx", "gy", "gz")


def six_axes(axes="", **changes):
    """Features of a model of six axes, connected to a driver of six."""
    units = ["g"] * 3 + ["deg/s"] * 3
    sensor = Sensor({"units": units, "channels": list(IMU), "rate_mhz": 25000,
                     "full_scale": [4, 4, 4, 500, 500, 500]})
    assert (sensor.units, sensor.full_scale) == (tuple(units), (4, 4, 4, 500, 500, 500))
    features = Features(FEAT_6, sensor)
    settings = {"channels": 6, "units": sensor.units, "axes": IMU, "full_scale": sensor.full_scale}
    settings.update(changes)
    features.connect(FakeDriver(**settings), axes)
    return features


# One window of one frame, raw values: models/FORMAT.md, FEAT.
FEAT_6 = struct.pack("<HHHHII", 6, 1, 1, 1, 6, 12 + 24) + struct.pack("<HHi5i", 16, 7, 0, 0, 1, 0,
                                                                      1 << 30, 0)


def test_six_axes_have_a_scale_each():
    values = (100, -100, 100, -100, 100, -101)
    assert adapted_6(six_axes(), values) == list(values)
    wide = six_axes(full_scale=(8, 8, 8, 500, 500, 750))
    assert adapted_6(wide, values) == [200, -200, 200, -100, 100, -152]
    assert adapted_6(six_axes(full_scale=1000), (1, 1, 1, 1, 1, 1)) == [250, 250, 250, 2, 2, 2]


def test_three_names_turn_accelerometer_and_gyroscope_alike():
    assert adapted_6(six_axes("y -x z"), (1, 2, 3, 4, 5, 6)) == [2, -1, 3, 5, -4, 6]
    assert adapted_6(six_axes("y -x z gz gy -gx"), (1, 2, 3, 4, 5, 6)) == [2, -1, 3, 6, 5, -4]
    wide = six_axes("z x y", full_scale=(8, 4, 4, 500, 500, 1000))
    assert adapted_6(wide, (1, 2, 3, 4, 5, 6)) == [3, 2, 2, 12, 4, 5]  # x keeps its own range


def test_axes_of_other_units_are_refused():
    for axes, changes, parts in (
            ("gx y z x gy gz", {}, ("channel x is in g", "gx in deg/s", "same units")),
            ("", {"units": ("deg/s",) * 3 + ("g",) * 3}, ("channel x is in g", "x in deg/s")),
            ("", {"units": "g"}, ("in g g g deg/s deg/s deg/s", "gives g")),
            ("", {"full_scale": (4, 4, 4, 500, 250, 500)}, ("+-500 deg/s for gy", "+-250")),
            ("gx gy gz", {}, ("out of: x y z", "'gx'")), ("x y", {}, "expected 6")):
        raises(ModelError, parts, six_axes_by, axes, changes)


def six_axes_by(axes, changes):
    return six_axes(axes, **changes)


def test_sensor_of_a_hostile_file():
    good = {"units": "g", "channels": ["x", "y"], "rate_mhz": 25000, "full_scale": 4}
    for changes, parts in (
            ({"units": ["g"]}, ("2 values", "got 1")), ({"full_scale": [4, 4, 4]}, "got 3"),
            ({"units": ["g", 1]}, "as texts"), ({"units": {}}, "as texts"),
            ({"full_scale": [4, "4"]}, "as numbers"), ({"full_scale": [4, True]}, "as numbers"),
            ({"full_scale": [4, 0]}, "above 0"), ({"full_scale": [4, 1e10]}, "above 0"),
            ({"full_scale": []}, "got 0"), ({"units": None}, "as texts")):
        meta = dict(good)
        meta.update(changes)
        raises(ModelError, parts, Sensor, meta)


def adapted_6(features, values):
    data = frames(*values)
    features.adapt(data, 1)
    return numbers(data)


def connected_by(changes):
    return connected(**changes)


def test_rate_tolerance_is_five_percent():
    for rate_mhz, fits in ((23749, False), (23750, True), (26250, True), (26251, False)):
        try:
            connected(rate_mhz=rate_mhz)
            assert fits, rate_mhz
        except ModelError:
            assert not fits, rate_mhz


def test_range_slack_is_that_of_rounded_scales():
    for full_scale, fits in ((3.995, False), (3.9961, True), (4.0001, True)):
        try:
            connected(full_scale=full_scale)
            assert fits, full_scale
        except ModelError:
            assert not fits, full_scale


def test_model_without_sensor_cannot_be_connected():
    features = load(tiny.build(tiny.meta(sensor=None))).features
    raises(ModelError, "does not say which sensor", features.connect, FakeDriver())


def test_values_are_what_training_sees():
    features = load(tiny.build()).features
    out = bytearray(4 * 12)
    features.values(tiny.window(1000, -2, 3), out)
    assert int.from_bytes(out[:4], "little") == 1000
    raises(ModelError, "4 frames x 3 channels", features.values, bytearray(2), out)


def test_hertz():
    for rate_mhz, text in ((25000, "25"), (12500, "12.5"), (3907, "3.907"), (1, "0.001")):
        assert hertz(rate_mhz) == text
