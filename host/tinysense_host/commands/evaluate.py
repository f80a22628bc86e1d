"""`tinysense evaluate`: how good a model is on recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TinysenseError
from .options import Json
from .screen import console
from .tables import print_confusion, print_folds

if TYPE_CHECKING:
    from ..evaluate import Score

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="A .tsm; or the folder that `train --folds` wrote.")
    ],
    data: Annotated[
        Path | None, typer.Option(help="Dataset or recordings the model never saw.")
    ] = None,
    recipe: Annotated[
        Path, typer.Option(help="Recipe that says how recordings are read.")
    ] = Path("models/gesture"),
    json_: Json = False,
) -> None:
    """Score a model through the core on this computer: windows, streams, false events per hour."""
    from ..crossval import SCORES, load_scores, summary

    if model.is_dir():
        scores = load_scores(model / SCORES)
        if not json_:
            print_folds(scores)
        score = summary(scores)
    else:
        score = _score(model, data, recipe)
    if json_:
        print(json.dumps(_plain(score)))
    else:
        print_confusion(score)


def _score(model: Path, data: Path | None, recipe: Path) -> Score:
    from .. import evaluate as evaluating
    from .. import folds, sources
    from ..recipe import load_recipe

    if not model.is_file():
        raise TinysenseError(f"no model at {model}", "train one, or give another path")
    chosen = load_recipe(recipe)
    with sources.opened(chosen, data) as (dataset, where):
        examples = folds.examples_of(dataset, chosen)
        score = evaluating.evaluate(model.read_bytes(), examples, model.stem)
    if data is None:
        console.print(
            f"note: {where} may be what this model was trained on; "
            "`tinysense train --folds` tests on unseen people",
            highlight=False,
        )
    return score


def _plain(score: Score) -> dict[str, Any]:
    return {
        "name": score.name, "windows": score.total, "right": score.right,
        "accuracy": score.accuracy, "labels": list(score.labels),
        "confusion": score.confusion.tolist(), "gestures": score.gestures,
        "detected": score.detected, "missed": score.missed,
        "false_events": score.false_events, "hours": score.hours,
        "short_background": score.short, "short_background_events": score.short_false,
        "threshold": score.threshold,
    }  # fmt: skip
