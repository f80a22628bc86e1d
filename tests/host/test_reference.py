from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.tflite import reference

CASES = Path(__file__).parents[1] / "golden" / "cases"
tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.fixture
def loaded(loaded_tensorflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has loaded TensorFlow already: it must answer as one that has to."""
    monkeypatch.setattr(reference, "subprocess", loaded_tensorflow)


@tensorflow
def test_a_batch_through_the_reference_kernels() -> None:
    loaded = "tensorflow" in sys.modules
    with np.load(CASES / "keras_residual1d.npz") as found:
        outputs = reference.run((CASES / "keras_residual1d.tflite").read_bytes(), [found["in0"]])
        assert len(outputs) == 2
        for i, got in enumerate(outputs):
            np.testing.assert_array_equal(got, found[f"out{i}"])
    assert ("tensorflow" in sys.modules) == loaded


@tensorflow
def test_a_model_that_tensorflow_refuses(loaded: None) -> None:
    data = bytearray((CASES / "fc.tflite").read_bytes())
    with pytest.raises(TinysenseError, match=r"reference kernels refuse the model"):
        reference.run(bytes(data), [np.zeros((1, 1, 999), np.int8)])


@tensorflow
def test_golden_vectors(loaded: None) -> None:
    with np.load(CASES / "fc.npz") as found:
        inputs, outputs = found["in0"], found["out0"]
    windows = np.arange(len(inputs) * 6, dtype=np.int16).reshape(len(inputs), 3, 2)
    golden = reference.golden((CASES / "fc.tflite").read_bytes(), inputs, windows)
    assert golden.inputs.view(np.int8).tolist() == inputs.reshape(len(inputs), -1).tolist()
    assert golden.outputs.view(np.int8).tolist() == outputs.reshape(len(inputs), -1).tolist()
    assert golden.windows.shape == (len(inputs), 6)


def test_without_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorflow.py").write_text("raise ImportError('hidden')\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    # The module that hides TensorFlow must come before the installed one.
    monkeypatch.setattr(
        reference, "quiet_environment",
        lambda: os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{HOST}"},
    )  # fmt: skip
    with pytest.raises(TinysenseError, match="TensorFlow is needed") as caught:
        reference.run((CASES / "fc.tflite").read_bytes(), [np.zeros((1, 1, 12), np.int8)])
    assert "pip install" in caught.value.hint


HOST = Path(reference.__file__).parents[1]
