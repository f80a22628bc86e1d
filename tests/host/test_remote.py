"""A board on the network, real firmware and sockets: login, files, operations, and what is refused."""

import hashlib
import os
import socket
import threading

import pytest
from remote_board import SECRET, RemoteBoard, use_secret, wait_for

from tinysense_host import keys
from tinysense_host.device import connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link import remote
from tinysense_host.link.remote import RemoteTransport, SecureLine
from tinysense_host.link.transport import BoardError, LinkError


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    with RemoteBoard(tmp_path_factory.mktemp("board")) as running:
        yield running


@pytest.fixture
def device(board, monkeypatch, tmp_path):
    use_secret(monkeypatch, tmp_path)
    with connect(board.url) as found:
        yield found


def test_files_go_and_come(board, device):
    data = os.urandom(30_000) + bytes(30_000)
    device.transport.mkdir("/ts/models/ring")
    done = []
    device.put(data, "/ts/models/ring/a.tsm", lambda n, total: done.append((n, total)))
    assert (board.folder / "ts/models/ring/a.tsm").read_bytes() == data
    assert done[-1] == (len(data), len(data))
    assert device.get("/ts/models/ring/a.tsm") == data
    assert device.stat("/ts/models/ring/a.tsm").size == len(data)
    assert device.stat("/ts/models/none/a.tsm") is None
    assert device.transport.crc32("/ts/models/none/a.tsm") is None
    device.transport.rename("/ts/models/ring/a.tsm", "/ts/models/ring/b.tsm")
    assert [entry.name for entry in device.transport.list("/ts/models/ring")] == ["b.tsm"]
    device.transport.remove("/ts/models/ring/b.tsm")
    assert device.transport.list("/ts/models/ring") == []


def test_many_names_come_in_parts(board, device):
    folder = board.folder / "ts/models/many"
    folder.mkdir(parents=True)
    names = [f"{i:03}.tsm" for i in range(60)]
    for name in names:
        (folder / name).touch()
    assert [entry.name for entry in device.transport.list("/ts/models/many")] == names


def test_operations(device):
    info = device.info()
    assert info.firmware == "micropython" and info.package and info.core == "built in"
    assert device.call("models")["models"] == []
    assert device.call("key") is None
    for name, args, kind in (("exec", {"code": "1"}, "ValueError"), ("models", {"x": 1}, "TypeError"),
                             ("use", {"name": "none"}, "ModelError"), ("__init__", {}, "ValueError")):
        with pytest.raises(BoardError) as caught:
            device.call(name, **args)
        assert caught.value.kind == kind


def test_after_a_long_silence_it_logs_in_again(device):
    first = device.transport._client
    device.call("key")
    assert device.transport._client is first
    device.transport._used -= 100
    device.transport._line._socket.close()      # as a board that has let us go
    assert device.call("key") is None
    assert device.transport._client is not first


def test_no_code_runs(device):
    for do in (lambda: device.exec("1"), lambda: device.stream("1", bytes), lambda: device.send(b"1")):
        with pytest.raises(TinysenseError, match="no code"):
            do()


ESCAPES = ("/main.py", "/lib/tinysense/remote.py", "/ts/key", "/ts/secret", "/ts/models/current",
           "/ts/models/ring/slots.json", "/ts/models/../main.tsm", "/ts/models/a/../../x.tsm",
           "/ts/models/x.tsm", "/ts/models//x.tsm", "//ts/models/x/a.tsm/", "/ts/models/x/.tsm",
           "/ts\\models\\x\\a.tsm", "/ts/models/x/a.py", "/tinysense.json", "/ts/models/x/y/a.tsm")


def test_nothing_is_written_outside_the_folders(board, device):
    before = {p: p.read_bytes() for p in board.folder.rglob("*") if p.is_file()}
    for path in ESCAPES:
        with pytest.raises((BoardError, TinysenseError)):
            device.transport._client.put(b"print(1)", path)
        with pytest.raises((BoardError, TinysenseError)):
            device.transport.remove(path)
        with pytest.raises((BoardError, TinysenseError)):
            device.transport.rename("/ts/models/x/a.tsm", path)
    assert {p: p.read_bytes() for p in board.folder.rglob("*") if p.is_file()} == before


