"""The config on both sides."""

import json

import pytest

from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError
from tinysense_host.sync import (
    ABSENT,
    Difference,
    board_config,
    differences,
    host_config,
    pull,
    push,
    read_host,
)
from tinysense_host.transport import LinkError
from tinysense_host.transport_fake import FakeTransport

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


def test_a_push_that_breaks_off_leaves_the_old_config():
    board = board_with(CONFIG)
    board.calls_left = 1
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
    (['outputs=["led"]', "axes=y -x z"], CONFIG | {"outputs": ["led"], "axes": "y -x z"})])
def test_settings(settings, expected):
    before = json.loads(json.dumps(CONFIG))
    assert host_config(settings, CONFIG) == expected
    assert before == CONFIG


@pytest.mark.parametrize(("setting", "message"), [
    ("model", "expected key=value"), ("nope=1", "unknown key"), ("smooth=x", "whole number"),
    ("model.deep=1", "model is 'a.tsm', which has no keys")])
def test_bad_settings(setting, message):
    with pytest.raises(TinysenseError, match=message):
        host_config([setting], CONFIG)
