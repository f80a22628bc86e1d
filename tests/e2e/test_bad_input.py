"""What goes wrong in users' hands, on an emulated board: one line that says what to do."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import tty
from pathlib import Path

import numpy as np
import pytest
import serial
import tiny
from virtual_bench import Command, one_line, package, until

from tinysense import recording as tsr
from tinysense_host.dataset import Dataset
from tinysense_host.deploy.preflight import RAM_SLACK_BYTES, needs
from tinysense_host.link.ports import candidates
from tinysense_host.modelfile import ModelFile

GOOD = tiny.build()
LARGE = tiny.build(window=8000)     # takes seconds to send
MODELS = {
    "cut": (GOOD[: len(GOOD) * 6 // 10], "header says 856 bytes, the file has 513"),
    "flipped": (GOOD[:700] + bytes([GOOD[700] ^ 4]) + GOOD[701:], "checksum"),
    "future": (GOOD[:4] + b"\3" + GOOD[5:], "expected .tsm version 2, got version 3"),
    "empty": (b"", "got a file of 0"),
    "picture": (b"\x89PNG\r\n" * 40, "not a .tsm model file"),
}
CONFIG = {"model": "/tiny.tsm", "driver": "replay", "outputs": [],
          "driver_options": {"path": "/a.tsr", "loop": True}}
# A driver of a board whose supply gives way: it restarts in the middle of a recording.
BROWNOUT = """
from .replay import OPTIONS, Replay
class Brownout(Replay):
    left = 60
    def read_into(self, buf):
        import machine
        n = super().read_into(buf)
        self.left -= n
        if self.left < 0:
            machine.reset()
        return n
def build(options, sensor=None):
    return Brownout(options["path"], options["loop"], options["realtime"])
"""


def recorded(folder: Path, rate_mhz=25000, channels=3) -> bytes:
    """A .tsr: 10 s, then 7 frames lost, then a second more."""
    path = folder / f"{rate_mhz}_{channels}.tsr"
    with tsr.Writer(str(path), rate_mhz, channels, "g", 4, "ring") as writer:
        writer.write(np.full(250 * channels, 25600, "<i2").tobytes(), 250)
        writer.write(np.full(25 * channels, 25600, "<i2").tobytes(), 25, dropped=7)
    return path.read_bytes()


@pytest.fixture(scope="module")
def bench(new_bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    whole = recorded(folder)
    files = package() | {
        "/lib/tinysense/drivers/brownout.py": BROWNOUT.encode(), "/tiny.tsm": GOOD,
        "/unplugged.tsm": GOOD, "/stopped.tsm": GOOD,
        "/tinysense.json": json.dumps(CONFIG).encode(), "/a.tsr": whole,
        "/fast.tsr": recorded(folder, 50000), "/two.tsr": recorded(folder, 25000, 2),
        "/cut.tsr": whole[:5000], "/hurt.tsr": whole[:300] + b"!" + whole[301:],
    } | {f"/{name}.tsm": data for name, (data, _) in MODELS.items()}
    made = new_bench(files=files)
    for name, (data, _) in MODELS.items():
        (made.folder / f"{name}.tsm").write_bytes(data)
    (made.folder / "tiny.tsm").write_bytes(GOOD)
    (made.folder / "large.tsm").write_bytes(LARGE)
    return made


@pytest.fixture
def config(bench):
    """config(key=...) changes the board's config for one test."""
    def change(**changes):
        text = json.dumps(CONFIG | changes)
        bench.exec(f"f = open('/tinysense.json', 'w')\nf.write({text!r})\nf.close()")

    yield change
    change()


def usable(bench):
    return bench.exec("print(6 * 7)") == "42\n"


# ---- Ports ----


def test_no_board(tmp_path):
    if candidates():
        pytest.skip("a board is connected to this computer")
    said = Command(tmp_path).refused("setup")
    assert "no board found" in said and "--port" in said and "tinysense emulate" in said


def test_a_port_that_is_not_there(bench):
    said = bench.tinysense.refused("run", "--port", "/dev/ttyNOPE")
    assert "/dev/ttyNOPE does not exist; ports here" in said and "--port" in said


