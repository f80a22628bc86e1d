"""Virtual boards: starting, stopping, file systems, instruction counts, many at once."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from tinysense_host.emulator import Emulator, read_files, write_files
from tinysense_host.errors import TinysenseError

BOARDS = ["UNIX", "QEMU_M4F"]
QEMU = ["QEMU_M4F", "QEMU_M0", "QEMU_RV32", "QEMU_M7", "QEMU_M55"]
FILES = {"/a.txt": b"first", "/lib/deep/er/b.bin": bytes(range(256)) * 40}


@pytest.fixture(autouse=True)
def emulators() -> None:
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("no qemu-system-arm here: virtual boards are not tried")


def mpremote(port: str, *arguments: str) -> str:
    done = subprocess.run([str(Path(sys.executable).parent / "mpremote"), "connect", port,
                           *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r\n", "\n")


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(process, 0)
        return True
    return False


def file_system(board: str, folder: Path) -> Path:
    if board.startswith("QEMU"):
        return folder / "fs.img"
    (folder / "fs").mkdir()
    return folder / "fs"


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(request.param) as emulator:
        yield emulator


def test_mpremote(board: Emulator, tmp_path: Path) -> None:
    """What users do over mpremote works as on a board in the hand."""
    port = board.port
    data = os.urandom(5000)
    (tmp_path / "x.bin").write_bytes(data)
    assert mpremote(port, "exec", "x = 5; print(x)") == "5\n"
    assert mpremote(port, "resume", "exec", "print(x)") == "5\n"
    mpremote(port, "fs", "cp", str(tmp_path / "x.bin"), ":x.bin")
    mpremote(port, "fs", "cp", ":x.bin", str(tmp_path / "y.bin"))
    assert (tmp_path / "y.bin").read_bytes() == data
    assert mpremote(port, "soft-reset", "exec", "print('x' in globals())") == "False\n"
    mpremote(port, "exec", "--no-follow", "while True: pass")
    assert mpremote(port, "exec", "print('interrupted')") == "interrupted\n"
    assert "x.bin" in mpremote(port, "fs", "ls", ":")
    assert board.running


def test_machine_reset_restarts(board: Emulator) -> None:
    mpremote(board.port, "exec", "open('boot.py', 'w').write('booted = 1')")
    mpremote(board.port, "reset")
    end = time.monotonic() + 30
    output = ""
    while "True" not in output and time.monotonic() < end:
        output = mpremote(board.port, "resume", "exec", "print('booted' in globals())")
    assert "True" in output
    assert board.running


def test_binary_input_is_not_lost(board: Emulator) -> None:
    """All byte values, more than any buffer holds, while the board is busy elsewhere."""
    block = bytes(range(256)) * 128
    code = (b"import sys, time, micropython\r\nmicropython.kbd_intr(-1)\r\ntime.sleep(0.3)\r\n"
            b"print(sys.stdin.buffer.read(%d) == bytes(range(256)) * 128)\r\n"
            b"micropython.kbd_intr(3)\r\n" % len(block))
    with serial.Serial(board.port, 115200, timeout=30) as link:
        link.write(b"\r\x03\x03\x01")
        assert link.read_until(b"raw REPL; CTRL-B to exit\r\n>").endswith(b">")
        link.write(code + b"\x04")
        assert link.read_until(b"OK").endswith(b"OK")
        time.sleep(0.1)
        link.write(block)
        assert link.read_until(b"\x04").split() == [b"True", b"\x04"]
        link.write(b"\x02")


@pytest.mark.parametrize("name", BOARDS)
def test_file_system_without_the_board(name: str, tmp_path: Path) -> None:
    fs = file_system(name, tmp_path)
    write_files(fs, FILES)
    with Emulator(name, fs=fs) as board:
        code = "print(open('/a.txt').read(), len(open('/lib/deep/er/b.bin', 'rb').read()))\n" \
               "f = open('/made.txt', 'w'); f.write('here'); f.close()"
        assert mpremote(board.port, "exec", code) == "first 10240\n"
    assert read_files(fs) == FILES | {"/made.txt": b"here"}
    write_files(fs, {"/a.txt": b"second"})
    assert read_files(fs)["/a.txt"] == b"second"


@pytest.mark.parametrize("name", BOARDS)
def test_power_cut_keeps_what_was_closed(name: str, tmp_path: Path) -> None:
    fs = file_system(name, tmp_path)
    with Emulator(name, fs=fs) as board:
        mpremote(board.port, "exec", "f = open('kept', 'w'); f.write('safe'); f.close()")
        mpremote(board.port, "exec", "--no-follow", "g = open('open', 'w'); g.write('x' * 9)\n"
                 "while True: pass")
        board.power_cut()
        assert not board.running
    assert read_files(fs)["/kept"] == b"safe"
    with Emulator(name, fs=fs) as board:
        assert mpremote(board.port, "exec", "print(open('kept').read())") == "safe\n"


def test_a_path_that_qemu_would_split(tmp_path: Path) -> None:
    folder = tmp_path / "with space, comma=sign"
    folder.mkdir()
    write_files(folder / "fs.img", {"/a": b"1"})
    with Emulator("QEMU_M4F", fs=folder / "fs.img") as board:
        assert mpremote(board.port, "exec", "print(open('a').read())") == "1\n"


@pytest.mark.parametrize("name", QEMU)
def test_instruction_counts_are_exact(name: str) -> None:
    """A loop of 4 n instructions takes 4 n and a constant, and two boards agree."""
    code = ("import emulated; f = emulated.spin; f(1)\n"
            "print([f(n) - 4 * n for n in (10, 1000, 99999)])")
    answers = []
    for _ in range(2):
        with Emulator(name, icount=True) as board:
            answers.append(mpremote(board.port, "exec", code))
    assert answers[0] == answers[1]
    extra = set(map(int, answers[0].strip("[]\n").split(",")))
    assert len(extra) == 1
    assert 0 < extra.pop() < 1000


def test_counting_must_be_asked_for() -> None:
    code = "import emulated\ntry:\n emulated.instructions()\nexcept RuntimeError as e:\n print(e)"
    with Emulator("QEMU_M4F") as board:
        assert mpremote(board.port, "exec", code) == "emulator was started without icount\n"
    with pytest.raises(TinysenseError, match="UNIX counts no instructions"):
        Emulator("UNIX", icount=True)


@pytest.mark.parametrize("name", BOARDS)
def test_heap(name: str) -> None:
    code = "import gc; gc.collect(); print(gc.mem_free() + gc.mem_alloc())"
    for heap in (100_000, 400_000):
        with Emulator(name, heap_bytes=heap) as board:
            total = int(mpremote(board.port, "exec", code))
            assert 0.9 * heap < total <= heap


def test_many_at_once() -> None:
    with contextlib.ExitStack() as stack:
        running = [stack.enter_context(Emulator(name)) for name in BOARDS * 2]
        assert len({board.port for board in running}) == len(running)
        for i, board in enumerate(running):
            mpremote(board.port, "exec", f"open('n', 'w').write('{i}')")
        for i, board in enumerate(running):
            assert mpremote(board.port, "exec", "print(open('n').read())") == f"{i}\n"


@pytest.mark.parametrize("name", BOARDS)
def test_nothing_is_left_running(name: str) -> None:
    with pytest.raises(KeyError), Emulator(name) as board:
        process, fs = board._process.pid, board.fs
        raise KeyError
    assert not alive(process)
    assert not fs.exists()
    board.stop()  # again: no harm


@pytest.mark.parametrize(("arguments", "message"), [
    ({"board": "RPI_PICO"}, "RPI_PICO is a real board"),
    ({"board": "QEMU_M5"}, "did you mean"),
    ({"board": "QEMU_M4F", "fs": "."}, "is a folder"),
    ({"board": "QEMU_M4F", "devices": ("no-such-device",)}, "did not start: .*no-such-device"),
    ({"board": "UNIX", "requests": ({"bus": {"stuck": True}},)}, "UNIX has no simulated chips"),
    ({"board": "VIRTUAL_PICO", "icount": True}, "VIRTUAL_PICO counts no instructions"),
    ({"board": "VIRTUAL_PICO", "heap_bytes": 100_000}, "VIRTUAL_PICO has the heap of a Pico"),
])
def test_refusals(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(TinysenseError, match=message):
        Emulator(**arguments)  # type: ignore[arg-type]


def test_an_image_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "fs.img").write_bytes(b"no littlefs" * 4096)
    with pytest.raises(TinysenseError, match="no file system that can be read"):
        read_files(tmp_path / "fs.img")
    with pytest.raises(TinysenseError, match="no file system"):
        read_files(tmp_path / "absent.img")


def test_a_folder_of_a_board_that_is_a_file(tmp_path: Path) -> None:
    fs = tmp_path / "file"
    fs.write_bytes(b"x")
    with pytest.raises(TinysenseError, match="is a file. UNIX needs a folder"):
        Emulator("UNIX", fs=fs)
    assert fs.read_bytes() == b"x"
