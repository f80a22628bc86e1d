"""`tinysense sync`: both sides become one, whatever is unplugged in the middle."""

import json

import pytest
from typer.testing import CliRunner

from tinysense_host import cli
from tinysense_host.commands import several
from tinysense_host.commands import sync as command
from tinysense_host.device import Device
from tinysense_host.link.transport_fake import FakeTransport

PATH, ID = "/tinysense.json", "0123456789abcdef-00"
BASE = {"model": "a.tsm", "smooth": 3, "driver_options": {"scl": 5, "sda": 4}}
HOST = BASE | {"model": "b.tsm"}
BOARD = {"model": "a.tsm", "smooth": 3, "driver_options": {"scl": 7, "sda": 4}}
BOTH = {"model": "b.tsm", "smooth": 3, "driver_options": {"scl": 7, "sda": 4}}


class Bench:
    """A board, a file, and the command between them."""

    def __init__(self, tmp_path, monkeypatch):
        self.path, self.state = tmp_path / "c.json", tmp_path / "state"
        self.identity = ID
        self.board = FakeTransport([
            ("config_id", lambda: json.dumps({"value": self.identity}).encode()),
            ("check_options", b'""')])
        monkeypatch.setenv("XDG_STATE_HOME", str(self.state))
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(several, "connect", lambda *_: Device(self.board))

    def __call__(self, *words, status=0):
        done = CliRunner().invoke(cli.app, ["sync", str(self.path), *words])
        assert done.exit_code == status, done.output + done.stderr
        return done.output + done.stderr

    def put(self, host=None, board=None):
        if host is not None:
            self.path.write_text(json.dumps(host))
        if board is not None:
            self.board.files[PATH] = json.dumps(board).encode()

    def both(self):
        board = self.board.files.get(PATH)
        return (json.loads(self.path.read_text()) if self.path.exists() else None,
                json.loads(board) if board else None)

    def agree(self):
        """Both sides have BASE, and that is noted."""
        self.put(BASE, BASE)
        self()


@pytest.fixture
def bench(tmp_path, monkeypatch):
    return Bench(tmp_path, monkeypatch)


def test_what_either_side_changed_goes_to_the_other(bench):
    bench.agree()
    bench.put(HOST, BOARD)
    said = bench()
    assert bench.both() == (BOTH, BOTH)
    assert "driver_options.scl  5" in said and "up to date" in said
    assert json.loads(bench.board.files[PATH + ".bak"]) == BOARD
    assert json.loads((bench.path.parent / "c.json.bak").read_text()) == HOST
    assert "no difference" in bench()


def test_the_first_sync_loses_nothing(bench):
    assert "defaults are in force" in bench()
    bench.put(board=BASE)
    bench()
    assert bench.both() == (BASE, BASE)
    bench.path.unlink()
    bench.put({"axes": "y -x z"}, {"smooth": 1})
    bench.state.rename(bench.state.with_name("gone"))
    bench()
    assert bench.both() == ({"axes": "y -x z", "smooth": 1},) * 2


def test_a_key_that_was_removed_on_one_side_goes_on_the_other(bench):
    bench.agree()
    bench.put(board={"model": "a.tsm", "driver_options": {"sda": 4}})
    bench()
    assert bench.both()[0] == {"model": "a.tsm", "driver_options": {"sda": 4}}


def test_an_erased_board_removes_nothing(bench):
    bench.agree()
    bench.identity = "fedcba9876543210"
    bench.put(board={"smooth": 3})
    bench()
    assert bench.both() == (BASE, BASE)
    del bench.board.files[PATH]
    bench()
    assert bench.both() == (BASE, BASE)


def test_conflicts_are_shown_and_nothing_is_written(bench):
    bench.agree()
    theirs = BASE | {"model": "c.tsm", "smooth": 1}
    bench.put(HOST, theirs)
    said = bench(status=1)
    line = next(line for line in said.splitlines() if line.startswith("model"))
    assert line.split() == ["model", '"a.tsm"', '"b.tsm"', '"c.tsm"']
    assert "changed on both sides, and nothing was written" in said and "--ours" in said
    assert bench.both() == (HOST, theirs)
    assert set(bench.board.files) == {PATH}
    bench(status=1)
    bench("--ours", "--dry-run")
    assert bench.both() == (HOST, theirs)
    bench("--ours")
    assert bench.both() == (HOST | {"smooth": 1},) * 2
    bench.put(HOST | {"smooth": 4}, theirs | {"smooth": 5})
    bench("--theirs")
    assert bench.both() == (theirs | {"smooth": 5},) * 2


def test_dry_run_writes_nothing_at_all(bench):
    bench.agree()
    bench.put(HOST, BOARD)
    before = {p: p.read_bytes() for p in bench.path.parent.rglob("*") if p.is_file()}
    for words in ([], ["--push"], ["--pull"], ["--set", "smooth=9"]):
        assert "scl" in bench("--dry-run", *words) or words[:1] == ["--set"]
        assert bench.both() == (HOST, BOARD) and set(bench.board.files) == {PATH}
    assert before == {p: p.read_bytes() for p in bench.path.parent.rglob("*") if p.is_file()}


