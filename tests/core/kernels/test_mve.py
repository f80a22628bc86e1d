"""Helium kernels against portable C, on an emulated Cortex-M55."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bare_machine
import numpy as np
import pytest

from kernels.single_ops import GENERATORS, inputs_for
from tinysense_host import tflite
from tinysense_host.barecore import build_program, load_core
from tinysense_host.convert import convert
from tinysense_host.modelfile import ModelFile, Tensor
from tinysense_host.packing import mve, pack
from tinysense_host.trial import Case, try_cases

CORE = "cortex-m55"
GOLDEN = Path(__file__).parents[2] / "golden" / "cases"
MODELS = ["kws_ref_model", "pretrainedResnet_quant", "ad01_int8", "str_ww_ref_model"]
# What a hostile file puts in place of a parameter.
HOSTILE = (-(2**31), -1, 0, 1, 2, 7, 16, 255, 4095, 4096, 65535, 2**16 << 12 | 1, 2**31 - 1)


@pytest.fixture(autouse=True)
def machine() -> None:
    core = load_core(CORE)
    for program in (core.compiler, core.emulator("")[0]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def test_every_kind_of_op_has_a_kernel() -> None:
    taken = {kind: sum(mve.pack_op(m.ops[0], m.tensors) is not None
                       for _, m in itertools.islice(generate(0), 100))
             for kind, generate in GENERATORS.items()}  # fmt: skip
    assert min(taken.values()) >= 50, taken


@pytest.mark.parametrize("kind", GENERATORS)
def test_equal_to_portable(kind: str) -> None:
    assert len(bare_machine.compare("mve", kind, 70, seed=11)) >= 35


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 105))
@pytest.mark.parametrize("kind", GENERATORS)
def test_equal_to_portable_at_length(kind: str, seed: int) -> None:
    assert len(bare_machine.compare("mve", kind, 1000, seed=seed)) >= 500


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["conv_same", "depthwise_same", "keras_residual1d"])
def test_planned_models(name: str, stream: bool) -> None:
    assert_equal(GOLDEN / f"{name}.tflite", stream)


@pytest.mark.parametrize("name", MODELS)
def test_whole_models_whose_rows_go_through_rings(name: str, shared: Path) -> None:
    assert_equal(shared / "models" / "mlperf_tiny" / f"{name}.tflite", True)


def assert_equal(path: Path, stream: bool) -> None:
    portable = ModelFile.read(convert(tflite.load(path)))
    packed = pack(portable, "mve", stream=stream)
    assert any(op.name.startswith("PACKED_") for op in packed.ops)
    case = Case(path.stem, (portable.write(), packed.write()), inputs_for(portable))
    (result,) = try_cases(load_core(CORE), [case])
    assert not result.problem


# ---- Files whose packed ops are wrong ----


def damaged(m: ModelFile) -> Iterator[ModelFile]:
    """The model with each parameter of its op spoiled, and with less constant and scratch."""
    op = m.ops[0]
    for i, value in itertools.product(range(len(op.params)), HOSTILE):
        params = (*op.params[:i], value, *op.params[i + 1 :])
        yield replace(m, ops=[replace(op, params=params)])
    for i, t in enumerate(m.tensors):
        tensors = list(m.tensors)
        if t.data is not None:
            tensors[i] = Tensor(t.dtype, (t.elements - 1,), data=t.data.reshape(-1)[:-1])
        elif t.dtype == "uint8":
            tensors[i] = replace(t, shape=(1, 1, 1, t.elements // 2))
        else:
            continue
        yield replace(m, tensors=tensors)


@pytest.mark.parametrize("kind", GENERATORS)
def test_wrong_files_are_refused_or_harmless(kind: str) -> None:
    cases = []
    for name, m in itertools.islice(GENERATORS[kind](21), 4):
        found = bare_machine.pack_one(m, "mve", mve.pack_op)
        if found is not None:
            laid = next(bare_machine.layouts(found[0], 0))
            cases += [Case(f"{name} {i}", (wrong.write(),), inputs_for(m)[:2])
                      for i, wrong in enumerate(damaged(laid))]  # fmt: skip
    results = list(try_cases(load_core(CORE), cases))
    assert len(results) == len(cases) > 100
    assert not [r.problem for r in results if r.crash]
    assert not [r.case.name for r in results if r.outcomes[0].guard_broken]
    refused = sum(r.outcomes[0].error != 0 for r in results)
    assert refused > len(results) // 5, f"{refused} of {len(results)} refused"


def test_a_constant_that_is_too_short_is_refused() -> None:
    name, m = next(GENERATORS["conv"](3))
    found = bare_machine.pack_one(m, "mve", mve.pack_op)
    assert found is not None
    laid = next(bare_machine.layouts(found[0], 0))
    short = list(damaged(laid))[-2:]
    results = try_cases(load_core(CORE), [Case(name, (x.write(),), ()) for x in short])
    assert [r.outcomes[0].error != 0 for r in results] == [True, True]


def test_no_depthwise_layer_of_several_rows_is_read_after_it_is_written() -> None:
    """A sequence with more channels than are laid apart at once, its output over its input."""
    rng = np.random.default_rng(5)
    rows, channels, taps = 24, 640, 9
    w = rng.integers(-127, 128, (1, taps, 1, channels)).astype(np.int8)
    m = next(GENERATORS["depthwise"](0))[1]
    tensors = [
        Tensor("int8", (1, rows, 1, channels), zero_point=3, scale=0.5),
        Tensor("int8", (1, rows, 1, channels), zero_point=-5, scale=0.5),
        *(Tensor(str(a.dtype), a.shape, data=a) for a in (
            w, rng.integers(-999, 999, channels).astype(np.int32),
            np.full(channels, 1 << 30, np.int32), np.full(channels, -8, np.int8))),
    ]  # fmt: skip
    op = replace(m.ops[0], inputs=(0, 2, 3, 4, 5), outputs=(1,),
                 params=(1, 1, 1, 1, taps // 2, 0, -128, 127))  # fmt: skip
    m = replace(m, tensors=tensors, ops=[op])
    found = bare_machine.pack_one(m, "mve", mve.pack_op)
    assert found is not None
    files = [laid.write() for laid in bare_machine.layouts(found[0], 0)]
    portable = next(bare_machine.layouts(m, 0)).write()
    (result,) = try_cases(load_core(CORE), [Case("sequence", (portable, *files), inputs_for(m))])
    assert not result.problem
    assert len(files) > 1


# ---- The inner loops of portable ops ----


@pytest.mark.parametrize("kind", ["conv", "depthwise", "fully_connected"])
def test_portable_ops_are_those_of_another_machine(kind: str) -> None:
    """On Helium they have loops of their own: the same outputs as plain C on this computer."""
    models = list(itertools.islice(GENERATORS[kind](41), 60))
    cases = [Case(name, (m.write(),), inputs_for(m, i)) for i, (name, m) in enumerate(models)]
    host = load_core("x86-64")
    plain = build_program(host, flags=("-DTS_PORTABLE",))
    runs = (try_cases(load_core(CORE), cases, keep_outputs=True),
            try_cases(host, cases, keep_outputs=True, elf=plain))  # fmt: skip
    here, there = ([(r.problem, r.outcomes[0].outputs) for r in run] for run in runs)
    assert here == there
    assert len(here) == 60
