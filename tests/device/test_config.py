"""The config: defaults, what is refused and how, files."""

import json
import os

from expect import exists, path, raises, write
from tinysense import config, config_sync
from tinysense.errors import ConfigError


def test_defaults_are_valid():
    assert config.validate({}) == config.defaults()
    assert config.defaults()["driver"] == "mpu6050"


def test_defaults_are_new_every_time():
    config.defaults()["outputs"].append("led")
    assert config.defaults()["outputs"] == ["serial"]


def test_unknown_keys_and_the_nearest():
    for key, parts in (("drivr", "did you mean 'driver'?"), ("modle", "did you mean 'model'?"),
                       ("axis", "did you mean 'axes'?"), ("Output", "did you mean 'outputs'?"),
                       ("zzzzzz", "expected one of model driver")):
        raises(ConfigError, ("unknown key '%s'" % key, parts), config.validate, {key: 1})


def test_wrong_types():
    for key, value, kind in (("model", 3, "text"), ("driver_options", [], "object"),
                             ("outputs", "led", "list"), ("smooth", "3", "whole number"),
                             ("smooth", 1.5, "whole number"), ("smooth", True, "whole number"),
                             ("threshold", None, "object")):
        raises(ConfigError, (key, "expected " + kind, "got " + repr(value)), config.validate,
               {key: value})
    raises(ConfigError, "expected an object", config.validate, [1])


def test_ranges():
    for key, value, good in (("smooth", -2, False), ("smooth", -1, True), ("smooth", 255, True),
                             ("smooth", 256, False), ("refractory_ms", 3600000, True),
                             ("refractory_ms", 3600001, False)):
        if good:
            assert config.validate({key: value})[key] == value
        else:
            raises(ConfigError, (key, "expected -1 to", "got %d" % value), config.validate,
                   {key: value})
    for value, good in ((-1, False), (0, True), (256, True), (257, False)):
        if good:
            config.validate({"threshold": {"ring": value}})
        else:
            raises(ConfigError, ("threshold.ring", "0 to 256"), config.validate,
                   {"threshold": {"ring": value}})


def test_pins_are_numbers_or_names():
    rows = (("pin", (int, str), None, (0, 255), "pin"),)
    for value in (0, 255, "LED", "PB8"):
        assert config.check(rows, {"pin": value}, "led") == {"pin": value}
    raises(ConfigError, "expected 0 to 255", config.check, rows, {"pin": 256}, "led")
    for value in (True, 1.5, [1]):
        raises(ConfigError, "expected pin number or name", config.check, rows, {"pin": value},
               "led")


def test_outputs_are_names_or_objects():
    config.validate({"outputs": ["serial", {"kind": "led", "pin": 2}]})
    raises(ConfigError, ("outputs[1]", "got 3"), config.validate, {"outputs": ["led", 3]})
    raises(ConfigError, "outputs[0]", config.validate, {"outputs": [{"pin": 3}]})


def test_file_is_written_whole():
    full = path("c.json")
    config.save({"model": "ring.tsm", "threshold": {"ring": 200}}, full)
    assert config.load(full)["threshold"] == {"ring": 200}
    raises(ConfigError, "smooth", config.save, {"smooth": 999}, full)
    assert config.load(full)["model"] == "ring.tsm"
    config.save({"model": "wing.tsm"}, full)
    assert config.load(full)["model"] == "wing.tsm"
    assert not exists(full + ".part")


def test_missing_file_gives_defaults():
    assert config.load(path("none.json")) == config.defaults()


def test_damaged_files():
    full = path("bad.json")
    for text in (b"", b"{", b"nonsense", b'{"threshold": {"ring": 3}', b"[1, 2]", b"3"):
        write(full, text)
        raises(ConfigError, (), config.load, full)


