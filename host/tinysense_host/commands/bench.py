"""tinysense bench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from tinysense_host.commands.options import Board, Json, Port, TransportName
from tinysense_host.commands.screen import console, size
from tinysense_host.errors import TinysenseError

if TYPE_CHECKING:
    from tinysense_host.bench import Cost, OpCost

__all__ = ["bench"]

_DEFAULT_BOARD = "QEMU_M4F"


def _row(i: int, op: OpCost) -> list[str]:
    shape = " x ".join(str(d) for d in op.shape)
    each = f"{op.cost / op.macs:.2f}" if op.macs else ""
    name = f"{'  ' * op.inside}{i} {op.name}"
    return [name, shape, str(op.macs or ""), str(op.cost), each, str(op.constant_bytes or ""),
            str(op.tensor_bytes)]


def _show(cost: Cost, where: str) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("op")
    table.add_column("output")
    for title in ("multiply-adds", cost.unit, "per MAC", "constant bytes", "tensor bytes"):
        table.add_column(title, justify="right")
    for i, op in enumerate(cost.ops):
        table.add_row(*_row(i, op))
    console.print(table)
    rate = f", {cost.total / cost.macs:.2f} per multiply-add" if cost.macs else ""
    load = f", {cost.load} to load" if cost.load is not None else ""
    console.print(
        f"{cost.total} {cost.unit} per inference on {where}{rate}{load}; "
        f"model {size(cost.model_bytes)}, arena {size(cost.arena_bytes)}"
    )


def bench(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A .tflite or a .tsm.")],
    board: Board = None,
    port: Port = None,
    core: Annotated[str | None, typer.Option(
        help="An emulated core without MicroPython: cortex-m4, cortex-m0plus ...")] = None,
    portable: Annotated[bool, typer.Option(
        "--portable", help="Do not pack the model for the core.")] = False,
    as_json: Json = False,
    transport: TransportName = None,
) -> None:
    """Count the instructions of one inference.

    The model is packed for the core that it runs on. On an emulated board
    (QEMU_M4F unless --board names another) or core (--core, quicker) executed
    instructions are counted, exactly and the same in every run; instructions
    are not cycles. On a real board (--port) the time is measured.
    """
    from tinysense_host import verify

    if core is not None and (board or port):
        raise TinysenseError("--core stands alone: it is no board", "Leave --board and --port away")
    blob = verify.open_model(source).blob
    if core is not None:
        cost, where = _on_core(core, source, blob, portable), core
    else:
        chosen = _DEFAULT_BOARD if board is None and port is None else board
        cost = _on_board(blob, chosen, port, transport, portable)
        where = str(chosen or port)
    if as_json:
        print(json.dumps(cost.as_dict()))
    else:
        _show(cost, where)


def _on_core(core: str, source: Path, blob: bytes, portable: bool) -> Cost:
    from tinysense_host.barecore import load_core
    from tinysense_host.benchcore import costs_on_core, fit

    chosen = load_core(core)
    if not chosen.counts:
        raise TinysenseError(f"nothing counts instructions on {core}", "Take cortex-m4, say")
    files = (blob, None) if portable else fit(blob, chosen.target)
    found = next(iter(costs_on_core(chosen, [(source.stem, *files)])))
    if isinstance(found, TinysenseError):
        raise found
    return found


def _on_board(blob: bytes, board: str | None, port: str | None, transport: str | None,
              portable: bool) -> Cost:
    from tinysense_host import bench as meter
    from tinysense_host.benchboard import open_board, target_of
    from tinysense_host.benchcore import fit

    with open_board(board, port, transport, icount=True) as device:
        packed = blob if portable else fit(blob, target_of(device))[0]
        return meter.measure(device, packed)
