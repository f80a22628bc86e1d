"""Models for the kernels of Cortex-M0 and RV32IMC beside those of single_ops: sums at the
limits of their scaling, and packed files that lie."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from bare_machine import pack_one, pack_op_of

from kernels.layouts import apart
from kernels.single_ops import GENERATORS, Named, constant, inputs_for, model
from tinysense_host.modelfile import ModelFile, Op, Tensor
from tinysense_host.trial import Case

LIMITS = (1 << 20, 1 << 23)                 # sums below these have a scaling of their own
LIES = (-(2**31), -1, 0, 1, 2, 3, 5, 31, 32, 127, 128, 255, 32768, 65536, 2**31 - 1)


def _one_channel_in(name: str, x: Tensor, n: int, weights: np.ndarray, bias: np.ndarray,
                    scales: tuple[np.ndarray, np.ndarray], zero: int, act: tuple[int, int]) -> ModelFile:  # fmt: skip
    """x has one channel; n outputs of each value of x."""
    mult, shift = scales
    dense = name == "FULLY_CONNECTED"
    w = weights.reshape((n, 1) if dense else (n, 1, 1, 1))
    y = Tensor("int8", (*x.shape[:-1], n), zero_point=zero, scale=0.5)
    tensors = [x, y, constant(w), constant(bias), constant(mult), constant(shift)]
    params = act if dense else (1, 1, 1, 1, 0, 0, *act)
    return model(tensors, Op(name, (0, 2, 3, 4, 5), (1,), params), 1)


def sums_everywhere(seed: int = 0) -> Iterator[Named]:
    """Every value of x against 64 channels, whose sums are spread up to the limits: by biases of
    all sizes, with multipliers at the ends of their range, every shift, and bounds."""
    rng = np.random.default_rng(seed)
    for i in itertools.count():
        limit, dense = LIMITS[i % 2], i % 3 == 2
        n, near = 64, limit - 128 * 127 - 1
        bias = (rng.choice([-1, 1], n) * 2.0 ** rng.uniform(0, np.log2(near), n)).astype(np.int32)
        bias[:4] = near, -near, 0, -1
        level = int(np.log2(limit)) - 8
        shift = -rng.integers(1, level + 2, n) if not dense else -rng.integers(0, level + 2, n)
        mult = rng.choice([2**30, 2**30 + 1, 2**31 - 1, *rng.integers(2**30, 2**31 - 1, 9)], n)
        x = Tensor("int8", (256, 1) if dense else (1, 16, 16, 1),
                   zero_point=0, scale=0.5)  # fmt: skip
        act = [(-128, 127), (-128, 127), (-20, 90)][i % 3 if not dense else 0]
        yield f"sums {seed}.{i} below {limit}", _one_channel_in(
            "FULLY_CONNECTED" if dense else "CONV_2D", x, n, rng.integers(-127, 128, n).astype(np.int8),
            bias, (mult.astype(np.int32), shift.astype(np.int8)), [-128, 0, 17][i // 2 % 3], act)  # fmt: skip


ALL_VALUES = (np.arange(256).astype(np.uint8).tobytes(), np.arange(256)[::-1].astype(np.uint8).tobytes())


def sum_cases(target: str, count: int, seed: int = 0) -> list[Case]:
    """sums_everywhere, portable and packed."""
    cases = []
    for name, m in itertools.islice(sums_everywhere(seed), count):
        found = pack_one(m, target, pack_op_of(target))
        assert found is not None, name
        cases.append(Case(name, (m.write(), apart(found[0]).write()), ALL_VALUES))
    return cases


def _lying(m: ModelFile) -> Iterator[ModelFile]:
    """A packed model with one parameter, size or place changed."""
    op = m.ops[0]
    for i, value in itertools.product(range(len(op.params)), LIES):
        params = (*op.params[:i], value, *op.params[i + 1:])
        yield replace(m, ops=[replace(op, params=params)])
    for i, t in enumerate(m.tensors):
        if t.data is not None:
            for n in (1, t.elements - 1, t.elements + 1):
                data = np.resize(t.data, max(n, 1))
                yield replace(m, tensors=[*m.tensors[:i], replace(t, shape=data.shape, data=data),
                                          *m.tensors[i + 1:]])  # fmt: skip
        else:
            for offset in (0, 4, m.tensors[1].offset):
                if offset + t.nbytes <= m.arena_bytes:
                    yield replace(m, tensors=[*m.tensors[:i], replace(t, offset=offset),
                                              *m.tensors[i + 1:]])  # fmt: skip
            for dims in ((1, 1, 1, t.nbytes), (1, 1, t.nbytes, 1), (1, t.nbytes, 1, 1),
                         (1, 1, 1, max(1, t.nbytes - 1))):  # fmt: skip
                yield replace(m, tensors=[*m.tensors[:i], replace(t, shape=dims),
                                          *m.tensors[i + 1:]])  # fmt: skip


def lying_cases(target: str, kind: str, count: int, seed: int = 0) -> Iterator[Case]:
    """Packed models that lie, each a case of its own."""
    for name, m in itertools.islice(GENERATORS[kind](seed), count):
        found = pack_one(m, target, pack_op_of(target))
        if found is None:
            continue
        for i, changed in enumerate(_lying(apart(found[0]))):
            inputs = inputs_for(changed)[:1]
            yield Case(f"{name} lie {i}", (changed.write(),), inputs)
