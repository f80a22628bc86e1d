"""Every golden case: converted and run by the core here, equal to TFLite's reference kernels.

The cases are made by generate.py; TensorFlow is not needed to run this.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.hostcore import HostModel
from tinysense_host.lower import LOWERINGS

CASES = sorted((Path(__file__).parent / "cases").glob("*.npz"))


def load(path: Path) -> tuple[HostModel, list[np.ndarray], list[np.ndarray]]:
    model = HostModel(convert.convert(tflite.load(path.with_suffix(".tflite"))))
    with np.load(path) as found:
        inputs = [found[f"in{i}"] for i in range(model.file.n_inputs)]
        return model, inputs, [found[f"out{i}"] for i in range(model.file.n_outputs)]


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path: Path) -> None:
    model, inputs, expected = load(path)
    for got, wanted in zip(model.run_batch(inputs), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_running_again_gives_the_same(path: Path) -> None:
    """Inputs may be overwritten while running; nothing else may stay behind."""
    model, inputs, expected = load(path)
    for _ in range(2):
        last = model.run_batch([x[-1:] for x in inputs])
    for got, wanted in zip(last, expected, strict=True):
        np.testing.assert_array_equal(got[0], wanted[-1])


def test_cases_cover_every_op_and_are_not_trivial() -> None:
    ops = {n.op for p in CASES for n in tflite.load(p.with_suffix(".tflite")).nodes}
    assert set(LOWERINGS) <= ops | {"SQUEEZE"}
    for path in CASES:
        with np.load(path) as found:
            constant = np.unique(found["out0"]).size == 1
        assert not constant or path.stem == "softmax_one", path.stem


def test_a_wrong_weight_is_noticed() -> None:
    """The comparison can fail: one bit in the weights changes an output."""
    model, inputs, expected = load(next(p for p in CASES if p.stem == "fc_long"))
    file = model.file
    i = file.ops[0].inputs[1]
    flipped = file.tensors[i].data ^ np.int8(0x10)
    file.tensors[i] = dataclasses.replace(file.tensors[i], data=flipped)
    changed = HostModel(file.write()).run_batch(inputs)
    assert any((a != b).any() for a, b in zip(changed, expected, strict=True))
