"""Models onto boards: what is refused before anything is sent, and what stays when it fails."""

import ast
import json
from dataclasses import replace
from hashlib import sha256

import pytest
import tiny

from tinysense_host.deploy.upload import read_model, upload
from tinysense_host.device import Device, connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.transport import LinkError
from tinysense_host.link.transport_fake import FakeTransport
from tinysense_host.modelfile import ModelFile
from tinysense_host.packing import fit, pack, target_name

DATA = tiny.build()
MODEL = ModelFile.read(DATA)
FACTS = {"rate_mhz": 25000, "channels": ["x", "y", "z"], "units": "g", "full_scale": 4}
SLOT = "/ts/models/tiny/a.tsm"


def answers(config="", kernels="portable", models=(), driver=None):
    """What a board answers to the operations of an upload."""
    told = {"models": {"models": list(models), "current": "tiny" if models else "", "note": "",
                       "config": config, "kernels": kernels, "key": False},
            "ready": {"imported": []}, "prepare": {"slot": "a", "path": SLOT},
            "driver": {"driver": "replay", "axes": "", "note": "", "facts": FACTS} | (driver or {})}
    told["install"] = told["trial"] = {"golden": [3, 3], "driver": "", "note": ""}
    return [(f"told({name!r}", json.dumps({"value": value}).encode())
            for name, value in told.items()]


def slot(data, **changes):
    """A model of one good file, as a board tells of it."""
    digest = sha256(data).hexdigest()
    entry = {"size": len(data), "sha256": digest, "source": digest, "kernels": "portable",
             "uploaded": "", "signature": "", "golden": [3, 3], "state": "good"} | changes
    return {"name": "tiny", "active": "a", "left": 0, "tries": 0, "a": entry, "b": None}


def installed(board):
    """Arguments of the install that the board was asked for, None where it was not."""
    for program in board.programs:
        if "told('install'" in program:
            return json.loads(ast.literal_eval("(" + program.split("told('install', ")[1])[0])
    return None


@pytest.mark.parametrize("changes", [
    {"free": 1000}, {"largest": 100}, {"flash_free": 100}, {"core": "absent"}, {"abi": 1},
    {"version": "1.24.1"}, {"name": "circuitpython"}])
def test_nothing_is_sent_to_a_board_that_can_not_hold_it(changes, tmp_path):
    for config in ("", "m.tsm"):
        board = FakeTransport(answers(config), facts=changes)
        with pytest.raises(TinysenseError):
            upload(Device(board), file_of(tmp_path, DATA))
        assert board.files == {} and installed(board) is None


@pytest.mark.parametrize(("driver", "message"), [
    ({"facts": FACTS | {"rate_mhz": 50000}}, "model wants 25 Hz .*, the driver runs at 50 Hz"),
    ({"facts": FACTS | {"units": "m/s2"}}, "model wants frames in g, the driver gives m/s2"),
    ({"facts": FACTS | {"full_scale": 2}}, r"a range of \+-4 g, the driver clips at \+-2"),
    ({"facts": FACTS | {"channels": ["x", "y"]}}, "wants 3 channels .*, the driver has 2"),
    ({"axes": "y x"}, "names 2 axes, expected 3")])
def test_nothing_is_sent_to_a_board_with_another_sensor(driver, message, tmp_path):
    for config in ("", "m.tsm"):
        board = FakeTransport(answers(config, driver=driver))
        with pytest.raises(TinysenseError, match=message):
            upload(Device(board), file_of(tmp_path, DATA))
        assert board.files == {} and installed(board) is None


def test_a_model_goes_to_the_slot_that_the_board_names(tmp_path):
    board = FakeTransport(answers())
    done = upload(Device(board), file_of(tmp_path, DATA))
    assert board.files == {SLOT: DATA} and board.resets == 2
    asked = installed(board)
    assert asked.pop("uploaded").endswith("Z")
    digest = sha256(DATA).hexdigest()
    assert asked == {"name": "tiny", "slot": "a", "sha256": digest, "windows": 20, "golden": True,
                     "signature": "", "source": digest}
    assert (done.path, done.on_trial, done.skipped, done.runs) == (SLOT, 20, False, "")


