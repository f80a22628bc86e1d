"""tinysense verify."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysense_host.commands.options import Board, Port, TransportName
from tinysense_host.commands.screen import console

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
    from tinysense_host.ondevice import BoardModel

    with open_board(board, port, transport) as device:
        model = BoardModel(device, blob)
        try:
            yield model
        finally:
            with contextlib.suppress(Exception):  # a board that is gone has freed it all
                model.close()


def verify(
    source: Annotated[Path, typer.Argument(metavar="IN.tflite|OUT.tsm")],
    board: Board = None,
    port: Port = None,
    count: Annotated[int, typer.Option(
        "--count", "-n", min=0, max=100_000,
        help="Random inputs, beside the boundary ones.")] = 100,
    tflite: Annotated[Path | None, typer.Option(
        help="The .tflite that a .tsm was made from, to try more than its golden vectors.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random inputs.")] = 0,
    transport: TransportName = None,
) -> None:
    """Prove outputs equal to TFLite's reference kernels, to the bit.

    Runs boundary and random inputs through the reference kernels and through
    the core here, or on a board. Vectors in <name>.golden.npz beside a .tflite
    are included; a .tsm alone is compared with its golden vectors. Exit status
    1 where an output differs.
    """
    from tinysense_host import verify as verifier

    opened = verifier.open_model(source, tflite)
    case = verifier.cases_of(opened, count, seed)
    with _runner(opened.blob, board, port, transport) as runner:
        report = verifier.compare(case, runner, opened.model.outputs)
    where = f" on {board or port}" if board or port else ""
    console.print(f"{source.name}: {report.equal}/{report.total} outputs equal{where}")
    if not report.ok:
        console.print(f"first difference: {report.first}")
        raise typer.Exit(1)
