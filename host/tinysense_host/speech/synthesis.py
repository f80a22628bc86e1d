"""A phrase, what is nearly it and other speech, spoken by many voices: training data from text.

Everything follows from the seed and the voices: the n-th clip of a label is
planned from (seed, label, n) alone, so a folder can be completed or enlarged
later, and what is there is not made again.
"""

from __future__ import annotations

import json
import re
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from unicodedata import name
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ..errors import TinysenseError
from ..files import write_atomically
from ..sound.reading import RATE_HZ, read_sound
from . import speaking, voices
from .everyday import SENTENCES, WORDS
from .near_misses import Spoken, Word, near_misses
from .speaking import Utterance
from .voices import Voice

__all__ = ["NEAR_MISS", "OTHER", "Counts", "label_of", "planned", "synthesise"]

Samples = npt.NDArray[np.int16]
Progress = Callable[[int, int], None]

NEAR_MISS, OTHER = "near_miss", "other"
FACTS, LISTING = "synthesis.json", "clips.tsv"
_PHRASE_MAX = 60
_QUIET_DB = -42.0       # below the loudest 10 ms: silence before and after
_PEAK = 0.5             # of full scale


@dataclass(frozen=True)
class Counts:
    """How many clips: of each phrase, of what is nearly one, of other speech."""

    phrase: int = 2000
    near: int = 2000
    other: int = 2000


@dataclass(frozen=True)
class Planned:
    """One clip to be: its place below the folder, what is said, and how."""

    label: str
    number: int
    utterance: Utterance

    @property
    def path(self) -> str:
        """DIR/LABEL/SPEAKER_nohash_N.wav, as Speech Commands has it."""
        return f"{self.label}/{self.utterance.voice.speaker}_nohash_{self.number}.wav"


def label_of(phrase: str) -> str:
    """The phrase as a label and name of a folder: hey_pico. TinysenseError if nobody can say it."""
    words = re.findall(r"[^\W\d_]+(?:['-][^\W\d_]+)*|\d+|\S", phrase)
    shown = phrase if len(phrase) <= 40 else phrase[:40] + "..."
    signs = [word for word in words if not word[0].isalnum()]
    if not words or (signs and len(signs) == len(words)):
        raise TinysenseError(f"the phrase {shown!r} holds no words", 'give words, as in "hey pico"')
    if signs or not phrase.isprintable():
        sign = signs[0] if signs else "control sign"
        raise TinysenseError(f"the phrase {shown!r} holds {sign!r}, expected words only",
                             "write it as it is spoken")  # fmt: skip
    if not all(name(c, "").startswith("LATIN") for c in phrase if c.isalpha()):
        raise TinysenseError(f"the phrase {shown!r} is not in Latin letters, which the English "
                             "voices read", "write it as English would spell it")  # fmt: skip
    if len(phrase) > _PHRASE_MAX:
        raise TinysenseError(f"the phrase {shown!r} has {len(phrase)} letters, expected at most "
                             f"{_PHRASE_MAX}", "choose two or three words")  # fmt: skip
    label = re.sub(r"\W+", "_", " ".join(words).lower())
    if label in (NEAR_MISS, OTHER):
        raise TinysenseError(f"{label!r} names a folder of what is not the phrase",
                             "choose another phrase")  # fmt: skip
    if len(label.encode()) > 32:
        raise TinysenseError(f"the label {label!r} has {len(label.encode())} bytes, expected at "
                             "most 32", "choose a shorter phrase")  # fmt: skip
    return label


# ---- What is said ----