def test_a_port_where_something_else_answers(bench):
    ours, theirs = pty.openpty()
    for side in (ours, theirs):
        tty.setraw(side)
    try:
        said = bench.tinysense.refused("run", "--port", os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)
    assert "no MicroPython prompt" in said and "answered nothing" in said and "check that" in said


def test_a_file_is_no_port(bench):
    said = bench.tinysense.refused("run", "--port", bench.folder / "tiny.tsm")
    assert "tiny.tsm is not a serial port" in said and "--port" in said


def test_a_port_that_another_program_holds(bench):
    with serial.Serial(bench.emulator.port, exclusive=True):
        said = bench.tinysense.refused("capture", "--label", "ring", "--pause", 0)
    assert "is busy" in said and f"({os.getpid()})" in said and "end that program" in said
    assert usable(bench)


# ---- Resets ----


def test_the_board_resets_while_it_records(bench, config):
    config(driver="brownout")
    said = bench.tinysense.refused("capture", "-l", "ring", "-s", 9, "--pause", 0)
    assert "reset in the middle" in said and "power supply" in said
    assert not list((bench.folder / "data").rglob("*.parquet"))
    assert usable(bench)


@pytest.mark.parametrize("words", [["capture", "-l", "ring", "-s", 300, "--pause", 0], ["run"]])
def test_the_plug_is_pulled(bench, words):
    process = bench.tinysense.start(*words)
    until(lambda: held_by(process, bench.emulator.port), process)
    bench.power_off()
    said = one_line(process, 1)
    assert "lost the board" in said and "try again" in said
    assert not list((bench.folder / "data").rglob("*.parquet"))
    bench.power_on()
    assert usable(bench)


def test_the_plug_is_pulled_while_a_model_is_sent(bench):
    process = sending(bench, "unplugged.tsm")
    bench.power_off()
    assert "lost the board" in one_line(process, 1)
    bench.power_on()
    assert still_small(bench, "unplugged.tsm")


def held_by(process, port):
    """Whether the command has the port open."""
    try:
        return any(os.readlink(fd) == port for fd in Path(f"/proc/{process.pid}/fd").iterdir())
    except OSError:
        return False


def sending(bench, name):
    """`tinysense upload` of a large model over a small one, on its way.

    A name serves once: what was on the flash can be found there for long.
    """
    process = bench.tinysense.start("upload", "large.tsm", "--to", f"/{name}")
    until(lambda: f"{name}.new.part".encode() in bench.flash.read_bytes(), process)
    return process


def still_small(bench, name):
    code = ("import binascii, tinysense\n"
            f"print(binascii.crc32(open('/{name}', 'rb').read()))\n"
            f"tinysense.load('/{name}').selftest()")
    crc, tried = bench.exec(code).splitlines()
    return int(crc) == tiny.crc32(GOOD) and tried == "tiny: 3/3 golden outputs equal"


# ---- Models ----


@pytest.mark.parametrize(("path", "expected"), [
    ("/fast.tsr", "wants 25 Hz"), ("/two.tsr", "wants 3 channels (x y z), the driver has 2")])
def test_a_model_for_another_sensor(bench, config, path, expected):
    config(driver_options={"path": path}, model="/other.tsm")
    said = bench.tinysense.refused("upload", "tiny.tsm")
    assert expected in said, said
    assert not {n for n in bench.names() if n.startswith("other.tsm")}


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_model_is_not_uploaded(bench, name):
    said = bench.tinysense.refused("upload", f"{name}.tsm")
    assert f"{name}.tsm" in said and MODELS[name][1] in said, said


