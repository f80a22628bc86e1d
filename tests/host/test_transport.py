"""Both adapters against a raw REPL on a pty: every way it can go wrong, and then still work."""

import os
import termios
import threading
import time
from pathlib import Path

import pytest

from tinysense_host.device import connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link import raw_repl
from tinysense_host.link.transport import BoardError, LinkError

ADAPTERS = ["mpremote", "ampy"]
BLOCKS = [0, 1, 383, 384, 385, 1020, 2047, 2048, 2049, 5000]
PLAIN = "text"      # a board on which no receiver runs: files go over its prompt


@pytest.fixture(params=ADAPTERS)
def kind(request):
    return request.param


@pytest.fixture
def board(repl_board, kind):
    port, flash = repl_board()
    with connect(port, kind=kind) as device:
        device.flash = flash
        yield device


def usable(device):
    return device.exec("print(6 * 7)") == "42\n"


@pytest.mark.parametrize("size", BLOCKS)
@pytest.mark.parametrize("fault", ["", PLAIN])
def test_files_come_back_as_they_were_put(repl_board, fault, size):
    port, flash = repl_board(fault)
    data = os.urandom(size)
    with connect(port) as device:
        device.put(data, "/a.bin")
        assert (flash / "a.bin").read_bytes() == data
        assert device.get("/a.bin") == data
    assert [p.name for p in flash.iterdir()] == ["a.bin"]


def test_files_and_folders(board):
    files = board.transport
    files.mkdir("/lib/deep")
    files.mkdir("/lib/deep")
    files.put(b"one", "/lib/deep/x")
    files.put(b"two", "/lib/deep/y")
    files.rename("/lib/deep/x", "/lib/deep/y")
    assert files.get("/lib/deep/y") == b"one"
    assert [(e.name, e.size, e.is_dir) for e in files.list("/lib")] == [("deep", 0, True)]
    assert [(e.name, e.size) for e in files.list("/lib/deep")] == [("y", 3)]
    assert files.stat("/lib").is_dir and files.stat("/lib/deep/y").size == 3
    assert files.stat("/nowhere") is None and files.crc32("/nowhere") is None
    files.remove("/lib/deep/y")
    files.remove("/lib/deep")
    assert files.list("/lib") == []


def test_no_path_leaves_the_boards_folder(repl_board):
    port, flash = repl_board()
    outside = flash.parent / "x"
    outside.write_bytes(b"theirs")
    with connect(port) as device:
        to = device.transport
        device.put(b"ours", "/a..b")        # a name, no way out
        for bad in ("../x", "/../x", "sub/../../x", "..", "a\0b", ""):
            for call in (lambda p: to.put(b"", p), to.get, to.remove, to.stat, to.crc32, to.list,
                         to.mkdir, lambda p: to.rename("/a..b", p),
                         lambda p: to.rename(p, "/y")):
                with pytest.raises(TinysenseError, match="a path on the board: expected"):
                    call(bad)
    assert outside.read_bytes() == b"theirs"
    assert [p.name for p in flash.iterdir()] == ["a..b"]


def test_what_code_raises_is_told_and_the_board_goes_on(board):
    with pytest.raises(BoardError, match="ZeroDivisionError") as caught:
        board.exec("print('before')\n1/0")
    assert caught.value.output == b"before\r\n"
    assert usable(board)


def test_an_oserror_has_its_number(board):
    with pytest.raises(BoardError) as caught:
        board.get("/nowhere")
    assert caught.value.errno == 2


@pytest.mark.parametrize(("text", "number"), [
    ("OSError: [Errno 28] ENOSPC", 28), ("OSError: 28", 28), ("OSError: (2, 'no file')", 2),
    ("OSError: -202", None), ("ValueError: 28", None), ("OSError: ", None), ("", None)])
def test_numbers_of_oserrors_in_all_their_spellings(text, number):
    assert BoardError("Traceback:\n" + text).errno == number


def test_a_board_that_resets_in_the_middle(board):
    with pytest.raises(LinkError, match="reset in the middle"):
        board.exec("print('x')\nimport machine\nmachine.reset()")
    assert usable(board)


