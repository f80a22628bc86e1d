"""`tinysense synth`: clips of a phrase, its near misses and other speech, by synthetic voices."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ..errors import TinysenseError
from .screen import console, err

__all__ = ["synth"]


def synth(
    phrases: Annotated[
        list[str] | None, typer.Argument(help='What to say, as "hey pico"; several: a label each.')
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder: a folder of clips for each label.")
    ] = None,
    voices: Annotated[
        str, typer.Option(help="all, espeak, flite, piper or speakers, by commas; !NAME: without.")
    ] = "all",
    piper: Annotated[
        list[Path] | None, typer.Option(help="A Piper voice, NAME.onnx; may be repeated.")
    ] = None,
    count: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Clips of each phrase.")
    ] = 2000,
    near: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Clips of what is nearly a phrase.")
    ] = 2000,
    other: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Clips of other speech.")
    ] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other clips.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="How many speak at once.")] = 2,
) -> None:
    """Make training data for a wake word from its text; what is there already stays."""
    from ..speech import synthesis
    from ..speech import voices as voicing

    there = voicing.installed(piper or [])
    if voices == "list":
        for voice in there:
            console.print(voice.speaker, markup=False)
        return
    if not phrases or out is None:
        raise TinysenseError("a phrase and a folder are needed",
                             'as in: tinysense synth "hey pico" -o clips')  # fmt: skip
    taken = voicing.chosen(there, voices)
    counts = synthesis.Counts(count, near, other)
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                  TimeRemainingColumn(), console=err, transient=True,
                  disable=not err.is_terminal) as bar:  # fmt: skip
        task = bar.add_task("speaking", total=None)
        plan = synthesis.synthesise(
            phrases, out, taken, counts, seed=seed, workers=jobs,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    for label, clips in Counter(one.label for one in plan).items():
        console.print(f"{label:16} {clips} clips", markup=False)
    console.print(f"{len(taken)} voices -> {out}", markup=False)
