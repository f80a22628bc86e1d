"""The config on both sides."""

import json

import pytest

from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError, LinkError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.sync import (
    ABSENT,
    BadConfig,
    Difference,
    board_config,
    differences,
    host_config,
    later_keys,
    pull,
    push,
    read_host,
)

CONFIG = {"model": "a.tsm", "driver_options": {"sda": 4, "scl": 5}}
PATH = "/tinysense.json"


def board_with(config=None):
    board = FakeTransport()
    if config is not None:
        board.files[PATH] = json.dumps(config).encode()
    return board


@pytest.mark.parametrize(("host", "board", "expected"), [
    (CONFIG, CONFIG, []),
    (None, None, []),
    (CONFIG, None, [Difference("driver_options", CONFIG["driver_options"], ABSENT),
                    Difference("model", "a.tsm", ABSENT)]),
    ({"model": "b"}, {"model": "a"}, [Difference("model", "b", "a")]),
    (CONFIG, {"model": "a.tsm", "driver_options": {"sda": 4, "scl": 6, "id": 1}},
     [Difference("driver_options.id", ABSENT, 1), Difference("driver_options.scl", 5, 6)])])
def test_differences(host, board, expected):
    assert differences(host, board) == expected


def test_push_and_read_back():
    board = board_with()
    assert board_config(Device(board)) is None
    push(Device(board), CONFIG)
    assert board_config(Device(board)) == CONFIG
    assert list(board.files) == [PATH]


def test_pull_and_read_back(tmp_path):
    path = tmp_path / "sub" / "tinysense.json"
    assert read_host(path) is None
    pull(path, CONFIG)
    assert read_host(path) == CONFIG
    assert [p.name for p in path.parent.iterdir()] == ["tinysense.json"]


def test_what_was_there_before_stays_as_a_backup(tmp_path):
    board = board_with(CONFIG)
    push(Device(board), {"model": "b.tsm"})
    assert json.loads(board.files[PATH + ".bak"]) == CONFIG
    path = tmp_path / "tinysense.json"
    path.write_text("{}")
    pull(path, CONFIG)
    assert (tmp_path / "tinysense.json.bak").read_text() == "{}" and read_host(path) == CONFIG


def test_a_push_that_breaks_off_leaves_the_old_config():
    for calls in range(6):
        board = board_with(CONFIG)
        board.calls_left = calls
        with pytest.raises(LinkError):
            push(Device(board), {"model": "b.tsm"})
        assert json.loads(board.files[PATH]) == CONFIG


BAD = [({"modell": "a"}, "unknown key 'modell': did you mean 'model'"),
       ({"smooth": "3"}, "smooth: expected whole number, got '3'"),
       ({"smooth": 999}, "smooth: expected -1 to 255, got 999"),
       ({"threshold": {"ring": 300}}, "expected 0 to 256, got 300")]


@pytest.mark.parametrize(("config", "message"), BAD)
def test_bad_configs_are_refused_on_either_side(config, message, tmp_path):
    with pytest.raises(TinysenseError, match=message):
        board_config(Device(board_with(config)))
    path = tmp_path / "c.json"
    path.write_text(json.dumps(config))
    with pytest.raises(TinysenseError, match=message) as caught:
        read_host(path)
    assert str(path) in caught.value.message


@pytest.mark.parametrize("text", [b"", b"{", b"[1", b"\xff"])
def test_no_json(text, tmp_path):
    path = tmp_path / "c.json"
    path.write_bytes(text)
    with pytest.raises(TinysenseError, match="is no JSON"):
        read_host(path)


@pytest.mark.parametrize(("settings", "expected"), [
    (["model=b.tsm"], CONFIG | {"model": "b.tsm"}),
    (["smooth=3"], CONFIG | {"smooth": 3}),
    (["driver_options.scl=7"], CONFIG | {"driver_options": {"sda": 4, "scl": 7}}),
    (["threshold.ring=9"], CONFIG | {"threshold": {"ring": 9}}),
    (['outputs=[{"kind": "led", "pin": 2}]', "axes=y -x z"],
     CONFIG | {"outputs": [{"kind": "led", "pin": 2}], "axes": "y -x z"})])
def test_settings(settings, expected):
    before = json.loads(json.dumps(CONFIG))
    assert host_config(settings, CONFIG) == expected
    assert before == CONFIG


