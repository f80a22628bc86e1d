"""Leave one person out, for everyone: the honest number of a recipe.

Every fold is trained from the start by the same recipe; its threshold is
chosen on the people it was trained on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.evaluate import Score, choose_threshold, evaluate, save_windows
from tinysense_host.files import write_atomically
from tinysense_host.training.folds import Example, Fold, folds_of
from tinysense_host.training.recipe import Recipe
from tinysense_host.training.train import Trained, train

__all__ = [
    "cross_validate",
    "fold_table",
    "load_scores",
    "save_scores",
    "summary",
    "train_with_threshold",
]

SCORES = "folds.json"


def train_with_threshold(recipe: Recipe, examples: Sequence[Example], **options: Any) -> Trained:
    """train(), with the threshold that these examples ask for."""
    least = recipe.decision.threshold
    return train(
        recipe,
        examples,
        choose_threshold=lambda tsm: choose_threshold(tsm, examples, least),
        **options,
    )


def cross_validate(
    recipe: Recipe,
    examples: Sequence[Example],
    *,
    out: Path | None = None,
    only: Sequence[str] = (),
    done: Callable[[Score], None] | None = None,
) -> list[Score]:
    """Trains and tests every fold; ``done`` hears each score as it comes.

    ``out`` gets fold_NAME.tflite, .tsm and .windows.npz of every fold, so that
    a board can be compared on every test window: `tinysense verify fold_NAME.tsm
    --tflite fold_NAME.tflite --windows fold_NAME.windows.npz --board QEMU_M4F`.
    """
    folds = folds_of(examples, recipe.background)
    strange = set(only) - {fold.name for fold in folds}
    if strange:
        raise TinysenseError(
            f"no fold named {', '.join(sorted(strange))}",
            f"there are {', '.join(fold.name for fold in folds)}",
        )
    scores = []
    for number, fold in enumerate(folds):
        if only and fold.name not in only:
            continue
        trained = train_with_threshold(recipe, fold.train, seed=recipe.training.seed * 100 + number)
        score = evaluate(trained.tsm, fold.test, fold.name)
        scores.append(score)
        if out is not None:
            _keep(out, recipe, fold, trained)
        if done is not None:
            done(score)
    return scores


def _keep(out: Path, recipe: Recipe, fold: Fold, trained: Trained) -> None:
    out.mkdir(parents=True, exist_ok=True)
    stem = out / f"fold_{fold.name}"
    write_atomically(stem.with_suffix(".tflite"), trained.tflite)
    write_atomically(stem.with_suffix(".tsm"), trained.tsm)
    save_windows(stem.with_suffix(".windows.npz"), fold.test, recipe.window)


def summary(scores: Sequence[Score]) -> Score:
    """All folds as one score; ``accuracy`` of it weighs windows, not people."""
    if not scores:
        raise TinysenseError("no fold was tested")
    return replace(
        scores[0],
        name="all",
        confusion=np.sum([s.confusion for s in scores], axis=0),
        false_events=sum(s.false_events for s in scores),
        hours=sum(s.hours for s in scores),
        short_false=sum(s.short_false for s in scores),
        short=sum(s.short for s in scores),
        detected=sum(s.detected for s in scores),
        missed=sum(s.missed for s in scores),
        threshold=max(s.threshold for s in scores),
    )


def fold_table(scores: Sequence[Score]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: one per fold, then mean and worst."""
    header = [
        "person", "windows", "right", "accuracy", "gestures", "one right event", "no event",
        "background", "false events", "short background", "with an event", "threshold",
    ]  # fmt: skip
    rows = [_row(score) for score in scores]
    accuracies = [score.accuracy for score in scores]
    everything = _row(summary(scores))
    everything[0], everything[3], everything[-1] = "mean", _percent(float(np.mean(accuracies))), ""
    worst = ["worst", "", "", _percent(min(accuracies)), *[""] * (len(header) - 4)]
    return header, [*rows, everything, worst]


def _row(s: Score) -> list[str]:
    return [
        s.name, str(s.total), str(s.right), _percent(s.accuracy), str(s.gestures),
        str(s.detected), str(s.missed), f"{s.hours * 3600:.0f} s", str(s.false_events),
        str(s.short), str(s.short_false), str(s.threshold),
    ]  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def save_scores(path: Path, scores: Sequence[Score]) -> None:
    """Writes scores as JSON."""
    rows = [asdict(s) | {"confusion": s.confusion.tolist()} for s in scores]
    write_atomically(path, (json.dumps(rows, indent=1) + "\n").encode())


def load_scores(path: Path) -> list[Score]:
    """Reads what save_scores wrote."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [
            Score(
                **row
                | {
                    "confusion": np.array(row["confusion"], np.int64),
                    "labels": tuple(row["labels"]),
                    "background": tuple(row["background"]),
                }
            )
            for row in rows
        ]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise TinysenseError(
            f"{path} holds no fold scores", "make them with `tinysense train --folds`"
        ) from error
