"""The device test files once more under MicroPython: the unix port, and boards in QEMU."""

import os
import subprocess
from pathlib import Path

import pytest

from tinysense_host.boards import load_board
from tinysense_host.device import connect
from tinysense_host.emulator import Emulator, write_files

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build"
# What only makes sense on the computer.
PYTEST_ONLY = {"test_on_micropython.py", "test_files.py"}
FILES = sorted(p.stem for p in HERE.glob("test_*.py")
               if p.name not in PYTEST_ONLY and not p.name.startswith("test_core_"))
# Half a minute each on an emulated board; two chips of their kind run there always, the heap under
# sound is watched there by the end-to-end tests, and a trial is gone through by e2e/test_slots.
LONG_ON_BOARDS = {"test_adxl345", "test_bmi270", "test_hearing_heap", "test_icm20948",
                  "test_lis3dh", "test_lsm6ds3", "test_lsm9ds1", "test_microphone_heap",
                  "test_qmi8658", "test_trials"}
HEAP = "640k"  # of a 64-bit interpreter, where everything takes twice what it takes on a board
# One board always, the others in `make test-all`.
BOARDS = ["QEMU_M4F"] + [pytest.param(name, marks=pytest.mark.full)
                         for name in ("QEMU_M0", "QEMU_RV32", "QEMU_M7", "QEMU_M55")]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("board", ["UNIX", "UNIX_NATIVE"])
def test_unix(board, name, tmp_path):
    binary = BUILD / "firmware" / board / "micropython"
    if not binary.is_file():
        pytest.skip(f"no {binary}: build it with `make firmware BOARD={board}`")
    folders = [HERE, ROOT / "device", *native_module(board), ".frozen"]
    environment = dict(os.environ, TMPDIR=str(tmp_path),
                       MICROPYPATH=":".join(str(folder) for folder in folders))
    done = subprocess.run([binary, "-X", f"heapsize={HEAP}", HERE / "run.py", name],
                          capture_output=True, text=True, timeout=120, cwd=tmp_path,
                          env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{name}: " in done.stdout and ", 0 failed, " in done.stdout


@pytest.fixture(scope="module", params=BOARDS)
def virtual_board(request, tmp_path_factory):
    """A connection to a board whose file system holds the package, the examples and the tests."""
    board = request.param
    if not (BUILD / "firmware" / board / "firmware.elf").is_file():
        pytest.skip(f"no firmware: build it with `make firmware BOARD={board}`")
    sources = [p for folder in ("device/tinysense", "device/examples", "tests/device")
               for p in (ROOT / folder).rglob("*.py")]
    files = {"/" + p.relative_to(ROOT).as_posix(): p.read_bytes() for p in sources}
    for folder in native_module(board):
        files["/lib/_tinysense.mpy"] = (folder / "_tinysense.mpy").read_bytes()
    image = tmp_path_factory.mktemp(board) / "flash.img"
    write_files(image, files)
    with Emulator(board, fs=image) as emulator, connect(port=emulator.port) as device:
        yield device


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.full)
                                  if name in LONG_ON_BOARDS else name for name in FILES])
def test_board(virtual_board, name):
    virtual_board.soft_reset()
    out = virtual_board.exec("import sys\nsys.path[:0] = ['/tests/device', '/device']\n"
                             f"import run\nrun.run({name!r})", timeout=300)
    assert f"{name}: " in out and ", 0 failed, " in out, out


def native_module(board):
    """[the folder of its _tinysense.mpy], [] where the firmware has it; skips if it is missing."""
    profile = load_board(board)
    if profile.user_module:
        return []
    folder = BUILD / "natmod" / profile.native_arch
    if not (folder / "_tinysense.mpy").is_file():
        pytest.skip(f"no _tinysense.mpy: build it with `make natmod ARCH={profile.native_arch}`")
    return [folder]
