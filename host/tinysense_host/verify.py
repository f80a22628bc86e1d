"""Prove that a model gives the same bytes here, on a board, and in TFLite's reference kernels."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tinysense_host import convert, hostcore, streaming, tflite, vectors
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import Geometry, Golden, ModelFile, Tensor
from tinysense_host.tflite import reference
from tinysense_host.vectors import SUM_BYTES, Vector, checksum

__all__ = ["Case", "Difference", "HostRunner", "Opened", "Report", "Runner", "cases_of", "compare",
           "join_outputs", "kept_vectors", "open_model", "source_beside",
           "windows_case"]  # fmt: skip

_INPUT = -1  # in place of an output's number: the input tensor that the features made


class Runner(Protocol):
    """Anything that runs the model: this computer, or a board."""

    def run(self, given: Sequence[Vector]) -> list[bytes]:
        """Bytes of all outputs, one after another, for each vector.

        Where the vector is a window, the CRC-32 of what the features made of it
        (the input tensor, or what is new in it) comes first (vectors.SUM_BYTES,
        little-endian).
        """


class HostRunner:
    """The core on this computer."""

    def __init__(self, blob: bytes) -> None:
        self._model = hostcore.HostModel(blob)
        feat = self._model.file.feat
        self._stream = None if feat is None else hostcore.FeatureStream(feat)

    def run(self, given: Sequence[Vector]) -> list[bytes]:
        """See Runner."""
        file = self._model.file
        answers = []
        for vector in given:
            if vector.fresh:
                self._reset()
            if vector.kind == "window":
                made, said = self._features(vector)
                answers.append(said + b"".join(self._model.run([vector.whole or made])))
            else:
                row = [x[0].tobytes() for x in vectors.stack([vector], file.inputs)]
                answers.append(b"".join(self._model.run(row)))
        return answers

    def _reset(self) -> None:
        self._model.reset()
        if self._stream is not None:
            self._stream.reset()

    def _features(self, vector: Vector) -> tuple[bytes, bytes]:
        """(input tensor, checksum of what is new in it)"""
        stream = self._stream
        if stream is None:
            raise TinysenseError("the model has no features: give input bytes, not windows")
        made = stream.newest(np.frombuffer(vector.data, "<i2").reshape(-1, stream.channels))
        return made.tobytes(), checksum(made[-stream.new_bytes :].tobytes())


@dataclass(frozen=True)
class Case:
    """Vectors and what a Runner must answer to each, one after another from a reset on."""

    vectors: list[Vector]
    expected: list[bytes]

    def __add__(self, other: Case) -> Case:
        """Both, each from a reset on."""
        later = [dataclasses.replace(v, fresh=v.fresh or i == 0)
                 for i, v in enumerate(other.vectors)]  # fmt: skip
        return Case(self.vectors + later, self.expected + other.expected)


@dataclass(frozen=True)
class Difference:
    """The first element that is not equal."""

    vector: str
    output: int
    element: int
    expected: float
    got: float

    def __str__(self) -> str:
        if self.output == _INPUT:
            return (f"{self.vector}: the features made another input tensor: CRC-32 expected "
                    f"{int(self.expected):08x}, got {int(self.got):08x}")  # fmt: skip
        return (f"{self.vector}: output {self.output} element {self.element}: "
                f"expected {self.expected:g}, got {self.got:g}")  # fmt: skip


@dataclass(frozen=True)
class Report:
    """How many vectors gave equal outputs, and the first that did not."""

    total: int
    equal: int
    first: Difference | None

    @property
    def ok(self) -> bool:
        return self.equal == self.total > 0


def join_outputs(batches: Sequence[np.ndarray]) -> list[bytes]:
    """Per vector, the bytes of all outputs one after another."""
    flat = [np.ascontiguousarray(b).reshape(len(b), -1).view(np.uint8) for b in batches]
    return [row.tobytes() for row in np.concatenate(flat, axis=1)]


def compare(case: Case, runner: Runner, outputs: Sequence[Tensor]) -> Report:
    """Run every vector and compare the outputs byte by byte."""
    got = runner.run(case.vectors)
    equal, first = 0, None
    for vector, wanted, found in zip(case.vectors, case.expected, got, strict=True):
        if wanted == found:
            equal += 1
        elif first is None:
            first = _first_difference(vector, wanted, found, outputs)
    return Report(len(case.vectors), equal, first)


def _first_difference(
    vector: Vector, wanted: bytes, found: bytes, outputs: Sequence[Tensor]
) -> Difference:
    at = SUM_BYTES if vector.kind == "window" else 0
    if wanted[:at] != found[:at]:
        sums = (float(int.from_bytes(x[:at], "little")) for x in (wanted, found))
        return Difference(vector.name, _INPUT, 0, *sums)
    for i, tensor in enumerate(outputs):
        a = np.frombuffer(wanted, tensor.dtype, tensor.elements, at)
        b = np.frombuffer(found, tensor.dtype, tensor.elements, at)
        unequal = np.flatnonzero(a.view(np.uint8) != b.view(np.uint8))
        if len(unequal):
            element = int(unequal[0]) // a.itemsize
            return Difference(vector.name, i, element, float(a[element]), float(b[element]))
        at += tensor.nbytes
    raise AssertionError("called with equal outputs")


@dataclass(frozen=True)
class Opened:
    """What a path given to verify or bench stands for."""

    blob: bytes
    model: ModelFile
    tflite: bytes | None
    path: Path


def open_model(path: Path, tflite_path: Path | None = None) -> Opened:
    """A .tflite is converted; a .tsm is read, with the .tflite beside it if given."""
    try:
        data = path.read_bytes()
        source = tflite_path.read_bytes() if tflite_path else None
    except OSError as error:
        raise TinysenseError(f"cannot read {error.filename}: {error.strerror}") from error
    if data[:4] == b"TSM\x1a" or path.suffix == ".tsm":
        model = ModelFile.read(data)
        _expect_source(model, source, tflite_path)
        return Opened(data, model, source, tflite_path or path)
    blob = convert.convert(tflite.read(data, path.stem))
    return Opened(blob, ModelFile.read(blob), data, path)


def source_beside(path: Path) -> Path | None:
    """The .tflite of the same stem beside a .tsm, where META names it as the source."""
    beside = path.with_suffix(".tflite")
    try:
        if path.suffix != ".tsm" or not beside.is_file():
            return None
        stated = ModelFile.load(path).meta.get("source")
        known = stated.get("tflite_sha256") if isinstance(stated, dict) else None
        return beside if known == hashlib.sha256(beside.read_bytes()).hexdigest() else None
    except OSError:
        return None


def _expect_source(model: ModelFile, source: bytes | None, path: Path | None) -> None:
    stated = model.meta.get("source", {})
    known = stated.get("tflite_sha256") if isinstance(stated, dict) else None
    if source is not None and known and known != hashlib.sha256(source).hexdigest():
        raise TinysenseError(
            f"the .tsm was not made from {path}: its source has the SHA-256 {str(known)[:12]}...",
            "Give the .tflite that the model was converted from",
        )


def cases_of(opened: Opened, count: int, seed: int = 0) -> Case:
    """Everything there is to try: the reference kernels' answers, kept vectors, golden vectors."""
    model = opened.model
    case = Case([], [])
    if opened.tflite is not None:
        tried = vectors.boundary(model) + vectors.random(model, count, seed)
        batches = vectors.stack(tried, model.inputs)
        case += Case(tried, join_outputs(_by_reference(opened, batches)))
        kept = opened.path.with_suffix(".golden.npz")
        if kept.is_file() and "stream" not in model.meta:   # else they are whole windows
            case += kept_vectors(kept, model)
    if model.gold is not None and model.n_inputs == model.n_outputs == 1:
        case += _golden_vectors(model.gold, model.feature_geometry())
    if not case.vectors:
        raise TinysenseError(
            "the .tsm holds no golden vectors, so there is nothing to compare with",
            "Give the .tflite it was made from: --tflite FILE",
        )
    return case


