"""Models onto boards: what is refused before anything is sent, and what stays when it fails."""

import json
import struct
from dataclasses import replace

import pytest
import tiny

from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import fit, pack, target_name
from tinysense_host.upload import (
    FLASH_SLACK_BYTES,
    RAM_SLACK_BYTES,
    needs,
    preflight,
    read_model,
    upload,
)

DATA = tiny.build()
MODEL = ModelFile.read(DATA)
TOTAL, BLOCK = needs(MODEL, len(DATA))


def info(**changes):
    return replace(Device(FakeTransport()).info(), **changes)


def test_needs_counts_file_arena_work_window_and_ring():
    work = struct.unpack("<I", MODEL.feat[12:16])[0]
    assert len(DATA) + MODEL.arena_bytes + work + 6 * (4 + 4 + 2) == TOTAL
    assert max(len(DATA), MODEL.arena_bytes) == BLOCK


@pytest.mark.parametrize(("changes", "fine"), [
    ({}, True),
    ({"ram_free": TOTAL + RAM_SLACK_BYTES}, True),
    ({"ram_free": TOTAL + RAM_SLACK_BYTES - 1}, False),
    ({"ram_largest": BLOCK}, True),
    ({"ram_largest": BLOCK - 1}, False),
    ({"ram_free": -1, "ram_largest": -1}, True),
    ({"flash_free": len(DATA) + FLASH_SLACK_BYTES}, True),
    ({"flash_free": len(DATA) + FLASH_SLACK_BYTES - 1}, False),
    ({"flash_free": -1}, True),
    ({"core": "absent"}, False),
    ({"core": "broken: it speaks version 7"}, False),
    ({"package": None}, False)])
def test_preflight_at_its_bounds(changes, fine):
    if fine:
        preflight(MODEL, len(DATA), info(**changes))
    else:
        with pytest.raises(TinysenseError):
            preflight(MODEL, len(DATA), info(**changes))


def test_too_little_ram_says_needed_free_and_largest_block():
    with pytest.raises(TinysenseError) as caught:
        preflight(MODEL, len(DATA), info(ram_free=5000, ram_largest=700))
    for number in (TOTAL + RAM_SLACK_BYTES, MODEL.arena_bytes, len(DATA), BLOCK, 5000, 700):
        assert str(number) in caught.value.message


@pytest.mark.parametrize("changes", [{"free": 1000}, {"largest": 100}, {"flash_free": 100},
                                     {"core": "absent"}])
def test_nothing_is_sent_to_a_board_that_can_not_hold_it(changes, tmp_path):
    path = tmp_path / "m.tsm"
    path.write_bytes(DATA)
    board = FakeTransport([("print(json.dumps(config.load", b'"m.tsm"')], facts=changes)
    with pytest.raises(TinysenseError):
        upload(Device(board), path)
    assert board.files == {}


@pytest.mark.parametrize("calls", range(3, 9))
def test_a_reset_at_any_step_leaves_the_old_model(calls, tmp_path):
    path = tmp_path / "m.tsm"
    path.write_bytes(DATA)
    board = FakeTransport([("print(json.dumps(config.load", b'"m.tsm"'),
                           ("_ts_trial", b'[3, 3, "", ""]')])
    board.files["m.tsm"] = b"old"
    board.calls_left = calls
    with pytest.raises(LinkError, match="reset in the middle"):
        upload(Device(board), path)
    assert board.files["m.tsm"] == b"old"


@pytest.mark.parametrize("kernels", ["portable", "armv6m", "a core of tomorrow"])
def test_a_model_is_packed_for_the_core_of_the_board(kernels, tmp_path):
    path = tmp_path / "m.tsm"
    path.write_bytes(DATA)
    board = FakeTransport([("print(json.dumps(config.load", b'"m.tsm"'),
                           ("_ts_trial", b'[3, 3, "", ""]')], facts={"kernels": kernels})
    done = upload(Device(board), path)
    sent = ModelFile.read(board.files["m.tsm"])
    assert done.target == target_name(sent.target) == ("armv6m" if kernels == "armv6m"
                                                       else "portable")
    assert (done.file_bytes, done.arena_bytes) == (len(board.files["m.tsm"]), sent.arena_bytes)


def test_a_model_packed_for_another_core_is_refused_before_anything_is_sent(tmp_path):
    path = tmp_path / "m.tsm"
    path.write_bytes(pack(MODEL, "armv6m").write())
    board = FakeTransport([("print(json.dumps(config.load", b'"m.tsm"')],
                          facts={"kernels": "mve"})
    with pytest.raises(TinysenseError, match="packed for armv6m, the core there is mve"):
        upload(Device(board), path)
    assert board.files == {}


# ---- on a board that computes ----


@pytest.fixture
def board(repl_board):
    port, flash = repl_board()
    (flash / "tinysense.json").write_text(json.dumps({
        "model": "/tiny.tsm", "driver": "replay", "driver_options": {"path": "/a.tsr"}}))
    write_tsr(flash / "a.tsr")
    with connect(port) as device:
        device.flash = flash
        yield device


def write_tsr(path, rate_mhz=25000, channels=3, units="g", full_scale=4):
    from tinysense import recording as tsr

    with tsr.Writer(str(path), rate_mhz, channels, units, full_scale) as writer:
        writer.write(bytes(20 * channels), 10)


