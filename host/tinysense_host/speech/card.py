"""What a speech model's card says: the parts of its README that `tinysense train` writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..card import file_rows, markdown, replace_part
from .clips import speakers
from .judging import ClipScore, summed
from .training import SpeechTrained

if TYPE_CHECKING:
    from .course import Course

__all__ = ["write_folds", "write_model"]


def write_model(card: Path, course: Course, trained: SpeechTrained, score: ClipScore) -> None:
    """What the trained file is, what it was trained on, and its score on unheard speakers."""
    recipe = course.recipe
    clips = [c for p in range(recipe.training.folds) if p != recipe.training.tested
             for c in course.clips_of(p)]  # fmt: skip
    rows = [
        *file_rows(recipe.name, trained.tflite, trained.tsm),
        ["trained on", f"{len(clips)} clips of {speakers(clips)} speakers"],
        ["clips for training only", str(len(course.sources.extra))],
        ["teacher", recipe.teacher.model if course.teacher else "none"],
        ["tested on", f"{score.total} clips of {score.speakers} speakers it never heard"],
        ["right", f"{score.right}, {100 * score.accuracy:.1f} %"],
    ]
    replace_part(card, "model", markdown(["what", "value"], rows))


def write_folds(card: Path, scores: Sequence[ClipScore]) -> None:
    """A row for each part of the speakers, then the confusion matrix of all."""
    everything = summed(scores)
    rows = [
        [s.name, str(s.speakers), str(s.total), str(s.right), f"{100 * s.accuracy:.1f} %"]
        for s in (*scores, everything)
    ]
    confusion = [
        [name, *map(str, row)]
        for name, row in zip(everything.labels, everything.confusion.tolist(), strict=True)
    ]
    text = [
        markdown(["left out", "speakers", "clips", "right", "accuracy"], rows),
        "",
        "All parts together, rows true, columns given:",
        "",
        markdown(["", *everything.labels], confusion),
    ]
    replace_part(card, "folds", "\n".join(text))
