"""sources.py: given recordings, else shared ones, else the simulator."""

from dataclasses import replace

import pytest

from tinysense_host.dataset import Dataset
from tinysense_host.errors import TinysenseError
from tinysense_host.simulate import simulate_into
from tinysense_host.training import sources
from tinysense_host.training.recipe import load_recipe


@pytest.fixture
def recipe(root):
    full = load_recipe(root / "models/gesture")
    small = replace(full.source, simulated_people=2, simulated_per_label=1)
    return replace(full, source=small)


def test_a_dataset_is_taken_as_it_is(recipe, tmp_path):
    simulate_into(Dataset(tmp_path), 1, 1)
    with sources.opened(recipe, tmp_path) as (dataset, where):
        assert dataset.path == tmp_path and where == str(tmp_path)


def test_other_folders_are_imported_for_the_time(recipe, tmp_path):
    (tmp_path / "wing_ada.txt").write_text("-,-,-\n1,2,3\n4,5,6\n")
    with sources.opened(recipe, tmp_path) as (dataset, where):
        (segment,) = dataset.segments()
        assert (segment.label, segment.person, where) == ("wing", "ada", str(tmp_path))
        assert dataset.path != tmp_path
    assert not dataset.path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["wing_ada.txt"]


def test_shared_recordings_come_before_the_simulator(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYSENSE_SHARED", str(tmp_path))
    folder = tmp_path / "data" / recipe.source.folder
    folder.mkdir(parents=True)
    (folder / "ring_bob.txt").write_text("-,-,-\n1,2,3\n")
    with sources.opened(recipe, None) as (dataset, where):
        assert [s.label for s in dataset.segments()] == ["ring"] and where == str(folder)


def test_the_simulator_is_the_last_resort(recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYSENSE_SHARED", str(tmp_path))
    with sources.opened(recipe, None) as (dataset, where):
        assert {s.person for s in dataset.segments()} == {"ada", "bob"}
        assert where == "simulator (2 people)"


def test_missing_folder_is_named(recipe, tmp_path):
    with (
        pytest.raises(TinysenseError, match="no recordings at"),
        sources.opened(recipe, tmp_path / "nowhere"),
    ):
        pass