def test_no_secret_can_be_read(board, device):
    (board.folder / "ts/key").write_text("hmac-sha256 " + "00" * 32)
    try:
        for path in ("/ts/secret", "/ts/key", "/tinysense.json", "/ts/models/../secret",
                     "ts/secret", "/ts/./secret", "//ts/secret"):
            with pytest.raises((BoardError, TinysenseError)):
                device.transport._client.get(path)
            with pytest.raises((BoardError, TinysenseError)):
                device.transport._client.read(path, 0, 10)
    finally:
        (board.folder / "ts/key").unlink()


def test_a_folder_in_the_config_opens_nothing(board, device):
    old = device.call("config_get")
    device.call("config_set", config=old | {"recorder": {"folder": "/ts"}})
    try:
        assert device.call("recorded_folders") == ["/ts"]
        with pytest.raises(BoardError):
            device.get("/ts/secret")
        with pytest.raises(BoardError):
            device.call("recorded_remove", path="/ts/secret", size=len(SECRET), crc=0)
    finally:
        device.call("config_set", config=old)


def test_config_and_what_of_it_stays(board, device):
    old = device.call("config_get")
    long = old | {"threshold": {f"label {i}": 200 for i in range(100)}}
    device.call("config_set", config=long)
    assert device.call("config_get") == long
    assert not (board.folder / "ts/config.new").exists()
    device.call("config_set", config=old)
    for change in ({}, {"port": 1}, {"port": board.port, "bind": "0.0.0.0"}):
        with pytest.raises(BoardError, match="board in hand"):
            device.call("config_set", config=old | {"remote": change})
    with pytest.raises(BoardError, match="unknown key"):
        device.call("config_set", config=old | {"drivr": 1})
    assert device.call("config_get") == old


def test_files_too_long_are_refused(device):
    request = (1 << 23).to_bytes(4, "little") + bytes(32) + b"/ts/models/ring/a.tsm"
    with pytest.raises(BoardError, match="8388608 bytes"):
        device.transport._client.ask(2, request)


def test_recordings_are_listed_read_and_removed(board, device):
    folder = board.folder / "rec"
    folder.mkdir(exist_ok=True)
    (folder / "000001.tsr").write_bytes(b"x" * 5000)
    (folder / "notes.txt").write_text("private")
    rows = device.transport.rows("recorded", "/rec")
    assert [row[0] for row in rows] == ["000001.tsr", "notes.txt"] and rows[0][1] == 5000
    assert device.transport.read("/rec/000001.tsr", 4990, 100) == b"x" * 10
    with pytest.raises(BoardError):
        device.get("/rec/notes.txt")
    assert device.call("recorded_remove", path="/rec/000001.tsr", size=1, crc=0) is False
    assert device.call("recorded_remove", path="/rec/000001.tsr", size=5000, crc=rows[0][2])
    assert not (folder / "000001.tsr").exists()


class Gone(Exception):
    """The computer ends in the middle."""


@pytest.mark.parametrize("cut", ["computer", "board"])
def test_an_upload_that_is_cut_off_goes_on_where_it_was(tmp_path, cut):
    data, path = os.urandom(60_000), "/ts/models/ring/a.tsm"

    def progress(done, _):
        if done > 40_000:
            raise Gone

    board = RemoteBoard(tmp_path)
    with board:
        link = RemoteTransport(board.url, SECRET)
        link.mkdir("/ts/models/ring")
        link.put(b"old", path)
        with pytest.raises(Gone):
            link.put(data, path, progress)
        if cut == "board":
            board.process.kill()
        link._line.close()
        if cut == "computer":
            assert RemoteTransport(board.url, SECRET).get(path) == b"old"
    with board:
        assert (board.folder / path[1:]).read_bytes() == b"old"
        link = RemoteTransport(board.url, SECRET)
        sent = link._client.put(data, path)
        assert sent.sent and (sent.begin > 0 or cut == "board")
        assert link.get(path) == data and link.put(data, path) is False
        link.close()


