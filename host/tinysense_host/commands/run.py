"""tinysense run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.options import Board, Interrupt, Json, Port, TransportName, finite
from tinysense_host.commands.screen import console, err
from tinysense_host.dataset import Recording, read_recording
from tinysense_host.deploy.board_package import check_package
from tinysense_host.device import connect
from tinysense_host.link.session import Playback, Watched, load_model, watch
from tinysense_host.link.wire import Event, Log, Message
from tinysense_host.monitor.text import event_line

__all__ = ["read_any", "run"]


def read_any(path: Path) -> Recording:
    """A recording of a dataset (.parquet) or of a board (.tsr)."""
    if path.suffix != ".tsr":
        return read_recording(path)
    from tinysense_host.importers import Facts, read_tsr

    return read_tsr(path, Facts()).recording


def _summary(seen: Watched) -> str:
    end = seen.end
    lost = f", {end.get('lost')} LOST" if end.get("lost") else ""
    return (f"{end.get('frames', 0)} frames{lost}, {end.get('windows', 0)} windows, "
            f"{end.get('events', 0)} events in {seen.seconds:.1f} s ({end.get('why', '?')})")


def run(
    seconds: Annotated[float | None, typer.Option(
        "--seconds", "-s", min=0.0, callback=finite,
        help="Time by the driver's rate; else until Ctrl-C.")] = None,
    replay: Annotated[Path | None, typer.Option(
        "--replay", help="A recording (.parquet, .tsr) instead of the board's sensor.")] = None,
    outputs: Annotated[bool, typer.Option(
        "--outputs/--no-outputs", help="Drive the configured outputs too.")] = True,
    port: Port = None,
    board: Board = None,
    interrupt: Interrupt = False,
    transport: TransportName = None,
    as_json: Json = False,
) -> None:
    """Run the pipeline on the board, as its config says, and print its events."""
    playback = Playback(read_any(replay)) if replay else None

    def show(message: Message) -> None:
        if isinstance(message, Event) and not as_json:
            console.print(event_line(message))
        elif isinstance(message, Log):
            err.print(message.text, markup=False)

    with connect(port, board, transport, interrupt) as device:
        check_package(device)
        load_model(device)
        seen = watch(device, seconds, on_message=show, playback=playback, scores=False,
                     outputs=outputs)
    if as_json:
        print(json.dumps({"events": [vars(e) for e in seen.events], "end": seen.end}))
    else:
        console.print(_summary(seen))
