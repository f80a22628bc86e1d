"""The host's tools against real MicroPython: on this computer and on an emulated Cortex-M4F."""

import json
import os
import threading
from dataclasses import replace

import numpy as np
import pytest
import tiny

from tinysense_host.boards import boards_folder, load_board
from tinysense_host.dataset import Gap, Recording
from tinysense_host.deploy import wiring
from tinysense_host.deploy.setup_board import set_up
from tinysense_host.deploy.upload import upload
from tinysense_host.deploy.wiring import Wiring, wire_up
from tinysense_host.device import connect
from tinysense_host.doctor.board import board_checks
from tinysense_host.doctor.checks import Check, Patient, examine
from tinysense_host.errors import TinysenseError
from tinysense_host.link import wire
from tinysense_host.link.session import (
    FRAMES,
    SIGNAL,
    Playback,
    Traffic,
    load_model,
    record,
    watch,
)
from tinysense_host.link.transport import BoardError, LinkError
from tinysense_host.sync import board_config, host_config, push

FIRMWARE = {"UNIX": "UNIX/micropython", "QEMU_M4F": "QEMU_M4F/firmware.elf"}


@pytest.fixture(scope="module", params=FIRMWARE)
def board(request, tmp_path_factory):
    firmware = boards_folder().parent / "build" / "firmware" / FIRMWARE[request.param]
    if not firmware.is_file():
        pytest.skip(f"no firmware: make firmware BOARD={request.param}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYSENSE_RUN", str(tmp_path_factory.mktemp("run")))
        with connect(board=request.param) as device:
            set_up(device)
            yield device


def usable(device):
    return device.exec("print(6 * 7)") == "42\n"


def source():
    return Recording(id="made", frames=np.full((200, 3), 25600, np.int16), rate_mhz=25000,
                     channels=("x", "y", "z"), units="g", scale=4 / 32768, gaps=(Gap(50, 7),))


def test_what_it_says_of_itself(board):
    info = board.info()
    assert info.firmware == "micropython" and info.core == "built in"
    assert info.architecture in ("x64", "armv7emsp")
    assert 0 < info.ram_largest <= info.ram_free
    assert info.package and info.abi


@pytest.mark.parametrize("size", [0, 1, 384, 385, 2048, 2049, 20_000])
def test_files_come_back_as_they_were_put(board, size):
    data = os.urandom(size)
    board.put(data, "/a.bin")
    board.put(data, "/a.bin")
    assert board.get("/a.bin") == data
    board.transport.remove("/a.bin")
    assert board.stat("/a.bin") is None and board.stat("/a.bin.part") is None


def test_setting_up_again_writes_nothing(board):
    assert set_up(board).written == []
    done = set_up(board, thorough=True)
    assert done.written == [] and (done.frozen or done.unchanged > 10)


def test_a_virtual_board_has_no_wiring_but_takes_one_that_is_named(board):
    assert wire_up(board, board.info().machine) == Wiring()
    assert board.stat("/tinysense.json") is None
    assert wire_up(board, "", "RPI_PICO").written == board_config(board)
    board.transport.remove("/tinysense.json")
    wire_up(board, "", "ARDUINO_NANO_33_BLE_SENSE")
    assert board_config(board)["driver"] == "lsm9ds1"
    board.transport.remove("/tinysense.json")


def test_a_sensor_without_a_driver_is_left_unset(board, monkeypatch):
    nano = load_board("ARDUINO_NANO_33_BLE_SENSE")
    assert nano.sensor is not None
    odd = replace(nano, sensor=replace(nano.sensor, kind="sextant"))
    monkeypatch.setattr(wiring, "load_board", lambda name: odd)
    lacking = wire_up(board, "", "ARDUINO_NANO_33_BLE_SENSE")
    assert "driver" not in board_config(board) and "sextant" in lacking.notes[0]
    board.transport.remove("/tinysense.json")


def test_a_driver_of_the_boards_own_is_judged_by_the_board(board):
    own = b'OPTIONS = (("speed", int, 1, (0, 9), ""),)\ndef build(options, sensor=None): pass\n'
    board.transport.mkdir("/lib/tinysense/drivers")
    board.put(own, "/lib/tinysense/drivers/own.py")
    where = board.ask("import json, tinysense\nprint(json.dumps(tinysense.__file__))")
    try:
        if not where.startswith("/lib"):
            pytest.skip("the package is frozen into this firmware: nobody adds drivers to it")
        assert host_config(["driver=own", "driver_options.speed=9"], None, board)
        with pytest.raises(TinysenseError, match="speed: expected 0 to 9, got 10"):
            host_config(["driver=own", "driver_options.speed=10"], None, board)
    finally:
        board.transport.remove("/lib/tinysense/drivers/own.py")


def test_errors_have_kind_and_number(board):
    with pytest.raises(BoardError) as caught:
        board.exec("open('/nowhere')")
    assert (caught.value.kind, caught.value.errno) == ("OSError", 2)
    assert usable(board)


def test_a_program_that_never_ends_is_stopped(board):
    with pytest.raises(LinkError, match="silent for 1 s"):
        board.exec("while True: pass", timeout=1)
    assert usable(board)


def test_ctrl_c_leaves_it_usable(board):
    threading.Timer(0.5, lambda: os.kill(os.getpid(), 2)).start()
    with pytest.raises(KeyboardInterrupt):
        board.exec("while True: pass", timeout=30)
    assert usable(board)


def test_soft_reset_forgets_everything(board):
    board.exec("x = 1")
    board.soft_reset()
    with pytest.raises(BoardError, match="NameError"):
        board.exec("print(x)")