def test_a_wrong_secret_is_refused_and_slows_down(tmp_path):
    with RemoteBoard(tmp_path) as board:
        with pytest.raises(TinysenseError, match="refused the secret"):
            RemoteTransport(board.url, b"another secret of some length")
        with pytest.raises(TinysenseError, match="lets nobody in for"):
            RemoteTransport(board.url, SECRET)      # not even with the right one

        def let_in():
            try:
                RemoteTransport(board.url, SECRET).close()
            except TinysenseError:
                return False
            return True

        assert wait_for(let_in)


def test_one_computer_at_a_time(board, device):
    with pytest.raises(TinysenseError, match="another computer"):
        RemoteTransport(board.url, SECRET)


def test_a_board_that_has_not_noticed_yet_that_a_computer_went_is_waited_for(board):
    before = SecureLine(board.url, "127.0.0.1", board.port, SECRET)
    gone = threading.Timer(0.5, before.close)
    gone.start()
    RemoteTransport(board.url, SECRET).close()
    gone.join()


def test_restart(tmp_path):
    with RemoteBoard(tmp_path) as board:
        link = RemoteTransport(board.url, SECRET)
        assert link.call("reset", {}, 5.0) is True
        link.close()
        assert board.ended() is not None


def test_a_board_that_does_not_know_the_secret_is_found_out():
    """Something else at the address: its proof is worth nothing, and it learns no secret."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = []

        def pose():
            peer, _ = server.accept()
            peer.sendall(b"TSR1\0" + bytes(16))
            seen.append(peer.recv(100))
            peer.sendall(hashlib.sha256(b"a guess").digest())

        thread = threading.Thread(target=pose)
        thread.start()
        with pytest.raises(TinysenseError, match="does not know the board's secret"):
            RemoteTransport(f"tcp://127.0.0.1:{server.getsockname()[1]}", SECRET)
        thread.join()
        assert SECRET not in seen[0] and len(seen[0]) == 48


class Between:
    """Somebody in between, who changes the n-th record that comes from the board."""

    def __init__(self, line, change):
        self._recv, self._change, self.seen = line._socket.recv, change, b""
        line._socket = self
        self._line = line

    def recv(self, n):
        return self._change(self._recv(n))

    def __getattr__(self, name):
        return getattr(self._recv.__self__, name)


def test_a_changed_answer_is_found_out(board):
    link = RemoteTransport(board.url, SECRET)
    Between(link._line, lambda data: data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(LinkError, match="not from the board"):
        link.call("models", {}, 5.0)


@pytest.mark.parametrize("change", ["flip", "again", "skip", "long"])
def test_a_changed_request_ends_the_connection(board, change):
    line = SecureLine(board.url, "127.0.0.1", board.port, SECRET)
    try:
        while not line.some(5.0):
            pass
        sent = []
        line._send = sent.append
        line.write(b"\xff" * 40)
        line.write(b"\xff" * 40)
        one, two = sent
        bad = {"flip": one[:5] + bytes([one[5] ^ 1]) + one[6:], "again": one + one,
               "skip": two, "long": b"\xff\xff" + one}[change]
        line._socket.sendall(bad)
        with pytest.raises(LinkError):
            for _ in range(20):
                line.some(1.0)
    finally:
        line.close()


def test_a_url_without_a_board():
    for url, what in (("tcp://", "no address"), ("tcp://x:y", "no address"),
                      ("tcp://127.0.0.1:1", "nothing listens")):
        with pytest.raises(TinysenseError, match=what):
            RemoteTransport(url, SECRET)


def test_a_serial_bridge_is_no_remote(monkeypatch):
    monkeypatch.setattr(remote, "LOGIN_S", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].sendall(b">>> " * 10))
        thread.start()
        with pytest.raises(TinysenseError, match=r"no tinysense\.remote"):
            RemoteTransport(f"tcp://127.0.0.1:{server.getsockname()[1]}", SECRET)
        thread.join()


def test_secrets_by_address(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv(keys.SECRET_VARIABLE, raising=False)
    with pytest.raises(TinysenseError, match="no secret"):
        keys.secret_for("field-3.local")
    one = keys.make_secret("field-3")
    assert keys.secret_for("field-3.local") == one and keys.secret_for("10.0.0.7") == one
    keys.make_secret("field-4")
    assert keys.secret_for("field-3.local") == one == keys.make_secret("field-3")
    with pytest.raises(TinysenseError, match="field-3, field-4"):
        keys.secret_for("10.0.0.7")
