"""TFLite's reference kernels, run in a process of their own.

The optimised kernels differ from the reference ones (by up to 17 steps on
real models), and one process that runs several models may mix them; so each
call starts a process that runs one model over a whole batch. TensorFlow is
never imported here: the command stays quick, and a missing TensorFlow is a
message.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import Golden
from tinysense_host.tflite import read, with_valid_axes

__all__ = ["golden", "quiet_environment", "resolver", "run", "run_here", "vectors_of"]

_NO_TENSORFLOW = 3
_REFUSED = 4


def run(tflite: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Outputs of a .tflite for a batch.

    ``inputs[i]`` is (n, *shape of input i); the answer is one (n, *shape) array
    per output. Raises TinysenseError where TensorFlow is missing or refuses
    the model.
    """
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        source, answer = Path(folder, "in.npz"), Path(folder, "out.npz")
        arrays = {f"in{i}": np.asarray(x) for i, x in enumerate(inputs)}
        np.savez(source, allow_pickle=False, model=np.frombuffer(tflite, np.uint8), **arrays)
        done = subprocess.run(
            [sys.executable, "-m", "tinysense_host.tflite.reference", str(source), str(answer)],
            capture_output=True,
            text=True,
            check=False,
            env=quiet_environment(),
        )
        if done.returncode:
            raise _explain(done.returncode, done.stderr)
        with np.load(answer) as found:
            return [found[f"arr_{i}"] for i in range(len(found.files))]


def golden(
    tflite: bytes, inputs: np.ndarray, windows: np.ndarray | None = None
) -> Golden:
    """Golden vectors for a .tsm from the reference kernels.

    ``inputs`` (n, *input shape) in the input's dtype; ``windows`` (n, frames,
    channels) int16, the raw frames behind each input, where the model has
    features.
    """
    return vectors_of(inputs, run(tflite, [inputs])[0], windows)


def vectors_of(
    inputs: np.ndarray, outputs: np.ndarray, windows: np.ndarray | None = None
) -> Golden:
    """Golden vectors of inputs (n, *shape), outputs (n, *shape) and raw frames, as golden()."""
    count = len(inputs)
    frames = np.zeros((count, 0), np.int16) if windows is None else windows.astype(np.int16)
    return Golden(frames.reshape(count, -1), _bytes(inputs), _bytes(outputs))


def _bytes(batch: np.ndarray) -> np.ndarray:
    flat = np.ascontiguousarray(batch).reshape(len(batch), -1)
    return flat.astype(flat.dtype.newbyteorder("<")).view(np.uint8)


def quiet_environment() -> dict[str, str]:
    """For processes that load TensorFlow: this package is found, greetings are left out."""
    host = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(p for p in (host, os.environ.get("PYTHONPATH", "")) if p)
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    return os.environ | quiet | {"PYTHONPATH": path}


def _explain(code: int, stderr: str) -> TinysenseError:
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    last = lines[-1] if lines else f"exit status {code}"
    if code == _NO_TENSORFLOW:
        return TinysenseError(
            "TensorFlow is needed to run the reference kernels, and is not installed",
            "pip install 'tinysense[train]' (`make setup` does it)",
        )
    if code == _REFUSED:
        return TinysenseError(f"TFLite's reference kernels refuse the model: {last}")
    return TinysenseError(f"the process with TFLite's reference kernels failed: {last}")


def run_here(tflite: bytes, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """run() in this process: loads TensorFlow, and is meant for one model per process."""
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(
        model_content=with_valid_axes(tflite),
        experimental_op_resolver_type=resolver(tf, tflite),
        num_threads=1,
    )
    interpreter.allocate_tensors()
    given, made = interpreter.get_input_details(), interpreter.get_output_details()
    answers: list[list[np.ndarray]] = [[] for _ in made]
    for row in zip(*inputs, strict=True):
        for detail, x in zip(given, row, strict=True):
            interpreter.set_tensor(detail["index"], x.reshape(detail["shape"]))
        interpreter.invoke()
        for found, detail in zip(answers, made, strict=True):
            found.append(interpreter.get_tensor(detail["index"]))
    return [np.stack(found) for found in answers]


def resolver(tf: Any, model: bytes) -> Any:
    """The reference kernels, or all where those of 2.21 cannot: SUM leaves its int8 output
    unwritten, TILE is not among them."""
    kinds = tf.lite.experimental.OpResolverType
    beyond = any(node.op in ("SUM", "TILE") for node in read(model).nodes)
    return kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if beyond else kinds.BUILTIN_REF


def _main(source: str, answer: str) -> int:
    try:
        import tensorflow  # noqa: F401
    except ImportError:
        return _NO_TENSORFLOW
    with np.load(source) as given:
        arrays = dict(given)
    try:
        made = run_here(arrays.pop("model").tobytes(), list(arrays.values()))
    except (RuntimeError, ValueError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return _REFUSED
    # Positional arrays are named arr_0, arr_1, ... in order.
    np.savez(answer, *made)
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1], sys.argv[2]))
