"""The device test files once more on boards in QEMU."""

import pytest

from micropython_homes import BUILD, FILES, ROOT, native_module
from tinysense_host.device import connect
from tinysense_host.emulator import Emulator, write_files

# Half a minute to a minute and a half each on an emulated board; one motion sensor (LSM6DSOX) and
# two microphones run there always, the heap under sound is watched there by the end-to-end tests,
# and a trial is gone through by e2e/test_slots.
LONG_ON_BOARDS = {"test_adc_microphone", "test_adxl345", "test_bmi270", "test_hearing_heap",
                  "test_icm20948", "test_lis3dh", "test_lsm6ds3", "test_lsm9ds1",
                  "test_microphone_heap", "test_mpu6050", "test_qmi8658", "test_trials"}
# One board always, the others in `make test-all`.
BOARDS = ["QEMU_M4F"] + [pytest.param(name, marks=pytest.mark.full)
                         for name in ("QEMU_M0", "QEMU_RV32", "QEMU_M7", "QEMU_M55")]


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
