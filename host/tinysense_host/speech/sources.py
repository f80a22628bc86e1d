"""Where a speech recipe's clips come from: a folder given, the shared one, its archive, voices."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tinysense_host.errors import TinysenseError
from tinysense_host.sound.reading import read_sound
from tinysense_host.speech.clips import Clip, Sound, read_clips
from tinysense_host.speech.recipe import SpeechRecipe
from tinysense_host.training.sources import shared_folder

__all__ = ["Sources", "found_sources", "teacher_bytes"]

Progress = Callable[[str, int, int], None]

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Sources:
    """``clips`` are split by speaker; ``extra`` are for training only. ``where``: for people."""

    clips: list[Clip]
    extra: list[Clip]
    noises: list[Sound]
    where: tuple[str, ...]


def found_sources(
    recipe: SpeechRecipe, given: Path | None, built: Path, progress: Progress | None = None
) -> Sources:
    """The clips of a recipe; TinysenseError where there are none to be had.

    ``given``: a folder of clips in place of the recipe's. ``built``: where voices may leave
    what they speak. ``progress(what, done, total)``: of downloads and speaking.
    """
    said: list[str] = []
    spoken = _spoken(recipe, built, said, progress)
    folder = given or _folder(recipe, progress)
    extra = [(recipe.path / name).resolve() for name in recipe.source.extra]
    if folder is None:
        if spoken is None:
            raise TinysenseError(
                "the recipe names no clips", "give a folder of them: --data, or source.phrases"
            )
        first, beside = [spoken], extra
    else:
        first, beside = [folder], [*extra, *([spoken] if spoken else [])]
        said.insert(0, str(folder))
    said += [str(p) for p in extra]
    clips, more = read_clips(first, recipe), read_clips(beside, recipe)
    noises = [*clips.noises, *more.noises, *_noises(recipe, said)]
    return Sources(clips.clips, more.clips, noises, tuple(said))


def _spoken(
    recipe: SpeechRecipe, built: Path, said: list[str], progress: Progress | None
) -> Path | None:
    """The folder of what voices say of the recipe's phrases, spoken now where it is not there."""
    source = recipe.source
    if not source.phrases:
        return None
    from tinysense_host.speech import synthesis, voices

    folder = built / "spoken"
    there = voices.installed([])
    counts = synthesis.Counts(*source.spoken)
    synthesis.synthesise(
        source.phrases, folder, there, counts, seed=recipe.training.seed,
        progress=None if progress is None else lambda a, b: progress("speaking", a, b),
    )  # fmt: skip
    said.append(f"{len(there)} synthetic voices ({folder})")
    return folder


def _folder(recipe: SpeechRecipe, progress: Progress | None) -> Path | None:
    """The recipe's folder of recorded clips: shared, else fetched; None where it has none."""
    source = recipe.source
    shared = shared_folder() / "data" / source.folder
    if source.folder and shared.is_dir():
        return shared
    return _fetched(recipe, progress) if source.url else None


def _noises(recipe: SpeechRecipe, said: list[str]) -> list[Sound]:
    folder = shared_folder() / "data" / recipe.source.noise
    if not recipe.source.noise or not folder.is_dir():
        return []
    said.append(f"noise of {folder}")
    return [read_sound(f, recipe.rate).samples for f in sorted(folder.glob("*.wav"))]


def teacher_bytes(recipe: SpeechRecipe) -> bytes | None:
    """The teacher's .tflite where it lies below shared/models, else None."""
    file = shared_folder() / "models" / recipe.teacher.model
    return file.read_bytes() if recipe.teacher.model and file.is_file() else None


# ---- The archive ----


def _fetched(recipe: SpeechRecipe, progress: Progress | None) -> Path:
    """The unpacked archive of source.url, fetched once and kept below the user's cache."""
    source = recipe.source
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tinysense"
    folder = cache / f"clips-{source.sha256[:12]}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    archive, unpacked = folder.with_suffix(".tar.gz.part"), folder.with_suffix(".part")
    try:
        with archive.open("wb") as file:
            found = _download(source.url, file, progress)
        if found != source.sha256:
            raise TinysenseError(
                f"{source.url} has SHA-256 {found[:16]}.., the recipe says {source.sha256[:16]}..",
                "the file there changed, or was cut: try again, or give a folder: --data",
            )
        shutil.rmtree(unpacked, ignore_errors=True)
        with tarfile.open(archive) as tar:
            # Before Python 3.11.4 there is none: then its SHA-256 alone says what it holds.
            tar.extraction_filter = getattr(tarfile, "data_filter", None)
            tar.extractall(unpacked)
        unpacked.rename(folder)
    except (OSError, tarfile.TarError) as error:
        raise TinysenseError(
            f"cannot fetch {source.url}: {error}", "give a folder of clips: --data"
        ) from error
    finally:
        archive.unlink(missing_ok=True)
        shutil.rmtree(unpacked, ignore_errors=True)
    return folder


def _download(url: str, file: IO[bytes], progress: Progress | None) -> str:
    """Writes what is at ``url`` and tells its SHA-256."""
    digest, done = hashlib.sha256(), 0
    with urllib.request.urlopen(url, timeout=30) as answer:
        total = int(answer.headers.get("Content-Length") or 0)
        while block := answer.read(_BLOCK):
            file.write(block)
            digest.update(block)
            done += len(block)
            if progress is not None:
                progress("downloading", done, total)
    return digest.hexdigest()
