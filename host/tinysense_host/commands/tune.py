"""`tinysense tune`: a model's decision from recordings, within a budget of false accepts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from ..errors import TinysenseError
from .options import Json, finite
from .screen import console, err, plain

if TYPE_CHECKING:
    from ..speech.material import Material
    from ..speech.tradeoff import Evidence, Point
    from ..speech.tuning import Tuned

_CURVES = 4     # in one picture, beside the chosen one

__all__ = ["gathered", "listening", "say_material", "tune"]


def tune(
    model: Annotated[Path, typer.Argument(metavar="MODEL.tsm", help="The model to tune.")],
    data: Annotated[list[Path], typer.Argument(
        metavar="DATA...", help="Folders DIR/WORD/*.wav the model never saw, or datasets.")],
    false_accepts: Annotated[float, typer.Option(
        min=0, callback=finite, help="How many per hour are allowed.")] = 0.5,
    negatives: Annotated[list[Path] | None, typer.Option(
        help="Sound without the words, a file or a folder; may be repeated.")] = None,
    smooth: Annotated[list[int] | None, typer.Option(
        min=1, max=255, help="Inferences that scores are averaged over; may be repeated. "
        "Default: the best.")] = None,
    refractory: Annotated[list[int] | None, typer.Option(
        min=0, max=60000, metavar="MS", help="Quiet after an event; may be repeated. "
        "Default: the best.")] = None,
    tolerance: Annotated[float, typer.Option(
        min=0.0, max=0.9, callback=finite,
        help="Seconds after a word's end in which its event may come.")] = 0.75,
    output: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="OUT.tsm", help="Write the model with the new decision.")] = None,
    plot: Annotated[Path | None, typer.Option(
        metavar="FILE", help="Draw the trade-off curve, .png or .svg.")] = None,
    json_: Json = False,
) -> None:
    """Choose smoothing, thresholds and refractory time within a budget of false accepts."""
    from ..files import write_atomically
    from ..modelfile import ModelFile
    from ..speech import tuning

    if plot is not None:
        from ..plots import check_picture

        check_picture(plot)
    if not model.is_file():
        raise TinysenseError(f"no model at {model}", "train one, or give another path")
    ModelFile.load(model)   # names the file where it is damaged
    tsm = model.read_bytes()
    heard, _, evidence = gathered(tsm, data, negatives or [], tolerance, words=True)
    with listening("trying") as report:
        tuned = tuning.tune(
            evidence, tuning.setting_of(heard), false_accepts, smooths=smooth or (),
            refractories=refractory or (),
            progress=lambda done, total: report(f"{done} of {total} averages"),
        )  # fmt: skip
    print(json.dumps(_plain(tuned))) if json_ else _say(tuned)
    if plot is not None:
        _draw(tuned, plot)
    if tuned.mute:
        raise TinysenseError(*_cannot(tuned))
    if output is not None:
        made = tuning.tuned_file(tsm, tuned.best.setting, evidence)
        kept = _keep(output, model)
        write_atomically(output, made)
        err.print(f"{output}: written{kept}", highlight=False)


# ---- hearing everything ----


def gathered(
    tsm: bytes, data: list[Path], negatives: list[Path], tolerance_s: float = 0.75,
    words: bool = False,
) -> tuple[Any, Material, Evidence]:  # fmt: skip
    """The model, what lies at the paths, and its scores over it; says what is read.

    ``words``: refuse to begin where no word of the model is among it.
    """
    from ..speech import evaluating, streams, tuning
    from ..speech.material import is_sound, material

    model = streams.load(tsm)
    found = material(model, tsm, data, negatives)
    say_material(found)
    if words and not found.has_words:
        raise tuning.no_words(model.labels, model.decision.get("background", ()))
    with listening("listening") as report:
        tracks = evaluating.listened(model, found.all_streams(model),
                                     lambda seconds: report(f"{seconds / 60:.1f} min"))  # fmt: skip
    if found.remarks:
        from ..sound.remarks import said

        for line in said(found.remarks):
            err.print(f"note: {plain(line)}", highlight=False)
    if not is_sound(model):
        tolerance_s = max(tolerance_s, model.window * 1000 / model.sensor.rate_mhz)
    return model, found, tuning.evidence_of(model, tracks, tolerance_s)


def say_material(found: Material) -> None:
    """Which folders count as what, among the notes."""
    table = Table("folder", "files", "counts as")
    for name, files, label in found.folders:
        table.add_row(plain(name), str(files), label)
    if found.folders:
        err.print(table)


@contextmanager
def listening(what: str) -> Iterator[Callable[[str], None]]:
    """A line that says how far it is; nothing where stderr is no terminal."""
    columns = SpinnerColumn(), TextColumn("{task.description}")
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        task = bars.add_task(what, total=None)
        yield lambda text: bars.update(task, description=f"{what}: {text}")


# ---- what was found ----


def _say(found: Tuned) -> None:
    from ..speech.tuning import verdict

    evidence = found.evidence
    best = found.nearest if found.mute and found.nearest else found.best
    console.print(_labels_table(evidence, best))
    setting, false = best.setting, int(best.counts.false.sum())
    average_ms = setting.smooth * evidence.hop_us / 1000
    console.print(
        f"smooth {setting.smooth} (average over {average_ms:.0f} ms), refractory "
        f"{setting.refractory_ms} ms\n{verdict(false, evidence.hours, found.budget)}\n"
        f"false rejects: {_rejects(best)}; as the model came: {_rejects(found.before)} at "
        f"{found.before.false_per_hour(evidence.hours):.2f} false accepts per hour",
    )
    console.print(_curve_table(found, setting.smooth))


def _rejects(point: Point) -> str:
    counts = point.counts
    return f"{counts.rejects.sum()} of {counts.words.sum()} ({100 * counts.reject_rate:.1f} %)"


def _labels_table(evidence: Evidence, point: Point) -> Table:
    table = Table("label")
    for name in ("threshold", "words", "detected", "rejected", "repeated", "wrong",
                 "false accepts", "per hour"):  # fmt: skip
        table.add_column(name, justify="right")
    counts = point.counts
    for i, label in enumerate(evidence.labels):
        if label in evidence.background:
            continue
        words, rejects = int(counts.words[i]), int(counts.rejects[i])
        share = f"{100 * rejects / words:.1f} %" if words else "-"
        table.add_row(
            plain(label), str(point.setting.threshold[i]), str(words), str(counts.detected[i]),
            share, str(counts.repeats[i]), str(counts.wrong[i]), str(counts.false[i]),
            f"{counts.false[i] / evidence.hours:.2f}",
        )  # fmt: skip
    return table


def _curve_table(found: Tuned, smooth: int) -> Table:
    """The trade-off at an average, a few points of it."""
    table = Table(title=f"trade-off, smooth {smooth}")
    for name in ("false accepts per hour", "false rejects", "errors"):
        table.add_column(name, justify="right")
    points = found.curves[smooth]
    step = max(1, len(points) // 8)
    for point in [*points[:-1:step], points[-1]]:
        table.add_row(f"{point.false_per_hour(found.evidence.hours):.2f}", _rejects(point),
                      str(point.counts.errors))  # fmt: skip
    return table


def _cannot(found: Tuned) -> tuple[str, str]:
    """Message and hint where the budget lets some labels never speak."""
    hours, mute = found.evidence.hours, ", ".join(found.mute)
    said = (f"{found.budget:g} false accepts per hour cannot be kept over these {hours:.2f} h "
            f"without making {mute} mute; nothing is written")  # fmt: skip
    if found.nearest is None:
        return said, f"no threshold lets {mute} speak: train with more recordings of it"
    near = found.nearest
    return said, (
        f"nearest: --smooth {near.setting.smooth} --false-accepts "
        f"{_up(near.false_per_hour(hours)):g} rejects {_rejects(near)}"
    )


def _up(value: float) -> float:
    """Rounded up to hundredths, so that it allows as much."""
    from math import ceil

    return ceil(value * 100 - 1e-9) / 100


def _keep(output: Path, model: Path) -> str:
    """Keeps the model where it is about to be replaced; what to say about that."""
    from ..files import write_atomically

    if not output.exists() or not output.samefile(model):
        return ""
    kept = model.with_name(model.name + ".bak")
    write_atomically(kept, model.read_bytes())
    return f"; the model as it was is {kept}"


def _draw(found: Tuned, path: Path) -> None:
    """The curves of a few averages, the chosen one among them."""
    from ..plots import Curve, draw_tradeoff

    hours, best = found.evidence.hours, found.best
    others = [n for n in found.curves if n != best.setting.smooth]
    shown = sorted({best.setting.smooth, *others[:: max(1, -(-len(others) // _CURVES))]})
    curves = []
    for smooth in shown:
        points = found.curves[smooth]
        curves.append(Curve(f"mean of {smooth}", [p.false_per_hour(hours) for p in points],
                            [p.counts.reject_rate for p in points]))  # fmt: skip
    chosen = best.false_per_hour(hours), best.counts.reject_rate
    draw_tradeoff(path, curves, chosen, budget=found.budget)


def _plain(found: Tuned) -> dict[str, Any]:
    def point(one: Point) -> dict[str, Any]:
        counts = one.counts
        return {
            "smooth": one.setting.smooth, "threshold": list(one.setting.threshold),
            "refractory_ms": one.setting.refractory_ms, "words": counts.words.tolist(),
            "detected": counts.detected.tolist(), "repeats": counts.repeats.tolist(),
            "wrong": counts.wrong.tolist(), "false_accepts": counts.false.tolist(),
            "false_accepts_per_hour": one.false_per_hour(found.evidence.hours),
            "false_reject_rate": counts.reject_rate,
        }  # fmt: skip

    return {
        "labels": list(found.evidence.labels), "hours": found.evidence.hours,
        "budget": found.budget, "mute": list(found.mute), "before": point(found.before),
        "best": point(found.best),
        "nearest": None if found.nearest is None else point(found.nearest),
        "curves": {str(n): [point(p) for p in points] for n, points in found.curves.items()},
    }  # fmt: skip
