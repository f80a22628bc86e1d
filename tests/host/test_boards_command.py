"""`tinysense boards`: what is here, under which name, and what it was left to run."""

import json
from pathlib import Path

import pytest

from tinysense_host import naming
from tinysense_host.commands import boards as command
from tinysense_host.commands.boards import Action, boards
from tinysense_host.errors import TinysenseError
from tinysense_host.link import ports
from tinysense_host.link.ports import Candidate

PROGRAM = Path(__file__).resolve().parent / "logging_program.py"


@pytest.fixture
def logger(repl_board, tmp_path):
    """A board that records, its id ab12."""
    main = tmp_path / "main.py"
    main.write_text(PROGRAM.read_text() + "\nrecord()\n")
    return repl_board(f"main={main},id=ab12")[0]


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(ports.PORT_VARIABLE, raising=False)

    def set_here(*rows):
        for module in (ports, naming, command):
            monkeypatch.setattr(module, "candidates", lambda: list(rows))

    set_here()
    return set_here


def test_all_boards_with_names_and_loggers_left_alone(here, repl_board, logger, capsys):
    plain, _ = repl_board("id=cd34")
    here(Candidate(logger, "x", "1"), Candidate(plain, "y"), Candidate("/dev/nope", "z"))
    boards(Action.NAME, "field-3", logger)
    boards(Action.NAME, "desk", plain)
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"field-3 is the board with serial number 1, on {logger} now",
                                f"desk is the board with id cd34, on {plain} now"]
    assert "desk has no USB serial number" in err
    for _ in range(2):
        boards()
        rows = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert rows[0][:3] == ["name", "port", "board"]
        assert rows[1][:4] == ["field-3", logger, "recording", "'walk',"]
        assert rows[2][:2] == ["desk", plain] and "0.1.0" in rows[2]
        assert rows[3][:2] == ["/dev/nope", "port"] and "exist;" in rows[3]
    boards(as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told[0]["name"], told[0]["running"]["runs"]) == ("field-3", "recording")
    assert (told[1]["name"], told[1]["package"]) == ("desk", "0.1.0")
    assert "port /dev/nope does not exist" in told[2]["error"]


def test_interrupt_stops_it_and_shows_what_it_has(here, logger, capsys, caplog):
    boards(port=logger, interrupt=True)
    assert "0.1.0" in capsys.readouterr().out and "press its reset button" in caplog.text


def test_one_that_is_named_but_not_here_is_said(here, repl_board, capsys):
    port, _ = repl_board("id=cd")
    here(Candidate(port, "y", "7"))
    boards(Action.NAME, "field-3", port)
    here(Candidate(port, "y", "8"))
    capsys.readouterr()
    boards()
    out, err = capsys.readouterr()
    assert "named, but not found here: field-3 (serial number 7)" in err and port in out
    boards(Action.FORGET, "field-3")
    assert "field-3 is forgotten; it was the board with serial number 7" in capsys.readouterr().out


@pytest.mark.parametrize("action", list(Action))
def test_a_name_is_needed(action):
    with pytest.raises(TinysenseError, match=f"`tinysense boards {action.value}` needs a name"):
        boards(action)


def test_no_board(capsys):
    boards()
    assert "no board found" in capsys.readouterr().out
