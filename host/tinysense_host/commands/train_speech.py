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
    from ..speech.tradeoff import Counts, Evidence, Setting

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
    """False accepts per hour against false rejects, for speakers and speech it never heard.

    Thresholds are chosen on one half of the speakers and told of the other.
    """
    from ..plots import Curve, draw_tradeoff
    from ..speech.unheard import counted, judged_unheard, unheard_evidence

    chosen_on, setting = unheard_evidence(course, tsm, 0)
    others, _ = unheard_evidence(course, tsm, 1)
    if not (chosen_on.hours and chosen_on.words.sum() and others.hours and others.words.sum()):
        err.print("too few unheard speakers for a trade-off: two with words and other speech "
                  "are needed", highlight=False)  # fmt: skip
        return
    found = judged_unheard(chosen_on, setting, _BUDGET)
    points = found.curves[setting.smooth]
    told = [counted(others, point.setting) for point in points]
    table = Table("thresholds", "false accepts per hour", "false rejects",
                  "others: per hour", "others: rejects")  # fmt: skip
    for point, there in list(zip(points, told, strict=True))[:: max(1, len(points) // 8)]:
        thresholds = " ".join(str(t) for t in point.setting.threshold if t < 256)
        table.add_row(thresholds, *_rates(point.counts, chosen_on), *_rates(there, others))
    console.print(table)
    best = found.best.setting
    for what, one in (("as it is", setting), (f"chosen for {_BUDGET:g} per hour", best)):
        console.print(_verdict(what, one, counted(others, one), others), highlight=False)
    rates = [float(c.false.sum() / others.hours) for c in told]
    curve = Curve("speakers that nothing was chosen on", rates, [c.reject_rate for c in told])
    now = counted(others, setting)
    chosen = float(now.false.sum() / others.hours), now.reject_rate
    draw_tradeoff(picture, [curve], chosen, budget=_BUDGET)
    err.print(f"{picture}: the whole curve", highlight=False)


def _rates(counts: Counts, evidence: Evidence) -> tuple[str, str]:
    return f"{counts.false.sum() / evidence.hours:.2f}", f"{100 * counts.reject_rate:.1f} %"


def _verdict(what: str, setting: Setting, counts: Counts, evidence: Evidence) -> str:
    from ..speech.tuning import verdict

    thresholds = " ".join(str(t) for t in setting.threshold if t < 256)
    return (f"{what} (threshold {thresholds or 'never'}): "
            f"{verdict(int(counts.false.sum()), evidence.hours)}; "
            f"{100 * counts.reject_rate:.1f} % false rejects")  # fmt: skip


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
