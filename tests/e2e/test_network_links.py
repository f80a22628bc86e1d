"""Boards behind a network: socket://, rfc2217:// and WebREPL, each before real MicroPython."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny
from network_bridges import PASSWORD, Bridge, Rfc2217, WebRepl
from virtual_bench import PRODUCTS, ROOT, package

from tinysense_host.deploy.upload import upload
from tinysense_host.device import Device, connect
from tinysense_host.emulator import Emulator, write_files
from tinysense_host.errors import TinysenseError
from tinysense_host.link import network, raw_repl, serial_line
from tinysense_host.link.network import BURST_BYTES, CONNECT_S, PASSWORD_VARIABLE, WebReplPort
from tinysense_host.link.transport import LinkError

MICROPYTHON = ROOT / "build" / "firmware" / PRODUCTS["UNIX"]
BRIDGES: dict[str, Callable[[str], Bridge]] = {
    "socket": Bridge, "rfc2217": Rfc2217, "ws": lambda board: WebRepl(board, MICROPYTHON)}
GENEROUS = 3.0          # a computer with much to do; what is stated is met within so many times it


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not MICROPYTHON.is_file():
        pytest.skip("no firmware: make firmware BOARD=UNIX")
    flash = tmp_path_factory.mktemp("flash")
    write_files(flash, package())
    with Emulator("UNIX", fs=flash) as emulator:
        yield emulator.port


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)


@pytest.fixture(params=BRIDGES)
def bridge(request: pytest.FixtureRequest, board: str) -> Iterator[Bridge]:
    with BRIDGES[request.param](board) as bridge:
        yield bridge


def test_code_files_and_a_model(bridge: Bridge, tmp_path: Path) -> None:
    data = os.urandom(5000)         # every byte there is: nothing on the way takes one for itself
    model = tmp_path / "tiny.tsm"
    model.write_bytes(tiny.build())
    with connect(bridge.url) as device:
        assert device.exec("print(6 * 7)") == "42\n"
        device.put(data, "/a.bin")
        assert device.get("/a.bin") == data
        done = upload(device, model, "/tiny.tsm")
        assert (done.golden_equal, done.golden_count) == (3, 3)
        device.transport.remove("/a.bin")
        device.soft_reset()
        assert device.exec("print(1)") == "1\n"
    with connect(bridge.url) as device:     # the bridge, and the board, take the next one
        assert upload(device, model, "/tiny.tsm").skipped


def test_every_byte_comes_through(bridge: Bridge) -> None:
    seen = bytearray()

    def take(data: bytes) -> bytes:
        seen.extend(data)
        return data

    with connect(bridge.url) as device:
        device.stream("import sys\nfor i in range(3):\n"
                      " sys.stdout.buffer.write(bytes(range(5, 256)))", take)
    assert bytes(seen).startswith(bytes(range(5, 256)) * 3)


def test_a_silent_peer_ends_in_the_time_stated(bridge: Bridge,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_line, "ANSWER_S", 0.5)
    monkeypatch.setattr(raw_repl.enter, "__defaults__", (2, 0.5))
    with connect(bridge.url) as device:
        bridge.freeze()
        begin = time.monotonic()
        with pytest.raises(LinkError, match="silent for 0.5 s"):
            device.exec("print(1)", timeout=1)
        # The program is not taken, then the prompt is asked for twice in vain.
        assert time.monotonic() - begin < GENEROUS * (0.5 + 2 * 0.7)
        begin = time.monotonic()
    assert time.monotonic() - begin < GENEROUS * CONNECT_S


def test_a_closed_connection_is_noticed_at_once(bridge: Bridge) -> None:
    with connect(bridge.url) as device:
        begin = time.monotonic()
        bridge.hang_up()
        with pytest.raises(LinkError, match="lost the board on"):
            device.exec("print(1)", timeout=30)
        assert time.monotonic() - begin < GENEROUS * 2


def test_webrepl_gets_no_more_at_once_than_a_board_holds(
        board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    data = os.urandom(3000)
    with WebRepl(board, MICROPYTHON) as bridge, connect(bridge.url) as device:
        device.put(data[:10], "/b.bin")             # the receiver runs
        write = WebReplPort.write

        def noted(port: WebReplPort, request: bytes) -> int:
            sizes.append(len(request))
            return write(port, request)

        monkeypatch.setattr(WebReplPort, "write", noted)
        device.put(data, "/b.bin")
        monkeypatch.undo()
        assert device.get("/b.bin") == data
    assert len(sizes) > 3000 // BURST_BYTES and max(sizes) <= BURST_BYTES


@pytest.mark.parametrize("scheme", BRIDGES)
def test_nobody_there(scheme: str) -> None:
    with pytest.raises(TinysenseError, match=f"{scheme}://127.0.0.1:1"):
        connect(f"{scheme}://127.0.0.1:1")


def refused(bridge: WebRepl) -> str:
    with bridge, pytest.raises(TinysenseError) as caught:
        connect(bridge.url)
    text = str(caught.value)
    assert PASSWORD not in text and "\n" not in text
    return text


@pytest.mark.parametrize(("mode", "said"), [
    ("page", "no WebREPL at"), ("busy", "with nobody else connected"),
    ("silent", "did not ask for WebREPL's password"), ("huge", "more than 64 kB")])
def test_what_is_no_webrepl_is_told(board: str, mode: str, said: str,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "CONNECT_S", 1.0)
    begin = time.monotonic()
    assert said in refused(WebRepl(board, MICROPYTHON, mode))
    assert time.monotonic() - begin < GENEROUS * CONNECT_S


def test_passwords(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
    assert "refused the password" in refused(WebRepl(board, MICROPYTHON))
    monkeypatch.delenv(PASSWORD_VARIABLE)
    assert f"set {PASSWORD_VARIABLE}" in refused(WebRepl(board, MICROPYTHON))
    with pytest.raises(TinysenseError, match="seen by others") as caught:
        connect(f"ws://:{PASSWORD}@127.0.0.1:1")
    assert PASSWORD not in str(caught.value)


def test_a_password_is_asked_for_at_a_terminal(board: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD)
    with WebRepl(board, MICROPYTHON) as bridge, connect(bridge.url) as device:
        assert isinstance(device, Device) and device.exec("print(1)") == "1\n"


def test_the_usual_port_of_webrepl() -> None:
    with pytest.raises(TinysenseError, match="ws://127.0.0.2:8266"):
        connect("ws://127.0.0.2")
