"""Board equals host equals TFLite's reference kernels, on every window of people never seen."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import verify
from tinysense_host.benchboard import open_board
from tinysense_host.dataset import Dataset
from tinysense_host.device import Device
from tinysense_host.emulator import Emulator
from tinysense_host.evaluate import load_windows
from tinysense_host.ondevice import BoardModel
from tinysense_host.simulate import Sensor, simulate_into
from tinysense_host.training import crossval, folds, sources
from tinysense_host.training.recipe import load_recipe

pytestmark = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="the reference kernels need TensorFlow: make setup"
)


@pytest.fixture(scope="module")
def board() -> Iterator[Device]:
    with Emulator("QEMU_M4F") as emulator, open_board(port=str(emulator.port)) as device:
        yield device


def expect_equal(stem: Path, windows: np.ndarray, board: Device) -> None:
    """Every window through features and model, here and on the board."""
    opened = verify.open_model(stem.with_suffix(".tsm"), stem.with_suffix(".tflite"))
    case = verify.windows_case(opened, windows)
    on_host = verify.compare(case, verify.HostRunner(opened.blob), opened.model.outputs)
    model = BoardModel(board, opened.blob)
    try:
        on_board = verify.compare(case, model, opened.model.outputs)
    finally:
        model.close()
    whole = verify.Report(len(windows), len(windows), None)
    assert (on_host, on_board) == (whole, whole)
    print(f"{stem.name}: {len(windows)}/{len(windows)} windows equal")


def test_the_shipped_model_on_simulated_windows(root: Path, board: Device, tmp_path: Path) -> None:
    recipe = load_recipe(root / "models" / "gesture")
    dataset = Dataset(tmp_path)
    sensor = Sensor.of(recipe.sensor)
    simulate_into(dataset, 3, 5, sensor=sensor)
    windows = folds.stacked(folds.examples_of(dataset, recipe), recipe.window)[0]
    assert len(windows) >= 3 * 5 * len(recipe.labels)
    expect_equal(root / "models" / "gesture" / "gesture", windows, board)


@pytest.mark.full
def test_every_window_of_every_fold(
    root: Path, shared: Path, board: Device, tmp_path: Path
) -> None:
    recipe = load_recipe(root / "models" / "gesture")
    with sources.opened(recipe, shared / "data" / recipe.source.folder) as (dataset, _):
        scores = crossval.cross_validate(recipe, folds.examples_of(dataset, recipe), out=tmp_path)
    assert len(scores) == 10
    for score in scores:
        stem = tmp_path / f"fold_{score.name}"
        windows = load_windows(stem.with_suffix(".windows.npz"))[0]
        assert len(windows) == score.total
        expect_equal(stem, windows, board)
