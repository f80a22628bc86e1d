"""Kernels of one target against portable C, on the emulated core itself.

    compare("armv7em", "conv", count=500)

packs `count` random models of one op (kernels/single_ops.py) with the target's
``pack_op``, each in every memory layout that the plan may choose, and runs
them beside the portable model on a core of that target. The portable model
runs on the very same core: portable C is the truth there, TFLite's reference
decides about portable C (tests/golden).
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from kernels.layouts import layouts
from kernels.single_ops import GENERATORS, Named, inputs_for

from tinysense_host.barecore import load_core
from tinysense_host.corefiles import target_numbers
from tinysense_host.modelfile import ModelFile, Op, Tensor
from tinysense_host.packing.packed import Packed
from tinysense_host.trial import Case, Result, try_cases

CORES = {"armv6m": "cortex-m0plus", "armv7em": "cortex-m4", "mve": "cortex-m55",
         "rv32imc": "rv32imc", "x86_64": "x86-64"}  # fmt: skip

PackOp = Callable[[Op, list[Tensor]], Packed | None]


def pack_op_of(target: str) -> PackOp:
    """``pack_op`` of tinysense_host.packing.<target>."""
    return importlib.import_module(f"tinysense_host.packing.{target}").pack_op  # type: ignore[no-any-return]


def pack_one(m: ModelFile, target: str, pack_op: PackOp) -> tuple[ModelFile, Packed] | None:
    """A model of one op with that op packed, memory not laid out; None where it is not offered."""
    packed = pack_op(m.ops[0], m.tensors)
    if packed is None:
        return None
    tensors = list(m.tensors)
    inputs, outputs = list(packed.inputs), list(m.ops[0].outputs)
    if packed.words is not None:
        words = np.ascontiguousarray(packed.words, np.int32).reshape(-1)
        tensors.append(Tensor("int32", words.shape, data=words))
        inputs.append(len(tensors) - 1)
    if packed.scratch_bytes:
        tensors.append(Tensor("uint8", (1, 1, 1, packed.scratch_bytes)))
        outputs.append(len(tensors) - 1)
    op = Op(packed.name, tuple(inputs), tuple(outputs), packed.params)
    kept = sorted({*range(m.n_inputs + m.n_outputs), *op.operands})
    place = {old: new for new, old in enumerate(kept)}
    op = replace(op, inputs=tuple(place[i] for i in inputs), outputs=tuple(place[i] for i in outputs))
    return replace(m, tensors=[tensors[i] for i in kept], ops=[op],
                   target=target_numbers()[target]), packed  # fmt: skip


def packed_pairs(models: Iterable[Named], target: str, pack_op: PackOp | None = None,
                 seed: int = 0) -> Iterator[Case]:
    """A case for each model that ``pack_op`` takes: the portable file, then the packed one in
    every layout."""
    chosen = pack_op or pack_op_of(target)
    for i, (name, m) in enumerate(models):
        found = pack_one(m, target, chosen)
        if found is not None:
            model, packed = found
            files = [laid.write() for laid in layouts(model, packed.pixel_block)]
            yield Case(name, (m.write(), *files), inputs_for(m, seed + i))


def portable_layouts(models: Iterable[Named]) -> Iterator[Case]:
    """A case for each portable model: all apart, then in every layout."""
    for i, (name, m) in enumerate(models):
        yield Case(name, tuple(laid.write() for laid in layouts(m)), inputs_for(m, i))


def compare(target: str, kind: str, count: int, *, seed: int = 0, core: str | None = None,
            pack_op: PackOp | None = None, per_op: bool = False) -> list[Result]:
    """Tries ``count`` models of a kind of single_ops.GENERATORS; AssertionError names the
    first ten that go wrong. Models that pack_op refuses count, too, but half must be taken."""
    models = itertools.islice(GENERATORS[kind](seed), count)
    results = list(try_cases(load_core(core or CORES[target]),
                             packed_pairs(models, target, pack_op, seed), per_op=per_op))
    wrong = [r.problem for r in results if r.problem]
    assert not wrong, f"{len(wrong)} of {len(results)}:\n" + "\n".join(wrong[:10])
    return results
