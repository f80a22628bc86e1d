"""Float models, quantised with samples: what is read from files, and what comes of it."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import calibrate, tflite
from tinysense_host.convert import convert
from tinysense_host.dataset import Dataset
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Tensor
from tinysense_host.hostcore import HostModel
from tinysense_host.simulate import Sensor, simulate_into
from tinysense_host.tflite import reference

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))

tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Simulated recordings of one person, +-4 g on three axes."""
    simulate_into(Dataset(tmp_path / "data"), 1, 2, sensor=Sensor(25, 4))
    return tmp_path / "data"


def float_graph(*shapes: tuple[int, ...]) -> Graph:
    tensors = tuple(Tensor(i, f"x{i}", "float32", s) for i, s in enumerate(shapes))
    return Graph("g", tensors, (), tuple(range(len(shapes))), (0,))


def float_model() -> tuple[bytes, np.ndarray]:
    """Convolution, pool and dense layer; and samples of which it makes something."""
    from builder import Builder

    rng = np.random.default_rng(7)
    b = Builder()
    x = b.tensor("x", (1, 12, 4, 2), "float32")
    w = b.tensor("w", (5, 3, 3, 2), "float32", data=rng.normal(0, 0.3, (5, 3, 3, 2)))
    bias = b.tensor("b", (5,), "float32", data=rng.normal(0, 0.1, 5))
    a, pooled = b.tensor("a", (1, 12, 4, 5), "float32"), b.tensor("p", (1, 6, 2, 5), "float32")
    b.op("CONV_2D", [x, w, bias], [a], padding=0, strideH=1, strideW=1, dilationHFactor=1,
         dilationWFactor=1, fusedActivationFunction=1)  # fmt: skip
    b.op("MAX_POOL_2D", [a], [pooled], padding=1, strideH=2, strideW=2, filterHeight=2,
         filterWidth=2)  # fmt: skip
    dense = b.tensor("dense", (3, 60), "float32", data=rng.normal(0, 0.1, (3, 60)))
    zeros = b.tensor("zeros", (3,), "float32", data=np.zeros(3))
    logits, y = b.tensor("logits", (1, 3), "float32"), b.tensor("y", (1, 3), "float32")
    b.op("FULLY_CONNECTED", [pooled, dense, zeros], [logits])
    b.op("SOFTMAX", [logits], [y], beta=1.0)
    return b.finish([x], [y]), rng.normal(0, 1, (60, 12, 4, 2)).astype(np.float32)


