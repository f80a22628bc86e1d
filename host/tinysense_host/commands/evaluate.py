"""`tinysense evaluate`: how good a model is on recordings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TinysenseError
from .options import Json
from .screen import err
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
        Path | None,
        typer.Option(help="Recipe that says how recordings are read; else the model says it."),
    ] = None,
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


def _score(path: Path, data: Path | None, recipe: Path | None) -> Score:
    from .. import evaluate as evaluating
    from .. import folds, sources
    from ..modelfile import ModelFile
    from ..recipe import Reading, load_recipe

    if not path.is_file():
        raise TinysenseError(f"no model at {path}", "train one, or give another path")
    model = ModelFile.load(path)
    if data is not None:
        chosen = load_recipe(recipe) if recipe else Reading.of_model(model)
        with sources.given_at(data) as dataset:
            examples = folds.examples_of(dataset, chosen)
            return evaluating.evaluate(path.read_bytes(), examples, path.stem)
    named = load_recipe(recipe or _recipe_of(path, model.name))
    with sources.opened(named, None) as (dataset, where):
        score = evaluating.evaluate(path.read_bytes(), folds.examples_of(dataset, named), path.stem)
    err.print(  # not among the output, which may be JSON
        f"note: {where} may be what this model was trained on; "
        "`tinysense train --folds` tests on unseen people",
        highlight=False,
    )
    return score


def _recipe_of(path: Path, name: str) -> Path:
    """The recipe beside a model, or the one of its name: it knows where recordings come from."""
    for folder in (path.parent, Path("models") / name):
        if (folder / "recipe.toml").is_file():
            return folder
    raise TinysenseError(f"no recordings given, and no recipe of {name!r} here that names some",
                         "give recordings the model never saw: --data DIR")  # fmt: skip


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
