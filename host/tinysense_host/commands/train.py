"""`tinysense train`: a recipe and recordings to a model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tinysense_host.commands.screen import console, err
from tinysense_host.commands.tables import print_confusion, print_folds
from tinysense_host.errors import TinysenseError

if TYPE_CHECKING:
    from tinysense_host.evaluate import Score

__all__ = ["train"]


def train(
    recipe: Annotated[Path, typer.Argument(help="Folder of a recipe, e.g. models/gesture.")],
    data: Annotated[
        Path | None,
        typer.Option(help="Dataset or recordings; by default the recipe's, else the simulator."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the model; build/NAME.")
    ] = None,
    folds: Annotated[
        bool, typer.Option("--folds", help="Test instead: leave every person out once.")
    ] = False,
    only: Annotated[
        list[str] | None, typer.Option(help="Only the fold of this person; may be repeated.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With the values of the recipe's table quick.")
    ] = False,
    card: Annotated[
        Path | None, typer.Option(help="Write the results into this model card.")
    ] = None,
) -> None:
    """Train, quantise and pack the model of a recipe, or test the recipe on unseen people."""
    from tinysense_host.training import folds as folding
    from tinysense_host.training import sources
    from tinysense_host.training.recipe import Recipe, load_any_recipe

    chosen = load_any_recipe(recipe)
    chosen = chosen.quickened() if quick else chosen
    folder = out or Path("build") / chosen.name
    if card is not None and not card.is_file():
        raise TinysenseError(f"no model card at {card}", "it must be there to be filled in")
    if not isinstance(chosen, Recipe):
        from tinysense_host.commands.train_speech import train_speech

        if only:
            raise TinysenseError("--only is for recipes for motion", "take --folds")
        train_speech(chosen, data, folder, folds, card)
        return
    with sources.opened(chosen, data) as (dataset, where):
        examples = folding.examples_of(dataset, chosen)
        console.print(f"{len(examples)} examples from {where}", highlight=False)
        if folds or only:
            _test(chosen, examples, folder, only or [], card)
        else:
            _train(chosen, examples, folder, card)


def _train(recipe: Any, examples: Any, folder: Path, card: Path | None) -> None:
    from tinysense_host.card import write_model
    from tinysense_host.files import write_atomically
    from tinysense_host.training.crossval import train_with_threshold

    with _progress() as bar:
        task = bar.add_task("training", total=None, loss="")
        trained = train_with_threshold(recipe, examples, progress=_report(bar, task))
    folder.mkdir(parents=True, exist_ok=True)
    for suffix, content in (("tflite", trained.tflite), ("tsm", trained.tsm)):
        write_atomically(folder / f"{recipe.name}.{suffix}", content)
    if card is not None:
        write_model(card, recipe, trained, examples)
    console.print(
        f"{folder / recipe.name}.tsm  {len(trained.tsm)} bytes, threshold {trained.threshold}",
        highlight=False,
    )


def _report(bar: Progress, task: Any) -> Callable[[int, int, float], None]:
    def report(step: int, steps: int, loss: float) -> None:
        bar.update(task, completed=step, total=steps, loss=f"loss {loss:.3f}")

    return report


def _test(recipe: Any, examples: Any, folder: Path, only: list[str], card: Path | None) -> None:
    from tinysense_host.card import write_folds
    from tinysense_host.training.crossval import SCORES, cross_validate, save_scores, summary

    def done(score: Score) -> None:
        console.print(
            f"{score.name:12} {score.right}/{score.total} right, {100 * score.accuracy:.2f} %",
            highlight=False,
        )

    scores = cross_validate(recipe, examples, out=folder, only=only, done=done)
    save_scores(folder / SCORES, scores)
    print_folds(scores)
    print_confusion(summary(scores))
    if card is not None:
        write_folds(card, scores)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(), console=err, transient=True, disable=not err.is_terminal,
    )  # fmt: skip
