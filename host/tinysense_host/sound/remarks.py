"""What is not right with a sound, and not wrong enough to refuse it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Remark", "said"]


@dataclass(frozen=True)
class Remark:
    """One line for people; ``kind`` ("clipped", "resampled", ..) groups those of many files."""

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


def said(remarks: Iterable[tuple[str, Remark]], most: int = 3) -> list[str]:
    """Lines for (file, remark): of each kind so many in full, the rest as a number."""
    kinds: dict[str, list[str]] = {}
    for name, remark in remarks:
        kinds.setdefault(remark.kind, []).append(f"{name}: {remark.text}")
    lines = []
    for kind, found in kinds.items():
        lines += found[:most]
        if len(found) > most:
            lines.append(f"and {len(found) - most} more files are {kind}")
    return lines
