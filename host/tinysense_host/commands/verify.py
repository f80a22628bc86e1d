"""tinysense verify."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysense_host.commands.options import Board, Port, TransportName
from tinysense_host.commands.screen import console, err

if TYPE_CHECKING:
    from tinysense_host.verify import Runner

__all__ = ["verify"]


@contextlib.contextmanager
def _runner(
    blob: bytes, board: str | None, port: str | None, transport: str | None
) -> Iterator[Runner]:
    from tinysense_host.verify import HostRunner

    if board is None and port is None:
        yield HostRunner(blob)
        return
    from tinysense_host.benchboard import open_board
    from tinysense_host.modelfile import ModelFile
    from tinysense_host.ondevice import BoardModel
    from tinysense_host.packing import fit

    with open_board(board, port, transport) as device:
        given = ModelFile.read(blob)
        fitted = fit(given, device.info().kernels)
        model = BoardModel(device, blob if fitted is given else fitted.write())
        try:
            yield model
        finally:
            with contextlib.suppress(Exception):  # a board that is gone has freed it all
                model.close()


def verify(
    source: Annotated[Path, typer.Argument(metavar="IN.tflite|OUT.tsm")],
    board: Board = None,
    port: Port = None,
    count: Annotated[int | None, typer.Option(
        "--count", "-n", min=0, max=100_000, show_default="100",
        help="Random inputs, beside the boundary ones.")] = None,
    tflite: Annotated[Path | None, typer.Option(
        help="The .tflite that a .tsm was made from, to try more than its golden vectors.")] = None,
    windows: Annotated[Path | None, typer.Option(
        metavar="FILE.npz", help="Raw windows to put through features and model as well; "
        "needs --tflite. `tinysense train --folds` writes them.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random inputs.")] = 0,
    transport: TransportName = None,
) -> None:
    """Prove outputs equal to TFLite's reference kernels, to the bit.

    Runs boundary and random inputs through the reference kernels and through
    the core here, or on a board, packed for its core. Vectors in <name>.golden.npz beside a .tflite
    are included. The .tflite beside a .tsm is taken if it was made from that; a
    .tsm alone is compared with its golden vectors. Exit status 1 where an
    output differs.
    """
    from tinysense_host import verify as verifier

    if tflite is None and find_spec("tensorflow"):
        tflite = verifier.source_beside(source)
    opened = verifier.open_model(source, tflite)
    if opened.tflite is None and count is not None:
        err.print("no random inputs: they need the .tflite, --tflite FILE", highlight=False)
    case = verifier.cases_of(opened, 100 if count is None else count, seed)
    todo = [(f"{source.name}: {{}} outputs equal", case)]
    if windows is not None:
        from tinysense_host.evaluate import load_windows

        case = verifier.windows_case(opened, load_windows(windows)[0])
        todo.append((f"{windows.name}: {{}} windows equal, features and outputs", case))
    with _runner(opened.blob, board, port, transport) as runner:
        reports = [verifier.compare(case, runner, opened.model.outputs) for _, case in todo]
    where = f" on {board or port}" if board or port else ""
    for (line, _), report in zip(todo, reports, strict=True):
        console.print(line.format(f"{report.equal}/{report.total}") + where)
        if report.first is not None:
            console.print(f"first difference: {report.first}")
    if not all(report.ok for report in reports):
        raise typer.Exit(1)
