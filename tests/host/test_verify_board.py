"""verify and bench on an emulated board: real MicroPython, the core as it will be on hardware."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import bench, vectors, verify
from tinysense_host.benchboard import open_board
from tinysense_host.device import Device
from tinysense_host.ondevice import BoardModel

CASES = Path(__file__).parents[1] / "golden" / "cases"
MODELS = ("keras_conv1d", "keras_residual1d", "keras_float_edges", "fc_long", "dequantize",
          "lstm", "stream", "conv_int16", "fc_int16")  # fmt: skip


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with open_board("QEMU_M4F", icount=True) as device:
        yield device


@pytest.mark.parametrize("name", MODELS)
def test_board_equals_host_and_reference(board: Device, name: str) -> None:
    opened = verify.open_model(CASES / f"{name}.tflite")
    outputs = opened.model.outputs
    with np.load(CASES / f"{name}.npz") as found:
        inputs = [found[f"in{i}"] for i in range(opened.model.n_inputs)]
        expected = verify.join_outputs([found[f"out{i}"] for i in range(len(outputs))])
    rows = [b"".join(x.tobytes() for x in row) for row in zip(*inputs, strict=True)]
    kept = [vectors.Vector(f"kept {i}", "bytes", row) for i, row in enumerate(rows)]
    first, *rest = vectors.random(opened.model, 40)
    tried = [dataclasses.replace(first, fresh=True), *rest]
    model = BoardModel(board, opened.blob)
    try:
        assert verify.compare(verify.Case(kept, expected), model, outputs).ok
        assert model.run(tried) == verify.HostRunner(opened.blob).run(tried)
    finally:
        model.close()


def test_instructions_are_the_same_in_every_run(board: Device) -> None:
    opened = verify.open_model(CASES / "keras_conv1d.tflite")
    first, second = (bench.measure(board, opened.blob) for _ in range(2))
    assert first.unit == "instructions"
    assert first == second
    # Each op alone costs a little more than inside the whole run, never much.
    alone = sum(op.cost for op in first.ops)
    assert abs(alone - first.total) < 200 * len(first.ops)
    assert first.total > first.macs
