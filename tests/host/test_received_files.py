"""Files through a board's receiver over its REPL: started, left, fallen back from, gone on with."""

import os
import time

import pytest

from tinysense_host.device import connect
from tinysense_host.link import received_files
from tinysense_host.link.transport import BoardError, LinkError

DATA = os.urandom(30_000)
# The receiver's open(), as long as a program wants: after so many calls the board resets.
RESETS = """
import builtins, machine, tinysense.receiver
_o, _n = builtins.open, [{after}]
class _F:
 def __init__(self, f): self.f = f
 def write(self, data):
  _n[0] -= 1
  if _n[0] == 0: self.f.flush(); machine.reset()
  return self.f.write(data)
 def flush(self): self.f.flush()
 def close(self): self.f.close()
builtins.open = lambda p, m="r", *a, **k: _F(_o(p, m)) if m in ("wb", "ab") else _o(p, m, *a, **k)
"""


@pytest.fixture
def board(repl_board):
    port, flash = repl_board()
    with connect(port) as device:
        device.flash = flash
        yield device


def usable(device):
    return device.exec("print(6 * 7)") == "42\n"


def test_the_receiver_runs_between_files_and_is_left_before_code(board):
    to = board.transport
    assert to.put(DATA, "/a") and to._client is not None
    client = to._client
    assert to.put(DATA, "/b") and to.get("/a") == DATA and to._client is client
    assert usable(board) and to._client is None
    assert not to.put(DATA, "/a")       # the same already
    assert to.read("/a", 100, 50) == DATA[100:150] and usable(board)
    assert board.exec("import sys\nprint('tinysense.receiver' in sys.modules)") == "False\n"


def test_an_idle_receiver_is_not_believed_to_run(board, monkeypatch):
    to = board.transport
    to.put(b"x", "/a")
    first = to._client
    monkeypatch.setattr(received_files, "_IDLE_S", 0.0)
    assert to.put(b"y", "/a") and to._client is not first
    assert usable(board)


def test_the_connection_may_end_while_it_runs(repl_board):
    port, flash = repl_board()
    with connect(port) as device:
        device.put(DATA, "/a")
    with connect(port) as device:
        assert usable(device) and device.get("/a") == DATA


def test_a_reset_in_the_middle_is_gone_on_from(board):
    board.exec(RESETS.format(after=60))     # of 118 writes
    sent = []
    board.transport.put(DATA, "/a", lambda done, total: sent.append(done))
    assert (board.flash / "a").read_bytes() == DATA
    assert [p.name for p in board.flash.iterdir()] == ["a"]
    # No block went twice but the one that was in the air, and what was not flushed.
    assert len(sent) <= 31 + 1 and sent == sorted(sent)
    assert usable(board)


def test_a_board_that_resets_again_and_again_is_given_up(board):
    board.exec(RESETS.format(after=1).replace("_n[0] -= 1", "_n[0] = 0"))
    with pytest.raises(LinkError, match="reset in the middle"):
        board.transport.put(DATA, "/a")
    assert not (board.flash / "a").exists()
    assert usable(board)


def test_a_pulled_plug_leaves_the_old_file_and_a_part_to_go_on_from(repl_board):
    port, flash = repl_board()
    with connect(port) as device:
        device.put(b"old", "/a")

        def pull(done, total):
            if done > 20_000:
                repl_board.kill(port)

        with pytest.raises(LinkError, match="lost the board"):
            device.transport.put(DATA, "/a", pull)
    assert (flash / "a").read_bytes() == b"old"
    part = (flash / "a.part").read_bytes()
    assert len(part) >= 16_384 and DATA.startswith(part)


@pytest.mark.parametrize("code", [
    "import sys\nsys.modules['tinysense.receiver'] = None",         # none there
    "import sys\ndel sys.stdin.buffer",                             # text only
    "import tinysense.receiver as r\nr.Receiver._hello = lambda *a: b'\\x07\\x00\\x00\\x04'",
])
def test_a_board_without_a_fitting_receiver_gets_files_the_old_way(board, code):
    board.exec(code)
    to = board.transport
    assert to.put(DATA[:3000], "/a") and to._client is None and to._cannot
    assert board.get("/a") == DATA[:3000] and (board.flash / "a").read_bytes() == DATA[:3000]
    assert to.read("/a", 0, 5) is None and to.prefix_crc("/a", 5) is None
    assert usable(board)
    board.soft_reset()
    assert not to._cannot               # it may have one by now


def test_a_board_without_the_ram_to_inflate_gets_plain_blocks(board):
    text = b"a line that comes again and again\n" * 900
    board.exec("import tinysense.receiver as r\ndef _f(*a): raise MemoryError('no room')\n"
               "r.DeflateIO = _f")
    assert board.transport.put(text, "/a") and not board.transport._inflates
    assert (board.flash / "a").read_bytes() == text and board.transport._client is not None
    board.exec("import tinysense.receiver as r\nr.Receiver._data = _f")
    assert board.transport.put(text[1:], "/a") and board.transport._cannot
    assert (board.flash / "a").read_bytes() == text[1:]


def test_errors_of_the_board_come_as_with_code(board):
    with pytest.raises(BoardError) as caught:
        board.get("/nowhere")
    assert caught.value.errno == 2
    with pytest.raises(BoardError) as caught:
        board.put(b"x", "/no/such/folder")
    assert caught.value.errno == 2
    assert usable(board)


def test_a_receiver_whose_host_is_gone_ends_by_itself(board):
    board.exec("import select\n_p = select.poll\nselect.poll = lambda: _T(_p())\n"
               "class _T:\n def __init__(self, p): self.p = p\n"
               " def register(self, *a): self.p.register(*a)\n"
               " def poll(self, ms):\n  assert ms == 10000\n  return self.p.poll(200)")
    to = board.transport
    to.put(b"x", "/a")
    time.sleep(0.5)
    came = to._line.some(1.0)
    assert came == b"\x04\x04>"         # its program is over, without a word
    to._client = None
    to._line.unread(b">")
    assert usable(board)