@pytest.mark.parametrize(("setting", "message"), [
    ("model", "expected key=value"), ("nope=1", "unknown key"), ("smooth=x", "whole number"),
    ("model.deep=1", "model is 'a.tsm', which has no keys"),
    ("model=../../x", r"model: expected a path without \.\."),
    ('model="a\\u0000"', "without NUL"),
    ("driver=mpu605", "drivers: no 'mpu605' here"), ("driver=clock", "drivers: no 'clock' here"),
    ("driver_options.range=4", "driver_options of mpu6050: unknown key 'range'"),
    ("driver_options.range_g=17", "range_g: expected 0 to 16, got 17"),
    ("driver_options.gyro=1", "gyro: expected true or false, got 1"),
    ("driver=replay", "driver_options of replay: unknown key"),
    ('outputs=["lamp"]', "outputs: no 'lamp' here"),
    ('outputs=["led"]', "options of output led: pin is missing"),
    ('outputs=[{"kind": "buzzer", "pin": 3, "tones": {"ring": 5}}]',
     "tones.ring: expected 20 to 20000, got 5")])
def test_bad_settings(setting, message):
    with pytest.raises(TinysenseError, match=message):
        host_config([setting], CONFIG)


def test_a_driver_that_only_the_board_has_is_judged_there():
    board = FakeTransport([("check_options", b'""')])
    wanted = {"driver": "own", "driver_options": {"speed": 3}}
    assert host_config(["driver=own", "driver_options.speed=3"], None, Device(board)) == wanted
    assert json.loads(json.dumps(wanted)) == wanted and "speed" in board.programs[0]
    board = FakeTransport([("check_options", b'"driver_options of own: unknown key"')])
    with pytest.raises(BadConfig, match="of own: unknown key"):
        host_config(["driver=own"], None, Device(board))
    board = FakeTransport([("check_options", BoardError("ImportError: no module 'tinysense'"))])
    with pytest.raises(BadConfig, match="no 'own' here"):
        host_config(["driver=own"], None, Device(board))


def test_a_bad_config_on_the_board_can_be_mended():
    board = Device(board_with({"driver": "mpu6050", "driver_options": {"range": 4}}))
    there = board_config(board, judged=False)
    with pytest.raises(BadConfig, match="unknown key 'range'"):
        board_config(board)
    assert host_config(["driver_options={}"], there) == {"driver": "mpu6050", "driver_options": {}}


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(TinysenseError, match="is a folder"):
        read_host(tmp_path)


class Network(FakeTransport):
    """A board that only carries out operations."""

    remote = True

    def __init__(self, told):
        super().__init__(port="tcp://board:8765")
        self.told, self.asked = told, []

    def call(self, name, args, timeout):
        self.asked.append((name, args))
        told = self.told[name]
        if isinstance(told, BaseException):
            raise told
        return told

    def exec(self, code, timeout=10.0, rest=None):
        raise AssertionError("no code over a network")


def test_over_a_network_only_operations_are_asked_for():
    board = Network({"config_get": CONFIG, "config_set": True})
    assert board_config(Device(board)) == CONFIG
    push(Device(board), CONFIG)
    assert board.asked == [("config_get", {}), ("config_set", {"config": CONFIG})]
    board = Network({"config_get": None,
                     "config_set": BoardError("ConfigError: drivers: no 'own' here")})
    assert board_config(Device(board)) is None
    with pytest.raises(BadConfig, match="no 'own' here"):
        push(Device(board), {"driver": "own"})
    assert host_config(["driver=own"], None, Device(board)) == {"driver": "own"}
    board = Network({"config_get": [3]})
    with pytest.raises(BadConfig, match="expected an object"):
        board_config(Device(board))


def test_keys_of_a_later_version_are_kept_and_told():
    later = {"version": 2, "zoom": 1, "driver_options": {"tilt": 2, "scl": 4}}
    board = board_with(later)
    assert board_config(Device(board)) == later
    assert later_keys(later) == ["driver_options.tilt", "zoom"]
    assert later_keys(None) == later_keys(CONFIG) == []
    assert host_config(["smooth=2"], later) == later | {"smooth": 2}
    with pytest.raises(BadConfig, match="expected -1 to 255"):
        host_config(["smooth=999"], later)