def test_required_options():
    rows = (("pin", int, None, (0, 9), "pin number"), ("mode", str, "a", ("a", "b"), ""))
    raises(ConfigError, ("led: pin is missing", "pin number"), config.check, rows, {}, "led")
    raises(ConfigError, ("mode", "one of a b", "'c'"), config.check, rows,
           {"pin": 1, "mode": "c"}, "led")
    assert config.check(rows, {"pin": 1}, "led") == {"pin": 1, "mode": "a"}


def test_options_of_driver_and_outputs():
    config.check_options({})
    config.check_options({"driver_options": {"range_g": 4}, "outputs": [
        "serial", {"kind": "led", "pin": 2}, {"kind": "servo", "pin": 3, "angles": {"a": 180}}]})
    for bad, said in (
            ({"driver": "mpu605"}, "drivers: no 'mpu605' here"),
            ({"driver_options": {"range": 4}}, "unknown key 'range'"),
            ({"driver_options": {"range_g": -1}}, "range_g: expected 0 to 16"),
            ({"driver": "replay"}, "path is missing"),
            ({"driver": "replay", "driver_options": {"path": "a/../../b"}}, "without .."),
            ({"outputs": ["lamp"]}, "outputs: no 'lamp' here"),
            ({"outputs": [{"kind": "servo", "pin": 3, "angles": {"a": 181}}]},
             "angles.a: expected 0 to 180"),
            ({"outputs": [{"kind": "servo", "pin": 3, "angles": {"a": "left"}}]},
             "angles.a: expected whole number")):
        raises(ConfigError, said, config.check_options, bad)
        raises(ConfigError, said, config.save, bad, path("never.json"))
    assert not exists(path("never.json"))


def test_paths_stay_in_the_boards_folder():
    for good in ("m.tsm", "/sd/m.tsm", "..m", "a..b/c"):
        assert config.path_fault(good) == ""
        assert config.validate({"model": good})["model"] == good
    for bad, said in (("", "got nothing"), ("..", "without .."), ("../x", "without .."),
                      ("/a/../b", "without .."), ("a\0b", "without NUL")):
        assert said in config.path_fault(bad)
        if bad:
            raises(ConfigError, ("model", said), config.validate, {"model": bad})
    raises(ConfigError, ("path", "got nothing"), config.check_options,
           {"driver": "replay", "driver_options": {"path": ""}})
    assert config.validate({"model": ""})["model"] == ""


def test_plugins_by_name():
    assert config.plugin("drivers", "replay").OPTIONS
    for name in ("mpu605", "clock", "../os", "Led", "", 3):
        raises(ConfigError, "drivers", config.plugin, "drivers", name)


def test_rows_are_well_formed():
    tables = [config.ROWS]
    tables += [config.plugin("drivers", name).OPTIONS for name in ("mpu6050", "replay")]
    tables += [config.plugin("outputs", name).OPTIONS
               for name in ("serial", "led", "servo", "buzzer", "sound", "neopixel", "ssd1306",
                            "ble", "mqtt", "uart", "can")]
    for rows in tables:
        assert len(set(row[0] for row in rows)) == len(rows)
        for name, kind, default, limits, doc in rows:
            assert isinstance(name, str) and doc
            kinds = kind if isinstance(kind, tuple) else (kind,)
            assert default is None or type(default) in kinds, name
            if limits and type(default) is int:
                assert limits[0] <= default <= limits[1], name


def test_distance():
    for a, b, edits in (("", "", 0), ("a", "", 1), ("driver", "drivr", 1), ("ab", "ba", 2),
                        ("model", "modle", 2), ("axes", "axis", 1)):
        assert config.distance(a, b) == config.distance(b, a) == edits


LATER = {"version": 2, "smooth": 3, "zoom": 7, "driver_options": {"scl": 5, "tilt": 1},
         "outputs": ["serial", {"kind": "led", "pin": 2, "hue": 9}],
         "recorder": {"note": "x", "moon": 1, "display": {"address": 61, "shade": 2}}}
UNKNOWN = ["driver_options.tilt", "outputs[1].hue", "recorder.display.shade", "recorder.moon",
           "zoom"]


