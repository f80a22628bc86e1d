"""Quantise a float32 .tflite after training, with inputs that are typical of its use.

TensorFlow's own quantiser does it, the one behind TFLiteConverter, on the
finished file: no Keras model is needed. It runs in a process of its own, as
the reference kernels do (tflite/reference.py).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph
from tinysense_host.graph import Tensor as GraphTensor
from tinysense_host.tflite.reference import quiet_environment

__all__ = ["ACTIVATIONS", "quantised", "samples"]

ACTIVATIONS = ("int8", "int16")
_MOST = 500     # inputs that calibration looks at
_NO_TENSORFLOW, _REFUSED = 3, 4
_DATA_HINT = "give a .npy, a .npz, a folder of recordings, or a recipe"


def samples(path: Path, graph: Graph) -> list[np.ndarray]:
    """One float32 (n, *shape) per input of the model, at most 500 spread over what is there.

    ``path``: a .npy (one input), a .npz (arrays named as the inputs, or in
    their order), a recipe (its recordings through its features), or a folder
    of recordings (windows as long as the input, in the sensor's units).
    """
    inputs = [graph.tensors[i] for i in graph.inputs]
    if any(t.dtype != "float32" for t in inputs):
        raise TinysenseError(
            f"the input '{inputs[0].name}' is {inputs[0].dtype}: expected a float32 model",
            "Leave --calibrate out: the model is quantised",
        )
    stored = path.suffix in (".npy", ".npz")
    arrays = _arrays(path, inputs) if stored else [_recorded(path, inputs)]
    if len(arrays) != len(inputs):
        raise TinysenseError(
            f"{path} holds {len(arrays)} arrays, the model has {len(inputs)} inputs"
        )
    found = [_fit(path, x, tensor) for x, tensor in zip(arrays, inputs, strict=True)]
    count = min(len(x) for x in found)
    if count == 0 or any(len(x) != count for x in found):
        raise TinysenseError(
            f"{path} holds {', '.join(str(len(x)) for x in found)} samples: expected one or more, "
            "as many for every input"
        )
    chosen = np.unique(np.linspace(0, count - 1, min(count, _MOST)).astype(int))
    return [x[chosen] for x in found]


def _arrays(path: Path, inputs: Sequence[GraphTensor]) -> list[np.ndarray]:
    try:
        stored = np.load(path, allow_pickle=False)
        if isinstance(stored, np.ndarray):
            return [stored]
        names = [t.name for t in inputs]
        with stored:
            order = names if set(names) <= set(stored.files) else list(stored.files)
            return [np.array(stored[name]) for name in order]
    except (OSError, ValueError, EOFError) as error:
        raise TinysenseError(f"cannot read {path}: {error}", _DATA_HINT) from error


def _fit(path: Path, x: np.ndarray, tensor: GraphTensor) -> np.ndarray:
    """(n, *shape) float32, whether or not the batch of one stands in the samples' shape."""
    shape = tensor.shape
    whole = x.ndim > 0 and x.size == len(x) * tensor.elements and x.size > 0
    if not whole or x.dtype.kind not in "fiu" or x.shape[1:] not in (shape, shape[1:]):
        raise TinysenseError(
            f"{path} holds {x.dtype} {list(x.shape)} for the input '{tensor.name}': expected "
            f"numbers (n, {', '.join(str(d) for d in shape[1:])})", _DATA_HINT,
        )  # fmt: skip
    if not np.isfinite(x).all():
        raise TinysenseError(f"{path} holds values that are no numbers", "Leave such samples out")
    return x.reshape(len(x), *shape).astype(np.float32)


def _recorded(path: Path, inputs: Sequence[GraphTensor]) -> np.ndarray:
    if len(inputs) != 1:
        raise TinysenseError(
            f"the model has {len(inputs)} inputs: expected one for recordings", "give a .npz"
        )
    if path.suffix == ".toml" or (path / "recipe.toml").is_file():
        return _by_recipe(path, inputs[0])
    if not path.is_dir():
        raise TinysenseError(f"no samples at {path}", _DATA_HINT)
    return _windows(path, inputs[0])


def _by_recipe(path: Path, tensor: GraphTensor) -> np.ndarray:
    from tinysense_host.training import folds, recipe, sources, train

    plan = recipe.load_recipe(path)
    with sources.opened(plan, None) as (dataset, _):
        examples = folds.examples_of(dataset, plan)
        windows = folds.stacked(examples, plan.window)[0]
    values = train.feature_floats(train.program_of(plan), windows)
    if values.shape[1] != tensor.elements:
        raise TinysenseError(
            f"the features of {path} are {values.shape[1]} values, the input '{tensor.name}' takes "
            f"{tensor.elements}", "Use the recipe that the model was trained with",
        )  # fmt: skip
    return values.reshape(len(values), *tensor.shape)


def _windows(path: Path, tensor: GraphTensor) -> np.ndarray:
    from tinysense_host.training import sources

    found: list[np.ndarray] = []
    with sources.given_at(path) as dataset:
        for recording in dataset.recordings():
            window, rest = divmod(tensor.elements, len(recording.channels))
            if rest:
                raise TinysenseError(
                    f"recording {recording.id!r} has {len(recording.channels)} channels, which do "
                    f"not divide the {tensor.elements} values of '{tensor.name}'",
                    "Models with features need their recipe here",
                )
            scale = np.asarray(recording.scale)
            for start, end in recording.stretches():
                for at in range(start, end - window + 1, max(1, window // 2)):
                    found.append(recording.frames[at : at + window] * scale)
    if not found:
        raise TinysenseError(f"no recording at {path} is as long as one input", _DATA_HINT)
    return np.stack(found).reshape(len(found), *tensor.shape)


def quantised(tflite: bytes, inputs: Sequence[np.ndarray], activations: str = "int8") -> bytes:
    """The .tflite with int8 weights and int8 or int16 activations, inputs and outputs.

    ``inputs`` as samples() gives them. Raises TinysenseError where TensorFlow
    is missing or cannot quantise the model.
    """
    if activations not in ACTIVATIONS:
        raise TinysenseError(f"activations {activations}: expected {' or '.join(ACTIVATIONS)}")
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        source, answer = Path(folder, "in.npz"), Path(folder, "out.tflite")
        arrays = {f"in{i}": x for i, x in enumerate(inputs)}
        np.savez(source, allow_pickle=False, model=np.frombuffer(tflite, np.uint8), **arrays)
        done = subprocess.run(
            [sys.executable, "-m", "tinysense_host.calibrate", source, answer, activations],
            capture_output=True, text=True, check=False, env=quiet_environment(),
        )  # fmt: skip
        if done.returncode:
            raise _explain(done.returncode, done.stderr)
        return answer.read_bytes()


def _explain(code: int, stderr: str) -> TinysenseError:
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {code}"
    if code == _NO_TENSORFLOW:
        return TinysenseError(
            "TensorFlow is needed to quantise a float model, and is not installed",
            "pip install 'tinysense[train]' (`make setup` does it)",
        )
    if code == _REFUSED:
        return TinysenseError(
            f"TensorFlow cannot quantise the model: {last}",
            "Export it as plain float32, without optimizations, or quantise it from Keras with "
            "converter.representative_dataset",
        )
    return TinysenseError(f"the process that quantises failed: {last}")


def _quantise_here(tflite: bytes, inputs: Sequence[np.ndarray], activations: str) -> bytes:
    import tensorflow as tf
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    kind, bias = (tf.int8, tf.int32) if activations == "int8" else (tf.int16, tf.int64)
    rows = [list(row) for row in zip(*inputs, strict=True)]
    made = Calibrator(tflite).calibrate_and_quantize(
        lambda: iter(rows), kind, kind, False, kind, bias, resize_input=False
    )
    return bytes(made)


def _main(source: str, answer: str, activations: str) -> int:
    try:
        import tensorflow  # noqa: F401
    except ImportError:
        return _NO_TENSORFLOW
    with np.load(source) as given:
        arrays = dict(given)
    model = arrays.pop("model").tobytes()
    try:
        Path(answer).write_bytes(_quantise_here(model, list(arrays.values()), activations))
    except (RuntimeError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:4]))