def scores(made: bytes, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(float samples as the quantised model takes them, its outputs, and these as numbers)."""
    graph = tflite.read(made)
    quant = graph.tensors[graph.inputs[0]].quant
    assert quant is not None
    model = HostModel(convert(graph))
    x, y = model.file.inputs[0], model.file.outputs[0]
    limits = np.iinfo(x.dtype)
    steps = np.rint(samples / quant.scale[0]) + quant.zero_point[0]
    given = np.clip(steps, limits.min, limits.max).astype(x.dtype)
    got = model.run_batch([given])[0]
    return given, got, (got.astype(np.float64) - y.zero_point) * y.scale


@tensorflow
def test_a_dense_model_in_int8() -> None:
    from builder import Builder

    rng = np.random.default_rng(7)
    w, bias = rng.normal(0, 0.3, (3, 20)), rng.normal(0, 0.2, 3)
    b = Builder()
    x, y = b.tensor("x", (1, 20), "float32"), b.tensor("y", (1, 3), "float32")
    operands = [x, b.tensor("w", (3, 20), "float32", data=w), b.tensor("b", (3,), "float32", data=bias)]
    b.op("FULLY_CONNECTED", operands, [y])
    samples = rng.normal(0, 1, (50, 1, 20)).astype(np.float32)
    made = calibrate.quantised(b.finish([x], [y]), [samples])
    wanted = samples @ w.T + bias
    assert np.abs(scores(made, samples)[2] - wanted).max() < 0.06 < np.ptp(wanted) / 50


@tensorflow
@pytest.mark.full
@pytest.mark.parametrize(("activations", "tolerance"), [("int8", 0.05), ("int16", 0.005)])
def test_a_network(tmp_path: Path, activations: str, tolerance: float) -> None:
    data, samples = float_model()
    np.save(tmp_path / "x.npy", samples)
    inputs = calibrate.samples(tmp_path / "x.npy", tflite.read(data))
    made = calibrate.quantised(data, inputs, activations)
    given, got, numbers = scores(made, inputs[0])
    assert given.dtype == activations
    np.testing.assert_array_equal(got, reference.run(made, [given])[0])
    wanted = reference.run(data, inputs)[0]
    assert np.abs(numbers - wanted).max() < tolerance
    assert np.ptp(wanted, axis=0).min() > 0.2


@pytest.mark.parametrize("shape", [(9, 4, 3), (9, 1, 4, 3)])
def test_npy_with_and_without_a_batch_dimension(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "x.npy", np.arange(108.0).reshape(shape))
    (x,) = calibrate.samples(tmp_path / "x.npy", float_graph((1, 4, 3)))
    assert x.shape == (9, 1, 4, 3) and x.dtype == np.float32
    assert x.reshape(-1).tolist() == list(range(108))


def test_npz_by_name_and_by_order(tmp_path: Path) -> None:
    a, b = np.zeros((5, 2)), np.ones((5, 3))
    np.savez(tmp_path / "named.npz", x1=b, x0=a)
    np.savez(tmp_path / "ordered.npz", a, b)
    graph = float_graph((1, 2), (1, 3))
    for name in ("named", "ordered"):
        x, y = calibrate.samples(tmp_path / f"{name}.npz", graph)
        assert (x.shape, y.shape) == ((5, 1, 2), (5, 1, 3)) and not x.any() and y.all()


def test_many_samples_are_thinned_evenly(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(5001.0).reshape(-1, 1))
    (x,) = calibrate.samples(tmp_path / "x.npy", float_graph((1, 1)))
    assert len(x) == 500 and x[0, 0, 0] == 0 and x[-1, 0, 0] == 5000


def test_recordings_of_a_folder_are_windows_in_units(recordings: Path) -> None:
    (x,) = calibrate.samples(recordings, float_graph((1, 16, 3)))
    assert x.shape[1:] == (1, 16, 3) and 0 < np.abs(x).max() <= 4.0
    with pytest.raises(TinysenseError, match="do not divide|has 3 channels"):
        calibrate.samples(recordings, float_graph((1, 16, 2)))
    with pytest.raises(TinysenseError, match="as long as one input"):
        calibrate.samples(recordings, float_graph((1, 100000, 3)))


def test_a_recipe_gives_its_features(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYSENSE_SHARED", str(tmp_path))   # nothing there: simulated
    recipe = (root / "models" / "gesture" / "recipe.toml").read_text()
    recipe = re.sub(r"(simulated_\w+) = \d+", r"\1 = 2", recipe)
    (tmp_path / "recipe.toml").write_text(recipe)
    (x,) = calibrate.samples(tmp_path, float_graph((1, 128, 3)))
    assert x.shape[1:] == (1, 128, 3)
    with pytest.raises(TinysenseError, match="384 values"):
        calibrate.samples(tmp_path / "recipe.toml", float_graph((1, 7)))


REFUSED = {
    "shape": (np.zeros((4, 5)), "expected numbers"),
    "empty": (np.zeros((0, 3)), "expected numbers"),
    "complex": (np.zeros((4, 3), complex), "expected numbers"),
    "not a number": (np.full((4, 3), np.nan), "no numbers"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_arrays(tmp_path: Path, name: str) -> None:
    values, message = REFUSED[name]
    np.save(tmp_path / "x.npy", values)
    with pytest.raises(TinysenseError, match=message):
        calibrate.samples(tmp_path / "x.npy", float_graph((1, 3)))


def test_refused_files(tmp_path: Path) -> None:
    (tmp_path / "text.npy").write_text("no array")
    np.savez(tmp_path / "uneven.npz", np.zeros((3, 2)), np.zeros((4, 2)))
    np.savez(tmp_path / "one.npz", np.zeros((3, 2)))
    two = float_graph((1, 2), (1, 2))
    for name, graph, message in (
        ("text.npy", float_graph((1, 2)), "cannot read"), ("none.npy", two, "cannot read"),
        ("uneven.npz", two, "as many for every input"), ("one.npz", two, "holds 1 arrays"),
        ("nowhere", float_graph((1, 2)), "no samples at"), ("nowhere", two, "one for recordings"),
    ):  # fmt: skip
        with pytest.raises(TinysenseError, match=message):
            calibrate.samples(tmp_path / name, graph)
    with pytest.raises(TinysenseError, match="expected a float32 model"):
        calibrate.samples(tmp_path / "one.npz", Graph("g", (Tensor(0, "x", "int8", (1,)),), (), (0,), (0,)))
    with pytest.raises(TinysenseError, match="int4: expected int8 or int16"):
        calibrate.quantised(b"", [], "int4")


@tensorflow
@pytest.mark.full
def test_what_tensorflow_cannot_quantise_is_one_line() -> None:
    with pytest.raises(TinysenseError, match="TensorFlow cannot quantise the model") as caught:
        calibrate.quantised(b"no model", [np.zeros((1, 1, 2), np.float32)])
    assert caught.value.hint and "\n" not in caught.value.message
