"""What all tests share: where things are, and which tests are for `make test-all`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("TINYSENSE_FULL") == "1":
        return
    skip = pytest.mark.skip(reason="long: runs in `make test-all`")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's top folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real recordings and third-party models; skips where it is absent."""
    folder = Path(os.environ.get("TINYSENSE_SHARED", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no real recordings and models: {folder} is absent (set TINYSENSE_SHARED)")
    return folder
