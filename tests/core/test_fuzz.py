"""Fuzzing of the model loader and runner, and of feature programs.

A short run of a fixed number of inputs; TINYSENSE_FUZZ_RUNS=N makes it a long
one. libFuzzer where clang has it, else a loop of random damage.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
from pathlib import Path

import core_build
import pytest

FUZZ = Path(__file__).parent / "fuzz"
RUNS = int(os.environ.get("TINYSENSE_FUZZ_RUNS", "30000"))
LONG = 3_000_000
HOSTILE = Path(__file__).parent / "hostile.c"


def _has_libfuzzer(folder: Path) -> bool:
    if core_build.compiler("clang") is None:
        return False
    probe = folder / "probe.c"
    probe.write_text("int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n);\n"
                     "int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n)\n"
                     "{ (void)d; return n > 99999; }\n")  # fmt: skip
    command = ["clang", "-fsanitize=fuzzer,address", str(probe), "-o", str(folder / "probe")]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def fuzz(name: str, runs: int, work: Path) -> str:
    """Runs one target; what it printed. Findings are left in build/core-tests."""
    seeds, extra = FUZZ / "corpus" / name, [FUZZ / f"fuzz_{name}.c", HOSTILE]
    if _has_libfuzzer(work):
        flags = ["-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-g", "-O1"]
        program = core_build.build(f"fuzz_{name}", extra, flags, "clang")
        found = work / "found"
        found.mkdir()
        command = [program, f"-runs={runs}", "-seed=1", "-max_len=4096", "-timeout=20",
                   f"-artifact_prefix={core_build.BUILD}/fuzz_{name}_", found, seeds]  # fmt: skip
    else:
        program = core_build.build(f"loop_{name}", [*extra, FUZZ / "loop.c"], core_build.SANITISED)
        command = [program, f"-runs={runs}", "-seed=1", *sorted(seeds.iterdir())]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stderr


@pytest.mark.parametrize("name", ["model", "features"])
def test_short_run_finds_nothing(name: str, tmp_path: Path) -> None:
    assert f"Done {RUNS} runs" in fuzz(name, RUNS, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("name", ["model", "features"])
def test_long_run_finds_nothing(name: str, tmp_path: Path) -> None:
    runs = max(RUNS, LONG)
    assert f"Done {runs} runs" in fuzz(name, runs, tmp_path)


@pytest.mark.parametrize("name", ["model", "features"])
def test_the_loop_without_libfuzzer_runs(name: str) -> None:
    extra = [FUZZ / f"fuzz_{name}.c", HOSTILE, FUZZ / "loop.c"]
    program = core_build.build(f"loop_{name}", extra, core_build.SANITISED)
    seeds = sorted((FUZZ / "corpus" / name).iterdir())
    done = subprocess.run([program, "-runs=5000", "-seed=7", *seeds], capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


def test_corpus_is_what_its_generator_writes() -> None:
    spec = importlib.util.spec_from_file_location("make_corpus", FUZZ / "make_corpus.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.corpus()
    there = {str(p.relative_to(FUZZ)): p.read_bytes() for p in FUZZ.rglob("corpus/*/*")}
    assert made == there
