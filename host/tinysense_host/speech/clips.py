"""Folders of clips, DIR/WORD/SPEAKER_nohash_N.wav as in Speech Commands, and their speakers.

A speaker is in one part only: the part is a hash of the speaker's name, so it stays the same
whatever else is in the folder.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import TinysenseError
from ..sound.reading import read_sound
from .recipe import SpeechRecipe

__all__ = ["Clip", "Clips", "part_of", "read_clips", "speaker_of", "speakers"]

Sound = npt.NDArray[np.int16]

_SILENCE, _NOISE = "_silence_", "_background_noise_"
_SUFFIXES = (".wav", ".flac", ".ogg")
_HASH = re.compile(r"(?:^|_)([0-9a-f]{8})$")


@dataclass(frozen=True, eq=False)
class Clip:
    """One clip: int16 ``samples`` (n,), its label and word, and who speaks."""

    samples: Sound
    label: int
    word: str
    speaker: str
    path: str


@dataclass(frozen=True)
class Clips:
    """Clips with labels, and long recordings of noise."""

    clips: list[Clip]
    noises: list[Sound]

    def part(self, folds: int, tested: int) -> tuple[list[Clip], list[Clip]]:
        """(clips of training, clips of the speakers of part ``tested`` of ``folds``)."""
        parts = [part_of(c.speaker, folds) for c in self.clips]
        both = list(zip(self.clips, parts, strict=True))
        return [c for c, p in both if p != tested], [c for c, p in both if p == tested]


def speaker_of(stem: str) -> str:
    """Who speaks in a file of that name: what stands before _nohash_, else the whole name.

    Some subsets put the word before the speaker's eight hexadecimal digits: it is left out.
    """
    before, mark, _ = stem.partition("_nohash_")
    found = _HASH.search(before) if mark else None
    return found[1] if found else before


def speakers(clips: Iterable[Clip]) -> int:
    """How many people speak; clips without words have nobody."""
    return len({c.speaker for c in clips if c.word != _SILENCE})


def part_of(speaker: str, folds: int) -> int:
    """The part, 0..folds - 1, that all clips of a speaker belong to."""
    digest = hashlib.sha256(speaker.encode()).digest()
    return int.from_bytes(digest[:8], "big") % folds


def read_clips(folders: Sequence[Path], recipe: SpeechRecipe) -> Clips:
    """All clips below ``folders``, labelled by their folders' names.

    Folders that are no label hold words of the rest; _silence_ and _background_noise_ hold
    sound without words, the latter in long recordings. TinysenseError where a folder holds no
    clips, or a clip cannot be read.
    """
    clips: list[Clip] = []
    noises: list[Sound] = []
    for folder in folders:
        words = _words(folder)
        for word in words:
            files = _files(word)
            if word.name == _NOISE:
                found = [(f, read_sound(f, recipe.rate).samples) for f in files]
                noises += [samples for _, samples in found]
                clips += [c for f, samples in found for c in _seconds(f, samples, recipe)]
                continue
            clips += _clips_of(word.name, files, recipe)
    return Clips(clips, noises)


def _seconds(file: Path, noise: Sound, recipe: SpeechRecipe) -> list[Clip]:
    """A recording of noise, second by second, as clips of silence; the recording is the speaker.

    None where the recipe has no such label.
    """
    if not recipe.source.silence:
        return []
    rate = recipe.rate
    return [
        Clip(noise[at : at + rate], recipe.silence, _SILENCE, file.stem, f"{file} from {at}")
        for at in range(0, len(noise) - rate + 1, rate)
    ]


def _words(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise TinysenseError(f"no folder of clips at {folder}", "check --data")
    words = sorted(p for p in folder.iterdir() if p.is_dir() and _files(p))
    if not words:
        raise TinysenseError(
            f"{folder} holds no clips",
            "expected a folder for each word with SPEAKER_nohash_N.wav in it",
        )
    return words


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in _SUFFIXES)


def _clips_of(word: str, files: Iterable[Path], recipe: SpeechRecipe) -> list[Clip]:
    """The clips of one word; those with the smallest hashes where there are too many."""
    chosen = list(files)
    if word == _SILENCE:
        label, most = recipe.silence, recipe.source.most
    elif word in recipe.labels:
        label, most = recipe.labels.index(word), recipe.source.most
    else:
        label, most = recipe.rest, recipe.source.most_rest
    if len(chosen) > most:
        by_hash = sorted(chosen, key=lambda f: hashlib.sha256(f.name.encode()).digest())
        chosen = sorted(by_hash[:most])
    return [
        Clip(read_sound(f, recipe.rate).samples, label, word, speaker_of(f.stem), str(f))
        for f in chosen
    ]
