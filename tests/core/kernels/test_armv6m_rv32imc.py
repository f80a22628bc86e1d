"""Kernels of Cortex-M0 and RV32IMC against portable C on the emulated cores."""

from __future__ import annotations

import shutil

import pytest
from bare_machine import CORES, compare

from kernels.scalar_armv6m_rv32imc import lying_cases, sum_cases
from tinysense_host.barecore import BareCore, load_core
from tinysense_host.trial import try_cases

TARGETS = ("armv6m", "rv32imc")
COUNTS = {"conv": 80, "pointwise": 80, "depthwise": 120, "fully_connected": 80, "add": 30}
TAKEN = {"conv": 0.7, "pointwise": 0.8, "depthwise": 0.3, "fully_connected": 0.8, "add": 0.6}


def core_of(target: str) -> BareCore:
    core = load_core(CORES[target])
    for program in (core.compiler, core.emulator("")[0]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return core


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", COUNTS)
def test_equal_to_portable_c_in_every_layout(target: str, kind: str) -> None:
    core_of(target)
    results = compare(target, kind, COUNTS[kind], seed=11)
    assert len(results) >= TAKEN[kind] * COUNTS[kind]


@pytest.mark.full
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", COUNTS)
def test_equal_to_portable_c_for_long(target: str, kind: str) -> None:
    core_of(target)
    for seed in range(100, 120):
        compare(target, kind, 250, seed=seed)


# Seed and number of a model that went wrong once: two columns, padding behind them alone.
FOUND = {"depthwise": (104, 95)}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", FOUND)
def test_what_was_found_by_chance(target: str, kind: str) -> None:
    core_of(target)
    seed, last = FOUND[kind]
    compare(target, kind, last + 1, seed=seed)


@pytest.mark.parametrize("target", TARGETS)
def test_sums_up_to_the_limits_are_scaled_exactly(target: str) -> None:
    results = list(try_cases(core_of(target), sum_cases(target, 60)))
    wrong = [r.problem for r in results if r.problem]
    assert not wrong, "\n".join(wrong[:10])
    assert len(results) == 60


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", COUNTS)
def test_files_that_lie_are_refused_or_harmless(target: str, kind: str) -> None:
    results = list(try_cases(core_of(target), lying_cases(target, kind, 6)))
    harm = [r.problem for r in results
            if r.crash or any(o.guard_broken for o in r.outcomes)]  # fmt: skip
    assert not harm, "\n".join(harm[:10])
    refused = sum(o.error != 0 for r in results for o in r.outcomes)
    assert refused > len(results) // 5