def planned(phrases: Sequence[str], speakers: Sequence[Voice], counts: Counts, seed: int
            ) -> list[Planned]:  # fmt: skip
    """Every clip that a folder of these phrases holds, label by label."""
    labels = [label_of(phrase) for phrase in phrases]
    if len(set(labels)) < len(labels):
        raise TinysenseError(f"a phrase is there twice: {', '.join(phrases)}")
    said = voices.phonemes([phrase.lower() for phrase in phrases])
    for phrase, words in zip(phrases, said, strict=True):
        if not 2 <= sum(map(len, words)) <= 40:
            raise TinysenseError(f"the phrase {phrase!r} has {sum(map(len, words))} phonemes, "
                                 "expected 2 to 40", "choose two or three words")  # fmt: skip
    close: list[Spoken] = []
    for phrase, words in zip(phrases, said, strict=True):
        close += near_misses(phrase.lower(), words, _vocabulary())
    barred = [re.compile(rf"\b{re.escape(phrase.lower())}\b") for phrase in phrases]
    close = [one for one in close if not any(b.search(one.text) for b in barred)]
    plan: list[Planned] = []
    for phrase, label in zip(phrases, labels, strict=True):
        manner = speaking.Manner(voices.accents(), voices.foreign(phrase.lower()))
        itself = [Spoken(phrase.lower())]
        plan += _of(label, counts.phrase, seed, speakers, manner, itself)
    manner = speaking.Manner(voices.accents(), [])
    plan += _of(NEAR_MISS, counts.near, seed, speakers, manner, close)
    plan += _of(OTHER, counts.other, seed, speakers, manner,
                lambda rng: [_anything(rng, barred)])
    return plan


@cache
def _vocabulary() -> dict[str, Word]:
    """The everyday words that are one to eSpeak NG, and how it pronounces them."""
    rows = zip(WORDS, voices.phonemes(WORDS), strict=True)
    return {word: said[0] for word, said in rows if len(said) == 1}


def _of(
    label: str, count: int, seed: int, speakers: Sequence[Voice], manner: speaking.Manner,
    choices: list[Spoken] | Callable[[np.random.Generator], list[Spoken]],
) -> list[Planned]:  # fmt: skip
    """``count`` clips of a label; the voices take turns, in an order that the seed shuffles.

    Voices of recorded people, where there are few, have so many turns that a third is theirs.
    """
    recorded = [voice for voice in speakers if voice.engine != "espeak"]
    made = len(speakers) - len(recorded)
    turns = max(1, round(made / (2 * len(recorded)))) if recorded else 1
    speakers = [*speakers, *recorded * (turns - 1)]
    order = np.random.default_rng([seed, crc32(label.encode())]).permutation(len(speakers))
    plan = []
    for number in range(count):
        rng = np.random.default_rng([seed, crc32(label.encode()), number])
        voice = speakers[int(order[number % len(order)])]
        possible = choices if isinstance(choices, list) else choices(rng)
        if voice.engine != "espeak":        # only eSpeak NG takes phonemes
            possible = [one for one in possible if one.text] or possible
        spoken = possible[int(rng.integers(len(possible)))]
        plan.append(Planned(label, number, manner.utterance(voice, spoken, rng)))
    return plan


def _anything(rng: np.random.Generator, barred: Sequence[re.Pattern[str]]) -> Spoken:
    """A sentence or a run of words that does not hold a phrase."""
    while True:
        if rng.random() < 0.5:
            text = SENTENCES[int(rng.integers(len(SENTENCES)))]
        else:
            text = " ".join(rng.choice(WORDS, int(rng.integers(1, 7))))
        if not any(pattern.search(text.lower()) for pattern in barred):
            return Spoken(text)


# ---- Making it ----


