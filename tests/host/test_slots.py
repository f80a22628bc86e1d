"""Models on a board, as the computer sees them, and the commands that show and change them."""

import contextlib
import json
from dataclasses import replace

import pytest
import tiny
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.commands import several
from tinysense_host.deploy.slots import ask, models, slot_name, take_reports
from tinysense_host.deploy.upload import upload
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_fake import FakeTransport

REPORT = {"name": "tiny", "slot": "b", "sha256": "ab" * 32, "why": "the board restarted",
          "uploaded": "2026-01-02T03:04:05Z", "to": "tiny", "to_slot": "a"}


def told(**values):
    """Answers of a board to operations."""
    return [(f"told({name!r}", json.dumps({"value": value}).encode())
            for name, value in values.items()]


@pytest.fixture
def board(repl_board, monkeypatch):
    port, flash = repl_board()
    (flash / "tinysense.json").write_text(json.dumps({
        "driver": "replay", "driver_options": {"path": "/a.tsr"}, "outputs": []}))
    from tinysense import recording as tsr

    with tsr.Writer(str(flash / "a.tsr"), 25000, 3, "g", 4) as writer:
        writer.write(bytes(60), 10)
    with connect(port) as device:
        device.flash = flash
        monkeypatch.setattr(several, "connect", lambda *_: contextlib.nullcontext(device))
        yield device


@pytest.fixture
def version(tmp_path):
    """Model files that differ in what META calls them: version(name) -> path."""
    def made(name, info="tiny"):
        path = tmp_path / f"{name}.tsm"
        labels = [name, "ring", "wing"]
        path.write_bytes(tiny.build(tiny.meta(name=info, labels=labels, decision=None)))
        return path

    return made


def run(*words):
    """What a command printed; its board is the one that is connected already."""
    return CliRunner().invoke(app, list(words)).output


def test_names():
    for name, made in (("gesture", "gesture"), ("Hey You!", "hey-you"), ("a.b", "a-b"),
                       ("x" * 40, "x" * 32), ("../../etc", "etc")):
        assert slot_name(name) == made
    for name in ("", "///", "ä"):
        with pytest.raises(TinysenseError, match="--name"):
            slot_name(name)


def test_uploads_take_turns_and_roll_back(board, version):
    first = upload(board, version("one"))
    assert (first.path, first.on_trial, first.skipped) == ("/ts/models/tiny/a.tsm", 20, False)
    assert (first.driver, first.note, first.golden_equal) == ("replay", "", 3)
    second = upload(board, version("two"), windows=0)
    assert second.path == "/ts/models/tiny/b.tsm"
    seen = models(board)
    assert (seen.current, seen.runs, seen.config, seen.key) == ("tiny", "tiny", "", False)
    model = seen.named("tiny")
    assert (model.active, model.running.state, model.slots["a"].state) == ("b", "good", "trial")
    assert model.running.golden == (3, 3) and model.running.uploaded.endswith("Z")
    assert ask(board, "rollback", name="")["to"] == "a"
    assert models(board).named("tiny").active == "a"
    assert "labels" not in board.exec("from tinysense import load\nprint(load().labels)")
    assert "'one'" in board.exec("print(load().labels)")


def test_the_same_file_is_there_already_once_it_is_good(board, version):
    assert not upload(board, version("one")).skipped
    again = upload(board, version("one"))       # still on trial: tried again, sent not again
    assert again.skipped and again.info is not None and again.on_trial == 20
    upload(board, version("one"), windows=0)
    again = upload(board, version("one"))
    assert again.skipped and again.info is None and again.path == "/ts/models/tiny/a.tsm"
    upload(board, version("two"), windows=0)
    back = upload(board, version("one"))        # it is in the other slot
    assert back.skipped and back.path == "/ts/models/tiny/a.tsm" and back.on_trial == 20
    assert models(board).named("tiny").active == "a"


def test_a_config_that_names_a_file_or_another_model(board, version):
    config = board.flash / "tinysense.json"
    plain = json.loads(config.read_text())
    config.write_text(json.dumps(plain | {"model": "/m.tsm"}))
    assert upload(board, version("one")).path == "/m.tsm"
    assert models(board).models == () and models(board).runs == ""
    config.write_text(json.dumps(plain | {"model": "other"}))
    assert upload(board, version("one")).runs == "other"
    assert "names the model other, which is not there" in run("models")
    config.write_text("{")
    with pytest.raises(TinysenseError, match="not JSON"):
        upload(board, version("one"))
    assert "can't be told" in run("models")