def test_damaged_models_on_the_board_raise(bench):
    code = """
import tinysense
def attempt(name, source):
    try:
        tinysense.load(source)
        print(name, "was loaded")
    except tinysense.ModelError as e:
        print(name, "|", e)
for name in NAMES:
    attempt(name, "/" + name + ".tsm")
good = bytearray(open("/tiny.tsm", "rb").read())
for at in range(0, len(good), 17):
    good[at] ^= 16
    attempt("byte", good)
    good[at] ^= 16
for size in range(0, len(good), 61):
    attempt("size", good[:size])
attempt("whole", good)
""".replace("NAMES", repr(tuple(MODELS)))
    lines = bench.exec(code).splitlines()
    assert lines.pop() == "whole was loaded"
    told = [line.split(" | ") for line in lines]
    assert [name for name, _ in told] == [*MODELS, *["byte"] * 51, *["size"] * 15]
    for text, parts in (("cut", ("expected 856 bytes, got 513", "copy it again")),
                        ("flipped", ("checksum",)), ("picture", ("tinysense convert",)),
                        ("future", ("expected .tsm version 2, got 3", "update tinysense"))):
        assert all(part in dict(told)[text] for part in parts), dict(told)[text]


def test_a_model_that_its_config_names_is_damaged(bench, config):
    config(model="/cut.tsm")
    said = bench.tinysense.refused("run")
    assert "/cut.tsm" in said and "expected 856 bytes, got 513" in said


def test_an_op_that_is_not_supported(tmp_path, root):
    sys.path.insert(0, str(root / "tests" / "golden"))
    try:
        builder = pytest.importorskip("builder", reason="needs TensorFlow's schema")
    finally:
        sys.path.pop(0)
    made = builder.Builder()
    x = made.tensor("sensor", (1, 8), scale=0.1)
    y = made.tensor("hidden/floor", (1, 8), scale=1 / 128)
    made.op("FLOOR", [x], [y])
    (tmp_path / "m.tflite").write_bytes(made.finish([x], [y]))
    said = Command(tmp_path).refused("convert", "m.tflite")
    assert "op 0 FLOOR (layer 'hidden/floor')" in said and "SOFTMAX" in said
    assert not (tmp_path / "m.tsm").exists()


def test_too_little_ram_is_said_before_anything_is_sent(new_bench):
    bench = new_bench(files=package(), heap_bytes=120_000)
    path = bench.folder / "m.tsm"
    path.write_bytes(tiny.roomy(90_000))
    said = bench.tinysense.refused("upload", "m.tsm")
    total, block = needs(ModelFile.read(path.read_bytes()), path.stat().st_size)
    assert f"{total + RAM_SLACK_BYTES} bytes needed" in said and " free; " in said
    assert f"largest block {block} needed" in said and "train a smaller model" in said
    assert not {n for n in bench.names() if "model" in n or n.startswith("m.tsm")}


# ---- Recordings ----


def test_a_recording_with_words_in_it(tmp_path):
    (tmp_path / "a.csv").write_text("x,y,z\n1,2,3\n4,oops,6\n")
    said = Command(tmp_path).refused("import", "a.csv", "--rate", 25, "-o", "d")
    assert "a.csv line 3: 'oops' is not a number" in said and "mend the line" in said
    assert not (tmp_path / "d").exists()


def test_a_recording_with_gaps_keeps_them_on_the_way_to_the_board_and_back(bench):
    (bench.folder / "gaps.csv").write_text("time_ms,x,y,z\n" + "".join(
        f"{t * 40},0.5,0,1\n" for t in range(100) if not 30 <= t < 37))
    told = bench.tinysense("import", "gaps.csv", "-o", "gaps", "--label", "ring", "--units", "g")
    assert "93 frames" in told
    told = bench.tinysense("capture", "--replay", "gaps", "-o", "again")
    assert "93 frames" in told and "LOST 7 on the board, 0 on the link: 1 gaps marked" in told
    (segment,) = Dataset(bench.folder / "again").segments()
    assert [(gap.start, gap.lost) for gap in segment.recording.gaps] == [(30, 7)]


@pytest.mark.parametrize(("path", "expected"), [
    ("/cut.tsr", "/cut.tsr, block 1: cut short: expected 4096 bytes, got 904"),
    ("/hurt.tsr", "/hurt.tsr, block 0: checksum differs")])
