"""The speech synthesisers of this computer and their voices: eSpeak NG, Flite, Piper.

A `Voice` is one speaker: a set of formants, a recorded person. The accents an
eSpeak NG voice can put on are not other speakers, so that a split by speaker
leaves no timbre on both sides.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import TinysenseError
from .near_misses import Word, distance, joined_vowels, parse

__all__ = ["INSTALL_ESPEAK", "Voice", "accents", "chosen", "foreign", "installed", "phonemes",
           "run"]  # fmt: skip

INSTALL_ESPEAK = "install it: sudo apt install espeak-ng (or from github.com/espeak-ng/espeak-ng)"
ENGLISH = "en-us"
_ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-us-nyc", "en-gb-scotland", "en-gb-x-gbclan",
            "en-gb-x-gbcwmd", "en-029")
# Whose speakers may know English: each is asked how it pronounces a phrase.
_LANGUAGES = ("af", "ca", "cs", "cy", "da", "de", "es", "es-419", "et", "eu", "fi", "fr-fr", "ga",
              "hr", "hu", "id", "is", "it", "lt", "lv", "ms", "nb", "nl", "pl", "pt", "pt-br",
              "ro", "sk", "sl", "sv", "sw", "tr", "vi")
# Voices that no person has: machines, whispers, effects.
_ODD = ("*robo*", "demonic", "whisper*", "announcer", "fast", "croak", "klatt6")
_FLITE = ("awb", "kal16", "rms", "slt")     # the recorded people; kal is kal16 at 8 kHz
_SECONDS = 600        # a program that is stuck; Piper speaks many texts in one go
_SENSIBLE = 0.16    # how far a language may pronounce a phrase from English, per phoneme
_SPEAKERS_MAX = 200


@dataclass(frozen=True)
class Voice:
    """One speaker of one engine.

    ``name`` is the engine's own; of eSpeak NG it is the variant, "" the plain
    voice. ``part`` is a speaker's number in a Piper voice of many.
    """

    engine: str
    name: str
    part: int = -1

    @property
    def speaker(self) -> str:
        """Its name in file names: letters, digits and hyphens."""
        name = Path(self.name).stem if self.engine == "piper" else self.name or "plain"
        number = f"-{self.part}" if self.part >= 0 else ""
        return re.sub(r"[^A-Za-z0-9]+", "-", f"{self.engine}-{name}{number}")


def run(command: Sequence[str], text: str = "") -> str:
    """What a program says, given ``text`` on its input; TinysenseError with its words if it fails.

    A program that is not there ends as a TinysenseError that says how to get it.
    """
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False,
                              timeout=_SECONDS, encoding="utf-8", errors="replace")
    except FileNotFoundError as error:
        raise TinysenseError(
            f"the program {command[0]} is not installed",
            INSTALL_ESPEAK if command[0] == "espeak-ng" else "or do without its voices",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise TinysenseError(f"{command[0]} did not end within {_SECONDS} s") from error
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines() or ["no word why"]
        raise TinysenseError(f"{command[0]} failed: {said[-1]}")
    return done.stdout


def phonemes(texts: Sequence[str], voice: str = ENGLISH) -> list[tuple[Word, ...]]:
    """How eSpeak NG pronounces each text, as rows of its mnemonics (near_misses.parse)."""
    said = run(["espeak-ng", "-v", voice, "-q", "-x", "--sep=_"],
               "".join(f"{text}\n" for text in texts))
    lines = [line for line in said.splitlines() if line.strip()]
    if len(lines) != len(texts):
        raise TinysenseError(f"espeak-ng gave {len(lines)} pronunciations for {len(texts)} texts",
                             "give plain words, without punctuation")
    return [parse(line) for line in lines]


# ---- Which voices there are ----


def installed(piper: Sequence[Path] = ()) -> list[Voice]:
    """All voices of this computer, always in the same order; ``piper``: voice files (.onnx)."""
    return _espeak() + _flite() + [voice for path in piper for voice in _piper(path)]


def _espeak() -> list[Voice]:
    listed = run(["espeak-ng", "--voices=variant"]).splitlines()[1:]
    found = [line.split("!v/", 1)[1] for line in listed if "!v/" in line]
    names = sorted({re.split(r"\s{2,}|\s*\(", name.strip())[0] for name in found})
    return [Voice("espeak", "")] + [
        Voice("espeak", name) for name in names
        if not any(fnmatch(name.lower(), odd) for odd in _ODD)]  # fmt: skip


def _flite() -> list[Voice]:
    if shutil.which("flite") is None:
        return []
    there = run(["flite", "-lv"]).split(":", 1)[-1].split()
    return [Voice("flite", name) for name in _FLITE if name in there]


def _piper(path: Path) -> list[Voice]:
    """The speakers of a Piper voice: NAME.onnx with NAME.onnx.json beside it."""
    if shutil.which("piper") is None:
        raise TinysenseError(f"{path} needs the program piper", "pip install piper-tts")
    described = path.with_name(path.name + ".json")
    if not path.is_file() or not described.is_file():
        raise TinysenseError(f"no Piper voice at {path}",
                             "give NAME.onnx with NAME.onnx.json beside it")  # fmt: skip
    try:
        facts: Any = json.loads(described.read_text(encoding="utf-8"))
        count = int(facts.get("num_speakers", 1))
    except (ValueError, AttributeError, TypeError) as error:
        raise TinysenseError(f"{described} does not describe a Piper voice: {error}") from error
    if count <= 1:
        return [Voice("piper", str(path.resolve()))]
    return [Voice("piper", str(path.resolve()), part)
            for part in range(min(count, _SPEAKERS_MAX))]  # fmt: skip


def chosen(voices: Sequence[Voice], wanted: str) -> list[Voice]:
    """The voices that ``wanted`` names: "all", engines or speakers, with * and ?, by commas.

    A name with ! in front takes voices away again.
    """
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    plus = [name for name in names if not name.startswith("!")] or ["all"]
    minus = [name[1:] for name in names if name.startswith("!")]
    for name in plus + minus:
        if not any(_fits(voice, name) for voice in voices):
            raise TinysenseError(f"no voice is called {name!r} here",
                                 "--voices list shows those there are")  # fmt: skip
    taken = [voice for voice in voices if any(_fits(voice, name) for name in plus)
             and not any(_fits(voice, name) for name in minus)]  # fmt: skip
    if not taken:
        raise TinysenseError(f"{wanted!r} leaves no voice", "take fewer away")
    return taken


def _fits(voice: Voice, name: str) -> bool:
    return name in ("all", voice.engine) or fnmatch(voice.speaker.lower(), name.lower())


# ---- Accents ----


@cache
def accents() -> tuple[str, ...]:
    """The English accents there are."""
    listed = {line.split()[1] for line in run(["espeak-ng", "--voices=en"]).splitlines()[1:]}
    return tuple(name for name in _ACCENTS if name in listed) or ("en",)


@cache
def foreign(phrase: str) -> tuple[str, ...]:
    """Other languages whose voices pronounce the phrase much as English does."""
    wanted = [sound for word in phonemes([phrase])[0] for sound in word]
    others = []
    for language in _LANGUAGES:
        try:
            said = run(["espeak-ng", "-v", language, "-q", "-x", "--sep=_", phrase])
        except TinysenseError:      # not in this version
            continue
        sounds = joined_vowels([sound for word in parse(" ".join(said.split())) for sound in word])
        # In brackets: a switch to the English voice, which is there already.
        if "(" not in said and distance(sounds, wanted) <= _SENSIBLE * len(wanted):
            others.append(language)
    return tuple(others)
