"""tinysense models."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from tinysense_host.commands.options import All, Board, Interrupt, Json, Ports, TransportName
from tinysense_host.commands.screen import console, err, plain, size
from tinysense_host.commands.several import on_boards
from tinysense_host.deploy.slots import (
    BoardModels,
    Slot,
    SlottedModel,
    checked_name,
    remove,
    take_reports,
    use,
)
from tinysense_host.deploy.slots import models as models_of
from tinysense_host.device import Device
from tinysense_host.errors import TinysenseError

__all__ = ["models"]


def _state(model: SlottedModel, letter: str) -> str:
    state = model.slots[letter].state
    if letter != model.active:
        return state
    return f"active, {state}" + (f" for {model.left} windows" if state == "trial" else "")


def _row(model: SlottedModel, letter: str, slot: Slot, runs: bool) -> list[str]:
    return ["*" if runs and letter == model.active else "", model.name, letter, size(slot.size),
            _state(model, letter), slot.uploaded, "yes" if slot.signed else "no", slot.sha256[:12]]


def _table(seen: BoardModels) -> Table:
    table = Table("runs", "model", "slot", "size", "state", "uploaded", "signed", "sha256",
                  box=None, pad_edge=False)
    for model in seen.models:
        for letter, slot in model.slots.items():
            table.add_row(*map(plain, _row(model, letter, slot, seen.runs == model.name)))
    return table


def _tell(seen: BoardModels) -> None:
    if seen.models:
        console.print(_table(seen))
    if seen.config is None:
        err.print(f"which one runs can't be told: {plain(seen.note)}", markup=False)
    elif not seen.runs:
        console.print(f"the file {plain(seen.config or 'model.tsm')} runs, if it is there",
                      markup=False)
    elif seen.named(seen.runs) is None:
        err.print(f"the board's config names the model {seen.runs}, which is not there: tinysense "
                  "upload, or tinysense sync --set model=", markup=False)


def models(
    port: Ports = None,
    every: All = False,
    board: Board = None,
    interrupt: Interrupt = False,
    use_name: Annotated[str | None, typer.Option(
        "--use", help="Make this model the one that runs where the config names none.")] = None,
    remove_name: Annotated[str | None, typer.Option(
        "--remove", help="Remove a model that does not run, with both its files.")] = None,
    transport: TransportName = None,
    as_json: Json = False,
) -> None:
    """Show the models on a board: which runs, what is in its other slot, and their states.

    A model on trial is good after its first windows; a bad one failed, and the one
    before it runs again.
    """
    if use_name is not None and remove_name is not None:
        raise TinysenseError("--use and --remove exclude each other", "give one")

    def work(device: Device) -> None:
        reports = take_reports(device) if device.remote else []
        if use_name is not None:
            seen = use(device, checked_name(use_name))
        elif remove_name is not None:
            seen = remove(device, checked_name(remove_name))
        else:
            seen = models_of(device)
        if as_json:
            print(json.dumps(asdict(seen) | {"runs": seen.runs,
                                            "reports": device.reports + reports}))
            return
        for report in reports:
            err.print(report, markup=False)
        _tell(seen)
        if use_name is not None and seen.runs != use_name:
            err.print(f"the board's config names {plain(seen.config or '')!r}, which runs all the "
                      "same: tinysense sync --set model=", markup=False)

    on_boards(work, port, board, transport, every, interrupt,
              alone="--json" if as_json else "")
