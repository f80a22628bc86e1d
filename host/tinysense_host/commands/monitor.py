"""tinysense monitor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live

from tinysense_host.commands.options import Board, Port, TransportName, finite
from tinysense_host.commands.run import read_any
from tinysense_host.commands.screen import console
from tinysense_host.device import connect
from tinysense_host.link.session import Playback, load_model, watch
from tinysense_host.link.wire import Event, Hello, Log, Message, Scores
from tinysense_host.monitor import event_line, score_line

__all__ = ["monitor"]


class _Screen:
    """Events scroll by, the newest scores stay below them; plain lines without a terminal."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._labels: list[str] = []

    def __call__(self, message: Message) -> None:
        if isinstance(message, Hello):
            self._labels = [str(name) for name in message.facts.get("labels", [])]
        elif isinstance(message, Scores):
            lost = f"  {message.lost} lost" if message.lost else ""
            self._now(score_line(message, self._labels) + lost)
        elif isinstance(message, Event):
            self._live.console.print(event_line(message), markup=False)
        elif isinstance(message, Log):
            self._live.console.print(message.text, markup=False)

    def _now(self, line: str) -> None:
        if self._live.console.is_terminal:
            self._live.update(line)
        else:
            self._live.console.print(line, markup=False)


def monitor(
    seconds: Annotated[float | None, typer.Option(
        "--seconds", "-s", min=0.0, callback=finite,
        help="Time by the driver's rate; else until Ctrl-C.")] = None,
    replay: Annotated[Path | None, typer.Option(
        "--replay", help="A recording (.parquet, .tsr) instead of the board's sensor.")] = None,
    port: Port = None,
    board: Board = None,
    transport: TransportName = None,
) -> None:
    """Watch the scores of every window, and the events, live."""
    playback = Playback(read_any(replay)) if replay else None
    with connect(port, board, transport) as device, Live(
            console=console, refresh_per_second=10, transient=True) as live:
        load_model(device)
        watch(device, seconds, on_message=_Screen(live), playback=playback)
