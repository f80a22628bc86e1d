"""tinysense demo."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from tinysense_host.commands.options import Board, Port
from tinysense_host.commands.screen import console, size
from tinysense_host.commands.setup import setup_and_tell
from tinysense_host.device import connect
from tinysense_host.errors import TinysenseError
from tinysense_host.link.wire import Event, Message
from tinysense_host.monitor.text import event_line

if TYPE_CHECKING:
    from tinysense_host.bench import Cost
    from tinysense_host.dataset import Dataset, Segment
    from tinysense_host.demo import Judged, Plan
    from tinysense_host.deploy.upload import UploadResult
    from tinysense_host.device import Device
    from tinysense_host.training.train import Trained
    from tinysense_host.verify import Report

__all__ = ["demo"]

_DEFAULT_BOARD = "QEMU_M4F"


def demo(
    recipe: Annotated[Path, typer.Argument(help="Folder of a recipe.")] = Path("models/gesture"),
    port: Port = None,
    board: Board = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what it makes.")] = Path(
        "build/demo"
    ),
    per_label: Annotated[
        int, typer.Option(min=1, max=50, help="Gestures of each kind per simulated person.")
    ] = 6,
) -> None:
    """Show the whole loop: record, label, train, convert, upload, watch.

    On a virtual board (QEMU_M4F unless --board names another) or a real one
    (--port). Simulated people move; the folder --out is made anew.
    """
    from tinysense_host import demo as loop
    from tinysense_host.training.recipe import load_recipe

    board = board or (None if port else _DEFAULT_BOARD)
    _make_anew(out)
    plan = loop.Plan(out, load_recipe(recipe).quickened(), per_label)
    _step(1, "a board", f"tinysense setup {_where(port, board)}")
    with connect(port, board) as device:
        setup_and_tell(device)
        recorded = _record(plan, device)
        train_on, unseen = loop.split(recorded)
        trained = _train(plan, recorded, train_on, unseen)
        _prove(plan, unseen, device)
        _step(5, "upload", f"tinysense upload {plan.tsm} {_where(port, board)}")
        done = _upload(plan, device)
        judged = _watch(plan, unseen, device)
    _step(7, "what it cost", f"tinysense bench {plan.tsm} {_where(port, board)}")
    cost = loop.cost_of(trained, board, port)
    _tell(plan, judged, cost, done)


def _make_anew(out: Path) -> None:
    """Empties the folder of an earlier demo, and no other; held until the command ends."""
    mark = out / ".tinysense-demo"
    if out.exists() and not out.is_dir():
        raise TinysenseError(f"{out} is no folder", "give another: --out DIR")
    if out.exists() and any(out.iterdir()) and not mark.exists():
        raise TinysenseError(f"{out} holds something else", "give another folder: --out DIR")
    out.mkdir(parents=True, exist_ok=True)
    _held.append(_hold(mark))
    for old in out.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        elif old != mark:
            old.unlink()


_held: list[IO[str]] = []    # a lock ends with its file


def _hold(mark: Path) -> IO[str]:
    """The folder's mark, locked: a second demo would empty the folder under the first."""
    file = mark.open("a")
    try:
        import fcntl
    except ImportError:    # no such locks on Windows
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise TinysenseError(f"another demo works in {mark.parent}",
                             "wait for it, or give another folder: --out DIR") from error
    return file


def _where(port: str | None, board: str | None) -> str:
    return f"--port {port}" if port else f"--board {board}"


def _step(number: int, what: str, command: str) -> None:
    console.print(f"\n[bold]{number}  {what}[/bold]   [dim]{command}[/dim]")


