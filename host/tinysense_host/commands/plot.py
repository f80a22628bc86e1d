"""`tinysense plot`: a sound as a model gets it, and what the model makes of it, as a picture."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import TinysenseError
from .options import finite
from .screen import console, err, plain

__all__ = ["What", "plot"]


class What(str, Enum):
    """What is drawn below waveform and spectrogram."""

    both = "both"
    features = "features"
    scores = "scores"


def plot(
    model: Annotated[Path, typer.Argument(help="A .tsm that hears.")],
    file: Annotated[Path, typer.Argument(help="A sound file: WAV, FLAC, OGG, ..")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture: .png or .svg.")],
    what: Annotated[What, typer.Option(
        help="Below the spectrogram: the features, the scores over time, or both.")] = What.both,
    start: Annotated[float, typer.Option(
        min=0.0, callback=finite, help="From here, in seconds; the model hears all from there.",
    )] = 0.0,
    seconds: Annotated[float | None, typer.Option(
        "--seconds", "-s", min=0.0, callback=finite, help="So much of it; else to the end.",
    )] = None,
) -> None:
    """Draw a sound: waveform, spectrogram, the features that the model gets, its scores, events."""
    from ..modelfile import ModelFile
    from ..plots import check_picture, draw_hearing
    from ..sound.levels import levels_of
    from ..sound.listening import first_score, load_hearing, track
    from ..sound.reading import read_sound

    check_picture(out)
    hearing = load_hearing(model)
    rate = hearing.sensor.rate_mhz // 1000
    found = read_sound(file, rate)
    end = None if seconds is None else round((start + seconds) * rate)
    samples = found.samples[round(start * rate) : end]
    if len(samples) < first_score(hearing):
        raise TinysenseError(
            f"{file} has {len(samples) / rate:.2f} s to draw, and the model's first score takes "
            f"{first_score(hearing) / rate:.2f} s", "give a longer sound")  # fmt: skip
    for remark in (*found.remarks, *levels_of(samples).remarks()):
        err.print(plain(f"{file.name}: {remark}"), markup=False)
    scores = None if what is What.features else track(hearing, samples)
    feat = None if what is What.scores else ModelFile.load(model).feat
    title = plain(f"{file.name}, heard by {hearing.name}")
    draw_hearing(out, samples, rate, feat=feat, track=scores, title=title)
    events = f", {len(scores.events)} events" if scores else ""
    console.print(f"{len(samples) / rate:.2f} s{events} -> {out}", markup=False)
