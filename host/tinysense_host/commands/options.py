"""Options that several commands share."""

from __future__ import annotations

import math
from typing import Annotated

import typer

__all__ = ["All", "Board", "Interrupt", "Json", "Port", "Ports", "TransportName", "finite"]


def finite(value: float | None) -> float | None:
    """A callback for numbers: an option's min and max let NaN through."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


Port = Annotated[str | None, typer.Option(
    "--port", "-p", help="Serial port, URL or name of the board; also TINYSENSE_PORT.")]
Ports = Annotated[list[str] | None, typer.Option(
    "--port", "-p", help="Serial port, URL or name of the board; also TINYSENSE_PORT. "
    "Several: at once, with a table of results.")]
All = Annotated[bool, typer.Option(
    "--all", help="Every board that is named or found here, at once.")]
Interrupt = Annotated[bool, typer.Option(
    "--interrupt", envvar="TINYSENSE_INTERRUPT", show_envvar=False,
    help="Stop a logger that records, too; also TINYSENSE_INTERRUPT=1.")]
Board = Annotated[str | None, typer.Option(
    "--board", "-b", help="A virtual board instead of a port, e.g. QEMU_M4F.")]
TransportName = Annotated[str | None, typer.Option(
    "--transport", help="mpremote (default) or ampy, for boards where mpremote fails.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
