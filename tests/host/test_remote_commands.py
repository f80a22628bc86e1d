"""Models, recordings and the config of a board on the network, signed models among them."""

import json
from hashlib import sha256

import pytest
import tiny
from folder_board import Recorded
from remote_board import PIPELINE, RemoteBoard, use_secret
from typer.testing import CliRunner

from tinysense.recording import Writer
from tinysense_host import keys
from tinysense_host.cli import app
from tinysense_host.dataset import Dataset
from tinysense_host.device import connect
from tinysense_host.link.transport import BoardError


@pytest.fixture
def board(tmp_path, monkeypatch):
    use_secret(monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(keys.KEY_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.tsm").write_bytes(tiny.build())
    (tmp_path / "two.tsm").write_bytes(tiny.build(tiny.meta(made="later")))
    with RemoteBoard(tmp_path / "board") as running:
        yield running


def run(board, *words, status=0):
    done = CliRunner().invoke(app, [*words, "--port", board.url])
    assert done.exit_code == status, (words, done.output, done.exception)
    return " ".join((done.output + done.stderr).split())


def slots(board):
    return json.loads((board.folder / "ts/models/tiny/slots.json").read_text())


def test_upload_and_rollback(board):
    assert "3/3 golden outputs equal" in run(board, "upload", "one.tsm")
    run(board, "upload", "two.tsm")
    assert slots(board)["active"] == "b"
    assert "tiny" in run(board, "models")
    run(board, "rollback")
    assert slots(board)["active"] == "a"
    assert "was there already" in run(board, "upload", "one.tsm")


def test_recordings_are_pulled(board, tmp_path):
    Recorded(board.folder / "rec").record()
    run(board, "pull", "--out", "data", "--delete")
    (found,) = Dataset(tmp_path / "data").recordings()
    assert found.frames.shape[0] > 7000 and not list((board.folder / "rec").glob("*.tsr"))
    assert (board.folder / "rec/clock.txt").read_text().count("\n") == 1


def test_the_config_is_changed(board):
    run(board, "sync", "--set", "smooth=5")
    assert json.loads((board.folder / "tinysense.json").read_text())["smooth"] == 5
    assert "board in hand" in run(board, "sync", "--set", "remote.port=1", status=1)


def test_signed_models(board, monkeypatch):
    key = keys.new_key("project")
    (board.folder / "ts/key").write_bytes(key.line())
    run(board, "upload", "one.tsm")
    assert slots(board)["a"]["signature"] == key.sign("tiny", bytes.fromhex(
        slots(board)["a"]["sha256"]))
    # A file that somebody put there: its slot's signature is another's.
    with connect(board.url) as device:
        place = device.call("prepare", name="tiny", sha256="")
        device.put(tiny.build(tiny.meta(made="by somebody")), place["path"])
        digest = sha256(device.get(place["path"])).hexdigest()
        for signature in ("", slots(board)["a"]["signature"]):
            with pytest.raises(BoardError, match="sign") as caught:
                device.call("install", name="tiny", slot=place["slot"], sha256=digest,
                            signature=signature)
            assert caught.value.kind == "ModelError"
    assert slots(board)["active"] == "a"
    # Another computer, without the key.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(board.folder / "elsewhere"))
    assert "not on this computer" in run(board, "upload", "two.tsm", status=1)
    assert slots(board)["active"] == "a"


def test_a_pipeline_goes_on_meanwhile(tmp_path, monkeypatch):
    use_secret(monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    config = {"driver_options": {"path": "/x.tsr", "loop": True, "realtime": False}, "outputs": []}
    board = RemoteBoard(tmp_path / "board", config, serve=PIPELINE)
    for path in (tmp_path / "one.tsm", board.folder / "model.tsm"):
        path.write_bytes(tiny.build())
    with Writer(str(board.folder / "x.tsr"), 25000, 3, "g", 4, "walk") as writer:
        writer.write(bytes(6 * 500), 500)
    with board:
        assert "fits the configured driver" in run(board, "upload", "one.tsm")
    rows = [tuple(map(int, line.split())) for line in board.said.splitlines()]
    assert len(rows) > 3 and rows == sorted(rows) and {lost for _, lost in rows} == {0}


def test_what_needs_code_says_so(board):
    for words in (("run",), ("setup",), ("monitor",)):
        assert "network" in run(board, *words, status=1)
