"""Several boards at once: results, failures, Ctrl-C."""

import os
import signal
import threading
import time

import pytest

from tinysense_host import fleet, naming
from tinysense_host.commands import several
from tinysense_host.commands.screen import console, err
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.fleet import Outcome, Target, chosen, run
from tinysense_host.link import ports
from tinysense_host.link.ports import Candidate
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.naming import Where, remember


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(ports.PORT_VARIABLE, raising=False)

    def set_here(*found):
        rows = [Candidate(port, "", number) for port, number in found]
        for module in (ports, naming, fleet):
            monkeypatch.setattr(module, "candidates", lambda: rows)

    set_here()
    return set_here


def targets(*ports):
    return [Target(p, Where(p)) for p in ports]


def fake(where):
    return Device(FakeTransport())


def test_they_work_at_the_same_time_and_come_in_order():
    together = threading.Barrier(3, timeout=60)     # each waits for all

    def work(label, device):
        together.wait()
        return "well"

    told = []
    rows = run(work, targets("/a", "/b", "/c"), fake, told.append)
    assert told == [rows]
    assert [(r.board, r.done, r.error) for r in rows] == [(p, "well", "") for p in ("/a", "/b", "/c")]
    assert all(r.seconds >= 0 for r in rows)


def test_one_that_fails_does_not_keep_the_others():
    def connected(where):
        if where.port == "/b":
            raise TinysenseError("no prompt\non /b", "press reset")
        if where.port == "/c":
            raise OSError(2, "No such file", "/model.tsm")
        return fake(where)

    rows = run(lambda *_: "well", [*targets("/a", "/b", "/c"), Target("d", None, "absent")],
               connected, lambda rows: None)
    assert [(r.done, r.error) for r in rows] == [
        ("well", ""), ("", "no prompt on /b. press reset"), ("", "/model.tsm: No such file"),
        ("", "absent")]


def test_a_fault_of_ours_is_raised_after_all_have_ended():
    ended = []

    def work(label, device):
        ended.append(1)
        raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError):
        run(work, targets("/a", "/b"), fake, ended.append)
    assert ended[:2] == [1, 1] and ended[2][0].error == "ZeroDivisionError: here"


def test_ctrl_c_stops_all_as_it_stops_one():
    closed, began = [], threading.Barrier(4, timeout=60)

    class Slow(FakeTransport):
        def close(self):
            closed.append(1)
            super().close()

    def work(label, device):
        began.wait()
        while True:
            time.sleep(0.01)

    def interrupt():
        began.wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    told = []
    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(work, targets("/a", "/b", "/c"), lambda where: Device(Slow()), told.extend)
    finally:
        signal.signal(signal.SIGINT, old)
    assert [r.error for r in told] == ["interrupted"] * 3 and len(closed) == 3


def test_every_board_once(here):
    here(("/dev/a", "1"), ("/dev/b", "2"), ("/dev/c", ""))
    remember("anna", "/dev/a", "")
    remember("yard", "tcp://10.0.0.7:1", "")
    remember("otto", "/dev/b", "")
    here(("/dev/a", "1"), ("/dev/c", ""))
    rows = chosen([], every=True)
    assert [(t.label, t.where and t.where.port) for t in rows] == [
        ("anna (/dev/a)", "/dev/a"), ("otto", None), ("yard (tcp://10.0.0.7:1)", "tcp://10.0.0.7:1"),
        ("/dev/c", "/dev/c")]
    assert "otto (serial number 2) is not plugged in" in rows[1].error
    assert [t.label for t in chosen(["/dev/x", "anna", "/dev/a", "/dev/x"], every=False)] == [
        "/dev/x", "anna (/dev/a)"]


def test_no_board_at_all(here):
    with pytest.raises(TinysenseError, match="no board found: none has a name"):
        chosen([], every=True)


def test_a_command_on_two_boards_prints_a_table(repl_board, capsys):
    (one, _), (two, _) = repl_board(), repl_board()

    def work(device):
        console.print(f"[bold]hello[/bold] {device.exec('print(6 * 7)').strip()}")
        err.print("and a note")
        if device.port == two:
            raise TinysenseError("too little flash", "remove files")

    with pytest.raises(several.typer.Exit) as caught:
        several.on_boards(work, [one, two], None, None, every=False, interrupt=False)
    assert caught.value.exit_code == 1
    out, notes = capsys.readouterr()
    lines = [line.rstrip().split(None, 2) for line in out.splitlines()]
    assert lines[0] == ["board", "s", "result"]
    assert [(row[0], row[2]) for row in lines[1:]] == [
        (one, "hello 42"), (two, "failed: too little flash. remove files")]
    assert sorted(notes.splitlines()) == sorted([f"{one}: and a note", f"{two}: and a note"])
    with connect(one) as device:
        assert device.exec("print(1)") == "1\n"


def test_a_command_on_one_board_prints_as_ever(repl_board, capsys):
    port, _ = repl_board()
    several.on_boards(lambda d: console.print(d.port), [port], None, None, False, False)
    assert capsys.readouterr().out == f"{port}\n"


def test_work_that_shares_a_folder_is_done_in_turn(monkeypatch, capsys):
    busy, most = [], []

    def work(device):
        busy.append(1)
        most.append(len(busy))
        time.sleep(0.05)
        busy.pop()

    monkeypatch.setattr(several, "connect", lambda where, *rest: fake(where))
    several.on_boards(work, ["/a", "/b", "/c"], None, None, False, False, in_turn=True)
    assert most == [1, 1, 1] and capsys.readouterr().out.count("done") == 3


def test_a_status_is_a_failure_and_a_virtual_board_goes_alone(monkeypatch, capsys):
    monkeypatch.setattr(several, "connect", lambda where, *rest: fake(where))

    def work(device):
        raise several.typer.Exit(3)

    with pytest.raises(several.typer.Exit):
        several.on_boards(work, ["/a", "/b"], None, None, False, False)
    assert capsys.readouterr().out.count("failed: ended with status 3") == 2
    with pytest.raises(TinysenseError, match="--board UNIX goes with one board"):
        several.on_boards(work, [], "UNIX", None, True, False)


def test_an_outcome_is_plain_text(capsys):
    console.print(several._table([Outcome("a\x1b", "[red]x[/red]", 1.25, ""),
                                  Outcome("b", "", 0, "[/]")]))
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out and "failed: [/]" in out and "\x1b" not in out
