"""A recorder that runs is looked at and not stopped; several boards at once."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import serial
import tiny
from virtual_bench import Bench, package, until

from tinysense.recording import BLOCK, Reader
from tinysense_host.emulator import read_files
from tinysense_host.link.enquiry import ask
from tinysense_host.link.serial_line import SerialLine

HERE = Path(__file__).resolve().parent
MAIN = (HERE / "logging_board.py").read_bytes()


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path, new_bench: Callable[..., Bench]) -> Bench:
    """A board that records since it was switched on."""
    made = new_bench(request.param, package() | {"/main.py": MAIN})
    made.tinysense.environment["XDG_CONFIG_HOME"] = str(tmp_path)
    with serial.serial_for_url(made.emulator.port) as port:     # until it has begun
        line = SerialLine(port, made.emulator.port)
        assert any(ask(line) for _ in range(60))
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.tsm"
    path.write_bytes(tiny.build())
    return path


def looked_at(bench: Bench) -> dict[str, object]:
    """What the board's recorder says, once it answers."""
    (row,) = json.loads(bench.tinysense("boards", "--port", bench.emulator.port, "--json"))
    return dict(row["running"])


def recorded(bench: Bench, tmp_path: Path) -> list[int]:
    """The first channel of every frame in the board's recordings, in order; it must be off."""
    numbers: list[int] = []
    for name, data in sorted(read_files(bench.flash).items()):
        if name.endswith(".tsr") and len(data) >= BLOCK:
            path = tmp_path / "one.tsr"
            path.write_bytes(data)
            with Reader(str(path), skip_damaged=True) as reader:
                for block in reader:
                    numbers += [int.from_bytes(block.frames[i:i + 2], "little")
                                for i in range(0, 12 * block.count, 12)]
    return numbers


@pytest.mark.parametrize("bench", ["UNIX", "QEMU_M4F"], indirect=True)
def test_a_recorder_is_not_disturbed(bench: Bench, model: Path, tmp_path: Path) -> None:
    first = looked_at(bench)
    assert (first["runs"], first["label"], first["lost"]) == ("recording", "walk", 0)
    table = bench.tinysense("boards", "--port", bench.emulator.port)
    assert re.search(r"recording 'walk', \d+ blocks", table)
    said = bench.tinysense.refused("upload", model)
    assert re.search(r"is recording 'walk', \d+ blocks, and this would stop it.*--interrupt", said)
    said = bench.tinysense.refused("pull")
    assert "--interrupt" in said
    last = looked_at(bench)
    assert int(str(last["blocks"])) > int(str(first["blocks"]))
    bench.power_off()
    numbers = recorded(bench, tmp_path)
    assert len(numbers) > int(str(first["frames"]))
    assert numbers == [(numbers[0] + k) & 0x7FFF for k in range(len(numbers))]


@pytest.mark.parametrize("bench", ["UNIX"], indirect=True)
def test_told_to_it_is_stopped(bench: Bench, model: Path) -> None:
    looked_at(bench)
    process = bench.tinysense.start("upload", model, "--interrupt")
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    assert "uploaded" in out and "was recording 'walk'" in err and "press its reset button" in err


def test_two_boards_at_once(new_bench: Callable[..., Bench], model: Path, tmp_path: Path) -> None:
    unix, qemu = (new_bench(board, package()) for board in ("UNIX", "QEMU_M4F"))
    command = unix.tinysense
    command.environment |= {"XDG_CONFIG_HOME": str(tmp_path)}
    del command.environment["TINYSENSE_PORT"]
    command("boards", "name", "field-1", "--port", unix.emulator.port)
    command("boards", "name", "field-2", "--port", qemu.emulator.port)
    table = command("upload", model, "--all").splitlines()
    assert [line.split()[0] for line in table] == ["board", "field-1", "field-2"]
    assert all("uploaded" in line and "golden outputs equal" in line for line in table[1:])
    process = command.start("setup", "--all", "--thorough")
    until(lambda: any(unix.flash.rglob("*.mpy*")), process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "tinysense: interrupted" in err, out + err
    assert out.splitlines()[2].rstrip().endswith("failed: interrupted"), out
    assert " 1.25.0 " in command("boards", "-p", "field-1")
    assert " 1.25.0 " in command("boards", "-p", "field-2")
    qemu.power_off()
    process = command.start("upload", model, "--setup", "--port=field-2", "-p", "field-1")
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 1
    rows = out.splitlines()
    assert re.search(r"^field-2 .*failed: ", rows[1]) and re.search(r"^field-1 .*there", rows[2])
    shutil.rmtree(tmp_path / "tinysense")
    assert "no board is named" in command.refused("boards", "forget", "field-1")
