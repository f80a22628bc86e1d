"""`tinysense train` for a recipe whose sensor is a microphone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import TinysenseError
from .screen import console, err

if TYPE_CHECKING:
    from ..speech.course import Course
    from ..speech.judging import ClipScore
    from ..speech.recipe import SpeechRecipe

__all__ = ["train_speech"]

_BUDGET = 0.5  # false accepts per hour that a board beside people may make


def train_speech(
    recipe: SpeechRecipe, data: Path | None, folder: Path, folds: bool, card: Path | None
) -> None:
    """Trains the recipe's model into ``folder``, or tests the recipe on every part's speakers."""
    from ..speech.course import Course

    with _progress() as bar:
        task = bar.add_task("reading clips", total=None, word="")

        def report(what: str, done: int, total: int, word: str) -> None:
            bar.update(task, description=what, completed=done, total=total, word=word)

        course = Course(recipe, data, folder, report)
        _tell(course, recipe.teacher.model)
        if folds:
            _test(course, card)
        else:
            _train(course, folder, card)


def _tell(course: Course, teacher: str) -> None:
    """What there is to learn from."""
    from ..speech.clips import speakers

    clips, extra = course.sources.clips, course.sources.extra
    for where in course.sources.where:
        err.print(f"from {where}", highlight=False)
    more = f", and {len(extra)} for training only" if extra else ""
    console.print(f"{len(clips)} clips of {speakers(clips)} speakers{more}", highlight=False)
    if teacher and course.teacher is None:
        err.print(f"no teacher at shared/models/{teacher}: labels alone", highlight=False)


def _train(course: Course, folder: Path, card: Path | None) -> None:
    from ..files import write_atomically
    from ..speech.card import write_model

    trained = course.train()
    folder.mkdir(parents=True, exist_ok=True)
    name = course.recipe.name
    for suffix, content in (("tflite", trained.tflite), ("tsm", trained.tsm)):
        write_atomically(folder / f"{name}.{suffix}", content)
    score = course.tested(trained)
    if card is not None:
        write_model(card, course, trained, score)
    console.print(f"{folder / name}.tsm  {len(trained.tsm)} bytes", highlight=False)
    if score.total:
        print_clips(score)
        _tradeoff(course, trained.tsm, folder / "tradeoff.png")


def _tradeoff(course: Course, tsm: bytes, picture: Path) -> None:
    """False accepts per hour against false rejects, for speakers and speech it never heard."""
    from ..plots import Curve, draw_tradeoff
    from ..speech.tuning import verdict
    from ..speech.unheard import judged_unheard, unheard_evidence

    evidence, setting = unheard_evidence(course, tsm)
    if not evidence.hours or not evidence.words.sum():
        return
    found = judged_unheard(evidence, setting, _BUDGET)
    points = found.curves[setting.smooth]
    table = Table("false accepts per hour", "false rejects", "thresholds")
    for point in points[:: max(1, len(points) // 8)]:
        table.add_row(f"{point.false_per_hour(evidence.hours):.2f}",
                      f"{100 * point.counts.reject_rate:.1f} %",
                      " ".join(str(t) for t in point.setting.threshold if t < 256))  # fmt: skip
    console.print(table)
    before = found.before
    console.print(f"as it is: {verdict(int(before.counts.false.sum()), evidence.hours)}; "
                  f"{100 * before.counts.reject_rate:.1f} % false rejects", highlight=False)
    rates = [p.false_per_hour(evidence.hours) for p in points]
    curve = Curve("unheard speakers", rates, [p.counts.reject_rate for p in points])
    chosen = before.false_per_hour(evidence.hours), before.counts.reject_rate
    draw_tradeoff(picture, [curve], chosen, budget=_BUDGET)
    err.print(f"{picture}: the whole curve", highlight=False)


def _test(course: Course, card: Path | None) -> None:
    from ..speech.card import write_folds
    from ..speech.judging import summed

    scores: list[ClipScore] = []
    for _, score in course.folds():
        scores.append(score)
        console.print(_line(score), highlight=False)
    if not scores:
        raise TinysenseError("no clips to test on", "the recipe has none but for training")
    print_clips(summed(scores))
    if card is not None:
        write_folds(card, scores)


def _line(score: ClipScore) -> str:
    return (
        f"{score.name}: {score.right}/{score.total} clips of {score.speakers} unheard speakers "
        f"right, {100 * score.accuracy:.1f} %"
    )


def print_clips(score: ClipScore) -> None:
    """The confusion matrix and the accuracy."""
    table = Table(title="true \\ given")
    table.add_column("")
    for name in (*score.labels, "recall"):
        table.add_column(name, justify="right")
    for number, (name, row) in enumerate(zip(score.labels, score.confusion.tolist(), strict=True)):
        recall = f"{100 * row[number] / sum(row):.0f} %" if sum(row) else "-"
        table.add_row(name, *map(str, row), recall)
    console.print(table)
    console.print(_line(score), highlight=False)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[word]}"),
        TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip
