"""`tinysense listen`: a model hears a sound file, or this computer's microphone, live."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TinysenseError
from .hearing_screen import HearingScreen
from .options import Json, finite
from .screen import console, err, plain

if TYPE_CHECKING:
    from ..sound.drivers import SoundDriver
    from ..sound.listening import Listener

__all__ = ["listen"]


def listen(
    model: Annotated[Path, typer.Argument(help="A .tsm that hears: see `tinysense inspect`.")],
    file: Annotated[Path | None, typer.Argument(help="A sound file: WAV, FLAC, OGG, ..")] = None,
    mic: Annotated[bool, typer.Option("--mic", help="This computer's microphone.")] = False,
    device: Annotated[str | None, typer.Option(
        help="Its number, or part of its name; any other text lists what there is.")] = None,
    seconds: Annotated[float | None, typer.Option(
        "--seconds", "-s", min=0.0, callback=finite,
        help="So much sound; else all of the file, or until Ctrl-C.")] = None,
    real_time: Annotated[bool, typer.Option(
        "--real-time", help="A file as slowly as it was recorded.")] = False,
    as_plain: Annotated[bool, typer.Option(
        "--plain", help="Lines instead of bars, as without a terminal.")] = False,
    as_json: Json = False,
) -> None:
    """Let a model hear, through the board's own pipeline: bars, level, events, what was lost."""
    from ..sound.listening import Listener, load_hearing

    if mic == (file is not None):
        raise TinysenseError("expected one thing to hear, a sound file or --mic",
                             "tinysense listen MODEL.tsm FILE.wav")  # fmt: skip
    if device is not None and not mic:
        raise TinysenseError("--device is for --mic", "leave it away with a file")
    hearing = load_hearing(model)
    driver = _microphone(hearing, device, seconds) if file is None else _played(
        hearing, file, seconds, real_time)
    screen = HearingScreen(as_plain or not console.is_terminal, quiet=as_json)
    with closing(driver):
        listener = Listener(hearing, driver, screen.scores, screen.event)
        why = "fault"
        try:
            with screen:
                listener.run()
            why = "end"
        except KeyboardInterrupt:
            why = "interrupted"
            raise typer.Exit(130) from None
        finally:
            _end(listener, driver, as_json, why)


def _played(model: Any, path: Path, seconds: float | None, real_time: bool) -> SoundDriver:
    """The file, at the model's rate; what had to be done for it goes to stderr."""
    from ..sound.drivers import Played
    from ..sound.listening import first_score
    from ..sound.reading import read_sound

    rate = model.sensor.rate_mhz // 1000
    found = read_sound(path, rate, first_score(model))
    for remark in found.remarks:
        err.print(plain(f"{path.name}: {remark}"), markup=False)
    samples = found.samples if seconds is None else found.samples[: round(seconds * rate)]
    return Played(samples, rate, real_time)


def _microphone(model: Any, device: str | None, seconds: float | None) -> SoundDriver:
    from ..sound.microphone import Microphone

    number = int(device) if device is not None and device.isdecimal() else device
    found = Microphone(model.sensor.rate_mhz // 1000, number, seconds)
    err.print(plain(f"listening to {found.name}; Ctrl-C ends it"), markup=False)
    return found


def _end(listener: Listener, driver: SoundDriver, as_json: bool, why: str) -> None:
    """Counters, and what was wrong with the level."""
    levels, pipeline = driver.meter.levels(), listener.pipeline
    if as_json:
        print(json.dumps({
            "events": [vars(event) for event in listener.heard], "samples": pipeline.frames,
            "blocks": driver.blocks, "lost": pipeline.dropped, "windows": pipeline.windows,
            "peak_dbfs": _finite(levels.peak_dbfs), "rms_dbfs": _finite(levels.rms_dbfs),
            "clipped": levels.clipped, "offset": levels.offset, "why": why,
        }))  # fmt: skip
    else:
        console.print(listener.summary())
    for remark in levels.remarks():
        err.print(f"{remark}", markup=False)
    overruns = getattr(driver, "overruns", 0)
    if overruns:
        err.print(f"the microphone overran {overruns} times: this computer was busy", markup=False)


def _finite(value: float) -> float | None:
    """JSON has no infinity: None for the level of nothing."""
    return value if value > float("-inf") else None
