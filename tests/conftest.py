"""What all tests share: where things are, and which tests are for `make test-all`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
ITS_OWN_TENSORFLOW = ("test_reference.py", "test_calibrate.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("TINYSENSE_FULL") == "1":
        return
    skip = pytest.mark.skip(reason="long: runs in `make test-all`")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session", autouse=True)
def homes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Names, keys and what is remembered of boards are not those of the user."""
    for home in ("XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        os.environ[home] = str(tmp_path_factory.mktemp(home.lower()))


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


@pytest.fixture(scope="session")
def loaded_tensorflow() -> Iterator[Any]:
    """See loaded_tensorflow.py; it starts when first needed."""
    sys.path.append(str(ROOT / "tests"))
    from loaded_tensorflow import Loaded

    loaded = Loaded()
    yield loaded
    loaded.close()


@pytest.fixture(scope="module", autouse=True)
def reference_kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """TFLite's reference kernels need not load TensorFlow anew for each test of the host."""
    path = request.path
    if path.name in ITS_OWN_TENSORFLOW or path.parent.name in ("core", "device"):
        yield
        return
    from tinysense_host import calibrate
    from tinysense_host.tflite import reference

    with pytest.MonkeyPatch.context() as patch:
        for module in (reference, calibrate):
            patch.setattr(module, "subprocess", request.getfixturevalue("loaded_tensorflow"))
        yield
