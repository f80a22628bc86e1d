"""tinysense emulate."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from tinysense_host.commands.screen import console
from tinysense_host.virtual import started, tell

__all__ = ["emulate"]


def _request(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as e:
        raise typer.BadParameter(f"expected a JSON object, got {text!r}: {e}") from e
    if not isinstance(value, dict):
        raise typer.BadParameter(f"expected a JSON object, got {text!r}")
    return value


def emulate(
    board: Annotated[str, typer.Argument(help="QEMU_M4F, VIRTUAL_PICO, ...: boards --virtual.")],
    fs: Annotated[Path | None, typer.Option(
        "--fs",
        help="Its flash: a file (UNIX: a folder); else the board's own in build/run.")] = None,
    requests: Annotated[list[str] | None, typer.Option(
        "--set", help="VIRTUAL_PICO: what its chips play and what is wrong, as JSON, e.g. "
        """'{"mpu6050": {"frames": "walk.csv", "odr": 1.03}}'; see boards/rp2040js.""")] = None,
    told: Annotated[str | None, typer.Option(
        "--tell", help="Tell the board that runs instead, as --set; prints its status.")] = None,
) -> None:
    """Start a virtual board and keep it running until Ctrl-C.

    Other terminals reach it with --board NAME, or with the --port printed.
    """
    if told is not None:
        print(json.dumps(tell(board, _request(told))))
        return
    with started(board, fs, tuple(map(_request, requests or ()))) as port:
        where = port if "://" in port else f"{port} ({os.path.realpath(port)})"
        console.print(f"{board} on {where}; Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    console.print(f"{board} ended")