def _record(plan: Plan, device: Device) -> Dataset:
    from tinysense_host import demo as loop
    from tinysense_host.dataset import Dataset

    _step(2, "record and label", "tinysense capture --label ring --seconds 2 --count 6")
    source, into = loop.simulated(plan), Dataset(plan.folder / "recorded")
    total = len(source.segments())
    frames = lost = 0
    with _bars() as bars:
        task = bars.add_task("replayed, recorded, labelled", total=total)

        def done(segment: Segment, take: object) -> None:
            nonlocal frames, lost
            frames += len(take.frames)  # type: ignore[attr-defined]
            lost += sum(gap.lost for gap in take.gaps)  # type: ignore[attr-defined]
            bars.update(task, advance=1, description=f"{segment.person} {segment.label}")

        changed = loop.capture_all(device, source, into, done)
    console.print(
        f"{total} movements of {loop.PEOPLE} simulated people, {frames} frames through the board's "
        f"driver: {lost} lost, {changed} changed; in {into.path}"
    )
    return into


def _train(
    plan: Plan, recorded: Dataset, train_on: Sequence[Segment], unseen: Sequence[Segment]
) -> Trained:
    from tinysense_host import demo as loop

    _step(3, "train, quantise, convert", f"tinysense train {plan.recipe.path} --quick")
    with _bars() as bars:
        task = bars.add_task("training", total=None)

        def progress(step: int, steps: int, loss: float) -> None:
            bars.update(task, completed=step, total=steps, description=f"loss {loss:.3f}")

        trained = loop.train_on(plan, recorded, {s.person for s in unseen}, progress)
    people = len({s.person for s in train_on})
    console.print(
        f"{plan.tsm}: {size(len(trained.tsm))}, int8, trained on {people} people; "
        f"{', '.join(sorted({s.person for s in unseen}))} were kept apart"
    )
    return trained


def _prove(plan: Plan, unseen: Sequence[Segment], device: Device) -> None:
    from tinysense_host import demo as loop

    _step(4, "prove it equal to the bit", f"tinysense verify {plan.tsm} --tflite {plan.tflite}")
    with console.status("TensorFlow Lite's reference kernels, this computer, the board"):
        reports = loop.prove(plan, unseen, device)
    for where, report in zip(("this computer", "the board"), reports, strict=True):
        _expect_equal(where, report)
        console.print(f"{report.equal}/{report.total} outputs equal to TensorFlow Lite on {where}")


def _expect_equal(where: str, report: Report) -> None:
    if not report.ok:
        raise TinysenseError(
            f"{report.equal} of {report.total} outputs are equal on {where}: {report.first}",
            "please report this with the two model files",
        )


def _upload(plan: Plan, device: Device) -> UploadResult:
    from tinysense_host.deploy.upload import upload

    done = upload(device, plan.tsm)
    console.print(
        f"{done.path} on the board: {done.golden_equal}/{done.golden_count} golden outputs equal"
    )
    return done


def _watch(plan: Plan, unseen: Sequence[Segment], device: Device) -> list[Judged]:
    from tinysense_host import demo as loop

    _step(6, "watch people it never saw", "tinysense monitor --replay RECORDING")

    def show(message: Message) -> None:
        if isinstance(message, Event):
            console.print(event_line(message))

    judged, seen = loop.judge(plan, unseen, device, show)
    console.print(
        f"{seen.end.get('windows')} windows, {seen.end.get('events')} events, "
        f"{seen.end.get('lost')} frames lost, in {seen.seconds:.1f} s"
    )
    return judged


def _tell(plan: Plan, judged: Sequence[Judged], cost: Cost, done: UploadResult) -> None:
    from tinysense_host import demo as loop

    labels = plan.recipe.labels
    quiet = labels[plan.recipe.background[0]]
    console.print("what people did (rows), what the board said (columns)")
    table = Table()
    table.add_column("")
    for name in labels:
        table.add_column("nothing" if name == quiet else name, justify="right")
    table.add_column("several", justify="right")
    counts = loop.confusion(plan, judged)
    for name, row in zip(labels, counts.tolist(), strict=True):
        table.add_row(name, *map(str, row))
    console.print(table)
    right = int(counts.trace())
    console.print(f"{right}/{len(judged)} right on people it never saw")
    console.print(
        f"cost: arena {size(cost.arena_bytes)} of RAM, model {size(done.file_bytes)} of flash, "
        f"{cost.total:,} {cost.unit} per inference ({cost.macs:,} multiply-accumulates)"
    )


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console,
        transient=True,
    )  # fmt: skip