def _by_reference(opened: Opened, batches: list[np.ndarray]) -> list[np.ndarray]:
    """What TFLite's reference kernels make of inputs that come one after another from a reset on.

    Of a streaming model they run the window model it was made from, on the window each step ends.
    """
    assert opened.tflite is not None
    made = opened.model.meta.get("stream")
    if isinstance(made, dict):
        graph = tflite.read(opened.tflite, opened.path.stem)
        batches = [streaming.stream(graph, made.get("step")).windows(batches[0])]
    return reference.run(opened.tflite, batches)


def _golden_vectors(gold: Golden, geometry: Geometry) -> Case:
    """The file's own vectors; with raw windows the features are tried as well."""
    outputs = [y.tobytes() for y in gold.outputs]
    tensors = [x.tobytes() for x in gold.inputs]
    named = Case([Vector(f"golden {i}", "bytes", x) for i, x in enumerate(tensors)], outputs)
    if gold.windows.shape[1] == 0:
        return named
    frames = [w.tobytes() for w in gold.windows]
    return named + _through_features("golden window", frames, tensors, outputs, geometry)


def _through_features(
    what: str, frames: Sequence[bytes], tensors: Sequence[bytes], outputs: Sequence[bytes],
    geometry: Geometry,
) -> Case:
    """Frames that features make ``tensors`` of, which the model answers with ``outputs``."""
    new = geometry.new_bytes
    part = new < geometry.outputs
    given = [Vector(f"{what} {i}", "window", w, fresh=i == 0, whole=x if part else b"")
             for i, (w, x) in enumerate(zip(frames, tensors, strict=True))]  # fmt: skip
    sums = [checksum(x[-new:]) for x in tensors]
    return Case(given, [said + y for said, y in zip(sums, outputs, strict=True)])