def test_a_refused_model_leaves_what_runs(board, version):
    upload(board, version("one"), windows=0)
    hurt = bytearray(version("two").read_bytes())
    hurt[-4] ^= 1
    version("two").with_name("hurt.tsm").write_bytes(tiny.seal(hurt))
    with pytest.raises(TinysenseError, match="golden outputs equal"):
        upload(board, version("two").with_name("hurt.tsm"))
    assert models(board).named("tiny").active == "a"
    assert upload(board, version("one")).info is None


def test_commands(board, version):
    assert "model.tsm runs, if it is there" in run("models")
    upload(board, version("one"), windows=0)
    upload(board, version("two", "Second One"))
    shown = run("models")
    row = next(line for line in shown.splitlines() if line.startswith("*"))
    assert row.split()[:3] == ["*", "second-one", "a"] and "active, trial for 20 windows" in row
    assert "no" in row.split()
    assert "went back" not in run("rollback", "../x")
    assert "no other whole file" in run("rollback")
    assert "\n*     tiny" in run("models", "--use", "tiny")
    seen = json.loads(run("models", "--json"))
    assert seen["runs"] == seen["current"] == "tiny" and seen["reports"] == []
    assert "is the one that runs" in run("models", "--remove", "tiny")
    assert "second-one" not in run("models", "--remove", "second-one")
    assert not (board.flash / "ts/models/second-one").exists()
    assert "exclude each other" in run("models", "--use", "a", "--remove", "b")
    assert "no model nope here" in run("models", "--use", "nope")
    upload(board, version("three"), windows=0)
    assert "tiny went back from slot b to slot a" in run("rollback", "tiny")


def test_a_report_is_told_once(board, version):
    upload(board, version("one"), windows=0)
    upload(board, version("two"))
    assert take_reports(board) == []
    board.exec("from tinysense import load, trials\n"
               "for _ in range(4):\n trials._here.clear()\n load().run(bytes(24))\n"
               "trials._here.clear()\nprint(load().labels)")
    lines = take_reports(board)
    assert len(lines) == 1 and lines[0].startswith("model tiny: the file of 20")
    assert lines[0].endswith("restarted 4 times before the first 20 windows were done; went back "
                             "to the one before, in slot a")
    assert take_reports(board) == []
    assert models(board).named("tiny").slots["b"].state == "bad"
    assert "bad" in run("models")


def test_reports_are_data():
    board = FakeTransport(told(report=[REPORT | {"why": "\x1b[31m" + "x" * 999, "to": None}, 3]))
    lines = take_reports(Device(board))
    assert len(lines) == 1 and lines[0].isprintable() and len(lines[0]) < 500
    assert "none to go back to" in lines[0]
    assert "forget" in board.programs[-1] and "forget" not in board.programs[-2]
    for answer in (b'{"value": []}', b'{"value": 3}', b'{"error": "ImportError", "text": ""}'):
        assert take_reports(Device(FakeTransport([("told('report'", answer)]))) == []


@pytest.mark.parametrize("change", [
    {"models": 3}, {"models": [3]}, {"models": [{}]}, {"config": ()}, None,
    {"models": [{"name": "../x", "active": "a", "left": 0, "a": {
        "size": 1, "sha256": "", "state": "good"}}]},
    {"models": [{"name": "x", "active": "b", "left": 0, "a": {
        "size": 1, "sha256": "", "state": "good"}}]}])
def test_nonsense_from_a_board_is_one_line(change):
    value = {"models": [], "current": "", "config": "", "note": "", "kernels": "", "key": False}
    value = [] if change is None else value | change
    if change == {"config": ()}:
        del value["config"]
    with pytest.raises(LinkError, match="about its models"):
        models(Device(FakeTransport(told(models=value))))


def test_a_slot_says_what_it_holds(board, version):
    upload(board, version("one"))
    found = models(board).named("tiny").running
    assert replace(found, golden=(0, 0)) != found and not found.signed
    assert found.size == len(version("one").read_bytes()) or found.kernels != "portable"
