"""The core as it is built on an x86-64 with AVX2 against the same core in portable C."""

from __future__ import annotations

import itertools
import platform
import shutil
from pathlib import Path

import pytest

from kernels.single_ops import GENERATORS, inputs_for
from tinysense_host.barecore import build_program, load_core
from tinysense_host.trial import Case, try_cases

CORE = "x86-64"
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g")


@pytest.fixture(autouse=True)
def machine() -> None:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    if platform.machine() != "x86_64" or "avx2" not in flags:
        pytest.skip("no x86-64 with AVX2")
    if shutil.which(load_core(CORE).compiler) is None:
        pytest.skip("no compiler")


def outputs(kind: str, count: int, seed: int, *flags: str) -> dict[str, tuple[bytes, ...]]:
    core = load_core(CORE)
    models = itertools.islice(GENERATORS[kind](seed), count)
    cases = [Case(name, (m.write(),), inputs_for(m, i)) for i, (name, m) in enumerate(models)]
    program = build_program(core, flags=flags)
    results = list(try_cases(core, cases, keep_outputs=True, elf=program))
    wrong = [r.problem for r in results if r.problem]
    assert not wrong, "\n".join(wrong[:10])
    return {r.case.name: r.outcomes[0].outputs for r in results}


def assert_equal(kind: str, count: int, seed: int, *flags: str) -> None:
    wanted = outputs(kind, count, seed, "-DTS_PORTABLE")
    got = outputs(kind, count, seed, *flags)
    wrong = [name for name in wanted if got[name] != wanted[name]]
    assert not wrong, f"{len(wrong)} of {count}: {wrong[:10]}"
    assert len(got) == count


@pytest.mark.parametrize("kind", GENERATORS)
def test_equal_to_portable(kind: str) -> None:
    assert_equal(kind, 100, 31, "-DTS_CPU_CHECK")


@pytest.mark.parametrize("kind", ["conv", "depthwise"])
def test_equal_when_the_compiler_is_told_of_avx2(kind: str) -> None:
    assert_equal(kind, 40, 32, "-mavx2")


@pytest.mark.parametrize("kind", ["conv", "depthwise", "fully_connected", "add"])
def test_memory(kind: str) -> None:
    """Reads and writes stay inside file, arena and stack."""
    outputs(kind, 60, 33, "-DTS_CPU_CHECK", *SANITIZED)


@pytest.mark.full
@pytest.mark.parametrize("kind", GENERATORS)
def test_equal_to_portable_at_length(kind: str) -> None:
    assert_equal(kind, 3000, 34, "-DTS_CPU_CHECK", *SANITIZED)