def windows_case(opened: Opened, windows: np.ndarray) -> Case:
    """Raw windows, int16 (n, frames, channels), through the features and the model.

    Frames: those of a golden vector (Geometry.golden_frames). Expected: the input
    tensors that the core on this computer makes of them, one after another, and
    what TFLite's reference kernels make of those.
    """
    model = opened.model
    _expect_windows(opened, windows)
    assert model.feat is not None and opened.tflite is not None
    stream = hostcore.FeatureStream(model.feat)
    inputs = np.stack([stream.newest(w) for w in windows])
    batch = inputs.reshape(len(windows), *model.inputs[0].shape)
    outputs = join_outputs(_by_reference(opened, [batch]))
    rows = [w.astype("<i2").tobytes() for w in windows]
    return _through_features("window", rows, [x.tobytes() for x in inputs], outputs,
                             model.feature_geometry())  # fmt: skip


def _expect_windows(opened: Opened, windows: np.ndarray) -> None:
    if opened.model.feat is None:
        raise TinysenseError(
            "the model has no features to put windows through",
            "Give the .tsm, and its source with --tflite FILE: a .tflite holds no features",
        )
    if opened.tflite is None:
        raise TinysenseError("windows are compared with TFLite's reference kernels, which need "
                             "the .tflite", "Give the one the .tsm was made from: --tflite FILE")
    geometry = opened.model.feature_geometry()
    shape = (geometry.golden_frames, geometry.channels)
    if windows.dtype != np.int16 or windows.shape[1:] != shape or not len(windows):
        raise TinysenseError(f"expected windows of int16 (n, {shape[0]}, {shape[1]}), "
                             f"got {windows.dtype} {windows.shape}")  # fmt: skip


def kept_vectors(path: Path, model: ModelFile) -> Case:
    """Vectors beside a .tflite: keys in<i>_<k> and out<i>_<k>, k counting vectors."""
    case = Case([], [])
    try:
        with np.load(path) as found:
            for k in range(len(found.files)):
                if f"in0_{k}" not in found:
                    break
                given = [_kept(found[f"in{i}_{k}"], t) for i, t in enumerate(model.inputs)]
                made = [_kept(found[f"out{i}_{k}"], t) for i, t in enumerate(model.outputs)]
                name = f"{path.name} {k}"
                case.vectors.append(Vector(name, "bytes", b"".join(given)))
                case.expected.append(b"".join(made))
    except (OSError, ValueError, KeyError) as error:
        raise TinysenseError(
            f"cannot use {path}: {error}", "Expected arrays in0_0, out0_0, in0_1, ..."
        ) from error
    return case


def _kept(values: np.ndarray, tensor: Tensor) -> bytes:
    if str(values.dtype) != tensor.dtype or values.size != tensor.elements:
        found = f"{values.dtype} {values.shape}"
        raise ValueError(f"{found} does not fit {tensor.dtype} {tensor.shape}")
    return values.tobytes()
