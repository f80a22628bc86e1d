"""`tinysense monitor` and `tinysense doctor` with an emulated board that loses its power."""

from __future__ import annotations

import json
import signal
import threading
import time

import pytest
import tiny

from tinysense import recording as tsr
from tinysense_host.boards import boards_folder
from tinysense_host.dataset import Dataset

from virtual_bench import PRODUCTS, WAIT_S, Bench, package  # isort: skip


@pytest.fixture
def bench(tmp_path):
    """A Cortex-M4F that plays a recording for ever, at its rate, to the tiny model."""
    if not (boards_folder().parent / "build" / "firmware" / PRODUCTS["QEMU_M4F"]).is_file():
        pytest.skip("no firmware: make firmware BOARD=QEMU_M4F")
    path = tmp_path / "a.tsr"
    with tsr.Writer(str(path), 25000, 3, "g", 4, "ring") as writer:
        writer.write(bytes(tiny.window(25600)) * 25, 100)
    config = {"model": "/m.tsm", "driver": "replay", "outputs": [],
              "driver_options": {"path": "/a.tsr", "loop": True}}
    bench = Bench("QEMU_M4F", tmp_path, package() | {
        "/a.tsr": path.read_bytes(), "/m.tsm": tiny.build(),
        "/tinysense.json": json.dumps(config).encode()})
    yield bench
    bench.power_off()


@pytest.mark.full
def test_a_power_cut_is_a_break_and_then_it_goes_on(bench):
    link = bench.folder / "port"
    link.symlink_to(bench.emulator.port)
    done = bench.tinysense.start("doctor", "--port", link)
    out, err = done.communicate(timeout=WAIT_S)
    assert done.returncode == 0, out + err
    assert "3/3 golden outputs equal" in out and "4096 bytes and back" in out

    process = bench.tinysense.start("monitor", "--port", link, "--record", "data", "--features")
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()

    def seen(text, count=1):
        end = time.monotonic() + WAIT_S
        while sum(text in line for line in lines) < count:
            assert process.poll() is None and time.monotonic() < end, lines
            time.sleep(0.02)
        return sum(text in line for line in lines)

    seen("window", 10)
    bench.power_off()
    seen("reconnecting")
    bench.power_on()
    link.unlink()
    link.symlink_to(bench.emulator.port)
    seen("window", seen("window") + 10)
    process.send_signal(signal.SIGINT)
    process.wait(WAIT_S)
    reader.join()
    assert process.returncode == 130, lines
    back = Dataset(bench.folder / "data").recording("monitor_001")
    assert (back.frames == [25600, 0, 0]).all() and len(back.frames) > 30
    assert [gap.lost for gap in back.gaps] == [-1]
    (path,) = (bench.folder / "data" / "monitor").glob("*.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    types = [row["type"] for row in rows]
    assert types.count("hello") == 2 and types.count("break") == 1
    assert min(types.count(kind) for kind in ("scores", "input", "event")) > 3
    assert types.count("status") >= 2
    expected = list(tiny.scores(tiny.window(25600)))
    assert all(row["scores"] == expected for row in rows if row["type"] == "scores")
    assert bench.exec("print(6 * 7)") == "42\n"
