"""tinysense doctor."""

from __future__ import annotations

import json
from contextlib import closing

import typer
from rich.text import Text

from tinysense_host.commands.options import All, Board, Interrupt, Json, Ports, TransportName
from tinysense_host.commands.screen import console, plain
from tinysense_host.commands.several import at_once, several
from tinysense_host.doctor.checks import (
    FAIL,
    OK,
    WARN,
    Check,
    Finding,
    Patient,
    examine,
    host_checks,
)
from tinysense_host.errors import TinysenseError

__all__ = ["doctor"]

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}


def _checks() -> tuple[Check, ...]:
    """All of them; those of the board in a try of their own: a package may be missing."""
    found = host_checks()
    try:
        from tinysense_host.doctor.board import board_checks
    except ImportError:
        return found
    return found + board_checks()


def _tell(finding: Finding) -> None:
    line = Text(f"{finding.state:<8}", _STYLES[finding.state])
    line.append(f"{finding.check:<11} {plain(finding.text)}", "dim" * (finding.state == "skipped"))
    if finding.remedy and finding.state != "ok":
        line.append(f". {plain(finding.remedy)}")
    console.print(line)


def _examined(patient: Patient) -> None:
    """A row of the table of several boards: how many checks are well, and which are not."""
    found = list(examine(patient, _checks()))
    console.print(f"{sum(finding.state == OK for finding in found)} checks are well")
    bad = [finding for finding in found if finding.state in (WARN, FAIL)]
    told = [f"{finding.check}: {finding.text}" for finding in bad]
    if any(finding.state == FAIL for finding in bad):
        raise TinysenseError("; ".join(told))
    for line in told:
        console.print(plain(line), markup=False)


def doctor(
    port: Ports = None,
    every: All = False,
    board: Board = None,
    transport: TransportName = None,
    interrupt: Interrupt = False,
    as_json: Json = False,
) -> None:
    """Check cable, port, firmware, package, config, model and sensor; one line each.

    Stops what the board runs. Ends with status 1 where a check fails. Of several
    boards only what is not well is shown.
    """
    if several(port, board, every, "--json" if as_json else ""):
        at_once(_examined, lambda where: closing(Patient(where.port, None, transport,
                                                         interrupt or None)),
                port or [], every, transport)
        return
    one = port[0] if port else None
    patient, found = Patient(one, board, transport, interrupt or None), []
    try:
        for finding in examine(patient, _checks()):
            found.append(finding)
            if not as_json:
                _tell(finding)
    finally:
        patient.close()
    if as_json:
        print(json.dumps([finding.as_dict() for finding in found]))
    if any(finding.state == FAIL for finding in found):
        raise typer.Exit(1)
