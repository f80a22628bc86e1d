"""Kernels for Arm's DSP extension: equal to portable C on emulated cores, and never trusting."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bare_machine import compare, pack_one

from kernels.layouts import apart
from kernels.single_ops import (
    GENERATORS,
    Source,
    arena_apart,
    constant,
    convolutions,
    inputs_for,
    weighted,
)
from tinysense_host.barecore import load_core
from tinysense_host.convert import convert
from tinysense_host.modelfile import ModelFile, Op, Tensor
from tinysense_host.packing import pack
from tinysense_host.packing.armv7em import pack_op
from tinysense_host.tflite import load
from tinysense_host.trial import Case, try_cases

TARGET = "armv7em"
KINDS = ("conv", "pointwise", "depthwise", "fully_connected", "add")


def need(core: str) -> None:
    for program in (load_core(core).compiler, load_core(core).emulator("x")[0]):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_portable_c(kind: str) -> None:
    need("cortex-m4")
    count = 60 if kind == "add" else 200      # the search for exact multipliers takes its time
    assert len(compare(TARGET, kind, count)) >= count * 2 // 5


@pytest.mark.full
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m7"])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_portable_c_at_length(kind: str, core: str) -> None:
    need(core)
    compare(TARGET, kind, 500 if kind == "add" else 5000, seed=1, core=core)


def layer(name: str, x: tuple[int, ...], y: tuple[int, ...], w: tuple[int, ...], channels: int,
          params: tuple[int, ...]) -> ModelFile:  # fmt: skip
    """An ordinary layer with weights in -127 .. 127 and the full range of outputs."""
    s = Source(3)
    weights = s.rng.integers(-127, 128, w).astype(np.int8)
    m = weighted(s, name, x, y, weights, channels, params)
    taps = weights.size // channels
    shift = np.full(channels, round(np.log2(60 / (5500 * taps**0.5))), np.int8)
    mult = s.rng.integers(2**30, 2**31, channels).astype(np.int32)
    bias = s.rng.integers(-3000, 3000, channels).astype(np.int32)
    tensors = [*m.tensors[:3], constant(bias), constant(mult), constant(shift)]
    op = replace(m.ops[0], params=(*params, -128, 127))
    placed, arena = arena_apart(tensors)
    return replace(m, tensors=placed, ops=[op], arena_bytes=arena)


def conv(kernel: tuple[int, int], channels: tuple[int, int], side: int = 9) -> ModelFile:
    (kh, kw), (depth, n) = kernel, channels
    return layer("CONV_2D", (1, side, side, depth), (1, side, side, n), (n, kh, kw, depth), n,
                 (1, 1, 1, 1, (kh - 1) // 2, (kw - 1) // 2))  # fmt: skip


def depthwise(kernel: tuple[int, int], n: int, side: int = 7) -> ModelFile:
    kh, kw = kernel
    return layer("DEPTHWISE_CONV_2D", (1, side, side, n), (1, side, side, n), (1, kh, kw, n), n,
                 (1, 1, 1, 1, (kh - 1) // 2, (kw - 1) // 2))  # fmt: skip


def dense(depth: int, n: int) -> ModelFile:
    return layer("FULLY_CONNECTED", (1, depth), (1, n), (n, depth), n, ())


ORDINARY = {
    "pointwise": conv((1, 1), (16, 8)), "direct": conv((3, 3), (8, 12)),
    "copied": conv((3, 3), (3, 8)), "nine taps": depthwise((3, 3), 16),
    "other taps": depthwise((5, 1), 7), "dense": dense(40, 10), "narrow": dense(300, 10),
}  # fmt: skip


def packed(m: ModelFile) -> ModelFile:
    found = pack_one(m, TARGET, pack_op)
    assert found is not None
    return apart(found[0])


def errors_of(*pairs: tuple[ModelFile, list[ModelFile]]) -> list[list[int]]:
    """For each model the errors of its packed versions; 0 where one ran and was equal."""
    need("cortex-m4")
    cases = [Case(m.name, (m.write(), *(other.write() for other in others)), inputs_for(m))
             for m, others in pairs]
    found = []
    for result in try_cases(load_core("cortex-m4"), cases):
        assert not result.crash, result.crash
        good = [o for o in result.outcomes if not o.error]
        assert not any(o.mismatch or o.guard_broken for o in good), result.problem
        found.append([o.error for o in result.outcomes[1:]])
    return found


@pytest.mark.parametrize("kind", ["conv", "pointwise", "depthwise", "fully_connected"])
def test_equal_where_the_planner_lays_them(kind: str) -> None:
    """Outputs over inputs and over scratch, as far as the packer's promises go."""
    need("cortex-m4")
    wide = [(m.name, m) for m in (dense(32, 300), dense(8, 45), dense(128, 640), dense(4, 16))]
    copied = layer("CONV_2D", (1, 17, 16, 3), (1, 9, 8, 13), (13, 3, 3, 3), 13, (2, 2, 1, 1, 1, 0))
    more = {"fully_connected": wide, "conv": [("copied, stride 2", copied)]}.get(kind, [])
    cases, over = [], 0
    for name, m in [*more, *itertools.islice(GENERATORS[kind](5), 80)]:
        made = pack(m, TARGET)
        if made.target:
            cases.append(Case(name, (m.write(), made.write()), inputs_for(m)))
            over += made.arena_bytes < sum(t.nbytes for t in made.tensors if not t.constant)
    wrong = [r.problem for r in try_cases(load_core("cortex-m4"), cases) if r.problem]
    assert not wrong, wrong[:5]
    assert len(cases) >= 32 and over >= 10


