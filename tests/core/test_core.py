"""The C unit tests under sanitizers, and the core's cleanness for every compiler at hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import core_build
import pytest

HERE = Path(__file__).parent
UNIT = [HERE / f"test_{name}.c" for name in ("main", "fixed", "window", "frames", "text", "sampling",
                                            "microphones")]
CROSS = {
    "cortex-m0": ("arm-none-eabi-gcc", ["-mcpu=cortex-m0", "-mthumb"]),
    "cortex-m4": ("arm-none-eabi-gcc", ["-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard"]),
    "rv32imc": ("riscv64-unknown-elf-gcc", ["-march=rv32imc", "-mabi=ilp32"]),
    "x64": ("gcc", []),
    "x64 clang": ("clang", []),
}


def test_unit_tests_pass_under_sanitizers() -> None:
    program = core_build.build("unit", UNIT, core_build.SANITISED)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failures" in done.stdout


@pytest.mark.parametrize("target", CROSS)
def test_compiles_without_a_warning(target: str, tmp_path: Path) -> None:
    compiler, flags = CROSS[target]
    if core_build.compiler(compiler) is None:
        pytest.skip(f"{compiler} is not installed: the core was not compiled for {target}")
    if compiler.startswith("riscv") and _needs_headers(compiler, flags):
        flags = [*flags, "--specs=picolibc.specs"]
    for source in core_build.sources():
        command = [compiler, *core_build.STRICT, *flags, "-Os", f"-I{core_build.CORE}", "-c", str(source)]
        done = subprocess.run([*command, "-o", str(tmp_path / f"{source.stem}.o")],
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"


def _needs_headers(compiler: str, flags: list[str]) -> bool:
    probe = subprocess.run([compiler, *flags, "-fsyntax-only", "-x", "c", "-"], check=False,
                           input="#include <stddef.h>\n#include <stdint.h>\n",
                           capture_output=True, text=True)  # fmt: skip
    return probe.returncode != 0


def test_no_writable_statics_and_no_libc(tmp_path: Path) -> None:
    """Native modules have no .data and .bss, and only memcpy and memset of libc."""
    if core_build.compiler("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed: undefined symbols were not listed")
    objects = []
    for source in core_build.sources():
        objects.append(str(tmp_path / f"{source.stem}.o"))
        subprocess.run(["arm-none-eabi-gcc", "-std=c99", "-Os", "-mcpu=cortex-m4", "-mthumb",
                        f"-I{core_build.CORE}", "-c", str(source), "-o", objects[-1]], check=True)  # fmt: skip
    rows = [line.split() for line in _output("arm-none-eabi-nm", *objects).splitlines()]
    writable = [row[-1] for row in rows if len(row) == 3 and row[1] in "dDbBC"]
    defined = {row[2] for row in rows if len(row) == 3}
    wanted = {row[1] for row in rows if len(row) == 2 and row[0] == "U"} - defined
    assert not writable
    foreign = {name for name in wanted if not name.startswith("__aeabi_")}
    assert foreign <= {"memcpy", "memset", "memmove"}


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_sine_table_is_what_its_generator_writes() -> None:
    made = _output(sys.executable, str(core_build.CORE / "sine.py"))
    assert made == (core_build.CORE / "sine.h").read_text()


def test_headers_do_not_hide_the_systems() -> None:
    """Builds put the core's folder on the include path: a features.h there broke <stdint.h>."""
    for header in core_build.CORE.glob("*.h"):
        probe = subprocess.run(["gcc", "-E", "-x", "c", "-"], input=f"#include <{header.name}>\n",
                               capture_output=True, text=True, check=False)  # fmt: skip
        assert probe.returncode != 0, f"<{header.name}> is a header of the system too"
