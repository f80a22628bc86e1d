"""tinysense monitor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.monitor_screen import MonitorScreen
from tinysense_host.commands.options import Board, Interrupt, Port, TransportName, finite
from tinysense_host.commands.run import read_any
from tinysense_host.commands.screen import console, err
from tinysense_host.device import Device
from tinysense_host.link.session import (
    FRAMES,
    SIGNAL,
    Playback,
    Traffic,
    driver_facts,
    link_speed,
    watch_bytes,
)
from tinysense_host.link.wire import Message
from tinysense_host.monitor.reconnecting import Board as Reached
from tinysense_host.monitor.reconnecting import keep_watching
from tinysense_host.monitor.recording import MonitorRecording
from tinysense_host.monitor.text import Counters

__all__ = ["monitor"]

_SURE = 2000.0      # bytes a second that any link carries
_SPARE = 1.25       # scores and events beside the frames


def _frames_fit(device: Device) -> bool:
    """Whether the link carries all frames; says with numbers where it does not."""
    facts = driver_facts(device, for_model=True)
    need = watch_bytes(int(facts["rate_mhz"]), len(facts["channels"])) * _SPARE
    have = link_speed(device) if need > _SURE else need
    if have < need:
        err.print(f"the link carries {have / 1000:.0f} kB/s, all frames need {need / 1000:.0f}: "
                  "recording scores, events and the signal's extremes only")
    return have >= need


def _told(kept: MonitorRecording) -> None:
    if kept.empty:
        return
    what = ", ".join(kept.ids) or "no raw frames"
    console.print(f"recorded {what}; scores and events in {kept.path}", markup=False)


def monitor(
    seconds: Annotated[float | None, typer.Option(
        "--seconds", "-s", min=0.0, callback=finite,
        help="Time by the driver's rate; else until Ctrl-C.")] = None,
    replay: Annotated[Path | None, typer.Option(
        "--replay", help="A recording (.parquet, .tsr) instead of the board's sensor.")] = None,
    signal: Annotated[bool | None, typer.Option(
        "--signal/--no-signal", help="The signal's extremes, five times a second; shown by "
        "default where there is a terminal.")] = None,
    features: Annotated[bool, typer.Option(
        "--features", help="What the features made of each window, too.")] = False,
    scores: Annotated[bool, typer.Option(
        "--scores/--no-scores", help="The scores of each window.")] = True,
    record: Annotated[Path | None, typer.Option(
        "--record", help="Folder of a dataset to keep frames, scores and events in.")] = None,
    once: Annotated[bool, typer.Option(
        "--once", help="End when the link breaks, instead of waiting for the board.")] = False,
    port: Port = None,
    board: Board = None,
    transport: TransportName = None,
    interrupt: Interrupt = False,
) -> None:
    """Watch signal, scores and events live; lost frames and messages are counted.

    When the board resets or its cable is pulled, its port is waited for and watching
    goes on; a recording has a gap there.
    """
    playback = Playback(read_any(replay)) if replay else None
    traffic = Traffic()
    counters = Counters(traffic)
    kept = MonitorRecording(record) if record else None
    shown = console.is_terminal if signal is None else signal
    broken = False

    def asked(device: Device) -> str:
        if kept and (playback is not None or _frames_fit(device)):
            return FRAMES
        return SIGNAL if shown or kept else ""

    def take(message: Message) -> None:
        nonlocal broken
        broken = False
        counters(message)
        screen(message)
        if kept:
            kept(message)

    def broke(why: str) -> None:
        nonlocal broken
        if not broken:
            counters.broke()
            if kept:
                kept.broke(why)
        broken = True
        screen.broke(why)

    try:
        with MonitorScreen(counters) as screen:
            seen = keep_watching(
                Reached(port, board, transport, interrupt or None), seconds, on_message=take,
                on_break=broke, on_open=asked, once=once, playback=playback, scores=scores,
                inputs=features, traffic=traffic)
        if seen.hello is not None:
            console.print(counters.line(seen.hello.rate_mhz), markup=False)
    finally:
        if kept:
            kept.close()
            _told(kept)