def test_a_damaged_recording_on_the_board(bench, config, path, expected):
    config(driver_options={"path": path})
    said = bench.tinysense.refused("capture", "-l", "ring", "-s", 1, "--pause", 0)
    assert expected in said


# ---- Configs ----

CONFIGS = [({"modell": "a"}, "unknown key 'modell': did you mean 'model'"),
           ({"smooth": "3"}, "smooth: expected whole number, got '3'")]


@pytest.mark.parametrize(("wrong", "expected"), CONFIGS)
def test_a_wrong_config_is_not_pushed(bench, wrong, expected):
    (bench.folder / "wrong.json").write_text(json.dumps(CONFIG | wrong))
    said = bench.tinysense.refused("sync", "wrong.json", "--push")
    assert "wrong.json" in said and expected in said
    (key, value), = wrong.items()
    assert expected in bench.tinysense.refused("sync", "--set", f"{key}={json.dumps(value)}")
    assert json.loads(bench.exec("print(open('/tinysense.json').read())")) == CONFIG


@pytest.mark.parametrize(("wrong", "expected"), CONFIGS)
def test_a_wrong_config_on_the_board(bench, config, wrong, expected):
    config(**wrong)
    assert expected in bench.tinysense.refused("run")
    code = ("import tinysense\ntry:\n tinysense.from_config()\n"
            "except tinysense.ConfigError as e:\n print(e)")
    assert expected in bench.exec(code)


def test_a_driver_that_needs_pins_names_its_options(bench, config):
    config(driver="mpu6050", driver_options={})
    said = bench.tinysense.refused("capture", "-l", "ring", "-s", 1, "--pause", 0)
    assert "driver_options: scl, sda" in said


# ---- Ctrl-C ----


@pytest.mark.parametrize("words", [
    ["capture", "-l", "ring", "-s", 300, "--pause", 0], ["run"], ["monitor"]])
def test_ctrl_c_while_the_board_runs(bench, words):
    process = bench.tinysense.start(*words)
    until(lambda: held_by(process, bench.emulator.port), process)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)         # it runs until told otherwise
    bench.tinysense.interrupted(process)
    assert not list((bench.folder / "data").rglob("*.parquet"))
    assert usable(bench)


def test_ctrl_c_while_a_model_is_sent(bench):
    bench.tinysense.interrupted(sending(bench, "stopped.tsm"))
    assert still_small(bench, "stopped.tsm")
    assert not {n for n in bench.names() if n.startswith("stopped.tsm.")}


def test_ctrl_c_while_the_package_is_sent(new_bench):
    """Compiled modules take the place of sources one by one: at no moment is one missing."""
    bench = new_bench(files=package())
    process = bench.tinysense.start("setup")
    until(lambda: b"pipeline.mpy.part" in bench.flash.read_bytes(), process)
    bench.tinysense.interrupted(process)
    bench.exec("from tinysense import config, link, model, pipeline, window")
    bench.exec("import os\nos.remove('/lib/tinysense/link.' + ('mpy' if 'link.mpy' in "
               "os.listdir('/lib/tinysense') else 'py'))")
    said = bench.tinysense.refused("capture", "-l", "ring", "--pause", 0)
    assert "not whole" in said and "tinysense setup" in said
    assert "written" in bench.tinysense("setup")
    bench.exec("from tinysense import config, link, model, pipeline, window")


@pytest.mark.parametrize("after_s", [1, 8])     # while TensorFlow is imported, and later
def test_ctrl_c_while_a_model_is_trained(tmp_path, root, after_s):
    pytest.importorskip("tensorflow", reason="training needs pip install 'tinysense[train]'")
    text = (root / "models" / "gesture" / "recipe.toml").read_text()
    (tmp_path / "recipe.toml").write_text(re.sub("(?m)^epochs = .*", "epochs = 100000", text))
    tinysense = Command(tmp_path)
    tinysense("simulate", "--people", 2, "--per-label", 2, "-o", "data")
    process = tinysense.start("train", ".", "--data", "data", "-o", "out")
    assert "examples from" in process.stdout.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(after_s)
    tinysense.interrupted(process)
    assert not list(tmp_path.glob("out/*"))
