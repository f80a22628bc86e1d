"""Recipe and examples to a quantised network and a model file.

TensorFlow is imported inside the functions that need it. What the network
sees comes from the core's own feature program, in training as on the board.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import tempfile
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense_host import hostcore
from tinysense_host import tflite as reader
from tinysense_host.convert import convert
from tinysense_host.dataset import Frames
from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, Raw
from tinysense_host.graph import Graph
from tinysense_host.modelfile import Golden
from tinysense_host.speech.recipe import SpeechRecipe
from tinysense_host.tflite import reference
from tinysense_host.training.augment import Augmenter
from tinysense_host.training.folds import Example, stacked
from tinysense_host.training.recipe import Recipe

__all__ = [
    "Trained", "averaged", "feature_floats", "meta_of", "program_of", "quantise", "silence",
    "tensorflow", "train",
]  # fmt: skip

Floats = npt.NDArray[np.float32]
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Trained:
    """The quantised network, the model file made from it, and its decision."""

    tflite: bytes
    tsm: bytes
    threshold: int
    loss: float


def train(
    recipe: Recipe,
    examples: Sequence[Example],
    *,
    seed: int | None = None,
    progress: Progress | None = None,
    choose_threshold: Callable[[bytes], int] | None = None,
) -> Trained:
    """Trains, quantises and packs; ``progress(step, steps, loss)`` is called now and then.

    ``choose_threshold`` gets the model file and says which threshold it should
    have (see evaluate.choose_threshold); by default the recipe's holds.
    """
    missing = [n for i, n in enumerate(recipe.labels) if all(e.label != i for e in examples)]
    if missing:
        raise TinysenseError(
            f"no examples of {', '.join(missing)} to train on", "capture some, or import them"
        )
    seed = recipe.training.seed if seed is None else seed
    augmenter = Augmenter(recipe, examples, seed)
    program = program_of(recipe)
    network, loss = _fit(recipe, program, augmenter, len(examples), seed, progress)
    tflite = quantise(network, _calibration(recipe, program, augmenter, examples))
    graph = reader.read(tflite, recipe.name)
    feat = _quantised(program, graph).to_bytes()
    golden = _golden(graph, feat, tflite, _golden_windows(recipe, examples))
    threshold = recipe.decision.threshold
    tsm = pack(recipe, graph, feat, golden, meta_of(recipe, tflite, threshold))
    if choose_threshold is not None:
        threshold = choose_threshold(tsm)
        tsm = pack(recipe, graph, feat, golden, meta_of(recipe, tflite, threshold))
    return Trained(tflite, tsm, threshold, loss)


# ---- Features: by the core ----


def program_of(recipe: Recipe) -> FeatureProgram:
    """The feature program of a recipe: raw samples, in units of the sensor's first channel.

    One gain for all, so that a gyroscope's full scale is worth as much of the
    int8 input as an accelerometer's.
    """
    ranges = recipe.sensor.full_scales
    gain = (ranges[0] / 32768,)
    return FeatureProgram(len(ranges), recipe.window, recipe.hop, (Raw(),), gain=gain)


def feature_floats(program: FeatureProgram, windows: Frames) -> Floats:
    """What the network is trained on: (n, outputs) for int16 windows (n, window, channels)."""
    import _tinysense

    feat = program.to_bytes()
    work = bytearray(max(4, program.work_bytes))
    values = np.zeros((len(windows), program.outputs), np.int32)
    row = array("i", bytes(4 * program.outputs))
    for i, frames in enumerate(np.ascontiguousarray(windows, "<i2")):
        code = _tinysense.features_values(feat, frames.reshape(-1), work, row)
        if code < 0:
            raise TinysenseError(f"features: {_tinysense.error_text(code)}")
        values[i] = row
    return np.asarray(program.floats(values), np.float32)


# ---- Network ----


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """TensorFlow greets on file descriptor 2 when it is imported, whatever its log level.

    What it said is shown after all where an error comes of it.
    """
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except Exception:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def _heeding_ctrl_c() -> Iterator[None]:
    """Ctrl-C while TensorFlow is imported may be swallowed there, or end in another error."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = False

    def press(number: int, frame: object) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            raise KeyboardInterrupt


