"""pull, recover, import and export of recordings from the field, as users type them."""

import hashlib
import hmac
import json

import pytest
from folder_board import Recorded
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.dataset import Dataset
from tinysense_host.device import connect
from tinysense_host.field.pull import pull


@pytest.fixture
def tinysense(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return done

    return run


@pytest.fixture
def board(repl_board):
    """(port, what a recorder left on it) of a board over a real terminal."""
    port, flash = repl_board()
    return port, Recorded(flash / "rec")


def test_pull_over_a_terminal(tinysense, board, tmp_path):
    port, rec = board
    id = rec.record(blocks=(3, 2), losses=((1, 4),), note="left wrist")
    rec.flip("000002.tsr", 0)
    (rec.folder / "state.txt").write_text("1 walk")
    done = tinysense("pull", "--port", port, "--out", "data", "--delete", "--person", "ada")
    assert done.exit_code == 0, done.output
    assert "2 segments (20 KiB) came, 0 were here already; 1 new recordings -> data" in done.output
    assert "left wrist" in done.output and f"_{id:08x}" in done.output
    assert "1 segments deleted on the board" in done.output
    assert "000002.tsr stays on the board: 1 of its blocks are damaged" in done.output
    assert "the board was recording 'walk', and connecting stopped that" in done.output
    (found,) = Dataset(tmp_path / "data").recordings()
    assert found.person == "ada" and found.rate_mhz == 99_500 and len(found.gaps) == 2
    assert rec.segments() == ["000002.tsr"]
    again = tinysense("pull", "--port", port, "--out", "data")
    assert "0 segments (0 B) came, 1 were here already; 0 new recordings" in again.output


def test_pull_of_nothing(tinysense, repl_board):
    port, flash = repl_board()
    done = tinysense("pull", "--port", port)
    assert done.exit_code == 1 and len(done.output.splitlines()) == 1
    assert "no folder /rec on" in done.output and "--folder" in done.output
    (flash / "rec").mkdir()
    done = tinysense("pull", "--port", port)
    assert done.exit_code == 0 and "0 segments" in done.output


@pytest.mark.parametrize("config", ['{"recorder": {"folder": "/sd/rec"}}', '{"recorder": 7}', "{"])
def test_pull_from_the_folder_that_the_config_names(tinysense, repl_board, config):
    port, flash = repl_board()
    (flash / "tinysense.json").write_text(config)
    folder = "sd/rec" if "sd" in config else "rec"
    Recorded(flash / folder).record(blocks=(1,))
    done = tinysense("pull", "--port", port)
    assert "1 new recordings" in done.output, done.output
    (flash / "tinysense.json").write_text('{"recorder": {"folder": "/rec/../.."}}')
    done = tinysense("pull", "--port", port)
    assert done.exit_code == 1 and "without .." in done.output


def test_pull_writes_the_time_into_the_folder_of_the_recorder(tinysense, board):
    port, rec = board
    with connect(port) as device:
        boot = device.ask("from tinysense.field.boot import boot_id\nprint(boot_id())")
        pull(device, "/rec", Dataset("data"), rec.folder.parent / "raw", now=lambda: 1_790_000_000)
    told = (rec.folder / "clock.txt").read_text().split()
    assert int(told[0]) == boot and abs(int(told[2]) - 1_790_000_000_000_000) < 1_000_000


def test_pull_of_a_board_that_resets_in_the_middle(tinysense, board):
    port, rec = board
    rec.record(blocks=(9,))
    (rec.folder / "000002.tsr").write_bytes(b"")
    with connect(port) as device:
        # As a brown-out while the second piece is read.
        device.exec("import machine, builtins\n_o, _n = builtins.open, [0]\n"
                    "def _f(path, *rest, **more):\n _n[0] += path.endswith('1.tsr')\n"
                    " if _n[0] > 3: machine.reset()\n return _o(path, *rest, **more)\n"
                    "builtins.open = _f")
    done = tinysense("pull", "--port", port)
    assert done.exit_code == 1 and len(done.output.splitlines()) == 1, done.output
    assert "reset in the middle" in done.output
    assert "0 of 1 segments have come; pull again, it goes on in 000001.tsr" in done.output


def test_names_and_labels_that_would_steer_a_terminal(tinysense, board):
    port, rec = board
    rec.record(label="\x1b[2J[bold]x", note="a\nb\x07", blocks=(1,))
    (rec.folder / "\x1b[31mx.tsr").write_bytes(b"")
    done = tinysense("pull", "--port", port)
    assert done.exit_code == 0, done.output
    assert "\x1b" not in done.output and "\x07" not in done.output and "[bold]x" in done.output
    assert "no names of segments, left alone: '\\x1b[31mx.tsr'" in done.output


def test_recover_prints_what_is_missing(tinysense, tmp_path):
    rec = Recorded(tmp_path / "card")
    rec.record(blocks=(6,))
    rec.flip("000001.tsr", 2)
    rec.flip("000001.tsr", 4)
    done = tinysense("recover", "card", "--out", "data")
    assert done.exit_code == 0, done.output
    assert "4 whole blocks, 2 damaged; 1 new recordings -> data" in done.output
    assert "2, 4" in done.output
    again = tinysense("recover", "card", "--out", "data")
    assert "(known)" in again.output and "0 new recordings" in again.output
    (tmp_path / "empty.img").write_bytes(b"")
    none = tinysense("recover", "empty.img")
    assert none.exit_code == 1 and len(none.output.splitlines()) == 1


def test_import_of_near_misses_and_export_for_relabelling(tinysense, tmp_path):
    rec = Recorded(tmp_path / "near")
    for _ in range(2):
        rec.record(label="", note="near miss: ring=112 wing=90", blocks=(1,))
    done = tinysense("import", "near", "--out", "data")
    assert done.exit_code == 0 and done.output.count("near miss: ring=112 wing=90") == 2
    assert Dataset("data").labels() == []
    done = tinysense("export", "data", "--out", "ls", "--format", "label-studio")
    assert "4 files -> ls" in done.output
    (first, second) = json.loads((tmp_path / "ls" / "tasks.json").read_text())
    assert first["predictions"][0]["score"] == 112 / 256


def exported(tinysense, tmp_path, *words):
    rec = Recorded(tmp_path / "rec")
    rec.record(blocks=(1,))
    tinysense("import", "rec", "--out", "data")
    return tinysense("export", "data", "--out", "out", *words)


def test_export_of_wav_says_what_it_cannot_keep(tinysense, tmp_path):
    done = exported(tinysense, tmp_path, "--format", "wav")
    assert done.exit_code == 0 and "99.5 Hz became 100 Hz" in done.output


@pytest.mark.parametrize("how", ["file", "environment", "none"])
def test_export_for_edge_impulse_signs_with_a_key(tinysense, tmp_path, monkeypatch, how):
    (tmp_path / "key").write_text("secret\n")
    if how == "environment":
        monkeypatch.setenv("EI_HMAC_KEY", "secret")
    words = ["--hmac-key", "key"] if how == "file" else []
    done = exported(tinysense, tmp_path, "--format", "edge-impulse", *words)
    (path,) = (tmp_path / "out").iterdir()
    text = path.read_text()
    told = json.loads(text)
    assert "secret" not in done.output and "secret" not in text
    if how == "none":
        assert told["protected"]["alg"] == "none" and "not signed" in done.output
        return
    zeros = text.replace(told["signature"], "0" * 64).encode()
    assert hmac.new(b"secret", zeros, hashlib.sha256).hexdigest() == told["signature"]


@pytest.mark.parametrize(("content", "says"), [
    (None, "cannot read the HMAC key"), (b"", "holds no HMAC key"), (b"two words", "no HMAC key"),
    (b"\xff\xfe", "no plain text")])
def test_a_key_that_is_none(tinysense, tmp_path, content, says):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    done = exported(tinysense, tmp_path, "--format", "edge-impulse", "--hmac-key", "key")
    assert done.exit_code == 1 and says in done.output and not (tmp_path / "out").exists()
