"""Sound files, one clip each; folders as in Speech Commands: LABEL/SPEAKER_nohash_N.wav."""

from __future__ import annotations

import re
from pathlib import Path

from ..dataset import Recording
from ..errors import TinysenseError
from ..sound.levels import levels_of
from ..sound.reading import RATE_HZ, RATES_HZ, SUFFIXES, read_sound
from .facts import Facts, Imported, id_of, sane, whole

__all__ = ["SUFFIXES", "read_sound_file"]

# Warden, "Speech Commands" (arXiv:1804.03209), section 5.6: the speaker's hash, then the take.
_SPEAKER = re.compile(r"(.+)_nohash_[0-9]+\Z")
_HASH = re.compile(r"(?:.*_)?([0-9a-f]{8})\Z")


def read_sound_file(path: Path, facts: Facts, folder: str = "") -> Imported:
    """Reads a sound as counts of one channel, units pcm, full scale 32768, at 16 kHz or --rate.

    ``folder`` is the label where the user gives none, and part of the id,
    since clips of several labels have one name. A name like
    0a7c2a8d_nohash_0.wav says who speaks.
    """
    if facts.units not in (None, "pcm"):
        raise TinysenseError(f"{path} is sound, in units pcm, not {facts.units!r}",
                             "leave --units away")  # fmt: skip
    found = read_sound(path, _rate(path, facts.rate_hz))
    remarks = (*found.remarks, *levels_of(found.samples).remarks())
    recording = Recording(
        id=id_of(path.with_name(f"{folder}_{path.name}" if folder else path.name)),
        frames=found.samples[:, None], rate_mhz=found.rate_hz * 1000,
        channels=("mono",), units="pcm", scale=1.0, device=facts.device,
        person=facts.person or _speaker(path.stem), session=facts.session or path.stem,
        source={"file": path.name, "file_rate_hz": found.file_rate_hz,
                "file_channels": found.channels},
    )  # fmt: skip
    labels = whole(recording, facts if facts.label else Facts(label=folder))
    return Imported(recording, labels, remarks=remarks)


def _rate(path: Path, given: float | None) -> int:
    """The rate that recordings get, in whole Hz."""
    rate = RATE_HZ if given is None else sane(path, given)
    if rate != round(rate) or not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise TinysenseError(
            f"{path}: sound has a rate of {RATES_HZ[0]} to {RATES_HZ[1]} whole Hz, not {rate:g}",
            f"leave --rate away for {RATE_HZ}")  # fmt: skip
    return round(rate)


def _speaker(stem: str) -> str:
    """Who speaks, by a name as in Speech Commands; "" by any other."""
    match = _SPEAKER.match(stem)
    if not match:
        return ""
    found = _HASH.match(match[1])
    return found[1] if found else match[1]
