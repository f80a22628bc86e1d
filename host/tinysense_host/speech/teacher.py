"""A larger model that has heard more people: what it thinks of a clip goes into the loss.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015. The teacher hears clips as
they were recorded, at the speed chosen; the network hears them in rooms and noise.
"""

from __future__ import annotations

import hashlib
import warnings
from typing import Any

import numpy as np

from tinysense_host import tflite as reader
from tinysense_host.errors import TinysenseError
from tinysense_host.frontends import front_end, normalised
from tinysense_host.hostcore import FeatureStream
from tinysense_host.speech.augmenting import Floats, to_int16
from tinysense_host.speech.recipe import SpeechRecipe, TeacherSpec

__all__ = ["Teacher"]


class Teacher:
    """A float .tflite of windows of sound, with the labels of a recipe in another order."""

    def __init__(self, tflite: bytes, recipe: SpeechRecipe) -> None:
        spec = recipe.teacher
        found = hashlib.sha256(tflite).hexdigest()
        if spec.sha256 and found != spec.sha256:
            raise TinysenseError(
                f"the teacher {spec.model} has SHA-256 {found[:16]}.., expected "
                f"{spec.sha256[:16]}..",
                "get the file that the recipe names, or change teacher.sha256",
            )
        self._order = _order(spec, recipe)
        front, rows = front_end(spec.front_end), _rows(tflite, spec)
        self._program = front.program(rows, rows)
        self.samples = self._program.window + (rows - 1) * self._program.hop
        self._stream = FeatureStream(self._program.to_bytes())
        self._normalised = spec.front_end == "mlperf_kws"
        self._tflite = tflite
        self._model: Any = None

    def probabilities(self, clip: Floats) -> Floats:
        """(labels of the recipe,) for the last ``self.samples`` of a clip, samples of +-1."""
        window = to_int16(clip[-self.samples :])
        window = np.pad(window, (self.samples - len(window), 0))
        if self._normalised:
            window = normalised(window)
        self._stream.reset()
        values = self._stream.values(window)
        floats = self._program.floats(values)
        model = self._interpreter()
        given = model.get_input_details()[0]
        model.set_tensor(given["index"], floats.reshape(given["shape"]))
        model.invoke()
        shares = model.get_tensor(model.get_output_details()[0]["index"])[0]
        return np.asarray(shares[self._order], np.float32)

    def _interpreter(self) -> Any:
        if self._model is None:
            from tinysense_host.training.train import silence, tensorflow

            tf, _ = tensorflow(0)
            with silence(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it will move to another package one day
                self._model = tf.lite.Interpreter(model_content=self._tflite, num_threads=1)
                self._model.allocate_tensors()
        return self._model


def _rows(tflite: bytes, spec: TeacherSpec) -> int:
    """How many rows of its front end the teacher's one float input holds."""
    graph = reader.read(tflite, "teacher")
    tensor = graph.tensors[graph.inputs[0]]
    values = front_end(spec.front_end).values
    if len(graph.inputs) != 1 or tensor.dtype != "float32" or tensor.elements % values:
        raise TinysenseError(
            f"the teacher {spec.model} takes {tensor.dtype} {list(tensor.shape)}, expected "
            f"float32 rows of {values} values",
            "name its front end in teacher.front_end, and take a float model",
        )
    return tensor.elements // values


def _order(spec: TeacherSpec, recipe: SpeechRecipe) -> list[int]:
    missing = set(recipe.labels) - set(spec.labels)
    if missing:
        raise TinysenseError(
            f"the teacher does not know {', '.join(sorted(missing))}",
            "name all labels in teacher.labels, in its order, or leave the teacher out",
        )
    return [spec.labels.index(name) for name in recipe.labels]
