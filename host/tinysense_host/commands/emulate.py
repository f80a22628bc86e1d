"""tinysense emulate."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.screen import console
from tinysense_host.virtual import started

__all__ = ["emulate"]


def emulate(
    board: Annotated[str, typer.Argument(help="QEMU_M4F, QEMU_M0, ...: boards --virtual.")],
    fs: Annotated[Path | None, typer.Option(
        "--fs",
        help="Its flash: a file (UNIX: a folder); else the board's own in build/run.")] = None,
) -> None:
    """Start a virtual board and keep it running until Ctrl-C.

    Other terminals reach it with --board NAME, or with the --port printed.
    """
    with started(board, fs) as link:
        console.print(f"{board} on {link} ({os.path.realpath(link)}); Ctrl-C ends it")
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
    console.print(f"{board} ended")