def test_another_name_trial_and_a_config_that_names_another_model(tmp_path):
    board = FakeTransport(answers("other"))
    done = upload(Device(board), file_of(tmp_path, DATA), name="mine", windows=0)
    assert (installed(board)["name"], installed(board)["windows"]) == ("mine", 0)
    assert (done.runs, done.on_trial) == ("other", 0)
    for bad in ("Mine", "../x", "", "x" * 33):
        with pytest.raises(TinysenseError, match="no name of a model"):
            upload(Device(board), file_of(tmp_path, DATA), name=bad)
    for to, config in (("/x.tsm", ""), (None, "/x.tsm")):
        with pytest.raises(TinysenseError, match="--name mine is of a model with slots"):
            upload(Device(FakeTransport(answers(config))), file_of(tmp_path, DATA), to, name="mine")


def test_what_runs_and_is_good_takes_one_question_and_no_reset(tmp_path):
    path = file_of(tmp_path, DATA)
    board = FakeTransport(answers(models=[slot(DATA)]))
    done = upload(Device(board), path)
    assert len(board.programs) == 1 and board.resets == 0 and board.files == {}
    assert (done.skipped, done.golden_equal, done.golden_count, done.info) == (True, 3, 3, None)
    assert upload(Device(board), path, trust=False).info is not None
    for other in ([slot(DATA, state="trial")], [slot(DATA, kernels="mve")],
                  [slot(DATA, source="0")], [slot(DATA) | {"name": "another"}], []):
        board = FakeTransport(answers(models=other))
        upload(Device(board), path)
        assert installed(board) is not None


@pytest.mark.parametrize("calls", range(3, 14))
@pytest.mark.parametrize("config", ["", "m.tsm"])
def test_a_reset_at_any_step_leaves_the_old_model(calls, config, tmp_path):
    board = FakeTransport(answers(config))
    board.files["m.tsm"] = b"old"
    board.calls_left = calls
    try:
        upload(Device(board), file_of(tmp_path, DATA))
    except LinkError as e:
        assert "reset in the middle" in str(e)
        assert board.files["m.tsm"] == b"old" and installed(board) is None
    else:
        assert calls > 10


@pytest.mark.parametrize("kernels", ["portable", "armv6m", "a core of tomorrow"])
@pytest.mark.parametrize("config", ["", "m.tsm"])
def test_a_model_is_packed_for_the_core_of_the_board(kernels, config, tmp_path):
    board = FakeTransport(answers(config), facts={"kernels": kernels})
    done = upload(Device(board), file_of(tmp_path, DATA))
    data = board.files[config or SLOT]
    sent = ModelFile.read(data)
    assert done.target == target_name(sent.target) == ("armv6m" if kernels == "armv6m"
                                                       else "portable")
    assert (done.file_bytes, done.arena_bytes) == (len(data), sent.arena_bytes)
    if not config:
        assert installed(board)["sha256"] == sha256(data).hexdigest()
        assert installed(board)["source"] == sha256(DATA).hexdigest()


def test_a_model_packed_for_another_core_is_refused_before_anything_is_sent(tmp_path):
    path = file_of(tmp_path, pack(MODEL, "armv6m").write())
    board = FakeTransport(answers(), facts={"kernels": "mve"})
    with pytest.raises(TinysenseError, match="packed for armv6m, the core there is mve"):
        upload(Device(board), path)
    assert board.files == {}


def test_an_older_package_is_told_what_to_do(tmp_path):
    for error, text in (("ImportError", "no module named 'tinysense.operations'"),
                        ("ValueError", "expected an operation (a b), got 'models'")):
        board = FakeTransport([("told('", json.dumps({"error": error, "text": text}).encode())])
        with pytest.raises(TinysenseError, match=r"older than this one.*tinysense setup"):
            upload(Device(board), file_of(tmp_path, DATA))


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
