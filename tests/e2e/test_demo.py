"""`tinysense demo`, small: the whole loop on an emulated Cortex-M4F."""

from __future__ import annotations

import re

import pytest
from virtual_bench import PRODUCTS, Command

from tinysense_host.training.recipe import load_recipe

# Eight simulated people with two gestures of each kind are little to learn from.
RIGHT_AT_LEAST = 0.6


def test_the_whole_loop(tmp_path, root):
    pytest.importorskip("tensorflow", reason="training needs pip install 'tinysense[train]'")
    if not (root / "build" / "firmware" / PRODUCTS["QEMU_M4F"]).is_file():
        pytest.skip("no firmware: make firmware BOARD=QEMU_M4F")
    recipe = root / "models" / "gesture"
    said = Command(tmp_path)("demo", recipe, "--per-label", 2, "--out", "demo")
    for number, step in enumerate(("a board", "record and label", "train, quantise, convert",
                                   "prove it equal", "upload", "watch people", "what it cost"), 1):
        assert re.search(rf"^{number}  {step}", said, re.MULTILINE), said
    assert ": 0 lost, 0 changed; " in said
    for where in ("this computer", "the board"):
        equal, tried = re.search(rf"(\d+)/(\d+) outputs equal to TensorFlow Lite on {where}",
                                 said).groups()
        assert equal == tried and int(tried) > 20
    assert re.search(r"on the board: (\d+)/\1 golden outputs equal", said)
    assert_counts(said, load_recipe(recipe).labels)
    assert re.search(r"^cost: arena \d.* of RAM, model \d.* of flash, [\d,]+ instructions per "
                     r"inference \([\d,]+ multiply-accumulates\)", said, re.MULTILINE), said


def assert_counts(said: str, labels: list[str]) -> None:
    """The confusion matrix is there, adds up to what is stated, and is mostly diagonal."""
    right, total = map(int, re.search(r"^(\d+)/(\d+) right on people it never saw", said,
                                      re.MULTILINE).groups())
    rows = []
    for label in labels:
        cells = re.search(rf"^. {label} +((?:. +\d+ +)+).$", said, re.MULTILINE)
        assert cells, f"no row {label} in {said}"
        rows.append([int(n) for n in re.findall(r"\d+", cells[1])])
    assert sum(map(sum, rows)) == total > 0
    assert sum(row[i] for i, row in enumerate(rows)) == right
    assert right >= RIGHT_AT_LEAST * total, said