def with_params(m: ModelFile, *changes: tuple[int, int]) -> ModelFile:
    params = list(m.ops[0].params)
    for at, value in changes:
        params[at] = value
    return replace(m, ops=[replace(m.ops[0], params=tuple(params))])


def shorter(m: ModelFile, operand: int) -> ModelFile:
    """The model whose constant or scratch lacks an element."""
    tensors = list(m.tensors)
    t = tensors[operand]
    shape = (*t.shape[:-1], t.shape[-1] - 1)
    tensors[operand] = replace(t, shape=shape, data=None if t.data is None else t.data[:-1])
    return replace(m, tensors=tensors)


def test_kernels_take_exactly_the_words_and_scratch_they_walk_over() -> None:
    pairs = []
    for m in ORDINARY.values():
        good = packed(m)
        operands = [good.ops[0].inputs[1], *good.ops[0].outputs[1:]]
        pairs.append((m, [good, *(shorter(good, i) for i in operands)]))
    for name, errors in zip(ORDINARY, errors_of(*pairs), strict=True):
        assert errors[0] == 0 and all(errors[1:]), name


CONV_HOSTILE = {
    "a kernel that there is not": [(10, 3)], "negative padding": [(5, -1)], "a scaling that there is not": [(11, 5)],
    "scaling of one rounding": [(11, 1)], "a taller kernel": [(8, 4)], "a wider kernel": [(9, 4)],
    "no kernel": [(8, 0)], "a vast kernel": [(8, 32768), (2, 32768)], "a stride": [(0, 2)],
    "no stride": [(1, 0)], "bounds the wrong way round": [(6, 5), (7, 4)],
    "padding beyond the kernel": [(4, 9)],
}  # fmt: skip


DENSE_HOSTILE = {
    "rounding twice": [(2, 0)], "no scaling": [(2, 3)], "a flag": [(2, 8)], "no depth": [(3, 0)],
    "a depth that does not divide": [(3, 41)], "a deeper stream": [(3, 20)],
    "bounds the wrong way round": [(0, 127), (1, -128)],
}  # fmt: skip


def test_hostile_parameters_are_refused() -> None:
    windows = ("direct", "copied", "nine taps", "other taps")
    pairs = [(ORDINARY[name], [with_params(packed(ORDINARY[name]), *c)
                               for c in CONV_HOSTILE.values()]) for name in windows]  # fmt: skip
    dense = packed(ORDINARY["dense"])
    pairs.append((ORDINARY["dense"], [with_params(dense, *c) for c in DENSE_HOSTILE.values()]))
    whats = [CONV_HOSTILE] * len(windows) + [DENSE_HOSTILE]
    for (m, _), errors, what in zip(pairs, batched(pairs), whats, strict=True):
        passed = [name for name, error in zip(what, errors, strict=True) if not error]
        assert not passed, (m.name, passed)