@pytest.mark.parametrize("words", [[], ["--ours"], ["--theirs"]])
def test_unplugged_anywhere_the_next_sync_finds_its_way(bench, words):
    host, board = HOST | {"smooth": 1}, BOARD | {"smooth": 2} if words else BOARD
    wanted = BOTH | {"smooth": 2 if words == ["--theirs"] else 1}
    for calls in range(100):
        bench.agree()
        bench.put(host, board)
        bench.board.calls_left = calls
        done = CliRunner().invoke(cli.app, ["sync", str(bench.path), *words])
        assert bench.both()[0] in (host, wanted) and bench.both()[1] in (board, wanted)
        bench.board.calls_left = None
        bench(*words)
        assert bench.both() == (wanted, wanted), calls
        if done.exit_code == 0:
            break
    assert calls > 5


def test_a_host_that_ends_between_its_two_writes(bench, monkeypatch):
    bench.agree()
    bench.put(HOST, BOARD)
    with monkeypatch.context() as patch:
        patch.setattr(command, "pull_config", lambda *_: 1 / 0)
        assert CliRunner().invoke(cli.app, ["sync", str(bench.path)]).exit_code == 1
    assert bench.both() == (HOST, BOTH)
    bench()
    assert bench.both() == (BOTH, BOTH)


def test_push_pull_and_set(bench):
    bench.agree()
    bench.put(HOST, BOARD)
    bench("--push")
    assert bench.both() == (HOST, HOST)
    bench.put(board=BOARD)
    bench("--pull")
    assert bench.both() == (BOARD, BOARD)
    bench("--set", "smooth=9")
    assert bench.both() == (BOARD, BOARD | {"smooth": 9})
    bench()
    assert bench.both() == (BOARD | {"smooth": 9},) * 2
    assert "exclude each other" in bench("--ours", "--push", status=1)


def test_bad_sides(bench):
    bench.put(BASE, {"modle": "x"})
    assert "did you mean 'model'" in bench(status=1)
    bench("--push")
    assert bench.both() == (BASE, BASE)
    bench.put({"smooth": 999})
    assert "expected -1 to 255" in bench(status=1)
    # Good on its own on either side, not together.
    bench.put({"driver": "replay", "driver_options": {"path": "a.tsr"}}, {"driver_options": {}})
    bench()
    bench.put({"driver": "mpu6050", "driver_options": {"scl": 1}},
              {"driver": "replay", "driver_options": {"path": "b.tsr"}})
    assert "driver_options.path: changed on both sides" in bench(status=1)
    bench.put({"driver": "mpu6050", "driver_options": {}},
              {"driver": "replay", "driver_options": {"path": "a.tsr", "loop": True}})
    assert "the merge of both: driver_options of mpu6050" in bench(status=1)


def test_keys_of_a_later_version_go_through(bench):
    bench.put(BASE, BASE | {"version": 2, "zoom": {"x": 1}})
    assert "for a later version of tinysense: zoom" in bench()
    assert bench.both() == (BASE | {"version": 2, "zoom": {"x": 1}},) * 2
    bench.put(board=BASE | {"zoom": 1})
    assert "unknown key 'zoom'" in bench(status=1)


def test_what_a_board_says_it_is_names_no_file(bench):
    bench.identity = "../../../x"
    bench.put(BASE, BASE)
    bench()
    assert not bench.state.exists()


def test_a_damaged_note_counts_as_none(bench):
    bench.agree()
    (note,) = (bench.state / "tinysense" / "sync").iterdir()
    for text in ("", "{", "[]", "3", '{"board": 1}', '{"board": "x", "file": [], "config": 3}'):
        note.write_text(text)
        bench.put(HOST, BOARD)
        assert "changed on both sides" in bench(status=1)


def test_schema_asks_no_board(bench, monkeypatch):
    monkeypatch.setattr(several, "connect", None)
    assert json.loads(bench("--schema"))["title"].startswith("/tinysense.json of tinysense")


def three_way(tmp_path, on_board, *where):
    """A file and a real board's config, changed on both sides, merged by the real board's code."""
    path = tmp_path / "c.json"

    def sync(*words, status=0):
        done = CliRunner().invoke(cli.app, ["sync", str(path), *words, *where])
        assert done.exit_code == status, (done.output, done.stderr, done.exception)
        return done.output + done.stderr

    base = json.loads(on_board.read_text()) if on_board.exists() else {}
    path.write_text(json.dumps(base | {"smooth": 3}))
    sync("--dry-run")
    assert not (on_board.parent / "ts" / "id").exists()
    sync()
    assert len((on_board.parent / "ts" / "id").read_text()) == 16
    path.write_text(json.dumps(base | {"smooth": 3, "axes": "y -x z"}))
    on_board.write_text(json.dumps(base | {"smooth": 4}))
    sync()
    assert json.loads(on_board.read_text()) == json.loads(path.read_text()) == base | {
        "smooth": 4, "axes": "y -x z"}
    assert json.loads((on_board.parent / "tinysense.json.bak").read_text()) == base | {"smooth": 4}
    path.write_text(json.dumps(base | {"smooth": 5}))
    on_board.write_text(json.dumps(base | {"smooth": 6}))
    assert "smooth: changed on both sides" in sync(status=1)
    sync("--theirs")
    assert json.loads(path.read_text()) == base | {"smooth": 6}


def test_at_a_boards_prompt(tmp_path, repl_board, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    port, flash = repl_board()
    three_way(tmp_path, flash / "tinysense.json", "--port", port)


def test_over_a_network(tmp_path, monkeypatch):
    from remote_board import RemoteBoard, use_secret

    use_secret(monkeypatch, tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with RemoteBoard(tmp_path / "board") as board:
        three_way(tmp_path, board.folder / "tinysense.json", "--port", board.url)
