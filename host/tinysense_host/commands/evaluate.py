"""`tinysense evaluate`: how good a model is on recordings."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tinysense_host.commands.options import Json
from tinysense_host.commands.screen import console, err
from tinysense_host.commands.tables import print_confusion, print_folds
from tinysense_host.errors import TinysenseError

if TYPE_CHECKING:
    from tinysense_host.evaluate import Score

__all__ = ["evaluate"]


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="A .tsm; or the folder that `train --folds` wrote.")
    ],
    recordings: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[DATA]...", help="For a model that hears: folders DIR/WORD/*.wav."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Dataset or recordings the model never saw.")
    ] = None,
    negatives: Annotated[
        list[Path] | None,
        typer.Option(help="Sound without the words, a file or a folder; may be repeated."),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="Recipe that says how recordings are read; else the model says it."),
    ] = None,
    alone: Annotated[
        bool,
        typer.Option("--alone", help="Clips judged each by itself from a reset, as in benchmarks."),
    ] = False,
    json_: Json = False,
) -> None:
    """Score a model through the core on this computer: windows, streams, false events per hour."""
    from tinysense_host.training.crossval import SCORES, load_scores, summary

    given = [*(recordings or []), *([data] if data else [])]
    if model.is_file() and _hears(model):
        _evaluate_sound(model, given, negatives or [], alone, json_)
        return
    if negatives or alone or len(given) > 1:
        raise TinysenseError(f"{model} does not hear: it takes one --data and no --negatives")
    data = given[0] if given else None
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


def _hears(path: Path) -> bool:
    from tinysense_host.modelfile import ModelFile

    return (ModelFile.load(path).meta.get("sensor") or {}).get("units") == "pcm"


def _evaluate_sound(
    path: Path, data: list[Path], negatives: list[Path], alone: bool, json_: bool
) -> None:
    from tinysense_host.commands.tune import gathered
    from tinysense_host.speech import evaluating
    from tinysense_host.speech.streams import first_score_s
    from tinysense_host.speech.tradeoff import poisson_bound
    from tinysense_host.speech.tuning import evidence_of, setting_of

    if not data:
        raise TinysenseError("no recordings given", "give folders of clips: DIR/WORD/*.wav")
    model, found, evidence = gathered(path.read_bytes(), data, negatives)
    seen_s, setting = first_score_s(model), setting_of(model)
    score = evaluating.score_of(evidence, setting, seen_s, path.stem)
    if alone:
        tracks = evaluating.alone(model, found.clips(model.sensor.rate_mhz / 1000))
        single = evaluating.confusion_of(evidence_of(model, tracks), setting, seen_s)
        score = dataclasses.replace(score, confusion=single)
    if json_:
        print(json.dumps(_plain(score)))
        return
    print_confusion(score, "clips", "words")
    if score.hours:
        bound = poisson_bound(score.false_events) / score.hours
        console.print(f"with 95 % confidence below {bound:.2f} false events per hour")


def _score(path: Path, data: Path | None, recipe: Path | None) -> Score:
    from tinysense_host import evaluate as evaluating
    from tinysense_host.modelfile import ModelFile
    from tinysense_host.training import folds, sources
    from tinysense_host.training.recipe import Reading, load_recipe

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