def test_a_reset_in_the_middle_of_a_file_leaves_the_old_one(repl_board):
    port, _ = repl_board(PLAIN)
    with connect(port) as device:
        device.put(b"old", "/m.tsm")
        real = device.transport._start

        def breaking(code):
            real("import machine\nmachine.reset()" if "_tsw(" in code else code)

        device.transport._start = breaking
        with pytest.raises(LinkError, match="reset in the middle"):
            device.put(b"new" * 1000, "/m.tsm")
        device.transport._start = real
        assert device.get("/m.tsm") == b"old"
        assert usable(device)


def test_a_file_damaged_on_the_way_is_not_given_its_name(repl_board):
    port, flash = repl_board(PLAIN)
    with connect(port) as device:
        device.put(b"old", "/m.tsm")
        real = device.transport._start
        device.transport._start = lambda code: real(code.replace("_tsa('bmV3", "_tsa('bmV2"))
        with pytest.raises(LinkError, match="damaged on the way"):
            device.put(b"new", "/m.tsm")
    assert {p.name: p.read_bytes() for p in flash.iterdir()} == {"m.tsm": b"old"}


@pytest.mark.parametrize("fault", ["full=3000", f"{PLAIN},full=3000"])
def test_a_full_disk_leaves_no_half_file(repl_board, kind, fault):
    port, flash = repl_board(fault)
    with connect(port, kind=kind) as device:
        with pytest.raises(TinysenseError, match="no room on the board for /big: 5000 bytes"):
            device.put(b"x" * 5000, "/big")
        assert list(flash.iterdir()) == []
        assert usable(device)


def test_a_program_that_never_ends_is_stopped(board):
    with pytest.raises(LinkError, match="silent for 2 s"):
        board.exec("while True: pass", timeout=2.0)
    assert usable(board)


def test_a_program_that_never_stops_talking_is_stopped(board):
    with pytest.raises(LinkError, match=r"not done after 2 s; last it said .*chatter"):
        board.exec("import time\nwhile True:\n print('chatter')\n time.sleep(0.01)", timeout=2.0)
    assert usable(board)


def test_ctrl_c_during_a_program_leaves_the_board_usable(board):
    threading.Timer(0.3, lambda: os.kill(os.getpid(), 2)).start()
    with pytest.raises(KeyboardInterrupt):
        board.exec("while True: pass", timeout=30)
    assert usable(board)


def test_ctrl_c_during_a_stream_still_brings_its_last_words(board):
    came = bytearray()

    def sink(data):
        came.extend(data)
        if b"go" in data:
            os.kill(os.getpid(), 2)
        return data

    code = ("import time\ntry:\n print('go')\n while True: time.sleep(0.01)\n"
            "except KeyboardInterrupt:\n print('bye')")
    with pytest.raises(KeyboardInterrupt):
        board.stream(code, sink)
    assert b"bye" in came
    assert usable(board)


@pytest.mark.parametrize("fault", ["", PLAIN])
def test_ctrl_c_during_a_put_leaves_the_old_file(repl_board, fault):
    port, flash = repl_board(fault)
    with connect(port) as device:
        device.put(b"old", "/m.tsm")

        def press(done, total):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            device.put(b"x" * 9000, "/m.tsm", press)
        assert usable(device)
    assert {p.name: p.read_bytes() for p in flash.iterdir()} == {"m.tsm": b"old"}


def test_a_stream_may_hold_any_byte(board):
    # 04 > is also how a program ends; here it stands in the text that the sink takes away.
    came = bytearray()

    def sink(data):
        came.extend(data)
        return data.replace(b"\x04>\x04>", b"")

    code = ("import sys, time\nfor _ in range(3):\n sys.stdout.buffer.write(b'\\x04>\\x04>')\n"
            " time.sleep(0.3)\nprint('end')")
    board.stream(code, sink)
    assert came.count(b"\x04>\x04>") >= 3 and b"end" in came


