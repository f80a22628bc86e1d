"""One utterance: which voice says what, how fast, how high; and the program that speaks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

from ..errors import TinysenseError
from .near_misses import Spoken
from .voices import Voice, run

__all__ = ["PIPER_BATCH", "Manner", "Utterance", "speak"]

PIPER_BATCH = 32
_FOREIGN = 0.25             # share of eSpeak NG's clips with a foreign accent
_PUNCTUATION = ("", "", ".", "!", "?")
_F0_HZ = {"awb": 105.0, "kal16": 100.0, "rms": 100.0, "slt": 170.0}     # of Flite's speakers
_PIPER_SETTINGS = ((0.8, 0.667, 0.8), (0.9, 0.5, 0.6), (1.0, 0.667, 0.8), (1.0, 0.8, 1.0),
                   (1.15, 0.667, 0.8), (1.3, 0.6, 0.9))  # fmt: skip


@dataclass(frozen=True)
class Utterance:
    """What a voice says; ``how`` are the program's options, ``shown`` the text for people."""

    voice: Voice
    text: str
    options: tuple[str, ...]
    shown: str

    @property
    def how(self) -> str:
        """The options as one word."""
        return " ".join(self.options)


@dataclass(frozen=True)
class Manner:
    """How phrases may be spoken: accents, languages whose voices may speak them as well."""

    english: Sequence[str]
    foreign: Sequence[str]

    def utterance(self, voice: Voice, spoken: Spoken, rng: np.random.Generator) -> Utterance:
        """Draws accent, speed, pitch, its range, gaps, emphasis and punctuation."""
        shown = spoken.text or f"[[{spoken.phonemes}]]"
        text = shown
        if spoken.text:
            if " " in text and rng.random() < 0.15:
                text = text.replace(" ", ", ", 1)
            text += str(rng.choice(_PUNCTUATION)) if text[-1].isalnum() else ""
        if voice.engine == "espeak":
            return self._espeak(voice, text, spoken, rng)
        if voice.engine == "flite":
            return Utterance(voice, text, _flite_options(voice, rng), shown)
        length, noise, width = _PIPER_SETTINGS[int(rng.integers(len(_PIPER_SETTINGS)))]
        options = ("--length_scale", f"{length}", "--noise_scale", f"{noise}",
                   "--noise_w", f"{width}")  # fmt: skip
        return Utterance(voice, text, options, shown)

    def _espeak(
        self, voice: Voice, text: str, spoken: Spoken, rng: np.random.Generator
    ) -> Utterance:
        accent = str(rng.choice(self.english))
        if spoken.text and len(self.foreign) > 0 and rng.random() < _FOREIGN:
            accent = str(rng.choice(self.foreign))
        options = ["-v", f"{accent}+{voice.name}" if voice.name else accent,
                   "-s", f"{int(rng.integers(120, 220))}", "-p", f"{int(rng.integers(15, 86))}",
                   "-g", f"{int(rng.choice([0, 0, 1, 2, 4, 8]))}"]  # fmt: skip
        if spoken.text:     # SSML, in which eSpeak NG takes no phonemes
            options.append("-m")
            text = _marked(text, rng)
        return Utterance(voice, text, tuple(options), spoken.text or f"[[{spoken.phonemes}]]")


def _marked(text: str, rng: np.random.Generator) -> str:
    """SSML: a range of pitch for all, emphasis on a word now and then."""
    words = [escape(word) for word in text.split()]
    if rng.random() < 0.3:
        at, level = int(rng.integers(len(words))), str(rng.choice(["moderate", "strong"]))
        words[at] = f'<emphasis level="{level}">{words[at]}</emphasis>'
    return f'<prosody range="{int(rng.integers(50, 180))}%">{" ".join(words)}</prosody>'


def _flite_options(voice: Voice, rng: np.random.Generator) -> tuple[str, ...]:
    pitch = _F0_HZ.get(voice.name, 120.0) * float(np.exp(rng.uniform(-0.25, 0.25)))
    return ("--setf", f"duration_stretch={rng.uniform(0.75, 1.35):.2f}",
            "--setf", f"int_f0_target_mean={pitch:.0f}",
            "--setf", f"int_f0_target_stddev={rng.uniform(8, 35):.0f}")  # fmt: skip


def speak(utterances: Sequence[Utterance], folder: Path) -> list[Path]:
    """Speaks utterances of one voice with the same options; one WAV file for each, in order."""
    voice, options = utterances[0].voice, utterances[0].options
    if voice.engine == "piper":
        return _piper(utterances, folder)
    files = []
    for number, one in enumerate(utterances):
        file = folder / f"{number}.wav"
        if voice.engine == "espeak":
            run(["espeak-ng", *options, "-w", str(file), "--", one.text])
        else:
            run(["flite", "-voice", voice.name, *options, "-o", str(file), "-t", one.text])
        if not file.is_file():
            raise TinysenseError(f"{voice.speaker} made no sound of {one.shown!r}",
                                 "is the disk of temporary files full?")  # fmt: skip
        files.append(file)
    return files


def _piper(utterances: Sequence[Utterance], folder: Path) -> list[Path]:
    """Piper reads a line for each utterance and names files by its clock."""
    voice, options = utterances[0].voice, utterances[0].options
    speaker = ["--speaker", str(voice.part)] if voice.part >= 0 else []
    run(["piper", "-m", voice.name, "--output_dir", str(folder), *speaker, *options],
        "".join(f"{one.text}\n" for one in utterances))
    files = sorted(folder.glob("*.wav"), key=lambda file: (len(file.name), file.name))
    if len(files) != len(utterances):
        raise TinysenseError(f"piper made {len(files)} sounds of {len(utterances)} texts",
                             "is the disk of temporary files full?")  # fmt: skip
    return files
