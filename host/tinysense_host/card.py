"""Model cards: the parts of a README that a command writes, between two marks.

    <!-- begin: folds (tinysense train models/gesture --folds --card ...) -->
    <!-- end: folds -->
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from tinysense_host import __version__
from tinysense_host.errors import TinysenseError
from tinysense_host.evaluate import Score
from tinysense_host.files import write_atomically
from tinysense_host.modelfile import ModelFile
from tinysense_host.training.crossval import fold_table, summary
from tinysense_host.training.folds import Example
from tinysense_host.training.recipe import Recipe
from tinysense_host.training.train import Trained

__all__ = ["file_rows", "markdown", "replace_part", "write_folds", "write_model"]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [list(header), ["---"] + ["---:"] * (len(header) - 1), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replace_part(card: Path, name: str, content: str) -> None:
    """Puts ``content`` between the marks of part ``name``."""
    text = card.read_text(encoding="utf-8")
    marks = re.compile(
        rf"(<!-- begin: {re.escape(name)}\b[^\n]*-->\n).*?(<!-- end: {re.escape(name)} -->)", re.S
    )
    if not marks.search(text):
        raise TinysenseError(
            f"{card} has no part {name!r}", f"add <!-- begin: {name} --> and <!-- end: {name} -->"
        )
    new = marks.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)
    write_atomically(card, new.encode())


def write_folds(card: Path, scores: Sequence[Score]) -> None:
    """Per-fold table, confusion matrix and false events."""
    everything = summary(scores)
    header, rows = fold_table(scores)
    confusion = [
        [name, *map(str, row)]
        for name, row in zip(everything.labels, everything.confusion.tolist(), strict=True)
    ]
    per_hour = everything.false_events / everything.hours if everything.hours else 0.0
    text = [
        markdown(header, rows),
        "",
        "All folds together, rows true, columns given:",
        "",
        markdown(["", *everything.labels], confusion),
        "",
        f"Streamed: {everything.false_events} false events in {everything.hours * 3600:.0f} s "
        f"({everything.hours:.3f} h) of background, {per_hour:.1f} per hour.",
    ]
    replace_part(card, "folds", "\n".join(text))


def file_rows(name: str, tflite: bytes, tsm: bytes) -> list[list[str]]:
    """What any trained file is."""
    model = ModelFile.read(tsm)
    return [
        ["file", f"{name}.tsm, {len(tsm)} bytes"],
        ["SHA-256", hashlib.sha256(tsm).hexdigest()],
        ["made from", f"{name}.tflite, {len(tflite)} bytes"],
        ["SHA-256", hashlib.sha256(tflite).hexdigest()],
        ["made by", f"tinysense {__version__}"],
        ["arena", f"{model.arena_bytes} bytes"],
        ["golden vectors", str(len(model.gold) if model.gold else 0)],
    ]


def write_model(card: Path, recipe: Recipe, trained: Trained, examples: Sequence[Example]) -> None:
    """What the trained file is and what it was trained on."""
    counts = [sum(e.label == i for e in examples) for i in range(len(recipe.labels))]
    people = sorted({e.person for e in examples if e.person})
    rows = [
        *file_rows(recipe.name, trained.tflite, trained.tsm),
        ["threshold", f"{trained.threshold} / 256"],
        ["people", f"{len(people)}"],
        *[[f"examples of {n}", str(c)] for n, c in zip(recipe.labels, counts, strict=True)],
    ]
    replace_part(card, "model", markdown(["what", "value"], rows))
