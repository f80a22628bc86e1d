"""Choosing a port, and saying why one cannot be opened."""

import os
import subprocess
import sys

import pytest

from tinysense_host.device import connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link import ports
from tinysense_host.link.ports import Candidate, choose_port, explain_failure, holders

ONE, TWO = Candidate("/dev/ttyACM0", "Pico"), Candidate("/dev/ttyUSB0", "")


@pytest.fixture
def found(monkeypatch, tmp_path):
    """Sets which boards there are."""
    monkeypatch.delenv(ports.PORT_VARIABLE, raising=False)
    monkeypatch.setenv("TINYSENSE_RUN", str(tmp_path))

    def set_found(*rows):
        monkeypatch.setattr(ports, "candidates", lambda: list(rows))

    return set_found


def test_the_port_given_wins(found, monkeypatch):
    found(ONE, TWO)
    monkeypatch.setenv(ports.PORT_VARIABLE, "/dev/env")
    assert choose_port("/dev/given") == "/dev/given"
    assert choose_port(None) == "/dev/env"


def test_the_only_board_is_taken(found):
    found(TWO)
    assert choose_port(None) == "/dev/ttyUSB0"


def test_no_board(found):
    found()
    with pytest.raises(TinysenseError, match=r"no board found.*--port.*tinysense emulate"):
        choose_port(None)


def test_more_than_one_board_are_listed(found):
    found(ONE, TWO)
    with pytest.raises(TinysenseError, match=r"2 boards.*ttyACM0 \(Pico\), /dev/ttyUSB0"):
        choose_port(None)


@pytest.mark.parametrize("kind", ["mpremote", "ampy"])
def test_a_wrong_port_lists_those_that_exist(found, kind):
    found(ONE)
    with pytest.raises(TinysenseError, match="/dev/nope does not exist; ports here: /dev/ttyACM0"):
        connect("/dev/nope", kind=kind)


def test_no_permission_names_the_group(found, monkeypatch, tmp_path):
    found()
    port = tmp_path / "tty"
    port.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(TinysenseError) as caught:
        raise explain_failure(str(port), OSError(13))
    assert f"no permission to open {port}" in caught.value.message
    assert port.group() in caught.value.hint and "usermod" in caught.value.hint


def test_a_busy_port_names_its_holder(repl_board):
    port, _ = repl_board()
    code = (f"import fcntl, os, sys\nfd = os.open({port!r}, os.O_RDWR | os.O_NOCTTY)\n"
            "fcntl.flock(fd, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()")
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        with pytest.raises(TinysenseError, match=rf"{port} is busy: held by .*\({other.pid}\)"):
            connect(port)
    finally:
        other.kill()
        other.wait()
    with connect(port) as device:       # free again
        assert device.exec("print(1)") == "1\n"


def test_a_second_connection_is_refused(repl_board):
    port, _ = repl_board()
    with connect(port), pytest.raises(TinysenseError, match=port):
        connect(port)


def test_holders_of_a_file_nobody_holds(tmp_path):
    (tmp_path / "x").touch()
    assert holders(str(tmp_path / "x")) == []


def test_a_file_that_is_no_port(tmp_path, found):
    found()
    plain = tmp_path / "plain"
    plain.touch()
    with pytest.raises(TinysenseError, match="plain is not a serial port; ports here: none"):
        connect(str(plain))


def test_a_url_that_does_not_answer():
    with pytest.raises(TinysenseError, match="could not connect to socket://127.0.0.1:1"):
        connect("socket://127.0.0.1:1")


def test_links_of_dead_emulators_are_passed_over(monkeypatch, tmp_path):
    monkeypatch.setenv("TINYSENSE_RUN", str(tmp_path))
    target = tmp_path / "pty"
    target.touch()
    rows = {"ALIVE": str(os.getpid()), "DEAD": "999999999", "BROKEN": "x"}
    for name, pid in rows.items():
        (tmp_path / f"{name}.port").symlink_to(target)
        (tmp_path / f"{name}.pid").write_text(pid)
    (tmp_path / "NOPID.port").symlink_to(target)
    (tmp_path / "GONE.port").symlink_to(tmp_path / "nothing")
    (tmp_path / "GONE.pid").write_text(str(os.getpid()))
    (tmp_path / "SOCKET.port").write_text("socket://127.0.0.1:4000")
    (tmp_path / "SOCKET.pid").write_text(str(os.getpid()))
    virtual = {c.name: c.port for c in ports.candidates() if c.name.startswith("virtual board")}
    assert virtual == {"virtual board ALIVE": str(tmp_path / "ALIVE.port"),
                       "virtual board SOCKET": "socket://127.0.0.1:4000"}



@pytest.mark.parametrize("port", ["/dev/null", "/dev", "/"])
def test_what_is_no_terminal_is_no_port_however_many_hold_it(found, port):
    found(ONE)
    with pytest.raises(TinysenseError, match=f"{port} is not a serial port; .*ttyACM0"):
        connect(port)


def test_three_holders_are_named_and_the_rest_counted(found, monkeypatch):
    found()
    side, port = os.openpty()
    try:
        monkeypatch.setattr(ports, "holders", lambda _: ["a (1)", "b (2)", "c (3)", "d (4)"])
        told = explain_failure(os.ttyname(port), OSError(16)).message
        assert told.endswith("is busy: held by a (1), b (2), c (3) and 1 more")
        monkeypatch.setattr(ports, "holders", lambda _: ["a (1)"])
        assert explain_failure(os.ttyname(port), OSError(16)).message.endswith("held by a (1)")
    finally:
        os.close(side)
        os.close(port)
