"""Features: geometry, axes, scale, and the drivers that are refused."""

import tiny
from expect import frames, numbers, raises
from tinysense.errors import ModelError
from tinysense.features import axis_bytes, hertz, ratio
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
