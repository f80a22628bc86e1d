"""Models drawn at random, of one op and of many, through TFLite's reference kernels and the core."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

SEARCH = Path(__file__).parent / "search.py"
KINDS = re.findall(r'"(\w+)": (?!")', SEARCH.read_text().split("KINDS = {")[1].split("\n}")[0])
SEED = 20261122


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_no_difference_is_found(kind: str, tmp_path: Path) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed: make setup")
    count = 3000 if kind == "graph" else 300
    done = subprocess.run(
        [sys.executable, str(SEARCH), "--op", kind, "--count", str(count), "--seed", str(SEED),
         "--keep", str(tmp_path)], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"{count}/{count} models equal" in done.stdout, done.stdout[-2000:] + done.stderr[-500:]


def test_every_kind_is_searched() -> None:
    assert {"graph", "conv", "transpose_conv", "softmax", "tile", "pad"} <= set(KINDS)
