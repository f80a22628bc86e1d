"""Scores as text tables, for the commands that print them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from tinysense_host.commands.screen import console

if TYPE_CHECKING:
    from tinysense_host.evaluate import Score

__all__ = ["confusion_table", "print_confusion", "print_folds"]


def confusion_table(score: Score) -> Table:
    """Rows are what was done, columns what the model said."""
    table = Table(title="true \\ given")
    table.add_column("")
    for name in (*score.labels, "recall"):
        table.add_column(name, justify="right")
    for name, row in zip(score.labels, score.confusion.tolist(), strict=True):
        total = sum(row)
        recall = f"{100 * row[score.labels.index(name)] / total:.1f} %" if total else "-"
        table.add_row(name, *map(str, row), recall)
    return table


def print_confusion(score: Score, windows: str = "windows", gestures: str = "gestures") -> None:
    """The confusion matrix, then accuracy, events and false events in words."""
    console.print(confusion_table(score))
    lines = [f"{score.right}/{score.total} {windows} right: {100 * score.accuracy:.2f} %"]
    if score.gestures:
        lines.append(
            f"streamed: {score.detected}/{score.gestures} {gestures} made one event, "
            f"the right one; {score.missed} made none"
        )
    if score.short:
        lines.append(f"{score.short_false}/{score.short} short background movements made an event")
    if score.hours:
        lines.append(
            f"{score.false_events} false events in {score.hours * 3600:.0f} s of background: "
            f"{score.false_events / score.hours:.1f} per hour"
        )
    console.print("\n".join(lines), highlight=False)


def print_folds(scores: Sequence[Score]) -> None:
    """One row per person, then mean and worst."""
    from tinysense_host.training.crossval import fold_table

    header, rows = fold_table(scores)
    table = Table()
    for number, name in enumerate(header):
        table.add_column(name, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
