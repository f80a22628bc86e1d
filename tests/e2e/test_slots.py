"""Models on a board that starts by itself: put there, gone back from, and given up by it."""

from __future__ import annotations

import json
import os
import re
import select
import time

import pytest
import tiny
from virtual_bench import WAIT_S, Bench

from tinysense.recording import Writer
from tinysense_host.deploy.package import package_files
from tinysense_host.deploy.slots import ask, models
from tinysense_host.deploy.upload import upload
from tinysense_host.device import Device, connect

FIRMWARE_MPY = 7942     # sys.implementation._mpy of the pinned MicroPython on a Cortex-M4F

# What a board in the field runs. A model whose first label is "poison" ends the power as a
# crash would, in its third window. Nobody listens yet when it starts, so it keeps what it
# did in a file, and tells that again and again once a model ended well.
MAIN = """
import machine, time, tinysense

def say(text):
    with open("/log.txt", "a") as f:
        f.write(text + "|")

try:
    pipeline = tinysense.from_config()
    say("runs " + pipeline.model.labels[0])
    while pipeline.inferences < 30:
        pipeline.step()
        if pipeline.model.labels[0] == "poison" and pipeline.windows == 3:
            say("crashes")
            machine.reset()
    pipeline.close()
    say("ended well")
except OSError:
    say("no model")
while True:
    with open("/log.txt") as f:
        print("<" + f.read() + ">")
    time.sleep_ms(200)
"""
CONFIG = {"driver": "replay", "driver_options": {"path": "/a.tsr", "realtime": False},
          "outputs": []}


def recording(folder):
    with Writer(str(folder / "a.tsr"), 25000, 3, "g", 4) as writer:
        writer.write(bytes(tiny.window(20000)) * 40, 160)
    return (folder / "a.tsr").read_bytes()


def version(folder, label):
    path = folder / f"{label}.tsm"
    info = tiny.meta(labels=[label, "ring", "wing"], decision=None)
    path.write_bytes(tiny.build(info))
    return path


def starts(bench: Bench) -> list[str]:
    """Switches the board off and on: what it did until a model ended well."""
    bench.power_off()
    bench.power_on()
    port = os.open(bench.emulator.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    said, end = b"", time.monotonic() + WAIT_S
    try:
        while not (told := re.search(rb"<([^<>]*)>", said)):
            assert time.monotonic() < end, said
            if select.select([port], [], [], 0.5)[0]:
                said += os.read(port, 65536)
    finally:
        os.close(port)
    lines = told[1].decode().split("|")[:-1]
    fresh, bench.told = lines[bench.told:], len(lines)
    return fresh


def connected(bench: Bench) -> Device:
    return connect(bench.emulator.port)


@pytest.fixture(scope="module")
def bench(new_bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    files, _ = package_files(FIRMWARE_MPY)
    made = new_bench("QEMU_M4F", {f"/lib/{name}": data for name, data in files.items()} | {
        "/main.py": MAIN.encode(), "/a.tsr": recording(folder),
        "/tinysense.json": json.dumps(CONFIG).encode()})
    made.told = 0       # lines of the board's file that were read before
    made.models = {label: version(folder, label) for label in ("first", "second", "poison")}
    return made


def test_slots_of_a_board_that_starts_by_itself(bench):
    with connected(bench) as device:
        done = upload(device, bench.models["first"])
        assert (done.path, done.golden_equal, done.driver, done.on_trial) == (
            "/ts/models/tiny/a.tsm", 3, "replay", 20)
    assert starts(bench)[-2:] == ["runs first", "ended well"]   # the first start found none
    with connected(bench) as device:
        assert models(device).named("tiny").running.state == "good"
        assert upload(device, bench.models["first"]).info is None
        assert upload(device, bench.models["second"]).path == "/ts/models/tiny/b.tsm"
    assert starts(bench) == ["runs second", "ended well"]
    assert "slot b to slot a" in bench.tinysense("rollback")
    assert starts(bench) == ["runs first", "ended well"]
    with connected(bench) as device:
        ask(device, "rollback")
        assert upload(device, bench.models["poison"]).path == "/ts/models/tiny/a.tsm"
    assert starts(bench) == ["runs poison", "crashes"] * 4 + ["runs second", "ended well"]
    seen = json.loads(bench.tinysense("models", "--json"))
    assert len(seen["reports"]) == 1
    assert "restarted 4 times before the first 20 windows were done" in seen["reports"][0]
    assert "went back to the one before, in slot b" in seen["reports"][0]
    slots = seen["models"][0]["slots"]
    assert (slots["a"]["state"], slots["b"]["state"]) == ("bad", "good")
    with connected(bench) as device:
        assert device.reports == []


def test_a_first_model_of_another_name_gives_way_to_the_one_that_ran(bench):
    with connected(bench) as device:
        upload(device, bench.models["second"], windows=0)
        upload(device, bench.models["poison"], name="new")
    assert starts(bench) == ["runs poison", "crashes"] * 4 + ["runs second", "ended well"]
    with connected(bench) as device:
        assert len(device.reports) == 1 and "went back to model tiny" in device.reports[0]
        assert models(device).runs == "tiny"
