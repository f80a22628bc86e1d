"""Emulated boards for the tests of the whole: see virtual_bench.py."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
# tests/device for `tiny`, a model to compute in the head; tests for `link_faults`.
sys.path[:0] = [str(HERE), str(HERE.parent / "device"), str(HERE.parent)]

from virtual_bench import PRODUCTS, ROOT, Bench  # noqa: E402


@pytest.fixture(scope="module")
def new_bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Bench]]:
    """new_bench(board, files, heap_bytes) -> Bench; switched off after the module."""
    made: list[Bench] = []

    def new(board: str = "QEMU_M4F", files: dict[str, bytes] | None = None,
            heap_bytes: int | None = None) -> Bench:
        if not (ROOT / "build" / "firmware" / PRODUCTS[board]).is_file():
            pytest.skip(f"no firmware: make firmware BOARD={board}")
        made.append(Bench(board, tmp_path_factory.mktemp("bench"), files or {}, heap_bytes))
        return made[-1]

    yield new
    for bench in made:
        if bench.emulator is not None:
            bench.emulator.stop()
