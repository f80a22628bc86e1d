"""models/keyword: the file that is there fits small boards, streams, and knows its words."""

import hashlib
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.hostcore import HostModel, run_features
from tinysense_host.modelfile import ModelFile
from tinysense_host.training.recipe import load_any_recipe

sys.path.insert(0, str(Path(__file__).parents[1]))

import budget  # noqa: E402

FOLDER = Path(__file__).parents[2] / "models" / "keyword"
STEP_INSTRUCTIONS = 600_000  # front end and network, of 20 ms, on a Cortex-M4F
STREAMED_SHARE = 1 / 8  # of what the window form takes
SAMPLE = 60  # clips of speakers never heard


@pytest.fixture(scope="module")
def tsm():
    return (FOLDER / "keyword.tsm").read_bytes()


@pytest.fixture(scope="module")
def model(tsm):
    return ModelFile.read(tsm)


@pytest.fixture(scope="module")
def recipe():
    return load_any_recipe(FOLDER)


def test_it_is_small(tsm, model):
    assert len(tsm) <= 40_000 and model.arena_bytes <= 16_000


def test_it_is_what_the_recipe_says(model, recipe):
    assert tuple(model.labels) == recipe.labels
    assert model.meta["sensor"]["rate_mhz"] == 16_000_000
    assert model.meta["stream"] == {
        "step": recipe.front_end.step_rows, "window": recipe.front_end.rows
    }  # fmt: skip
    assert model.meta["decision"]["background"] == ["silence", "unknown"]


def test_the_card_names_this_very_file(tsm):
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert hashlib.sha256(tsm).hexdigest() in card
    assert hashlib.sha256((FOLDER / "keyword.tflite").read_bytes()).hexdigest() in card
    assert re.search(rf"\b{len(tsm)} bytes", card)


def test_golden_vectors(tsm, model):
    gold, running = model.gold, HostModel(tsm)
    windows = np.frombuffer(gold.windows.tobytes(), "<i2").reshape(len(gold), -1, 1)
    assert len(gold) >= 1
    assert np.array_equal(run_features(model.feat, windows).view(np.uint8), gold.inputs)
    running.reset()
    for given, expected in zip(gold.inputs, gold.outputs, strict=True):
        assert running.run([given.tobytes()])[0] == expected.tobytes()


def test_streaming_gives_what_the_window_gives(tsm):
    """On random rows, every step once the window is full, to the byte."""
    window = HostModel(convert.convert(tflite.load(FOLDER / "keyword.tflite")))
    running = HostModel(tsm)
    step = running.file.inputs[0].nbytes
    rows = np.random.default_rng(5).integers(-128, 128, 3 * window.file.inputs[0].nbytes, np.int8)
    size = window.file.inputs[0].nbytes
    compared = 0
    for end in range(step, len(rows) + 1, step):
        found = running.run([rows[end - step : end].tobytes()])
        if end >= size:
            assert found == window.run([rows[end - size : end].tobytes()])
            compared += 1
    assert compared > 40


def test_instructions_of_a_step(tsm, model, recipe):
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    costs = budget.measured([FOLDER / "keyword.tsm"], ("cortex-m4",))
    whole = budget.measured([FOLDER / "keyword.tflite"], ("cortex-m4",))
    streamed, window = (c["keyword"]["cortex-m4"].total for c in (costs, whole))
    assert streamed <= window * STREAMED_SHARE
    row = max(budget.read_front_ends()[name]["cortex-m4"] for name in ("micro_speech",))
    steps = recipe.front_end.step_rows * recipe.front_end.step_ms / 20
    assert row * 20 / recipe.front_end.step_ms + streamed / steps <= STEP_INSTRUCTIONS


def test_speakers_it_never_heard(tsm, recipe, shared):
    from tinysense_host.speech.clips import part_of, read_clips
    from tinysense_host.speech.judging import judged

    folder = shared / "data" / recipe.source.folder
    clips = read_clips([folder], replace(recipe, source=replace(recipe.source, most=60))).clips
    spec = recipe.training
    unheard = [c for c in clips if part_of(c.speaker, spec.folds) == spec.tested]
    chosen = [unheard[i] for i in np.random.default_rng(0).permutation(len(unheard))[:SAMPLE]]
    assert len(chosen) == SAMPLE
    assert judged(recipe, tsm, chosen).accuracy >= 0.7