def batched(pairs: list[tuple[ModelFile, list[ModelFile]]]) -> list[list[int]]:
    """errors_of, no more than six versions to a case."""
    cut = [(m, others[i : i + 6]) for m, others in pairs for i in range(0, len(others), 6)]
    found = iter(errors_of(*cut))
    return [[e for _ in range(0, len(others), 6) for e in next(found)] for _, others in pairs]


def test_direct_reading_needs_quads_of_channels() -> None:
    copied = packed(ORDINARY["copied"])
    assert errors_of((ORDINARY["copied"], [with_params(copied, (10, 1))]))[0][0]


def test_addition_of_other_shapes_is_refused() -> None:
    tensors = [Tensor("int8", (1, 2, 2, n), zero_point=0, scale=0.5) for n in (4, 3, 4)]
    placed, arena = arena_apart(tensors)
    op = Op("PACKED_ADD", (0, 1), (2,), (1 << 20, 1 << 20, 1 << 20, -128, 127, 0, 0, 0))
    m = ModelFile({"name": "add", "labels": []}, placed, [op], 2, 1, arena, target=2)
    need("cortex-m4")
    case = Case("x", (m.write(),), inputs_for(m))
    (result,) = try_cases(load_core("cortex-m4"), [case])
    assert not result.crash and result.outcomes[0].error


def test_any_words_give_numbers_and_nothing_worse() -> None:
    """Streams of noise: results without meaning, but no byte outside and no end without answer."""
    need("cortex-m4")
    rng = np.random.default_rng(0)
    cases = []
    for name, m in ORDINARY.items():
        good = packed(m)
        at = good.ops[0].inputs[1]
        noise = rng.integers(-(2**31), 2**31, good.tensors[at].elements).astype(np.int32)
        tensors = list(good.tensors)
        tensors[at] = replace(tensors[at], data=noise)
        cases.append(Case(name, (replace(good, tensors=tensors).write(),), inputs_for(m)))
    for result in try_cases(load_core("cortex-m4"), cases):
        assert not result.problem, result.problem


CASES = Path(__file__).parents[2] / "golden" / "cases"
IN_SEGMENTS = ("constant_channels", "graph_4", "graph_7", "graph_16", "graph_20", "keras_dilated1d",
               "keras_dilated2d", "keras_squeeze_excite")  # fmt: skip
BENCHMARKS = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "str_ww_ref_model",
              "vww_96_int8")  # fmt: skip


def whole_models(paths: list[Path]) -> int:
    """Compares models packed and planned as they are for a board with the portable files; the
    number of segments among them."""
    need("cortex-m4")
    cases, segments = [], 0
    for path in paths:
        blob = convert(load(path))
        m = ModelFile.read(blob)
        made = pack(m, TARGET)
        assert any(op.name.startswith("PACKED") for op in made.ops), path
        segments += sum(op.name == "SEGMENT" for op in made.ops)
        cases.append(Case(path.stem, (blob, made.write()), inputs_for(m)))
    for result in try_cases(load_core("cortex-m4"), cases):
        assert not result.problem, result.problem
    return segments


def test_models_whose_rows_stream_through_rings() -> None:
    assert whole_models([CASES / f"{name}.tflite" for name in IN_SEGMENTS]) > 0


@pytest.mark.full
def test_benchmark_models(shared: Path) -> None:
    folder = shared / "models" / "mlperf_tiny"
    assert whole_models([folder / f"{name}.tflite" for name in BENCHMARKS]) > 0


def test_half_of_the_hardest_shapes_is_packed() -> None:
    models = [m for _, m in zip(range(200), (m for _, m in convolutions(9)), strict=False)]
    assert sum(pack_op(m.ops[0], m.tensors) is not None for m in models) >= 100
