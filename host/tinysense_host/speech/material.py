"""What a model is judged by: clip folders, datasets and negative sound, as streams.

    DIR/WORD/SPEAKER_nohash_N.wav    words; a folder that is no word of the model is negative
    --negatives DIR or FILE          sound in which none of the words is said

Files are read when their stream is made, so hours of sound need no memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinysense_host.dataset import Dataset, Frames, rescale
from tinysense_host.errors import TinysenseError
from tinysense_host.speech.streams import (
    STREAM_S,
    Clip,
    Stream,
    Word,
    first_score_s,
    joined,
    whole,
)

__all__ = ["Material", "is_sound", "label_of", "material"]

LONG_S = 10.0           # longer negatives are streams of their own
WORD_PAUSE_S = 1.0      # longer than words are waited for (Evidence.tolerance_s)
NEGATIVE_PAUSE_S = 0.3
_SUFFIXES = ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "au")


@dataclass
class Material:
    """Files of words and of negatives, each with its label (index, or -1), and streams that
    datasets gave.

    ``folders``: (name, files, label or "negative") of what was found, for people.
    """

    words: list[tuple[Path, int]] = field(default_factory=list)
    negatives: list[tuple[Path, int]] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    folders: list[tuple[str, int, str]] = field(default_factory=list)
    remarks: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def has_words(self) -> bool:
        """Whether any label that makes events is among it."""
        return bool(self.words or any(stream.words for stream in self.streams))

    def all_streams(self, model: Any, seed: int = 1) -> Iterator[Stream]:
        """Every stream: words in random order, negatives, and those of datasets."""
        yield from self.streams
        if not self.words and not self.negatives:
            return
        rate_hz, first_s = model.sensor.rate_mhz / 1000, first_score_s(model)
        order = np.random.default_rng(seed).permutation(len(self.words))
        mixed = [self.words[i] for i in order.tolist()]
        spoken = (self._clip(path, label, True, rate_hz) for path, label in mixed)
        lead_s = first_s + WORD_PAUSE_S
        yield from joined(spoken, rate_hz, lead_s=lead_s, pause_s=WORD_PAUSE_S, seed=seed)
        quiet = (self._clip(path, label, False, rate_hz) for path, label in self.negatives)
        yield from negative_streams(quiet, rate_hz, first_s, seed)

    def clips(self, rate_hz: float) -> Iterator[Clip]:
        """Every file by itself, but for long negatives."""
        for files, word in ((self.words, True), (self.negatives, False)):
            for path, label in files:
                clip = self._clip(path, label, word, rate_hz)
                if word or len(clip.frames) <= LONG_S * rate_hz:
                    yield clip

    def _clip(self, path: Path, label: int, word: bool, rate_hz: float) -> Clip:
        from tinysense_host.sound.reading import read_sound

        sound = read_sound(path, round(rate_hz))
        self.remarks += [(str(path), remark) for remark in sound.remarks]
        return Clip(sound.samples[:, None], label, word, f"{path.parent.name}/{path.name}")


def negative_streams(
    clips: Iterable[Clip], rate_hz: float, first_s: float, seed: int = 1
) -> Iterator[Stream]:
    """Long recordings each as it is, short ones joined."""
    short: list[Clip] = []
    seconds = 0.0

    def together() -> Iterator[Stream]:
        return joined(short, rate_hz, lead_s=first_s, pause_s=NEGATIVE_PAUSE_S, seed=seed)

    for clip in clips:
        length_s = len(clip.frames) / rate_hz
        if length_s > LONG_S:
            yield whole(clip, round(first_s * rate_hz))
            continue
        short.append(clip)
        seconds += length_s + NEGATIVE_PAUSE_S
        if seconds > STREAM_S:
            yield from together()
            short, seconds = [], 0.0
    if short:
        yield from together()


def label_of(folder: str, labels: Sequence[str]) -> int:
    """The label that a folder's clips show, -1 for none.

    A folder's name need not have the label's capitals, spaces or outer
    underscores: _unknown_ is unknown, okay_nabu is Okay Nabu.
    """
    if folder in labels:
        return list(labels).index(folder)
    plain = [_plain(label) for label in labels]
    return plain.index(_plain(folder)) if _plain(folder) in plain else -1


def _plain(name: str) -> str:
    return "_".join(re.findall(r"[^\W_]+", name.casefold()))


def is_sound(model: Any) -> bool:
    """Whether a model (of streams.load) hears: one channel in pcm."""
    return bool(model.sensor.units == "pcm" and model.features.channels == 1)


def material(model: Any, tsm: bytes, data: Sequence[Path], negatives: Sequence[Path]) -> Material:
    """What lies at the paths given, for a model (of streams.load) and its file.

    Clips of labels under background, and of folders that are no label, are
    negative. TinysenseError where a path is not there, or holds nothing.
    """
    found = Material()
    for path in (*data, *negatives):
        if not path.exists():
            raise TinysenseError(f"no recordings at {path}", "check the path")
    for path in data:
        if not is_sound(model):
            found.streams += _movements(path, tsm)
        elif (path / "recordings").is_dir():
            found.streams += _of_dataset(model, path)
        else:
            _take_folder(found, model, path)
    for path in negatives:
        _take_negatives(found, model, path)
    return found


def _take_folder(found: Material, model: Any, path: Path) -> None:
    quiet = model.decision.get("background", ())
    folders = sorted(p for p in path.iterdir() if p.is_dir()) if path.is_dir() else []
    before = len(found.folders)
    for folder in folders:
        files = _sound_files(folder)
        if not files:
            continue
        label = label_of(folder.name, model.labels)
        is_word = label >= 0 and model.labels[label] not in quiet
        (found.words if is_word else found.negatives).extend((file, label) for file in files)
        said = model.labels[label] if is_word else "negative"
        found.folders.append((str(folder), len(files), said))
    if len(found.folders) == before:
        raise TinysenseError(
            f"{path} holds no folders of clips",
            "expected DIR/WORD/SPEAKER_nohash_N.wav; sound without words goes to --negatives",
        )


def _take_negatives(found: Material, model: Any, path: Path) -> None:
    if not is_sound(model):
        raise TinysenseError(f"model {model.name!r} does not hear: --negatives is for sound",
                             "its background comes with the recordings")  # fmt: skip
    files = [path] if path.is_file() else _sound_files(path, deep=True)
    if not files:
        raise TinysenseError(f"{path} holds no sound files", f"expected {' '.join(_SUFFIXES)}")
    found.negatives += [(file, -1) for file in files]
    found.folders.append((str(path), len(files), "negative"))


def _sound_files(folder: Path, deep: bool = False) -> list[Path]:
    inside = folder.rglob("*") if deep else folder.iterdir()
    return sorted(p for p in inside if p.suffix[1:].lower() in _SUFFIXES and p.is_file())


# ---- datasets ----


def _of_dataset(model: Any, path: Path) -> list[Stream]:
    """Labelled parts of a dataset's sound, joined: words, and what is none."""
    rate_hz, quiet = model.sensor.rate_mhz / 1000, model.decision.get("background", ())
    words: list[Clip] = []
    rest: list[Clip] = []
    for segment in Dataset(path).segments():
        recording = segment.recording
        if recording.units != "pcm" or recording.frames.shape[1] != 1:
            raise TinysenseError(f"recording {recording.id!r} is no sound of one channel",
                                 "take it out of the dataset")  # fmt: skip
        if recording.rate_mhz != model.sensor.rate_mhz:
            raise TinysenseError(
                f"recording {recording.id!r} has {recording.rate_mhz / 1000:g} Hz, "
                f"the model wants {rate_hz:g} Hz", "import it again with that rate",
            )  # fmt: skip
        label = label_of(segment.label, model.labels)
        is_word = label >= 0 and model.labels[label] not in quiet
        for start, end in recording.stretches(segment.start, segment.end):
            frames: Frames = rescale(recording.frames[start:end], recording.scale, 32768)
            clip = Clip(frames, label, is_word, recording.id)
            (words if is_word else rest).append(clip)
    if not words and not rest:
        raise TinysenseError(f"{path} holds no labelled frames", "label recordings first")
    first_s = first_score_s(model)
    lead_s = first_s + WORD_PAUSE_S
    streams = list(joined(words, rate_hz, lead_s=lead_s, pause_s=WORD_PAUSE_S))
    return [*streams, *negative_streams(rest, rate_hz, first_s)]


def _movements(path: Path, tsm: bytes) -> list[Stream]:
    """Streams of other sensors as `tinysense evaluate` makes them: rest around each movement."""
    from tinysense_host import evaluate
    from tinysense_host.modelfile import ModelFile
    from tinysense_host.training import folds, sources
    from tinysense_host.training.recipe import Reading

    reading = Reading.of_model(ModelFile.read(tsm))
    with sources.given_at(path) as dataset:
        examples = folds.examples_of(dataset, reading)
    streams = []
    for one in evaluate.streams_of(examples, reading.window):
        if one.label in reading.background:
            streams.append(Stream(one.frames, (), len(one.frames), "background"))
        else:
            end = len(one.frames) - reading.window
            word = Word(one.label, reading.window, end)
            streams.append(Stream(one.frames, (word,), 0, reading.labels[one.label]))
    return streams
