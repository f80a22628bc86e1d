"""Boards remembered by name, and found again wherever they are plugged in."""

import json

import pytest

from tinysense_host import naming
from tinysense_host.errors import TinysenseError
from tinysense_host.link import ports
from tinysense_host.link.ports import Candidate
from tinysense_host.naming import Where, find, forget, is_name, name_of, names, remember

PICO, ESP = Candidate("/dev/ttyACM0", "Pico", "E660"), Candidate("/dev/ttyUSB0", "CH340")
VIRTUAL = Candidate("/run/QEMU_M4F.port", "virtual board QEMU_M4F")


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """Sets which boards there are; names go to a folder of the test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(ports.PORT_VARIABLE, raising=False)

    def set_here(*rows):
        for module in (ports, naming):
            monkeypatch.setattr(module, "candidates", lambda: list(rows))

    set_here()
    return set_here


def nobody(port):
    raise AssertionError(f"{port} was asked")


def ids(**known):
    """An identify that knows ids by the last part of the port's name."""
    def identify(port):
        if port.rpartition("/")[2] not in known:
            raise TinysenseError("no answer")
        return known[port.rpartition("/")[2]]
    return identify


def test_a_board_is_found_by_its_serial_number_on_another_port(here):
    here(PICO, ESP)
    row, notes = remember("field-3", "/dev/ttyACM0", "ab12")
    assert (str(row), notes) == ("serial number E660", [])
    here(ESP, Candidate("/dev/ttyACM7", "Pico", "E660"), VIRTUAL)
    assert find("field-3", nobody) == Where("/dev/ttyACM7", "field-3", "ab12")
    assert name_of("/dev/ttyACM7") == "field-3" and name_of("/dev/ttyUSB0") == ""


def test_the_variable_may_hold_a_name(here, monkeypatch):
    here(PICO)
    remember("field-3", "/dev/ttyACM0", "")
    monkeypatch.setenv(ports.PORT_VARIABLE, "field-3")
    assert find(None, nobody).port == "/dev/ttyACM0"
    assert find("/dev/other", nobody) == Where("/dev/other")


def test_without_a_serial_number_boards_are_asked_who_they_are(here):
    here(PICO, ESP)
    row, notes = remember("esp", "/dev/ttyUSB0", "c0de")
    assert str(row) == "id c0de" and "no USB serial number" in notes[0]
    assert find("esp", nobody) == Where("/dev/ttyUSB0", "esp", "c0de")   # connect() looks who it is
    here(PICO, Candidate("/dev/ttyUSB1", "x"), Candidate("/dev/ttyUSB2", "x"), VIRTUAL)
    assert find("esp", ids(ttyUSB1="beef", ttyUSB2="c0de")).port == "/dev/ttyUSB2"
    assert find("esp", ids(ttyUSB2="c0de")).port == "/dev/ttyUSB2"
    with pytest.raises(TinysenseError, match=r"esp \(id c0de\) is none of .*ttyUSB1 \(x\), .*USB2"
                                             r".*no answer from /dev/ttyUSB2"):
        find("esp", ids(ttyUSB1="beef"))
    assert name_of("/dev/ttyUSB2", "c0de") == "esp" and name_of("/dev/ttyUSB2") == ""


def test_boards_that_share_a_serial_number_are_told_apart_by_id_or_refused(here):
    one, two = Candidate("/dev/ttyUSB1", "CP2102", "0001"), Candidate("/dev/ttyUSB2", "", "0001")
    here(one, two)
    _, notes = remember("a", "/dev/ttyUSB2", "aa")
    assert "2 boards here share the serial number 0001" in notes[0] and "its id aa" in notes[0]
    _, notes = remember("b", "/dev/ttyUSB1", "")
    assert "plug only one of them in" in notes[0]
    assert find("a", ids(ttyUSB1="bb", ttyUSB2="aa")).port == "/dev/ttyUSB2"
    with pytest.raises(TinysenseError, match="b is one of 2 boards with serial number 0001: .*USB1"):
        find("b", nobody)
    assert name_of("/dev/ttyUSB2", "aa") == "a" and name_of("/dev/ttyUSB1", "bb") == ""


def test_what_is_not_plugged_in_is_said_with_what_is(here):
    here(PICO)
    remember("field-3", "/dev/ttyACM0", "")
    here(ESP)
    with pytest.raises(TinysenseError, match=r"field-3 \(serial number E660\) is not plugged in; "
                                             r"boards here: /dev/ttyUSB0 \(CH340\)"):
        find("field-3", nobody)
    with pytest.raises(TinysenseError, match=r"no board is named 'fiel'; names: field-3"):
        find("fiel", nobody)


@pytest.mark.parametrize(("port", "board_id", "note"), [
    ("socket://10.0.0.7:8266", "ab", "where a board with the id ab must be"),
    ("tcp://10.0.0.7:8267", "", "alone"), ("/dev/serial0", "ab", "with the id ab"),
    (VIRTUAL.port, "drawn anew", "alone")])
def test_other_boards_are_known_by_their_port(here, port, board_id, note):
    here(PICO, VIRTUAL)
    row, notes = remember("yard", port, board_id)
    assert row.port == port and note in notes[0]
    assert find("yard", nobody) == Where(port, "yard", "" if port == VIRTUAL.port else board_id)
    assert name_of(port) == "yard"


def test_names_are_changed_and_forgotten(here):
    here(PICO, ESP)
    remember("x", "/dev/ttyACM0", "")
    _, notes = remember("x", "/dev/ttyUSB0", "aa")
    assert "x was the board with serial number E660" in notes
    assert str(forget("x")) == "id aa" and names() == {}
    with pytest.raises(TinysenseError, match="no board is named 'x'; names: none"):
        forget("x")


@pytest.mark.parametrize("name", ["", "a/b", "ws://x", "COM3", "com12", "-x", "a" * 41, "a b", "ä"])
def test_what_is_no_name(name):
    assert not is_name(name)
    with pytest.raises(TinysenseError, match="can't be a board's name"):
        remember(name, "/dev/x", "")


def test_a_file_in_this_folder_is_a_port_as_before(here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tty").touch()
    assert find("tty", nobody) == Where("tty")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"boards": []}', '{"boards": {"a": {}}}',
                                  '{"boards": {"a": {"port": 5}}}', '{"boards": {"a/b": {"port": "x"}}}',
                                  '{"boards": {"a": 5}}'])
def test_a_damaged_list_is_said_and_not_written_over(here, text):
    path = naming.names_path()
    path.parent.mkdir(parents=True)
    path.write_text(text)
    for act in (lambda: find("a", nobody), lambda: remember("a", "/dev/x", "")):
        with pytest.raises(TinysenseError, match="boards.json is no list of boards") as caught:
            act()
        assert "\n" not in str(caught.value)
    assert path.read_text() == text


def test_keys_of_a_newer_version_stop_nobody(here):
    path = naming.names_path()
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"boards": {"a": {"port": "tcp://x", "colour": "red"}}, "v": 2}))
    assert find("a", nobody) == Where("tcp://x", "a")
