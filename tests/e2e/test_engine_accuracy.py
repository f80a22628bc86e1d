"""Real, labelled inputs on emulated boards: the accuracy that TFLite has, and its every output.

A model is converted and packed for the board's core, as an upload does it, and runs inside the
board's firmware.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from virtual_bench import PRODUCTS, ROOT

from tinysense_host import verify
from tinysense_host.benchboard import open_board
from tinysense_host.device import Device
from tinysense_host.ondevice import BoardModel
from tinysense_host.packing import fit, target_name
from tinysense_host.tflite import reference
from tinysense_host.vectors import Vector

pytestmark = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="the reference kernels need TensorFlow: make setup"
)

# What models are packed for there. On x86-64 portable ones run fast as they are.
TARGETS = {"QEMU_M4F": "armv7em", "QEMU_M7": "armv7em", "QEMU_M55": "mve", "QEMU_M0": "armv6m",
           "QEMU_RV32": "rv32imc", "UNIX": "portable"}  # fmt: skip
# What TFLite gets right of the spoken words.
ALL_WORDS, ALL_WORDS_HITS = 1000, 901
EVERY, SOME_WORDS, SOME_WORDS_HITS = 34, 30, 28     # all twelve classes are among them
# Cores of this size are for models this large.
LARGE_BOARDS = ("QEMU_M7", "QEMU_M55")


@dataclass(frozen=True)
class Samples:
    """Inputs of a model, int8 (n, *shape), and the class of each."""

    tflite: Path
    inputs: np.ndarray
    classes: np.ndarray

    @cached_property
    def expected(self) -> np.ndarray:
        """The outputs of TFLite's reference kernels, int8 (n, *shape)."""
        (outputs,) = reference.run(self.tflite.read_bytes(), [self.inputs])
        return outputs


# ---- Where they come from ----


def folder_of(shared: Path, name: str) -> Path:
    folder = shared / "data" / name
    if not folder.is_dir():
        pytest.skip(f"no labelled inputs: {folder} is absent")
    return folder


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def spoken_words(shared: Path, every: int) -> Samples:
    """Features of recorded words, as the model was quantised for; the class is in column 3."""
    folder = folder_of(shared, "mlperf_kws01")
    rows = rows_of(folder / "y_labels.csv")[::every]
    inputs = np.stack([np.fromfile(folder / row[0], np.int8) for row in rows])
    classes = np.array([int(row[2]) for row in rows])
    tflite = shared / "models" / "mlperf_tiny" / "kws_ref_model.tflite"
    return Samples(tflite, inputs.reshape(-1, 49, 10, 1), classes)


def ten(shared: Path, name: str, model: str, shape: tuple[int, ...],
        quantise: Callable[[bytes], np.ndarray]) -> Samples:  # fmt: skip
    """The first ten of a test set, of which there is no more; the class is in the last column."""
    folder = folder_of(shared, "mlonmcu_io") / name
    inputs = [quantise((folder / "input" / f"{i}.bin").read_bytes()) for i in range(10)]
    classes = [int(row[-1]) for row in rows_of(folder / "output_labels.csv")[1:11]]
    tflite = shared / "models" / "mlperf_tiny" / f"{model}.tflite"
    return Samples(tflite, np.stack(inputs).reshape(-1, *shape), np.array(classes))


def bytes_of_pixels(raw: bytes) -> np.ndarray:
    """0..255; scale 1, zero point -128."""
    return (np.frombuffer(raw, np.uint8) ^ 0x80).view(np.int8)


def brightness(raw: bytes) -> np.ndarray:
    """0..1 in 255 steps; scale 1/255, zero point -128."""
    return np.rint(np.frombuffer(raw, np.float32) * 255 - 128).astype(np.int8)


def decibels(raw: bytes) -> np.ndarray:
    """Log-mel energies; scale 0.39101523, zero point 89."""
    steps = np.rint(np.frombuffer(raw, np.float32) / np.float32(0.39101523)) + 89
    return np.clip(steps, -128, 127).astype(np.int8)


@pytest.fixture(scope="module")
def some_words(shared: Path) -> Samples:
    return spoken_words(shared, EVERY)


@pytest.fixture(scope="module")
def all_words(shared: Path) -> Samples:
    return spoken_words(shared, 1)


# ---- On a board ----


@contextmanager
def board(name: str, folder: Path) -> Iterator[Device]:
    if not (ROOT / "build" / "firmware" / PRODUCTS[name]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={name}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYSENSE_RUN", str(folder))
        with open_board(name) as device:
            yield device


def outputs_on(name: str, samples: Samples, folder: Path) -> np.ndarray:
    """What the board computes, as Samples.expected."""
    opened = verify.open_model(samples.tflite)
    given = [Vector(f"sample {i}", "bytes", x.tobytes()) for i, x in enumerate(samples.inputs)]
    with board(name, folder) as device:
        packed = fit(opened.model, device.info().kernels)
        assert target_name(packed.target) == TARGETS[name]
        model = BoardModel(device, packed.write())
        try:
            made = b"".join(model.run(given))
        finally:
            model.close()
    return np.frombuffer(made, np.int8).reshape(samples.expected.shape)


def hits_on(name: str, samples: Samples, folder: Path) -> int:
    """How many samples the board puts into their class; every output must be TFLite's."""
    outputs = outputs_on(name, samples, folder)
    unequal = [i for i, pair in enumerate(zip(outputs, samples.expected, strict=True))
               if not np.array_equal(*pair)]  # fmt: skip
    assert not unequal
    scores = outputs.reshape(len(outputs), -1)
    return int((scores.argmax(axis=1) == samples.classes).sum())


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "QEMU_M7"])
def test_some_spoken_words(some_words: Samples, tmp_path: Path, name: str) -> None:
    assert len(some_words.inputs) == SOME_WORDS
    assert set(some_words.classes) == set(range(12))
    assert hits_on(name, some_words, tmp_path) == SOME_WORDS_HITS


@pytest.mark.full
@pytest.mark.parametrize("name", TARGETS)
def test_all_spoken_words(all_words: Samples, tmp_path: Path, name: str) -> None:
    assert len(all_words.inputs) == ALL_WORDS
    assert hits_on(name, all_words, tmp_path) == ALL_WORDS_HITS


@pytest.mark.full
@pytest.mark.parametrize("name", LARGE_BOARDS)
def test_ten_pictures_of_things(shared: Path, tmp_path: Path, name: str) -> None:
    things = ten(shared, "resnet", "pretrainedResnet_quant", (32, 32, 3), bytes_of_pixels)
    assert hits_on(name, things, tmp_path) == 10


@pytest.mark.full
@pytest.mark.parametrize("name", LARGE_BOARDS)
def test_ten_pictures_of_people(shared: Path, tmp_path: Path, name: str) -> None:
    people = ten(shared, "vww", "vww_96_int8", (96, 96, 3), brightness)
    assert hits_on(name, people, tmp_path) == 9


@pytest.mark.full
@pytest.mark.parametrize("name", LARGE_BOARDS)
def test_ten_slices_of_sound(shared: Path, tmp_path: Path, name: str) -> None:
    """An anomaly shows in the mean of a whole recording's slices: here only equality can."""
    sounds = ten(shared, "toycar", "ad01_int8", (640,), decibels)
    assert np.array_equal(outputs_on(name, sounds, tmp_path), sounds.expected)
