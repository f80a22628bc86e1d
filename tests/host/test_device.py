"""A connected board: what it says of itself, and what of that is believed."""

import contextlib
import json
import time
from binascii import crc32

import pytest

from tinysense_host import virtual
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import BoardError, DamagedError, LinkError
from tinysense_host.link.transport_fake import FakeTransport


def test_info():
    info = Device(FakeTransport(facts={"free": 5, "core": "absent", "abi": None})).info()
    assert (info.architecture, info.ram_free, info.core, info.abi) == ("armv7emsp", 5, "absent",
                                                                      None)
    assert json.loads(json.dumps(info.as_dict()))["port"] == "fake"


def test_info_from_a_board_that_computes(repl_board):
    port, _ = repl_board()
    with connect(port) as device:
        info = device.info()
    assert (info.ram_free, info.abi, info.package) == (200_000, 4, "0.1.0")
    assert info.ram_free - 300 < info.ram_largest <= info.ram_free


@pytest.mark.parametrize("answer", [b"", b"no json", b"[]", b"null", b'{"mpy": "x"}',
                                    b'{"mpy": true}', b'{"mpy": 1}', b"\xff\xfe"])
def test_a_board_that_answers_nonsense(answer):
    with pytest.raises(LinkError) as caught:
        Device(FakeTransport([("_ts_info", answer)])).info()
    assert "\n" not in str(caught.value)


def test_an_answer_may_follow_other_output():
    assert Device(FakeTransport([("", b'boot.py says hi\r\n{"a": 1}\r\n')])).ask("x") == {"a": 1}


def test_what_the_board_raises_passes_through():
    with pytest.raises(BoardError, match="EIO"):
        Device(FakeTransport([("", BoardError("OSError: [Errno 5] EIO"))])).exec("x")


def test_closing_ends_what_was_started_for_it():
    keep, ended = contextlib.ExitStack(), []
    keep.callback(ended.append, 1)
    fake = FakeTransport()
    with Device(fake, keep):
        assert ended == []
    assert fake.closed and ended == [1]


def test_port_and_board_exclude_each_other():
    with pytest.raises(TinysenseError, match="exclude each other"):
        connect("/dev/x", "UNIX")


def test_a_board_that_does_not_answer_is_ended_again(monkeypatch, repl_board):
    port, _ = repl_board("silent")
    ended = []

    def attach(board, keep):
        keep.callback(ended.append, board)
        return port

    monkeypatch.setattr(virtual, "attach", attach)
    with pytest.raises(LinkError, match="no MicroPython prompt"):
        connect(board="QEMU_M4F")
    assert ended == ["QEMU_M4F"]


def test_a_board_that_has_recorded_is_told_the_time(repl_board):
    port, flash = repl_board()
    with connect(port) as device:
        assert not list(flash.rglob("clock.txt"))
        device.exec("from tinysense.field.segments import Segments\nSegments('rec')")
    with connect(port) as device:
        boot = device.exec("from tinysense.field.boot import boot_id\nprint(boot_id())").strip()
    (clock,) = flash.rglob("clock.txt")
    told, device_us, utc_us = map(int, clock.read_text().split())
    assert (str(told), device_us > 0) == (boot, True)
    assert abs(utc_us / 1e6 - time.time()) < 30


def test_a_board_that_cannot_be_told_the_time_is_no_failure(repl_board, monkeypatch):
    port, _ = repl_board()
    monkeypatch.setattr("tinysense_host.device._TELL_TIME", "raise OSError({utc_us})")
    with connect(port) as device:
        assert device.exec("print(1)") == "1\n"


def test_operations_give_values_and_faults():
    answers = [("told('use', '{\"name\": \"ring\"}'", b'noise\r\n{"value": [1, null]}\r\n'),
               ("told('info', '{}'", b'{"error": "OSError", "text": "[Errno 28]\\nENOSPC"}'),
               ("told('key', '{}'", b'{"values": 1}'), ("told('report', '{}'", b"[]")]
    device = Device(FakeTransport(answers))
    assert device.call("use", name="ring") == [1, None]
    with pytest.raises(BoardError, match=r"OSError: \[Errno 28\] ENOSPC") as caught:
        device.call("info")
    assert (caught.value.kind, caught.value.errno) == ("OSError", 28)
    for odd in ("key", "report"):
        with pytest.raises(LinkError, match=f"to {odd}"):
            device.call(odd)
    assert not device.remote


def test_a_damaged_answer_is_found_out():
    device = Device(FakeTransport([("told(", b'{"value": 1}')]))
    assert device.call("use", name="ring") == 1
    exec = device.transport.exec
    device.transport.exec = lambda *a: exec(*a).replace(b"1", b"3", 1)
    with pytest.raises(LinkError, match="came damaged"):
        device.call("use", name="ring")


@pytest.mark.parametrize("damage", ["answer", "code", "arguments"])
def test_an_operation_that_may_be_done_twice_is_asked_again_where_it_was_damaged(damage):
    device = Device(FakeTransport([("told(", b'{"value": 1}')]))
    exec, asked = device.transport.exec, []

    def once(*a):
        asked.append(a[0])
        if len(asked) > 1:
            return exec(*a)
        if damage == "code":
            raise BoardError("NameError: name 'tolt' isn't defined")
        if damage == "answer":
            return exec(*a).replace(b"1", b"3", 1)
        said = b'{"error": "ValueError", "text": "\'use\' came damaged: check the cable, then try"}'
        return said + f" {crc32(said):08x}".encode()

    device.transport.exec = once
    assert device.call("models") == 1 and len(asked) == 2
    # What changes the board is asked again only where it can't have been done.
    asked.clear()
    if damage == "answer":
        with pytest.raises(DamagedError):
            device.call("remove", name="ring")
    else:
        assert device.call("remove", name="ring") == 1
    assert len(asked) == (1 if damage == "answer" else 2)


def test_what_a_board_is_is_asked_again_where_the_answer_was_damaged(repl_board):
    port, _ = repl_board()
    with connect(port) as device:
        exec, asked = device.transport.exec, []

        def once(*a):
            asked.append(a)
            return exec(*a)[:-9] if len(asked) == 1 else exec(*a)

        device.transport.exec = once
        assert device.info().port == port and len(asked) == 2
