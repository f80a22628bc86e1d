"""What the labels of a model may be: names that fit everywhere a label is written."""

from __future__ import annotations

from collections.abc import Sequence

from .errors import TinysenseError

__all__ = ["LABEL_BYTES_MAX", "check_labels"]

LABEL_BYTES_MAX = 32  # of UTF-8: the field of a .tsr (models/FORMAT.md)


def check_labels(labels: Sequence[str]) -> None:
    """TinysenseError where a label is empty, too long, not printable or there twice."""
    for label in labels:
        if not label.isprintable():
            raise TinysenseError(f"label {label[:40]!r} holds signs that cannot be shown")
        size = len(label.encode())
        if not 0 < size <= LABEL_BYTES_MAX:
            shown = label if len(label) <= 40 else label[:40] + "..."
            raise TinysenseError(
                f"label {shown!r} has {size} bytes, expected 1 to {LABEL_BYTES_MAX}",
                "Shorten it" if size else "Name it",
            )
        if labels.count(label) > 1:
            raise TinysenseError(f"label {label!r} is there twice", "Give each class its own name")
