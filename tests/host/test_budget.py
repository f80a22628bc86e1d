"""No model, and no frame of a sensor, may cost more than tests/budget.toml allows."""

from __future__ import annotations

import dataclasses
import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

import budget  # noqa: E402
import front_ends  # noqa: E402
import sampling  # noqa: E402

from tinysense_host.bench import Cost  # noqa: E402

# Graphs by chance and what is much like them: their memory plans take longer than all others'.
LABORIOUS = ("graph_", "keras_upward")
REMEDY = "If it has to grow, say why in the commit and run: make bench ACCEPT=yes"
COST = Cost("instructions", 1000, 0, 200, 3000, ())


@pytest.fixture(scope="module")
def allowed() -> budget.Budget:
    """The budget, where it holds for the compiler that there is."""
    for program in ("arm-none-eabi-gcc", "riscv64-unknown-elf-gcc", "qemu-system-arm",
                    "qemu-system-riscv32"):  # fmt: skip
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    made_with, models = budget.read()
    if made_with != budget.compiler():
        pytest.skip(f"the budget is of gcc {made_with}, this is {budget.compiler()}")
    return models


@pytest.mark.parametrize(("laborious", "least"), [
    (False, 100), pytest.param(True, 20, marks=pytest.mark.full)])
def test_models_in_the_tree(laborious: bool, least: int, allowed: budget.Budget) -> None:
    paths = [p for p in budget.small_models() if p.stem.startswith(LABORIOUS) == laborious]
    refused: dict[str, str] = {}
    costs = budget.measured(paths, refused=refused)
    assert not refused
    assert len(costs) > least
    over = budget.overruns(costs, allowed)
    assert not over, "\n".join([*over, REMEDY])


@pytest.mark.parametrize("core", [
    "cortex-m4", pytest.param("cortex-m0plus", marks=pytest.mark.full)])
def test_models_of_others(core: str, allowed: budget.Budget, shared: Path) -> None:
    paths = [path for path in budget.shared_models() if path.stem in allowed]
    assert len(paths) >= 5
    over = budget.overruns(budget.measured(paths, (core,)), allowed)
    assert not over, "\n".join([*over, REMEDY])


def test_frames_of_sensors(allowed: budget.Budget) -> None:
    costs = sampling.measured()
    assert len(costs) == 16 and allowed
    over = budget.sampling_overruns(costs, budget.read_sampling())
    assert not over, "\n".join([*over, REMEDY])


def test_front_ends_for_sound(allowed: budget.Budget) -> None:
    """And every core makes the same rows."""
    costs, sums = front_ends.measured()
    assert all(len(found) == 1 for found in sums.values()), sums
    over = budget.sampling_overruns(costs, budget.read_front_ends(), budget.GROWTH, "window")
    assert allowed and not over, "\n".join([*over, REMEDY])


def test_a_frame_over_the_budget() -> None:
    assert budget.sampling_overruns({"s": {"c": 1040}}, {"s": {"c": 1000}}) == []
    assert budget.sampling_overruns({"s": {"c": 1041}}, {"s": {"c": 1000}}) == [
        "s on c: 1041 instructions a frame, budget 1000 (+4.1%)"]
    assert budget.sampling_overruns({"s": {"c": 1}}, {}) == ["s on c has no budget"]


@pytest.mark.parametrize(("change", "said"), [
    ({}, []),
    ({"total": 1010, "arena_bytes": 202}, []),
    ({"total": 1011}, ["m on c: 1011 instructions, budget 1000 (+1.1%)"]),
    ({"arena_bytes": 203}, ["m on c: 203 arena bytes, budget 200 (+1.5%)"]),
    ({"total": 10, "arena_bytes": 20}, []),
])
def test_what_is_over_the_budget(change: dict[str, int], said: list[str]) -> None:
    costs = {"m": {"c": dataclasses.replace(COST, **change)}}
    assert budget.overruns(costs, {"m": {"c": [1000, 200]}}) == said


def test_a_model_needs_a_budget() -> None:
    assert budget.overruns({"m": {"c": COST}}, {}) == ["m on c has no budget"]


def test_written_budgets_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "BUDGET", tmp_path / "budget.toml")
    budget.write({"one": {"cortex-m4": COST, "rv32imc": COST}})
    budget.write({"two": {"cortex-m4": dataclasses.replace(COST, total=5)}})
    assert budget.read()[1] == {"one": {"cortex-m4": [1000, 200], "rv32imc": [1000, 200]},
                                "two": {"cortex-m4": [5, 200]}}
    budget.write({}, {"sensor_3": {"cortex-m4": 2000}})
    budget.write({"two": {"cortex-m4": COST}}, {"sensor_6": {"cortex-m4": 3000}})
    assert budget.read()[1].keys() == {"one", "two"}
    budget.write({}, front_ends={"ear": {"cortex-m4": 70}})
    assert budget.read_sampling() == {"sensor_3": {"cortex-m4": 2000},
                                      "sensor_6": {"cortex-m4": 3000}}
    budget.write({})
    assert budget.read_front_ends() == {"ear": {"cortex-m4": 70}}
    assert budget.sampling_overruns({"ear": {"cortex-m4": 71}}, {"ear": {"cortex-m4": 70}}, 0.01, "window") == [
        "ear on cortex-m4: 71 instructions a window, budget 70 (+1.4%)"]
