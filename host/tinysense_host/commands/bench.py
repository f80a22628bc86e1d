"""tinysense bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tinysense_host.commands.options import Board, Json, Port, TransportName
from tinysense_host.commands.screen import console, size

if TYPE_CHECKING:
    from tinysense_host.bench import Cost

__all__ = ["bench"]

_DEFAULT_BOARD = "QEMU_M4F"


def _show(cost: Cost, where: str) -> None:
    table = Table("op", "output", "multiply-adds", cost.unit, "per MAC", box=None, pad_edge=False)
    for i, op in enumerate(cost.ops):
        shape = " x ".join(str(d) for d in op.shape)
        each = f"{op.cost / op.macs:.2f}" if op.macs else ""
        table.add_row(f"{i} {op.name}", shape, str(op.macs or ""), str(op.cost), each)
    console.print(table)
    rate = f", {cost.total / cost.macs:.2f} per multiply-add" if cost.macs else ""
    console.print(
        f"{cost.total} {cost.unit} per inference on {where}{rate}; model {size(cost.model_bytes)}, "
        f"arena {size(cost.arena_bytes)}"
    )


def bench(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A .tflite or a .tsm.")],
    board: Board = None,
    port: Port = None,
    as_json: Json = False,
    transport: TransportName = None,
) -> None:
    """Count the instructions of one inference.

    On an emulated board (QEMU_M4F unless --board names another) executed
    instructions are counted, exactly and the same in every run; instructions
    are not cycles. On a real board (--port) the time is measured.
    """
    from tinysense_host import bench as meter
    from tinysense_host import verify
    from tinysense_host.benchboard import open_board

    chosen = _DEFAULT_BOARD if board is None and port is None else board
    opened = verify.open_model(source)
    with open_board(chosen, port, transport, icount=True) as device:
        cost = meter.measure(device, opened.blob)
    if as_json:
        print(json.dumps(cost.as_dict()))
    else:
        _show(cost, str(chosen or port))
