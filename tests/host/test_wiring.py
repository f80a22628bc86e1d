"""A board's first config: written where there is none, from the profile of that board only."""

import json

import pytest

from tinysense_host.boards import list_boards, load_board
from tinysense_host.deploy import wiring
from tinysense_host.deploy.wiring import wire_up
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport_fake import FakeTransport

PATH = "/tinysense.json"
PICO = "Raspberry Pi Pico with RP2040"
XIAO = "XIAO nRF52840 Sense with NRF52840"
REAL = [name for name in list_boards() if not load_board(name).virtual]


def board_with(driver=b"true"):
    return FakeTransport([("config.plugin", driver)])


def on(board):
    return json.loads(board.files[PATH])


@pytest.mark.parametrize("given", [None, "RPI_PICO"])
def test_a_known_board_gets_its_wiring(given):
    board = board_with()
    done = wire_up(Device(board), "?" if given else PICO, given)
    assert on(board) == done.written == {
        "driver": "mpu6050", "driver_options": {"bus": 0, "scl": 5, "sda": 4, "address": 0x68},
        "axes": "x y z", "outputs": ["serial", {"kind": "led", "pin": 25}]}
    assert len(done.notes) == 1
    assert "RPI_PICO" in done.notes[0] and "nobody has confirmed" in done.notes[0]


@pytest.mark.parametrize(("given", "notes"), [(None, 0), ("RPI_PICO", 1)])
def test_a_config_that_is_there_stays(given, notes):
    board = board_with()
    board.files[PATH] = b'{"driver": "replay"'
    done = wire_up(Device(board), PICO, given)
    assert board.files == {PATH: b'{"driver": "replay"'}
    assert done.written == {} and len(done.notes) == notes


def test_a_driver_that_the_board_lacks_is_said_and_left_unset():
    board = board_with(b"false")
    done = wire_up(Device(board), XIAO)
    assert on(board) == {"outputs": ["serial", {"kind": "led", "pin": 26, "active_low": True}]}
    assert "lsm6ds3" in done.notes[0] and "driver is left unset" in done.notes[0]


@pytest.mark.parametrize("name", REAL)
def test_every_real_profile_leads_to_a_config(name):
    board = board_with()
    machines = load_board(name).machines  # none: a revision whose firmware has another's name
    assert wire_up(Device(board), (*machines, "?")[0], None if machines else name).notes
    assert on(board)["driver"] == load_board(name).sensor.kind


@pytest.mark.parametrize(("machine", "notes"), [("", 0), ("Some Board with CHIP", 1)])
def test_an_unknown_board_gets_nothing(machine, notes):
    board = board_with()
    done = wire_up(Device(board), machine)
    assert board.files == {} and done.written == {} and len(done.notes) == notes


@pytest.mark.parametrize(("name", "message"), [
    ("UNIX", "says nothing about wiring"), ("RPI_PICO9", "unknown board 'RPI_PICO9'")])
def test_a_profile_without_wiring(name, message):
    board = board_with()
    with pytest.raises(TinysenseError, match=message):
        wire_up(Device(board), PICO, name)
    assert board.files == {}


def test_the_board_is_asked_for_the_driver(repl_board, monkeypatch):
    port, flash = repl_board()
    with connect(port) as device:
        wire_up(device, "", "RPI_PICO")
        assert json.loads((flash / "tinysense.json").read_text())["driver"] == "mpu6050"
        (flash / "tinysense.json").unlink()
        monkeypatch.setattr(wiring, "_HAS_DRIVER_CODE",
                            wiring._HAS_DRIVER_CODE.replace("{name!r}", "'lsm303'"))
        done = wire_up(device, "", "ARDUINO_NANO_RP2040_CONNECT")
    assert "lsm6dsox" in done.notes[0]
    assert "driver" not in json.loads((flash / "tinysense.json").read_text())