def file_of(tmp_path, data):
    path = tmp_path / "m.tsm"
    path.write_bytes(data)
    return path


def names(flash):
    return sorted(p.name for p in flash.iterdir())


def test_upload_puts_tries_and_names_the_model(board, tmp_path):
    done = upload(board, file_of(tmp_path, DATA))
    packed = fit(MODEL, done.target)
    wanted = DATA if packed is MODEL else packed.write()
    assert (board.flash / "tiny.tsm").read_bytes() == wanted
    assert names(board.flash) == ["a.tsr", "tiny.tsm", "tinysense.json"]
    assert (done.path, done.skipped, done.golden_equal, done.golden_count) == (
        "/tiny.tsm", False, 3, 3)
    assert (done.driver, done.note) == ("replay", "")


def test_the_same_bytes_are_not_sent_again_but_tried(board, tmp_path):
    path = file_of(tmp_path, DATA)
    upload(board, path)
    sent = []
    done = upload(board, path, progress=lambda *a: sent.append(a))
    assert done.skipped and done.golden_equal == 3 and sent == []


@pytest.mark.parametrize(("sensor", "message"), [
    ({"rate_mhz": 50000}, "model wants 50 Hz .*, the driver runs at 25 Hz"),
    ({"units": "m/s2"}, "model wants frames in m/s2, the driver gives g"),
    ({"full_scale": 8}, r"model wants a range of \+-8 g, the driver clips at \+-4")])
def test_a_model_for_another_sensor_is_refused_and_the_old_one_stays(board, tmp_path, sensor,
                                                                     message):
    (board.flash / "tiny.tsm").write_bytes(b"old")
    other = tiny.build(tiny.meta(sensor=tiny.META["sensor"] | sensor))
    with pytest.raises(TinysenseError, match=message):
        upload(board, file_of(tmp_path, other))
    assert (board.flash / "tiny.tsm").read_bytes() == b"old"
    assert names(board.flash) == ["a.tsr", "tiny.tsm", "tinysense.json"]


def test_a_model_for_more_axes_is_refused(board, tmp_path):
    write_tsr(board.flash / "a.tsr", channels=2)
    with pytest.raises(TinysenseError, match=r"model wants 3 channels \(x y z\), the driver has 2"):
        upload(board, file_of(tmp_path, DATA))


def test_a_driver_that_is_not_there_is_noted(board, tmp_path):
    (board.flash / "a.tsr").unlink()
    done = upload(board, file_of(tmp_path, DATA))
    assert done.driver == "replay" and "a.tsr" in done.note
    assert names(board.flash) == ["tiny.tsm", "tinysense.json"]


def test_golden_vectors_that_differ_are_refused_and_the_old_model_stays(board, tmp_path):
    (board.flash / "tiny.tsm").write_bytes(b"old")
    hurt = bytearray(DATA)
    hurt[-4] ^= 1       # the last expected output
    with pytest.raises(TinysenseError, match="golden outputs equal"):
        upload(board, file_of(tmp_path, tiny.seal(hurt)))
    assert names(board.flash) == ["a.tsr", "tiny.tsm", "tinysense.json"]
    assert (board.flash / "tiny.tsm").read_bytes() == b"old"


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda d: d[: len(d) * 6 // 10], "bytes"),
    (lambda d: d[:-4] + bytes([d[-4] ^ 4]) + d[-3:], "checksum"),
    (lambda d: d[:4] + b"\x03\x00" + d[6:], "version"),
    (lambda d: b"GIF8" + d[4:], "not a .tsm")])
def test_a_damaged_or_future_model_is_refused_before_anything_is_sent(tmp_path, spoil, message):
    board = FakeTransport()
    with pytest.raises(TinysenseError, match=message):
        upload(Device(board), file_of(tmp_path, spoil(DATA)))
    assert board.programs == [] and board.files == {}


def test_a_model_without_golden_vectors_is_refused_where_they_are_asked_for(tmp_path):
    path = file_of(tmp_path, replace(MODEL, gold=None).write())
    assert read_model(path).gold is None
    with pytest.raises(TinysenseError, match="no golden vectors"):
        read_model(path, golden=True)
    assert len(read_model(file_of(tmp_path, DATA), golden=True).gold) == 3


def test_a_folder_that_is_not_there_is_named_and_nothing_sent(board, tmp_path):
    for to, folder in (("/a/b/c.tsm", "/a/b"), ("sub/c.tsm", "sub"), ("/a.tsr/c.tsm", "/a.tsr")):
        with pytest.raises(TinysenseError, match=f"no folder {folder} to put {to} in"):
            upload(board, file_of(tmp_path, DATA), to)
    (board.flash / "sub").mkdir()
    with pytest.raises(TinysenseError, match="/sub is a folder on the board"):
        upload(board, file_of(tmp_path, DATA), "/sub")
    assert names(board.flash) == ["a.tsr", "sub", "tinysense.json"]
    assert upload(board, file_of(tmp_path, DATA), "/sub/c.tsm").golden_equal == 3


def test_a_missing_file(tmp_path):
    with pytest.raises(TinysenseError, match="no model file"):
        upload(Device(FakeTransport()), tmp_path / "none.tsm")
