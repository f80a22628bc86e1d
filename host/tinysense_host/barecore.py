"""Programs without MicroPython on emulated cores: built, cached and run.

boards/bare/ has their start-up, linker scripts and a list of the cores,
cores.toml. What runs there is the core of device/core with the flags of the
firmware, so its instruction counts are those of a board with that core.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tinysense_host.boards import boards_folder
from tinysense_host.errors import TinysenseError
from tinysense_host.firmware import build_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["INSTRUCTION_NS", "BareCore", "build_program", "list_cores", "load_core", "run_program"]

_ICOUNT_SHIFT = 8
INSTRUCTION_NS = 1 << _ICOUNT_SHIFT     # virtual time that one instruction takes
_PACKAGES = {
    "arm-none-eabi-gcc": "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    "riscv64-unknown-elf-gcc": "gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf",
    "qemu-system-arm": "qemu-system-arm", "qemu-system-riscv32": "qemu-system-misc",
}


@dataclass(frozen=True)
class BareCore:
    """One row of cores.toml. ``target``: whose packed models run here; ``board``: the virtual
    board with this core; ``machine``: QEMU's, empty for this computer."""

    name: str
    title: str
    target: str
    board: str
    compiler: str
    flags: tuple[str, ...]
    defines: tuple[str, ...]
    start: str
    machine: str = ""

    @property
    def counts(self) -> bool:
        """Whether instructions are counted there."""
        return bool(self.machine)

    def emulator(self, elf: str) -> list[str]:
        """The command that runs a program."""
        if not self.machine:
            return [elf]
        arch = "riscv32" if self.start == "rv32" else "arm"
        return [f"qemu-system-{arch}", "-machine", self.machine, "-bios", "none", "-display",
                "none", "-monitor", "none", "-serial", "null", "-icount", f"shift={_ICOUNT_SHIFT}",
                "-semihosting-config", "enable=on,target=native", "-kernel", elf]  # fmt: skip


@cache
def _cores() -> dict[str, BareCore]:
    path = boards_folder() / "bare" / "cores.toml"
    rows: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    lists = ("flags", "defines")
    return {name: BareCore(name=name, **row | {key: tuple(row[key]) for key in lists})
            for name, row in rows.items()}


def list_cores() -> list[str]:
    """Names of all cores, in the order of the list."""
    return list(_cores())


def load_core(name: str) -> BareCore:
    """A core by its name."""
    if name not in _cores():
        raise TinysenseError(f"unknown core {name!r}", f"cores: {', '.join(_cores())}")
    return _cores()[name]


def _need(program: str) -> None:
    if shutil.which(program) is None:
        raise TinysenseError(f"{program} is not installed",
                             f"it comes with {_PACKAGES.get(program, program)}: make packages")


def build_program(core: BareCore, program: str = "trial", *, sources: Path | None = None,
                  flags: Sequence[str] = ()) -> Path:
    """``boards/bare/<program>.c`` and the C core as an .elf; built only when a source is newer.

    sources: another folder in place of device/core. flags: more for the compiler.
    """
    _need(core.compiler)
    _need("make")
    bare = boards_folder() / "bare"
    chosen = (sources or bare.parent.parent / "device" / "core").resolve()
    all_flags = [*core.flags, *(f"-D{name}" for name in core.defines), *flags]
    recipe = repr((program, str(chosen), core.compiler, all_flags, core.start))
    mark = hashlib.sha256(recipe.encode()).hexdigest()[:8]
    folder = build_folder() / "bare" / f"{core.name}-{program}-{mark}"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["make", "--no-print-directory", "-s", "-C", str(folder), "-f",
               str(bare / "Makefile"), f"CORE={chosen}", f"COMPILER={core.compiler}",
               f"FLAGS={' '.join(all_flags)}", f"START={core.start}",
               f"TARGET={core.target}", f"PROGRAM={program}"]  # fmt: skip
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env=environment)
    if done.returncode:
        raise TinysenseError(f"{program} does not build for {core.name}:\n{done.stderr[-3000:]}")
    return folder / f"{program}.elf"


def run_program(core: BareCore, elf: Path, folder: Path, timeout_s: float) -> tuple[int, str]:
    """(exit status, what it printed) of a program whose files are in ``folder``.

    Status -1: it did not end within ``timeout_s``.
    """
    command = core.emulator(str(elf))
    _need(command[0])
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=timeout_s, errors="replace")
    except subprocess.TimeoutExpired:
        return -1, f"no end within {timeout_s:.0f} s"
    return done.returncode, (done.stdout + done.stderr).strip()
