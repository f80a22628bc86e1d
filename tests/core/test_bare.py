"""The bare-metal harness, and through it the portable ops: in every layout, on every core."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import bare_machine
import pytest
from core_build import CORE
from kernels.single_ops import GENERATORS, additions, inputs_for

from tinysense_host.barecore import build_program, list_cores, load_core
from tinysense_host.errors import TinysenseError
from tinysense_host.trial import Case, Result, try_cases

COUNT = 25


def need(core: str) -> None:
    chosen = load_core(core)
    for program in (chosen.compiler, chosen.emulator("x")[0]):
        if program != "x" and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize("kind", GENERATORS)
@pytest.mark.parametrize("core", list_cores())
def test_portable_ops_in_every_layout(core: str, kind: str) -> None:
    need(core)
    models = itertools.islice(GENERATORS[kind](5), COUNT)
    results = list(try_cases(load_core(core), bare_machine.portable_layouts(models)))
    wrong = [result.problem for result in results if result.problem]
    assert not wrong, "\n".join(wrong[:10])
    assert len(results) == COUNT


# ---- What the harness must not overlook: cores with a fault put in ----

BROKEN = {
    "a wrong result": ("((int8_t *)op->data[2])[1] ^= 1;", "outputs differ"),
    "a write before the arena": (
        "((int8_t *)op->data[0])[-4] = 0;", "bytes outside the arena"),
    "a crash": ("*(volatile int *)0xF0000000 = 1;", "fault: pc"),
}


def broken_core(folder: Path, function: str, code: str) -> Path:
    """A copy of the core where ``function`` ends with ``code`` if its first input is 99."""
    shutil.copytree(CORE, folder / "core")
    path = folder / "core" / "add.c"
    text = path.read_text()
    start = text.index(f"void {function}(")
    body = text.index("{\n", start) + 2
    end = text.index("\n}\n", start)
    guarded = f"if (*(int8_t *)op->data[0] == 99) {{ {code} }}"
    path.write_text(text[:body] + text[body:end] + "\n" + guarded + text[end:])
    return folder / "core"


def addition(first: int, name: str) -> Case:
    """Two models of one ADD, 64 elements; the second has its output over its input."""
    m = next(model for _, model in additions(3) if model.tensors[2].nbytes >= 64)
    blobs = tuple(laid.write() for laid in bare_machine.layouts(m))[:2]
    x = bytearray(inputs_for(m)[0])
    x[0] = first
    return Case(name, blobs, (bytes(x),))


@pytest.fixture
def fresh_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINYSENSE_BUILD", str(tmp_path / "build"))


def on_broken_core(folder: Path, code: str, timeout_s: float) -> list[Result]:
    """A good case, one that meets the fault, another good one."""
    core = load_core("cortex-m4")
    elf = build_program(core, sources=broken_core(folder, "ts_run_ADD", code))
    cases = [addition(1, "good"), addition(99, "bad"), addition(2, "good, too")]
    return list(try_cases(core, cases, elf=elf, timeout_s=timeout_s))


@pytest.mark.usefixtures("fresh_build")
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_core_is_found_out(fault: str, tmp_path: Path) -> None:
    need("cortex-m4")
    code, said = BROKEN[fault]
    results = on_broken_core(tmp_path, code, 120.0)
    assert [bool(r.problem) for r in results] == [False, True, False]
    assert said in results[1].problem
    assert results[1].problem.startswith("bad")


@pytest.mark.full
@pytest.mark.usefixtures("fresh_build")
def test_an_endless_loop_ends(tmp_path: Path) -> None:
    need("cortex-m4")
    results = on_broken_core(tmp_path, "for (;;) { }", 20.0)
    assert [r.crash for r in results] == ["", "no end within 20 s", ""]


@pytest.mark.usefixtures("fresh_build")
def test_a_core_that_does_not_build(tmp_path: Path) -> None:
    need("cortex-m4")
    broken = broken_core(tmp_path, "ts_run_ADD", "syntax error")
    with pytest.raises(TinysenseError, match=r"does not build for cortex-m4:[^$]*add\.c"):
        build_program(load_core("cortex-m4"), sources=broken)


def test_an_unknown_core() -> None:
    with pytest.raises(TinysenseError, match="unknown core 'cortex-m5'"):
        load_core("cortex-m5")


def test_counts_are_the_same_in_every_run() -> None:
    need("cortex-m4")
    runs = [list(try_cases(load_core("cortex-m4"), [addition(5, "a")], per_op=True))
            for _ in range(2)]  # fmt: skip
    first, second = ([(o.load, o.run, o.ops) for o in run[0].outcomes] for run in runs)
    assert first == second
    assert all(load > 100 and run > 64 and 0 < ops[0] <= run + 50 for load, run, ops in first)


def test_outputs_are_kept_where_asked() -> None:
    need("cortex-m4")
    (result,) = try_cases(load_core("cortex-m4"), [addition(5, "a")], keep_outputs=True)
    (hosted,) = try_cases(load_core("x86-64"), [addition(5, "a")], keep_outputs=True)
    assert result.outcomes[0].outputs == result.outcomes[1].outputs == hosted.outcomes[0].outputs
    assert len(result.outcomes[0].outputs[0]) == result.outcomes[0].output_bytes