def test_a_played_recording_comes_back(board):
    frames = (np.arange(3000, dtype=np.int64) * 997 % 65536 - 32768).astype(np.int16)
    made = Recording(id="made", frames=frames.reshape(1000, 3), rate_mhz=25000,
                     channels=("x", "y", "z"), units="g", scale=4 / 32768,
                     gaps=(Gap(100, 7), Gap(101, 2)))
    take = record(board, 1009 / 25, playback=Playback(made))
    assert np.array_equal(take.frames, made.frames)
    assert take.gaps == made.gaps and take.lost_on_link == 0
    assert take.hello.full_scale == 4


def test_config_model_and_pipeline(board, tmp_path):
    push(board, host_config(["model=/tiny.tsm", "outputs=[]"]))
    assert board_config(board) == {"model": "/tiny.tsm", "outputs": []}
    path = tmp_path / "m.tsm"
    path.write_bytes(tiny.build())
    done = upload(board, path)
    assert (done.golden_equal, done.golden_count) == (3, 3)
    assert upload(board, path).skipped
    load_model(board)
    seen = watch(board, playback=Playback(source()))
    # Windows of 4 frames, hop 2, none across the gap.
    assert seen.windows == seen.end["windows"] == (50 - 4) // 2 + 1 + (150 - 4) // 2 + 1
    assert {e.name for e in seen.events} == {"ring"} and seen.end["lost"] == 7


def test_a_model_for_another_rate_is_refused(board, tmp_path):
    push(board, host_config(["model=/tiny.tsm"]))
    other = tiny.build(tiny.meta(sensor=tiny.META["sensor"] | {"rate_mhz": 50000}))
    board.put(other, "/tiny.tsm")
    load_model(board)
    with pytest.raises(TinysenseError, match="model wants 50 Hz .*runs at 25 Hz"):
        watch(board, playback=Playback(source()))
    assert usable(board)


def test_a_model_too_large_for_its_ram_is_refused_before_it_is_sent(board, tmp_path):
    path = tmp_path / "m.tsm"
    path.write_bytes(tiny.roomy(64 << 20))
    with pytest.raises(TinysenseError, match="too little RAM.*largest block 67108864 needed"):
        upload(board, path, "/large.tsm")
    assert board.stat("/large.tsm") is None


def test_capture_takes_little_heap_per_message(board):
    # Buffers are made before; what is left is the CRC where it does not fit a small integer.
    code = """
import gc, json
from tinysense import link
class Out:
 def write(self, data): pass
class Sink:
 buffer = Out()
l = link.Link(Sink())
b = bytearray(60)
def spend(n):
 t = l.clock.before(400)
 gc.collect()
 before = gc.mem_alloc()
 for i in range(n):
  l.frames(b, 10, 3, i, 0, l.clock.before(400))
 return gc.mem_alloc() - before
spend(5)
print(json.dumps(spend(200) - spend(100)))
"""
    # An integer beyond 30 bits takes 32 bytes, and which CRCs are depends on the
    # clock in the frame: 60 to 68 bytes a message were seen. A third would be 96.
    assert board.ask(code) < 100 * 96


def test_what_is_watched_comes_whole_and_a_doctor_finds_nothing(board):
    push(board, host_config(["model=/tiny.tsm", "outputs=[]"]))
    board.put(tiny.build(), "/tiny.tsm")
    load_model(board)
    frames = (np.arange(600, dtype=np.int64) * 997 % 65536 - 32768).astype(np.int16)
    made = replace(source(), frames=frames.reshape(200, 3))
    for signal in (FRAMES, SIGNAL):
        got, traffic = [], Traffic()
        seen = watch(board, playback=Playback(made), on_message=got.append, signal=signal,
                     inputs=True, traffic=traffic)
        pieces = [m for m in got if isinstance(m, (wire.Frames, wire.Signal))]
        if signal == FRAMES:
            assert np.array_equal(np.concatenate([p.samples for p in pieces]), made.frames)
            assert [p.first for p in pieces][25:27] == [57, 59]     # behind the gap
        else:
            assert [p.frames for p in pieces] == [5] * 40
            assert pieces[3].extremes.tolist() == [
                [c.min(), c.max()] for c in made.frames[15:20].T]
        inputs = [m for m in got if isinstance(m, wire.Input)]
        assert len(inputs) == seen.windows == 98 and traffic.missing == 0 < traffic.bytes
        assert [m.values.tolist() for m in inputs[:2]] == [
            np.clip((w.astype(int) + 128) >> 8, -128, 127).ravel().tolist()
            for w in (made.frames[:4], made.frames[2:6])]
    patient = Patient(board.port, device=board)
    checks = {c.name: Check(c.name, (), c.run) for c in board_checks()}
    found = list(examine(patient, tuple(checks[n] for n in (
        "firmware", "board core", "config", "model", "rollbacks", "clock", "link"))))
    assert {f.state for f in found} <= {"ok", "warn"}, found
    assert "3/3 golden outputs equal" in next(f.text for f in found if f.check == "model")


def test_a_second_emulator_of_the_same_board_is_refused(board, monkeypatch):
    from tinysense_host import virtual

    name = os.path.basename(board.port).removesuffix(".port")
    with pytest.raises(TinysenseError, match="runs already"), virtual.started(name):
        pass
    monkeypatch.setattr(virtual, "WAIT_S", 0.1)
    with pytest.raises(TinysenseError, match="is busy: another command"):
        connect(board=name)
    assert usable(board)


def test_json_of_info(board):
    assert json.loads(json.dumps(board.info().as_dict()))["port"] == board.port