def synthesise(
    phrases: Sequence[str], folder: Path, speakers: Sequence[Voice], counts: Counts, *,
    seed: int = 1, workers: int = 2, progress: Progress | None = None,
) -> list[Planned]:  # fmt: skip
    """Speaks what is missing below ``folder``, 16 kHz int16 mono; returns the whole plan.

    ``progress(done, total)`` counts clips. TinysenseError where the folder
    holds clips of other phrases, another seed or other voices.
    """
    plan = planned(phrases, speakers, counts, seed)
    _claim(folder, phrases, speakers, seed)
    missing = [one for one in plan if not (folder / one.path).is_file()]
    for label in {one.label for one in plan}:
        (folder / label).mkdir(parents=True, exist_ok=True)
    done = len(plan) - len(missing)
    if progress is not None:
        progress(done, len(plan))
    for count in _spoken(_batches(missing), folder, workers):
        done += count
        if progress is not None:
            progress(done, len(plan))
    lines = ["file\tengine\tspeaker\tsaid\thow"] + [
        "\t".join((one.path, one.utterance.voice.engine, one.utterance.voice.speaker,
                   one.utterance.shown, one.utterance.how)) for one in plan]  # fmt: skip
    write_atomically(folder / LISTING, ("\n".join(lines) + "\n").encode())
    return plan


def _claim(folder: Path, phrases: Sequence[str], speakers: Sequence[Voice], seed: int) -> None:
    """Writes what the folder is for, or makes sure that it is for the same."""
    facts = {"phrases": list(phrases), "seed": seed, "voices": [v.speaker for v in speakers]}
    file = folder / FACTS
    if file.is_file():
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise TinysenseError(f"{file} is damaged: {error}", "take another folder") from error
        for key, value in facts.items():
            if not isinstance(there, dict) or there.get(key) != value:
                raise TinysenseError(f"{folder} holds clips made with other {key.rstrip('s')}s",
                                     "take another folder, or remove this one")  # fmt: skip
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TinysenseError(f"cannot make {folder}: {error.strerror or error}") from error
    write_atomically(file, (json.dumps(facts, indent=1) + "\n").encode())


def _batches(missing: Sequence[Planned]) -> list[list[Planned]]:
    """One clip each, but for Piper, which takes a second to start: all of the same settings."""
    batches: list[list[Planned]] = []
    open_: dict[tuple[Voice, str], list[Planned]] = {}
    for one in missing:
        key = (one.utterance.voice, one.utterance.how)
        batch = open_.get(key) if one.utterance.voice.engine == "piper" else None
        if batch is None or len(batch) >= speaking.PIPER_BATCH:
            batch = []
            batches.append(batch)
            open_[key] = batch
        batch.append(one)
    return batches


def _spoken(batches: Sequence[list[Planned]], folder: Path, workers: int) -> Iterator[int]:
    """Speaks batches in ``workers`` threads (the work is in other programs); yields their sizes."""
    waiting = iter(batches)
    with ThreadPoolExecutor(workers) as pool:
        running: dict[Future[None], int] = {}
        try:
            while True:
                while len(running) < 4 * workers and (batch := next(waiting, None)) is not None:
                    running[pool.submit(_speak, batch, folder)] = len(batch)
                if not running:
                    return
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
                    yield running.pop(future)
        finally:
            for future in running:
                future.cancel()


def _speak(batch: Sequence[Planned], folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="tinysense-") as place:
        files = speaking.speak([one.utterance for one in batch], Path(place))
        for one, file in zip(batch, files, strict=True):
            said = trimmed(read_sound(file, RATE_HZ).samples)
            if len(said) < RATE_HZ // 20:
                raise TinysenseError(
                    f"{one.utterance.voice.speaker} says nothing for {one.utterance.shown!r}",
                    f"leave it out: --voices all,!{one.utterance.voice.speaker}")  # fmt: skip
            write_atomically(folder / one.path, _wav(said))


def trimmed(samples: Samples) -> Samples:
    """Without the silence before and after, 20 ms of it kept, and at half of full scale."""
    step = RATE_HZ // 100
    frames = len(samples) // step
    if frames == 0 or not samples.any():
        return samples[:0]
    x = samples.astype(np.float64)
    power = (x[: frames * step].reshape(frames, step) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (_QUIET_DB / 10))
    x = x[max(0, loud[0] - 2) * step : (loud[-1] + 3) * step]
    x *= _PEAK * 32767 / np.abs(x).max()
    return np.rint(x).astype(np.int16)


def _wav(samples: Samples) -> bytes:
    out = BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()
