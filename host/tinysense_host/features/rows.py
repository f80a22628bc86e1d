"""The block that gathers the rows of several windows into one input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .blocks import Block, Shape, expect

__all__ = ["ROWS_MAX", "Rows"]

ROWS_MAX = 1024


@dataclass(frozen=True)
class Rows(Block):
    """The input is the newest ``rows`` rows; one is due after every ``stride`` rows.

    A row is what the blocks before emit for one window. The first input is due when
    ``rows`` are there. Stands last.
    """

    rows: int
    stride: int
    kind: ClassVar[int] = 32

    def check(self, shape: Shape) -> None:
        expect(1 <= self.rows <= ROWS_MAX, f"Rows keeps {self.rows}: expected 1..{ROWS_MAX}")
        expect(
            1 <= self.stride <= self.rows,
            f"Rows has stride {self.stride}: expected 1..{self.rows}, the rows it keeps",
        )

    def parameters(self) -> list[int]:
        return [self.rows, self.stride]

    def history_bytes(self, values: int) -> int:
        """What the core keeps, for rows of so many values."""
        return 8 + (self.rows * values + 3) // 4 * 4
