"""The same cases on every home of the C core; all answers are equal to the bit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIRMWARE_BUILT_IN = ("UNIX", "QEMU_M4F", "QEMU_M7", "QEMU_M55")
NATIVE_MODULE = ("UNIX_NATIVE", "QEMU_M0", "QEMU_RV32")
# An Arm board takes modules for every Arm architecture up to its own.
OTHER_NATIVE = (("QEMU_M4F", "armv6m"), ("QEMU_M4F", "armv7m"), ("QEMU_M4F", "armv7emsp"),
                ("QEMU_M7", "armv7emdp"))
TIMEOUT_S = 300


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What every home gets: path on the board -> bytes."""
    made = tmp_path_factory.mktemp("cases") / "cases.bin"
    subprocess.run([sys.executable, str(HERE / "make_cases.py"), str(made)], check=True,
                   timeout=TIMEOUT_S)
    return {"/core_cases.py": (HERE / "core_cases.py").read_bytes(),
            "/cases.bin": made.read_bytes()}


@pytest.fixture(scope="session")
def on_cpython(cases: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_here([sys.executable], cases, tmp_path_factory.mktemp("cpython"))


def run_here(interpreter: list[str], files: dict[str, bytes], folder: Path) -> str:
    """Output of the cases, run by an interpreter of this computer."""
    for name, data in files.items():
        (folder / name[1:]).write_bytes(data)
    done = subprocess.run([*interpreter, "core_cases.py"], cwd=folder, capture_output=True,
                          text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_on(board: str, files: dict[str, bytes], folder: Path,
           code: str = "import core_cases") -> str:
    """Output of the cases, run on an emulated board over mpremote."""
    from tinysense_host.emulator import Emulator, write_files

    image = folder / "fs.img"
    write_files(image, files)
    with Emulator(board, fs=image) as emulator:
        done = subprocess.run([str(Path(sys.executable).parent / "mpremote"), "connect",
                               emulator.port, "exec", code],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.replace("\r\n", "\n")


def with_native(files: dict[str, bytes], arch: str) -> dict[str, bytes]:
    from tinysense_host.firmware import ensure_native_module

    return files | {"/_tinysense.mpy": ensure_native_module(arch).read_bytes()}


def need_compiler(arch: str) -> None:
    compiler = {"x64": "gcc", "rv32imc": "riscv64-unknown-elf-gcc"}.get(arch, "arm-none-eabi-gcc")
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here: the core is not tried as {arch}")


def test_cpython(on_cpython: str) -> None:
    assert re.fullmatch(r"(\w+ [0-9a-f]{8}\n)+OK \d+ [0-9a-f]{8}\n", on_cpython)


@pytest.mark.parametrize("board", FIRMWARE_BUILT_IN + NATIVE_MODULE)
def test_home(board: str, cases: dict[str, bytes], on_cpython: str, tmp_path: Path) -> None:
    from tinysense_host.boards import load_board
    from tinysense_host.firmware import ensure_firmware

    profile = load_board(board)
    need_compiler(profile.native_arch)
    files = cases
    if not profile.user_module:
        files = with_native(cases, profile.native_arch)
    if profile.kind == "unix":
        output = run_here([str(ensure_firmware(profile))], files, tmp_path)
    else:
        output = run_on(board, files, tmp_path)
    assert output == on_cpython


@pytest.mark.parametrize(("board", "arch"), OTHER_NATIVE)
def test_native_module_beside_built_in(board: str, arch: str, cases: dict[str, bytes],
                                       on_cpython: str, tmp_path: Path) -> None:
    """The module from the file system, on firmware that has its own."""
    need_compiler(arch)
    files = with_native(cases, arch)
    # Names of built-in modules win, so it goes by another name. An .mpy begins
    # with its header and the number and names of its qstrs; the module's name
    # is nowhere in it.
    files["/native_core.mpy"] = files.pop("/_tinysense.mpy")
    code = "import sys, native_core; sys.modules['_tinysense'] = native_core; import core_cases"
    assert run_on(board, files, tmp_path, code) == on_cpython


def test_natives_have_no_code_of_another_architecture() -> None:
    """The header of every .mpy names the architecture that it was asked for."""
    from tinysense_host.boards import native_architecture
    from tinysense_host.firmware import ensure_native_module

    for arch in ("armv6m", "armv7m", "armv7emsp", "armv7emdp", "rv32imc", "x64"):
        need_compiler(arch)
        header = ensure_native_module(arch).read_bytes()[:4]
        assert header[:2] == b"M\x06"
        assert native_architecture((header[2] & 0xFC) << 8) == arch


@pytest.mark.full
def test_newest_micropython(tmp_path: Path) -> None:
    """All of this file once more with the newest MicroPython that can be had."""
    environment = {name: value for name, value in os.environ.items() if name != "TINYSENSE_FULL"}
    environment |= {"MICROPYTHON_VERSION": "newest",
                    "TINYSENSE_BUILD": str(ROOT / "build" / "newest")}
    done = subprocess.run([sys.executable, "-m", "pytest", "-c", str(ROOT / "tests/pytest.ini"),
                           "-q", str(Path(__file__))], cwd=ROOT, env=environment, timeout=3600,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_export_list_is_the_module(cases: dict[str, bytes]) -> None:
    import _tinysense

    listed = re.findall(r"^X\(MP_QSTR_(\w+), (\w+), \d\)",
                        (ROOT / "device/native/exports.def").read_text(), re.M)
    assert all(qstr == name for qstr, name in listed)
    assert sorted(name for name, _ in listed) == sorted(
        name for name in dir(_tinysense) if not name.startswith("__"))


def test_cpython_lets_go_of_buffers() -> None:
    """After a call, failed or not, a buffer can be resized again."""
    import _tinysense as core

    data, fault = bytearray(40), bytearray(8)
    core.crc32(data, 0)
    core.model_check(data, fault)
    for arguments in ((data, bytes(8)), (data, None), (None, fault)):
        with pytest.raises(TypeError):
            core.model_check(*arguments)
    with pytest.raises(TypeError):
        core.crc32(data, "0")
    data.extend(b"x")
    fault.extend(b"x")


def test_cpython_notices_a_resized_buffer() -> None:
    import _tinysense as core

    state, ring = bytearray(core.window_state_bytes()), bytearray(12)
    assert core.window_init(state, ring, 1, 4, 2) == 6
    ring.extend(bytes(1 << 20))
    assert core.error_text(core.window_push(state, ring, bytes(2), 0, 1)).startswith("buffers")


def test_float_division_for_armv6m(tmp_path: Path) -> None:
    """float_divide.c gives the bits that hardware gives."""
    import ctypes

    import numpy as np

    if shutil.which("gcc") is None:
        pytest.skip("no gcc here: float_divide.c is not tried")
    library = tmp_path / "divide.so"
    subprocess.run(["gcc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Werror",
                    "-shared", "-fPIC", "-o", str(library),
                    str(ROOT / "device/native/float_divide.c")], check=True, timeout=TIMEOUT_S)
    divide = ctypes.CDLL(str(library)).ts_divide_f32
    divide.argtypes, divide.restype = [ctypes.c_uint32] * 2, ctypes.c_uint32
    edges = [0, 1, 2, 0x400000, 0x7FFFFF, 0x800000, 0x800001, 0x3F7FFFFF, 0x3F800000, 0x3F800001,
             0x7F7FFFFF, 0x7F800000, 0x7FC00000]
    edges += [bits | 1 << 31 for bits in edges]
    random = np.random.default_rng(1).integers(0, 1 << 32, (40000, 2), np.uint64)
    pairs = np.array([(a, b) for a in edges for b in edges], np.uint64)
    bits = np.concatenate([pairs, random]).astype(np.uint32)
    with np.errstate(all="ignore"):
        wanted = np.ascontiguousarray(bits[:, 0]).view(np.float32) / np.ascontiguousarray(
            bits[:, 1]).view(np.float32)
    got = np.array([divide(int(a), int(b)) for a, b in bits], np.uint32)
    number = ~np.isnan(wanted)
    np.testing.assert_array_equal(got[number], wanted.view(np.uint32)[number])
    assert np.isnan(got.view(np.float32)[~number]).all()
