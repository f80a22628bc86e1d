"""The block ROWS in C: hostile parameters, and sizes that the loader must refuse."""

from __future__ import annotations

import core_build
import core_files as files
import pytest

REFUSED = core_build.errors()["TS_ERR_FEATURES"]
STATS = (files.STATS, [1, *files.IDENTITY])


def section(rows: list[int], outputs: int, extra: int, *, behind: bool = False) -> bytes:
    """A window of 8 frames, its mean, and ROWS with these parameters."""
    blocks = [STATS, (files.ROWS, rows)]
    blocks += [STATS] if behind else []
    return files.feat(1, 8, 4, blocks, outputs, 16 + extra)


def info(feat: bytes) -> tuple[int, list[int]]:
    return core_build.features_info(feat)


def test_geometry() -> None:
    code, found = info(section([7, 3], 7, 8 + 8))
    assert code == 0
    assert found == [1, 8, 4, 7, 32, 7, 3, 1]


@pytest.mark.parametrize(("rows", "outputs", "extra"), [
    ([0, 1], 0, 8), ([-1, 1], 1, 12), ([1025, 1], 1025, 1036), ([4, 0], 4, 12), ([4, 5], 4, 12),
    ([4, -1], 4, 12), ([4], 4, 12), ([4, 1, 1], 4, 12), ([4, 1], 5, 12), ([4, 1], 4, 8),
    ([4, 1], 4, 16), ([2**31 - 1, 1], 4, 12), ([-(2**31), 1], 4, 12),
])  # fmt: skip
def test_refused(rows: list[int], outputs: int, extra: int) -> None:
    assert info(section(rows, outputs, extra))[0] == REFUSED


def test_nothing_stands_behind() -> None:
    assert info(section([4, 1], 5, 12, behind=True))[0] == REFUSED


def test_rows_of_nothing() -> None:
    assert info(files.feat(1, 8, 4, [(files.ROWS, [4, 1])], 0, 16 + 8))[0] == REFUSED


def test_largest() -> None:
    assert info(section([1024, 1024], 1024, 8 + 1024))[0] == 0
