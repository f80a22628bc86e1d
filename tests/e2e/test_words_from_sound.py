"""MLPerf Tiny's keyword model from samples to scores: how many recorded words it gets, and that a
board's features and outputs are this computer's, clip by clip."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from virtual_bench import PRODUCTS, ROOT

from tinysense_host import convert, hearing, tflite
from tinysense_host.benchboard import open_board
from tinysense_host.emulator import Emulator, write_files
from tinysense_host.frontends import RATE_HZ, front_end, normalised
from tinysense_host.modelfile import ModelFile
from tinysense_host.ondevice import GIVEN, BoardModel
from tinysense_host.packing import fit
from tinysense_host.vectors import SUM_BYTES, Vector
from tinysense_host.verify import HostRunner

LABELS = ["down", "go", "left", "no", "off", "on", "right", "stop", "up", "yes", "_silence_",
          "_unknown_"]  # fmt: skip
ROWS = 49
BOARD = "QEMU_M4F"
CLIPS, HITS, HITS_OF_A_STREAM = 1475, 1360, 1310        # 92.2 %, 88.8 %
EVERY, SOME_CLIPS, SOME_HITS = 118, 13, 13       # all twelve classes are among them
AT_ONCE = 50        # clips between two answers
DISK = 1 << 20      # a disk is a multiple of this


@pytest.fixture(scope="module")
def model(shared: Path) -> ModelFile:
    """Takes a clip of a second: all rows at once."""
    source = shared / "models" / "mlperf_tiny" / "kws_ref_model.tflite"
    if not source.is_file():
        pytest.skip(f"no keyword model: {source} is absent")
    graph = tflite.load(source)
    heard = hearing.attach(graph, front_end("mlperf_kws"), stride=ROWS, labels=LABELS)
    return ModelFile.read(
        convert.convert(graph, meta=heard.meta, feat=heard.feat, labels=heard.labels)
    )


@pytest.fixture(scope="module")
def clips(shared: Path) -> tuple[np.ndarray, np.ndarray]:
    """int16 (n, samples) of recorded words, and the class of each."""
    folder = shared / "data" / "audio_speech_commands"
    if not folder.is_dir():
        pytest.skip(f"no recorded words: {folder} is absent")
    found, classes = [], []
    for i, label in enumerate(LABELS):
        for path in sorted((folder / label).glob("*.wav")):
            with wave.open(str(path)) as file:
                samples = np.frombuffer(file.readframes(RATE_HZ), "<i2")
            found.append(np.pad(samples, (0, RATE_HZ - len(samples))))
            classes.append(i)
    return np.stack(found), np.array(classes)


def vectors(model: ModelFile, sounds: np.ndarray) -> list[Vector]:
    frames = model.feature_geometry().golden_frames
    return [Vector(f"clip {i}", "window", x[:frames].astype("<i2").tobytes(), fresh=True)
            for i, x in enumerate(sounds)]  # fmt: skip


def hits(answers: list[bytes], classes: np.ndarray) -> int:
    scores = np.stack([np.frombuffer(said[SUM_BYTES:], np.int8) for said in answers])
    return int((scores.argmax(axis=1) == classes).sum())


def test_words_on_this_computer(model: ModelFile, clips: tuple[np.ndarray, np.ndarray]) -> None:
    """As loud as the model was trained; and as they were recorded, which is what a stream has."""
    sounds, classes = clips
    assert len(sounds) == CLIPS
    runner = HostRunner(model.write())
    as_trained = np.stack([normalised(x) for x in sounds])
    assert hits(runner.run(vectors(model, as_trained)), classes) == HITS
    assert hits(runner.run(vectors(model, sounds)), classes) == HITS_OF_A_STREAM


def equal_on_the_board(model: ModelFile, sounds: np.ndarray, folder: Path) -> list[bytes]:
    """The board's answers (checksum of the features, outputs), which are this computer's.

    The sound is on the board's disk before it starts: 47 MB would take the line half an hour.
    """
    if not (ROOT / "build" / "firmware" / PRODUCTS[BOARD]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={BOARD}")
    given = vectors(model, sounds)
    kept = b"".join(vector.data for vector in given)
    disk = folder / "flash.img"
    write_files(disk, {f"/{GIVEN}": kept}, disk_bytes=len(kept) * 9 // 8 // DISK * DISK + 2 * DISK)
    made: list[str] = []
    with Emulator(BOARD, fs=disk) as board, open_board(port=board.port) as device:
        there = BoardModel(device, fit(model, device.info().kernels).write())
        size = len(given[0].data)
        for first in range(0, len(kept), AT_ONCE * size):
            places = range(first, min(len(kept), first + AT_ONCE * size), size)
            made += there.call(
                f"for at in {places}:\n    _t_reset()\n    _t_run([(3, at)], True)"
            ).split()
    answers = [bytes.fromhex(line) for line in made]
    wanted = HostRunner(model.write()).run(given)
    assert [i for i, (x, y) in enumerate(zip(answers, wanted, strict=True)) if x != y] == []
    return answers


def test_some_words_on_a_board(
    model: ModelFile, clips: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    sounds, classes = clips[0][::EVERY], clips[1][::EVERY]
    assert len(sounds) == SOME_CLIPS and set(classes) == set(range(12))
    answers = equal_on_the_board(model, np.stack([normalised(x) for x in sounds]), tmp_path)
    assert hits(answers, classes) == SOME_HITS


@pytest.mark.full
def test_all_words_on_a_board(
    model: ModelFile, clips: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    answers = equal_on_the_board(model, np.stack([normalised(x) for x in clips[0]]), tmp_path)
    assert hits(answers, clips[1]) == HITS