def test_keys_of_a_later_version_are_passed_over():
    passed = []
    config_sync.understood(LATER, passed)
    assert sorted(passed) == UNKNOWN
    config.check_options(LATER)
    known = config.validate(LATER)
    assert known["driver_options"] == {"scl": 5} and "zoom" not in known
    assert known["outputs"][1] == {"kind": "led", "pin": 2}
    for version in (1, 1.0, None):
        bad = dict(LATER, version=version)
        if version is None:
            del bad["version"]
        raises(ConfigError, "unknown key 'zoom'", config.check_options, bad)
    for key, value in (("smooth", "3"), ("driver", "mpu605"), ("driver_options", [])):
        raises(ConfigError, (), config.check_options, dict(LATER, **{key: value}))
    for version in (0, True, "2", 1.5, 1 << 25):
        raises(ConfigError, (), config.check_options, {"version": version})


def test_keys_of_a_later_version_stay_in_the_file():
    full = path("later.json")
    write(full, json.dumps(LATER).encode())
    loaded = config.load(full)
    loaded["smooth"] = 9
    loaded["driver_options"]["sda"] = 4
    config.save(loaded, full)
    with open(full) as f:
        kept = json.loads(f.read())
    assert kept["smooth"] == 9 and kept["zoom"] == 7
    assert kept["driver_options"] == {"scl": 5, "tilt": 1, "sda": 4}
    assert kept["outputs"] == LATER["outputs"] and kept["recorder"]["moon"] == 1
    loaded["outputs"] = ["serial"]
    config.save(loaded, full)
    with open(full) as f:
        assert json.loads(f.read())["outputs"] == ["serial"]
    write(full, b"{")
    config.save(dict(loaded), full)
    assert config.load(full)["smooth"] == 9


def test_options_of_the_recorder():
    config.check_options({"recorder": {"note": "x", "sd": {"spi": 0}, "display": {}}})
    for bad, said in (({"noet": "x"}, "recorder: unknown key 'noet': did you mean 'note'"),
                      ({"segment_kb": 1}, "segment_kb: expected 4 to 65536"),
                      ({"sd": {"sp": 0}}, "recorder: sd: unknown key 'sp'"),
                      ({"display": {"height": 8}}, "recorder: display: height")):
        raises(ConfigError, said, config.check_options, {"recorder": bad})


def test_whole_numbers_written_with_a_point():
    out = config.validate({"smooth": 3.0, "threshold": {"ring": 200.0}})
    assert out["smooth"] == 3 and isinstance(out["smooth"], int)
    assert isinstance(out["threshold"]["ring"], int)
    for value in (3.5, float("inf"), float("nan"), 1e30, "3", None):
        raises(ConfigError, "smooth", config.validate, {"smooth": value})


def test_what_a_computer_asks_for():
    before = config_sync.PATH, config_sync.ID
    config_sync.PATH, config_sync.ID = path("tinysense.json"), path("ts") + "/id"
    for old in (config_sync.ID, config_sync.PATH + ".bak"):
        if exists(old):
            os.remove(old)
    try:
        assert config_sync.config_get() is None
        assert config_sync.config_set({"smooth": 1}) is True
        assert not exists(config_sync.PATH + ".bak")
        config_sync.config_set({"smooth": 2})
        assert config_sync.config_get() == {"smooth": 2}
        assert config.load(config_sync.PATH + ".bak")["smooth"] == 1
        raises(ConfigError, "smooth", config_sync.config_set, {"smooth": 999})
        assert config_sync.config_get() == {"smooth": 2}
        assert config_sync.config_id(False) == "" and not exists(config_sync.ID)
        mark = config_sync.config_id()
        assert len(mark) >= 16 and config_sync.config_id(False) == mark
        write(config_sync.ID, b"short")
        assert config_sync.config_id() != mark
    finally:
        config_sync.PATH, config_sync.ID = before
