"""Two commands and one virtual board: who starts it, who waits, and who ends it."""

import contextlib
import threading
from pathlib import Path

import pytest

from tinysense_host import emulator, virtual
from tinysense_host.errors import TinysenseError
from tinysense_host.virtual import attach, started

BOARD = "UNIX"


@pytest.fixture
def boards(monkeypatch, tmp_path):
    """Emulators that only count; `slow` is what each waits for before it is up."""
    class Counted:
        running = most = starts = 0
        url = ""
        slow = threading.Event()

        control_port = None

        def __init__(self, board, fs=None, requests=()):
            Counted.starts += 1
            Counted.running += 1
            Counted.most = max(Counted.most, Counted.running)
            Counted.slow.wait(20)
            self.port = Counted.url or str(tmp_path / "pty")
            (tmp_path / "pty").touch()

        def __enter__(self):
            return self

        def __exit__(self, *_):
            Counted.running -= 1

    Counted.slow.set()
    monkeypatch.setattr(emulator, "Emulator", Counted)
    monkeypatch.setenv("TINYSENSE_RUN", str(tmp_path / "run"))
    return Counted


def test_a_session_starts_a_board_and_ends_it(boards):
    with contextlib.ExitStack() as keep:
        port = attach(BOARD, keep)
        assert port.endswith("UNIX.port") and boards.running == 1
    assert boards.running == 0 and virtual.running() == {}


def test_two_commands_at_once_start_one_board_each_after_the_other(boards):
    """The second waits for the first to be done, and starts the board anew."""
    boards.slow.clear()
    ends = []

    def command():
        with contextlib.ExitStack() as keep:
            attach(BOARD, keep)
            ends.append(boards.running)

    threads = [threading.Thread(target=command) for _ in range(4)]
    for thread in threads:
        thread.start()
    boards.slow.set()
    for thread in threads:
        thread.join()
    assert ends == [1, 1, 1, 1] and boards.most == 1 and boards.running == 0


def test_a_busy_board_is_said_in_one_line_and_keeps_running(boards, monkeypatch):
    monkeypatch.setattr(virtual, "WAIT_S", 0.1)
    with contextlib.ExitStack() as first:
        attach(BOARD, first)
        with contextlib.ExitStack() as second, \
                pytest.raises(TinysenseError, match=r"UNIX is busy: .*\(process \d+\)"):
            attach(BOARD, second)
        assert boards.starts == boards.running == 1 and len(virtual.running()) == 1


def test_a_board_that_is_being_started_is_waited_for(boards):
    boards.slow.clear()
    up, over = threading.Event(), threading.Event()

    def emulate():
        with started(BOARD):
            up.set()
            over.wait(20)

    thread = threading.Thread(target=emulate)
    thread.start()
    while boards.starts == 0 and thread.is_alive():
        over.wait(0.01)
    threading.Timer(0.2, boards.slow.set).start()
    with contextlib.ExitStack() as keep:
        attach(BOARD, keep)
        assert up.wait(20) and boards.starts == 1
    assert boards.running == 1      # whoever only used it does not end it
    over.set()
    thread.join()
    assert boards.running == 0


def test_a_second_emulator_is_refused_and_the_first_goes_on(boards):
    with started(BOARD) as port:
        with pytest.raises(TinysenseError, match="UNIX runs already"), started(BOARD):
            pass
        assert boards.running == boards.starts == 1 and Path(port).is_symlink()


def test_a_board_behind_a_socket_is_found_by_its_url(boards):
    boards.url = "socket://127.0.0.1:4000"
    with started(BOARD) as port, contextlib.ExitStack() as keep:
        assert port == attach(BOARD, keep) == boards.url
        assert virtual.running() == {BOARD: boards.url}
        with pytest.raises(TinysenseError, match="UNIX runs already .* on socket://127"), \
                started(BOARD):
            pass
    assert virtual.running() == {} and boards.starts == 1


def test_what_has_no_simulated_chips_cannot_be_told(boards):
    with pytest.raises(TinysenseError, match="UNIX does not run. start it: tinysense emulate UNIX"):
        virtual.tell(BOARD, {})
    with started(BOARD), pytest.raises(TinysenseError, match="UNIX has no simulated chips"):
        virtual.tell(BOARD, {})


def test_an_unknown_board_leaves_no_files(boards, tmp_path):
    for name in ("../x", "QEMU_M9"):
        with contextlib.ExitStack() as keep, pytest.raises(TinysenseError, match="unknown board"):
            attach(name, keep)
    assert not (tmp_path / "run").exists() and not (tmp_path / "x.session").exists()