def tensorflow(seed: int) -> tuple[Any, Any]:
    """(tensorflow, keras), quiet, on the processor, repeatable."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    with _heeding_ctrl_c(), silence():
        import keras
        import tensorflow as tf
    from absl import logging

    tf.get_logger().setLevel("ERROR")
    logging.set_verbosity(logging.ERROR)
    keras.utils.clear_session()  # layer names are counted on, and end up in the file
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    return tf, keras


def build(recipe: Recipe, outputs: int, keras: Any) -> Any:
    """The network: convolutions over time, each with batch norm and ReLU; dense; softmax."""
    layers = keras.layers
    channels = outputs // recipe.window
    inputs = layers.Input((recipe.window, channels))
    x = inputs
    for filters, kernel, stride in recipe.network.convolutions:
        x = layers.Conv1D(filters, kernel, strides=stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.95)(x)
        x = layers.ReLU()(x)
    if recipe.network.pool > 1:
        x = layers.AveragePooling1D(recipe.network.pool)(x)
    x = layers.Dropout(recipe.network.dropout)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(len(recipe.labels), activation="softmax")(x))


def _fit(
    recipe: Recipe,
    program: FeatureProgram,
    augmenter: Augmenter,
    examples: int,
    seed: int,
    progress: Progress | None,
) -> tuple[Any, float]:
    """Trains on endless variation; the weights are a running average of the later ones."""
    tf, keras = tensorflow(seed)
    spec = recipe.training
    network = build(recipe, program.outputs, keras)
    steps = max(spec.least_steps, spec.epochs * spec.repeat * examples // spec.batch)
    step_function = _step_function(tf, keras, network, spec, steps)
    shape = (spec.batch, *network.input_shape[1:])
    kept: list[npt.NDArray[Any]] | None = None
    every, loss = 5, 0.0
    for step in range(1, steps + 1):
        windows, labels = augmenter.batch(spec.batch)
        x = feature_floats(program, windows).reshape(shape)
        value = step_function(x, np.eye(len(recipe.labels), dtype=np.float32)[labels])
        if step > steps * spec.average_from and step % every == 0:
            kept = averaged(kept, network.get_weights(), spec.average**every)
        if step % 50 == 0 or step == steps:
            loss = float(value)
            if progress is not None:
                progress(step, steps, loss)
    if kept is not None:
        network.set_weights(kept)
    return network, loss


def averaged(
    kept: list[npt.NDArray[Any]] | None, new: list[npt.NDArray[Any]], share: float
) -> list[npt.NDArray[Any]]:
    """Weights ``kept``, moved to the new ones by what ``share`` leaves; None: the new ones."""
    if kept is None:
        return new
    return [share * a + (1 - share) * b for a, b in zip(kept, new, strict=True)]


def _step_function(tf: Any, keras: Any, network: Any, spec: Any, steps: int) -> Any:
    """One optimiser step on (x, one-hot y), compiled; returns the loss."""
    warmup = max(1, steps // 20)
    rate = keras.optimizers.schedules.CosineDecay(
        spec.learning_rate, steps, warmup_target=spec.learning_rate, warmup_steps=warmup
    )
    optimiser = keras.optimizers.AdamW(rate, weight_decay=spec.weight_decay)
    optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    variables = network.trainable_variables
    optimiser.build(variables)
    loss_of = keras.losses.CategoricalCrossentropy()

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(y, network(x, training=True))
        optimiser.apply(tape.gradient(loss, variables), variables)
        return loss

    return tf.function(step)


# ---- Quantisation and packing ----


def quantise(network: Any, windows: Floats) -> bytes:
    """int8 .tflite by post-training quantisation, calibrated on ``windows``."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    shape = (1, *network.input_shape[1:])
    function = tf.function(lambda x: network(x, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec(shape, tf.float32))
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([w.reshape(shape)] for w in windows)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    with _heeding_ctrl_c(), silence():
        return bytes(converter.convert())


def _calibration(
    recipe: Recipe, program: FeatureProgram, augmenter: Augmenter, examples: Sequence[Example]
) -> Floats:
    """Representative inputs: recordings as they are, and varied ones."""
    count = min(recipe.training.calibration, 2 * len(examples))
    chosen = augmenter.rng.permutation(len(examples))[: max(1, count * 3 // 4)]
    plain = stacked([examples[i] for i in chosen], recipe.window)[0]
    varied = augmenter.varied([examples[i] for i in chosen[: max(1, count // 4)]])
    return feature_floats(program, np.concatenate([plain, varied]))


def _golden_windows(recipe: Recipe, examples: Sequence[Example]) -> Frames:
    """Windows for the golden vectors: examples of different labels in turn."""
    chosen: list[Example] = []
    for number in range(recipe.training.golden):
        label = number % len(recipe.labels)
        same = [e for e in examples if e.label == label]
        chosen.append(same[(number // len(recipe.labels)) % len(same)])
    if not chosen:
        return np.zeros((0, recipe.window, len(recipe.sensor.channels)), np.int16)
    return stacked(chosen, recipe.window)[0]


def _quantised(program: FeatureProgram, graph: Graph) -> FeatureProgram:
    """The feature program for the network's own input quantisation."""
    quant = graph.tensors[graph.inputs[0]].quant
    if quant is None:
        raise TinysenseError("the trained network has no quantised input")
    return program.quantised(float(quant.scale[0]), int(quant.zero_point[0]))


def _golden(graph: Graph, feat: bytes, tflite: bytes, windows: Frames) -> Golden | None:
    """Golden vectors: inputs by the core's features, outputs by TFLite's reference kernels."""
    if len(windows) == 0:
        return None
    shape = graph.tensors[graph.inputs[0]].shape
    inputs = hostcore.run_features(feat, windows).reshape(len(windows), *shape)
    return reference.golden(tflite, inputs, windows)


def pack(
    recipe: Recipe, graph: Graph, feat: bytes, golden: Golden | None, meta: dict[str, Any]
) -> bytes:
    """The .tsm: converted network, feature program, sensor, decision, golden vectors."""
    return convert(graph, meta=meta, feat=feat, labels=list(recipe.labels), golden=golden)


def _stated(value: Any) -> Any:
    """As JSON has it: one for all channels, or a list with one for each."""
    return list(value) if isinstance(value, tuple) else value


def meta_of(recipe: Recipe | SpeechRecipe, tflite: bytes, threshold: int) -> dict[str, Any]:
    """META of a recipe's model: name, sensor, decision, and which .tflite it was made from."""
    never = 256  # a score is at most 255
    thresholds = [never if i in recipe.background else threshold for i in range(len(recipe.labels))]
    return {
        "name": recipe.name,
        "sensor": {
            "kind": recipe.sensor.kind, "units": _stated(recipe.sensor.units),
            "channels": list(recipe.sensor.channels), "rate_mhz": recipe.sensor.rate_mhz,
            "full_scale": _stated(recipe.sensor.full_scale),
        },
        "decision": {
            "smooth": recipe.decision.smooth, "threshold": thresholds,
            "background": list(recipe.decision.background),
            "refractory_ms": recipe.decision.refractory_ms,
        },
        "source": {"tflite_sha256": hashlib.sha256(tflite).hexdigest()},
    }  # fmt: skip
