"""Every golden case: converted and run by the core here, equal to TFLite's reference kernels.

The cases are made by generate.py; TensorFlow is not needed to run this.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.graph import Graph
from tinysense_host.hostcore import HostModel
from tinysense_host.lowering import LOWERINGS

CASES = sorted((Path(__file__).parent / "cases").glob("*.npz"))


def load(path: Path) -> tuple[HostModel, list[np.ndarray], list[np.ndarray]]:
    model = HostModel(convert.convert(tflite.load(path.with_suffix(".tflite"))))
    with np.load(path) as found:
        inputs = [found[f"in{i}"] for i in range(model.file.n_inputs)]
        return model, inputs, [found[f"out{i}"] for i in range(model.file.n_outputs)]


def expect_equal(got: list[np.ndarray], expected: list[np.ndarray]) -> None:
    for one, wanted in zip(got, expected, strict=True):
        np.testing.assert_array_equal(one, wanted)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path: Path) -> None:
    model, inputs, expected = load(path)
    expect_equal(model.run_batch(inputs), expected)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_running_again_gives_the_same(path: Path) -> None:
    """Inputs may be overwritten while running; only state may stay behind, until reset."""
    model, inputs, expected = load(path)
    if model.file.n_init:
        model.run_batch(inputs)
        model.reset()
        expect_equal(model.run_batch(inputs), expected)
        return
    for _ in range(2):
        last = model.run_batch([x[-1:] for x in inputs])
    expect_equal(last, [y[-1:] for y in expected])


def test_state_is_kept_between_runs() -> None:
    """The comparison can fail: a model that is reset before every run gives something else."""
    for name in ("svdf", "lstm", "stream"):
        model, inputs, expected = load(next(p for p in CASES if p.stem == name))
        again = []
        for k in range(len(inputs[0])):
            model.reset()
            again.append(model.run_batch([x[k : k + 1] for x in inputs])[0])
        assert (again[0][0] == expected[0][0]).all()
        assert (np.concatenate(again) != expected[0]).any(), name


def names(graph: Graph) -> set[str]:
    """Ops of a graph, and with the types of their first two operands: "CONV_2D:int16"."""
    found = {n.op for n in graph.nodes}
    return found | {f"{n.op}:{graph.tensors[i].dtype}" for n in graph.nodes
                    for i in n.inputs[:2] if i >= 0}  # fmt: skip


def test_cases_cover_every_op_and_are_not_trivial() -> None:
    ops = {name for p in CASES for name in names(tflite.load(p.with_suffix(".tflite")))}
    assert set(LOWERINGS) <= ops | {"SQUEEZE", "SHIFT_IN"}    # the latter is the converter's own
    for path in CASES:
        with np.load(path) as found:
            constant = np.unique(found["out0"]).size == 1
        assert not constant or path.stem in ("softmax_one", "softmax_int16_one"), path.stem


def test_a_wrong_weight_is_noticed() -> None:
    """The comparison can fail: one bit in the weights changes an output."""
    model, inputs, expected = load(next(p for p in CASES if p.stem == "fc_long"))
    file = model.file
    i = file.ops[0].inputs[1]
    flipped = file.tensors[i].data ^ np.int8(0x10)
    file.tensors[i] = dataclasses.replace(file.tensors[i], data=flipped)
    changed = HostModel(file.write()).run_batch(inputs)
    assert any((a != b).any() for a, b in zip(changed, expected, strict=True))
