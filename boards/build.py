#!/usr/bin/env python3
"""Builds firmware and native modules.

    build.py firmware BOARD     build/firmware/<BOARD>/, prints the product
    build.py natmod ARCH        build/natmod/<ARCH>/_tinysense.mpy
    build.py natmod ARCH-small  build/natmod/<ARCH>-small/_tinysense.mpy

MicroPython's own makefiles do the work and know what is out of date. Theirs
do not notice edited makefiles, linker scripts or another source folder: when
those differ from the last time, the build starts afresh.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BOARDS = Path(__file__).resolve().parent
ROOT = BOARDS.parent
sys.path[:0] = [str(BOARDS), str(ROOT / "host")]

import micropython  # noqa: E402
import rp2_parts  # noqa: E402

from tinysense_host.boards import BoardProfile, load_board  # noqa: E402
from tinysense_host.errors import TinysenseError  # noqa: E402

LOG_LINES_SHOWN = 25
NODE_OLDEST = 18  # rp2040js: package.json
NATIVE = {  # compiler and what brings it
    "armv6m": ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "armv7m": ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "armv7emsp": ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "armv7emdp": ("arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"),
    "rv32imc": ("riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf"),
    "x64": ("gcc", "gcc"),
    "xtensawin": ("xtensa-esp32-elf-gcc", "ESP-IDF: install it and run its export.sh"),
}


def build_folder() -> Path:
    return Path(os.environ.get("TINYSENSE_BUILD", ROOT / "build")).resolve()


def need(program: str, source: str) -> None:
    if shutil.which(program) is None:
        raise TinysenseError(f"{program} is not installed", f"it comes with {source}")


@contextmanager
def folder_for(path: Path, recipe: list[object]) -> Iterator[Path]:
    """The build folder, locked against a second build and emptied if the recipe changed.

    After a good build its file `built` bears the time when the build began:
    what was edited since then is not in it (tinysense_host.firmware looks).
    """
    began = time.time()
    path.parent.mkdir(parents=True, exist_ok=True)
    with (path.parent / f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        digest = hashlib.sha256(repr(recipe).encode()).hexdigest()
        stamp = path / "recipe.sha256"
        if path.exists() and (not stamp.exists() or stamp.read_text() != digest):
            shutil.rmtree(path)
        path.mkdir(exist_ok=True)
        stamp.write_text(digest)
        yield path
        (path / "built").touch()
        os.utime(path / "built", (began, began))


def contents(*patterns: str) -> list[object]:
    """Names and bytes of files under boards/ and device/, for a recipe."""
    files = sorted(path for pattern in patterns for path in ROOT.glob(pattern))
    return [(str(path.relative_to(ROOT)), path.read_bytes()) for path in files]


def run(title: str, command: list[str], log: Path) -> None:
    """Runs a build; shows how far it is, and the end of its output if it fails."""
    # Of the make that called us, and what would reach builds that it isn't for.
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "FROZEN_MANIFEST", "BOARD", "BUILD")
    environment = {name: value for name, value in os.environ.items() if name not in outer}
    terminal = sys.stderr.isatty()
    lines: list[str] = []
    compiled = 0
    with log.open("w") as out, subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=environment, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                out.write(line)
                lines.append(line)
                if not line.startswith(("CC ", "[")):           # make's and ninja's steps
                    continue
                compiled += 1
                if compiled == 1 and not terminal:
                    print(f"{title}: building", file=sys.stderr, flush=True)
                if terminal:
                    print(f"\r{title}: {compiled} files", end="", file=sys.stderr, flush=True)
        except BaseException:
            process.kill()
            raise
    if terminal and compiled:
        print(file=sys.stderr)
    if process.returncode:
        sys.stderr.write("".join(lines[-LOG_LINES_SHOWN:]))
        raise TinysenseError(f"{title} failed", f"the whole output is in {log}")


def python_and_jobs() -> list[str]:
    return [f"PYTHON={sys.executable}", f"-j{os.cpu_count() or 1}"]


# ---- Firmware, one function per port of MicroPython ----


def user_module(board: BoardProfile) -> list[str]:
    return [f"USER_C_MODULES={ROOT}/device"] if board.user_module else []


def frozen(board: BoardProfile) -> list[str]:
    manifest = os.environ.get("FROZEN_MANIFEST")
    return [f"FROZEN_MANIFEST={Path(manifest).resolve()}"] if manifest else []


def qemu_firmware(board: BoardProfile, source: Path, out: Path) -> Path:
    need(*NATIVE["rv32imc" if board.native_arch == "rv32imc" else "armv6m"])
    run(f"firmware {board.name}", [
        "make", "-C", f"{source}/ports/qemu", f"BOARD={board.name}", f"BOARD_DIR={board.folder}",
        f"BUILD={out}", *user_module(board), *frozen(board), *python_and_jobs()], out / "build.log")
    return out / "firmware.elf"


def unix_firmware(board: BoardProfile, source: Path, out: Path) -> Path:
    need(*NATIVE["x64"])
    run(f"firmware {board.name}", [
        "make", "-C", f"{source}/ports/unix", f"VARIANT_DIR={board.folder}", f"BUILD={out}",
        *user_module(board), *frozen(board), *python_and_jobs()], out / "build.log")
    return out / "micropython"


def rp2_firmware(board: BoardProfile, source: Path, out: Path) -> Path:
    need("cmake", "cmake")
    need("ninja", "ninja-build")
    need(*NATIVE["armv6m"])
    library = source / "lib/micropython-lib/README.md"
    if not board.virtual:
        need_parts(board, source, {"micropython-lib": library.exists()}, "rp2")
    tree = rp2_parts.lay_tree(source, out / "micropython")
    options = [f"-DMICROPY_BOARD={board.micropython_board}",
               f"-DPICO_SDK_PATH_OVERRIDE={tree}/lib/pico-sdk",
               f"-DUSER_C_MODULES={ROOT}/device/native/micropython.cmake",
               f"-DPython3_EXECUTABLE={sys.executable}", *without_cxx_library()]
    manifest = os.environ.get("FROZEN_MANIFEST")
    if not library.exists():
        # The build asks for a README.md in the place of micropython-lib.
        options.append(f"-DMICROPY_LIB_DIR={BOARDS}/rp2040js")
        manifest = manifest or str(BOARDS / "rp2040js" / "manifest.py")
    if manifest:
        options.append(f"-DMICROPY_FROZEN_MANIFEST={Path(manifest).resolve()}")
    if shutil.which("picotool") is None:
        options.append("-DPICO_NO_PICOTOOL=1")
    title = f"firmware {board.name}"
    run(title, ["cmake", "-S", f"{tree}/ports/rp2", "-B", str(out), "-G", "Ninja", *options],
        out / "configure.log")
    run(title, ["ninja", "-C", str(out)], out / "build.log")
    if board.kind == "rp2040js":
        build_rp2040js()
        return out / "firmware.bin"
    products = (out / "firmware.uf2", out / "firmware.bin")
    return next((path for path in products if path.exists()), out / "firmware.elf")


def without_cxx_library() -> list[str]:
    """Where the compiler has no libstdc++ (Debian: 1.5 GB more): MicroPython needs none of it."""
    gcc = shutil.which("arm-none-eabi-gcc")
    asked = subprocess.run(["arm-none-eabi-g++", "-print-file-name=libstdc++.a"], text=True,
                           capture_output=True, check=False)
    if Path(asked.stdout.strip()).is_absolute():
        return []
    return ["-DCMAKE_CXX_FLAGS=-DPICO_CXX_DISABLE_ALLOCATION_OVERRIDES=1",
            f"-DPICO_COMPILER_CXX={gcc}", "-DCMAKE_CXX_STANDARD_LIBRARIES=-lm"]


def build_rp2040js() -> None:
    """What the emulated Pico is run with: boot ROM and rp2040js, into build/rp2040js."""
    need_node()
    here = BOARDS / "rp2040js"
    recipe = contents("boards/rp2040js/package*.json")
    with folder_for(build_folder() / "rp2040js", recipe) as out:
        run("boot ROM", ["make", "-C", str(here / "rom"), f"BUILD={out}"], out / "rom.log")
        if (out / "node_modules").exists():
            return
        for file in here.glob("package*.json"):
            shutil.copy(file, out)
        print("rp2040js: installing", file=sys.stderr, flush=True)
        run("rp2040js", ["npm", "ci", "--prefix", str(out), "--omit=dev", "--ignore-scripts",
                         "--no-audit", "--no-fund"], out / "npm.log")


def need_node() -> None:
    remedy = f"Debian's nodejs and npm; Node.js {NODE_OLDEST} or newer is needed"
    need("node", remedy)
    need("npm", remedy)
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = version.stdout.strip().lstrip("v")
    if not found or int(found.split(".")[0]) < NODE_OLDEST:
        raise TinysenseError(f"node is {found or 'broken'}, expected {NODE_OLDEST} or newer",
                             "install a newer Node.js")


def esp32_firmware(board: BoardProfile, source: Path, out: Path) -> Path:
    need("idf.py", "ESP-IDF: install the version that MicroPython's ports/esp32/README.md names "
         "and run its export.sh")
    parts = {"micropython-lib": source / "lib/micropython-lib/README.md"}
    need_parts(board, source, {name: path.exists() for name, path in parts.items()}, "esp32")
    run(f"firmware {board.name}", [
        "make", "-C", f"{source}/ports/esp32", f"BOARD={board.name}", f"BUILD={out}",
        f"USER_C_MODULES={ROOT}/device/native/micropython.cmake", *frozen(board),
        *python_and_jobs()], out / "build.log")
    return out / "firmware.bin"


def nrf_firmware(board: BoardProfile, source: Path, out: Path) -> Path:
    need(*NATIVE["armv6m"])
    parts = {"nrfx": source / "lib/nrfx/nrfx.h", "tinyusb": source / "lib/tinyusb/src/tusb.h"}
    need_parts(board, source, {name: path.exists() for name, path in parts.items()}, "nrf")
    run(f"firmware {board.name}", [
        "make", "-C", f"{source}/ports/nrf", f"BOARD={board.name}", f"BUILD={out}",
        *user_module(board), *frozen(board), *python_and_jobs()], out / "build.log")
    return out / "firmware.hex"


def need_parts(board: BoardProfile, source: Path, there: dict[str, bool], port: str) -> None:
    """Refuses where the port's libraries are not in MicroPython's tree."""
    missing = [name for name, is_there in there.items() if not is_there]
    if missing:
        raise TinysenseError(
            f"firmware for {board.name} needs {' and '.join(missing)}, not in {source}",
            f"clone MicroPython, run `make -C ports/{port} BOARD={board.name} submodules` there "
            "and name it in MICROPYTHON; or keep the board's stock firmware: `tinysense setup` "
            "brings the native module")


PORTS = {"qemu": qemu_firmware, "unix": unix_firmware, "rp2": rp2_firmware,
         "esp32": esp32_firmware, "nrf": nrf_firmware}


def build_firmware(name: str) -> Path:
    board = load_board(name)
    build = PORTS.get(board.port)
    if build is None:
        raise TinysenseError(f"{name}: no firmware build for MicroPython's port {board.port}",
                             "use the board's stock firmware and the native module")
    source = micropython_source()
    recipe = [str(source), board.user_module, os.environ.get("FROZEN_MANIFEST"),
              contents("device/native/micropython.*", "device/core/fast.txt", f"boards/{name}/*",
                       "boards/qemu/*.mk", "boards/qemu/*.ld", "boards/unix/*.mk",
                       "boards/rp2040js/manifest.py")]
    with folder_for(build_folder() / "firmware" / name, recipe) as out:
        product = build(board, source, out)
    if not product.exists():
        raise TinysenseError(f"{product} is missing after its build", f"see {out}/build.log")
    return product


# ---- Native modules ----


def build_natmod(name: str) -> Path:
    arch, _, ops = name.partition("-")
    if arch not in NATIVE:
        raise TinysenseError(f"unknown architecture {arch!r}",
                             f"expected one of {', '.join(NATIVE)}")
    if ops not in ("", "small"):
        raise TinysenseError(f"unknown set of ops {ops!r}", "expected small, or none for all")
    need(*NATIVE[arch])
    for module in ("elftools", "ar"):
        try:
            __import__(module)
        except ImportError as e:
            raise TinysenseError(f"{sys.executable} has no module {module}",
                                 "run `make setup`") from e
    source = micropython_source()
    recipe = [str(source), contents("device/native/Makefile")]
    with folder_for(build_folder() / "natmod" / name, recipe) as out:
        run(f"native module {name}", [
            "make", "-C", str(out), "-f", f"{ROOT}/device/native/Makefile", f"MPY_DIR={source}",
            f"ARCH={arch}", f"OPS={ops or 'all'}", *python_and_jobs()], out / "build.log")
    return out / "_tinysense.mpy"


def micropython_source() -> Path:
    try:
        return micropython.locate(os.environ.get("MICROPYTHON_VERSION", micropython.PINNED))
    except micropython.SourceError as e:
        raise TinysenseError(str(e)) from e


def main(arguments: list[str]) -> int:
    actions: dict[str, Callable[[str], Path]] = {"firmware": build_firmware, "natmod": build_natmod}
    if len(arguments) != 2 or arguments[0] not in actions:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        print(actions[arguments[0]](arguments[1]))
    except (TinysenseError, micropython.SourceError) as e:
        print(e, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
