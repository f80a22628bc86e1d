"""Where a recipe's recordings come from: what is given, else shared ones, else the simulator."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinysense_host.dataset import Dataset
from tinysense_host.errors import TinysenseError
from tinysense_host.importers import Facts, import_into
from tinysense_host.simulate import Sensor, simulate_into
from tinysense_host.training.recipe import Recipe

__all__ = ["given_at", "opened", "shared_folder"]


def shared_folder() -> Path:
    """The folder of real recordings: TINYSENSE_SHARED, else ../shared beside the project."""
    beside = Path(__file__).resolve().parents[3].parent / "shared"
    return Path(os.environ.get("TINYSENSE_SHARED", beside))


@contextmanager
def opened(recipe: Recipe, given: Path | None) -> Iterator[tuple[Dataset, str]]:
    """A dataset for a recipe, and a word on where it comes from.

    ``given`` is a dataset, or a folder or file that importers read. Without it
    the recipe's folder below shared/data is taken, and the simulator where
    that is absent. What is not a dataset is imported into a temporary one.
    """
    if given is not None:
        with given_at(given) as dataset:
            yield dataset, str(given)
        return
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        dataset = Dataset(folder)
        shared = shared_folder() / "data" / recipe.source.folder
        if shared.is_dir():
            import_into(dataset, [shared], Facts())
            yield dataset, str(shared)
            return
        sensor = Sensor.of(recipe.sensor)
        people = recipe.source.simulated_people
        simulate_into(dataset, people, recipe.source.simulated_per_label, sensor=sensor)
        yield dataset, f"simulator ({people} people)"


@contextmanager
def given_at(path: Path) -> Iterator[Dataset]:
    """The dataset at a path; files that importers read become a temporary one."""
    if not path.exists():
        raise TinysenseError(f"no recordings at {path}", "check --data")
    if (path / "recordings").is_dir():
        yield Dataset(path)
        return
    with tempfile.TemporaryDirectory(prefix="tinysense-") as folder:
        dataset = Dataset(folder)
        import_into(dataset, [path], Facts())
        yield dataset