def test_an_end_is_believed_at_once_after_the_last_frame(board):
    calls = []
    board.stream("print('end')", lambda data: calls.append(data) or data, over=lambda: True)
    assert b"end" in b"".join(calls)
    assert calls[-1] != b""         # no silence was waited for


def test_a_running_program_reads_what_is_sent(board):
    def sink(data):
        if b"ready" in data:
            board.send(b"hello\n")
        return data

    got = bytearray()
    board.stream("import sys\nprint('ready')\nprint(sys.stdin.readline()[::-1])",
                 lambda data: got.extend(data) or sink(data))
    assert b"olleh" in got


def test_soft_reset_forgets_everything(board):
    board.exec("x = 1")
    board.soft_reset()
    with pytest.raises(BoardError, match="NameError"):
        board.exec("print(x)")


def test_a_restart_that_was_heard_of_only_in_part_is_tried_again(board, monkeypatch):
    monkeypatch.setattr(raw_repl, "RESTART_S", 1.0)
    board.exec("x = 1")
    line, came, lost = board.transport._line, bytearray(), []
    some = line.some

    def lossy(wait):
        data = some(wait)
        came.extend(data)
        if came.endswith(raw_repl.BANNER) and not lost:
            lost.append(data[-1:])
            return data[:-1]
        return data

    line.some = lossy
    board.soft_reset()
    assert lost
    with pytest.raises(BoardError, match="NameError"):
        board.exec("print(x)")


def test_an_answer_whose_end_is_lost_is_not_waited_for_as_long_as_its_beginning(board):
    slow = "import time\ntime.sleep(1)\nprint('done')\n"
    assert board.exec(slow, timeout=30, rest=0.5) == "done\n"
    begin = time.monotonic()
    with pytest.raises(LinkError, match=r"no end for 0\.5 s; last it said b'done"):
        board.exec(slow + "time.sleep(60)", timeout=60, rest=0.5)
    assert time.monotonic() - begin < 30
    assert usable(board)


def test_the_board_is_left_at_its_friendly_prompt(repl_board, kind):
    port, _ = repl_board()
    connect(port, kind=kind).close()
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(fd, b"\x03")
        time.sleep(0.3)
        assert os.read(fd, 4096).endswith(b">>> ")
    finally:
        os.close(fd)


@pytest.mark.parametrize(("fault", "came"), [("silent", "answered nothing"),
                                             ("chatty", "answered .*temperature")])
def test_what_is_no_micropython_is_said_with_what_came(repl_board, kind, fault, came):
    port, _ = repl_board(fault)
    with pytest.raises(LinkError, match=f"no MicroPython prompt on {port}.*{came}"):
        connect(port, kind=kind)


def test_a_board_that_vanishes(repl_board):
    port, _ = repl_board()
    # The board's process ends: its end of the cable closes.
    with connect(port) as device, pytest.raises(LinkError, match="lost the board on"):
        device.exec("import os\nos._exit(0)", timeout=5)


@pytest.mark.parametrize("where", ["os.path.realpath", "termios.tcgetattr", "termios.tcsetattr",
                                   "termios.tcflush", "serial.Serial.timeout"])
def test_a_port_that_goes_away_while_it_is_opened(repl_board, monkeypatch, where):
    port, _ = repl_board()
    raised = []

    def gone(*_):
        raised.append(where)
        raise FileNotFoundError(port) if where.startswith("os") else termios.error(5, "gone")

    monkeypatch.setattr(where, property(None, gone) if where.endswith("timeout") else gone)
    with pytest.raises(TinysenseError, match=f"port {port}"):
        connect(port, kind="mpremote")
    assert raised


def test_an_unknown_adapter():
    with pytest.raises(TinysenseError, match="expected mpremote or ampy"):
        connect("/dev/null", kind="pigeon")


def test_only_the_adapters_import_the_libraries():
    package = Path(__file__).resolve().parents[2] / "host" / "tinysense_host"
    for library in ("mpremote", "ampy"):
        users = [p.name for p in package.rglob("*.py")
                 if f"from {library}" in p.read_text() or f"import {library}" in p.read_text()]
        assert users == [f"transport_{library}.py"]
