"""Sound files of any kind to int16 mono at one rate, and what had to be done for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import TinysenseError
from .completeness import missing
from .levels import Samples
from .remarks import Remark

__all__ = ["RATE_HZ", "SUFFIXES", "Sound", "read_sound"]

RATE_HZ = 16000
RATES_HZ = (1000, 768000)  # of sound: below lie other sensors' recordings
SUFFIXES = ("wav", "flac", "ogg", "oga", "opus", "mp3", "aif", "aiff", "au")
_BLOCK = 1 << 16  # frames read at a time
_FRAMES_MAX = 1 << 48  # libsndfile's way to say that it does not know is 2^63 - 1

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """``samples`` int16 (n,) at ``rate_hz``, from a file of ``file_rate_hz`` and ``channels``."""

    samples: Samples
    rate_hz: int
    file_rate_hz: int
    channels: int
    remarks: tuple[Remark, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / self.rate_hz


def read_sound(path: Path | str, rate_hz: int = RATE_HZ, at_least: int = 0) -> Sound:
    """Reads a file that libsndfile knows: WAV of 8 to 32 bits and float, FLAC, OGG, MP3, AIFF.

    Channels are averaged, other rates resampled (polyphase FIR, scipy), what
    is beyond full scale is clipped; ``remarks`` says each of these, and where
    there are fewer than ``at_least`` samples. Full scale is the count 32768.
    TinysenseError for files that are empty, cut, no sound, or hold NaN.
    """
    path = Path(path)
    _check_file(path)
    with _opened(path) as file:
        rate, channels = int(file.samplerate), int(file.channels)
        if not RATES_HZ[0] <= rate <= RATES_HZ[1]:
            raise TinysenseError(
                f"{path} has {rate} Hz: expected sound of {RATES_HZ[0]} to {RATES_HZ[1]} Hz",
                "recordings of other sensors are imported as csv or npy")  # fmt: skip
        if file.frames > _FRAMES_MAX:
            raise TinysenseError(f"{path} does not say how long it is: it was written to a pipe",
                                 "convert it into a WAV file")  # fmt: skip
        counts = _Counts()
        pieces = list(_resampled(_blocks(file, path), rate, rate_hz, counts))
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.int16)
    if len(samples) == 0:
        raise TinysenseError(f"{path} holds no samples", "record or export it again")
    remarks = tuple(_remarks(rate, rate_hz, channels, counts, samples, at_least))
    return Sound(samples, rate_hz, rate, channels, remarks)


def _check_file(path: Path) -> None:
    """What can be said without a decoder."""
    if path.is_dir():
        raise TinysenseError(f"{path} is a folder", "give a sound file")
    if not path.is_file():
        raise TinysenseError(f"no file at {path}", "check the path")
    try:
        if path.stat().st_size == 0:
            raise TinysenseError(f"{path} is empty", "record or copy it again")
        what = missing(path)
    except OSError as error:
        raise TinysenseError(f"cannot read {path}: {error.strerror or error}") from error
    if what:
        raise TinysenseError(f"{path} is cut short: {what}", "copy it again")


def _opened(path: Path) -> Any:
    try:
        import soundfile
    except OSError as error:  # the wheel without libsndfile, and none on the system
        raise TinysenseError("soundfile finds no libsndfile here",
                             "install it: apt install libsndfile1") from error  # fmt: skip
    try:
        return soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise TinysenseError(
            f"{path} is no sound file that libsndfile reads ({_reason(error, path)})",
            f"expected one of {' '.join(SUFFIXES)}, whole") from error  # fmt: skip


def _reason(error: Exception, path: Path) -> str:
    said = str(error).replace(f"Error opening {str(path)!r}: ", "").strip()
    return (said.splitlines() or ["unknown"])[0].rstrip(".")


def _blocks(file: Any, path: Path) -> Iterator[Floats]:
    """The file's frames averaged over channels, +-1 at full scale; NaN and early ends refused."""
    import soundfile

    done = 0
    while True:
        try:
            block = file.read(_BLOCK, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            where, what = done / file.samplerate, _reason(error, path)
            raise TinysenseError(f"{path} is damaged after {where:.2f} s ({what})",
                                 "copy it again") from error  # fmt: skip
        good = np.isfinite(block).all(axis=1)
        if not good.all():
            at = done + int(np.argmin(good))
            raise TinysenseError(
                f"{path} holds NaN or infinity at sample {at} ({at / file.samplerate:.3f} s)",
                "mend the program that wrote it")  # fmt: skip
        done += len(block)
        if len(block):
            yield block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)
        if len(block) < _BLOCK:
            break
    if done < file.frames:
        raise TinysenseError(f"{path} is cut short: {done} of {file.frames} frames are there",
                             "copy it again")  # fmt: skip


@dataclass
class _Counts:
    clipped: int = field(default=0)


def _resampled(
    blocks: Iterator[Floats], rate: int, wanted: int, counts: _Counts
) -> Iterator[Samples]:
    if rate == wanted:
        for block in blocks:
            yield _to_int16(block, counts)
        return
    from scipy.signal import resample_poly

    pieces = list(blocks)
    if pieces:
        common = gcd(rate, wanted)
        whole = resample_poly(np.concatenate(pieces), wanted // common, rate // common)
        yield _to_int16(whole, counts)


def _to_int16(values: Floats, counts: _Counts) -> Samples:
    scaled = np.rint(values * np.float32(32768))
    # +1.0 is the count 32768, which int16 just lacks: no reason to speak of clipping.
    counts.clipped += int(np.count_nonzero(np.abs(scaled) > 32768))
    found: Samples = np.clip(scaled, -32768, 32767).astype(np.int16)
    return found


def _remarks(
    rate: int, wanted: int, channels: int, counts: _Counts, samples: Samples, at_least: int
) -> Iterator[Remark]:
    if channels > 1:
        yield Remark("mixed", f"{channels} channels were averaged to one")
    if rate != wanted:
        poor = f"; nothing above {rate / 2000:g} kHz is in it" if rate < wanted else ""
        yield Remark("resampled", f"resampled from {rate} Hz to {wanted} Hz{poor}")
    if counts.clipped:
        yield Remark("clipped", f"{counts.clipped} samples beyond full scale were clipped; "
                     "export it with a lower gain")
    if len(samples) < at_least:
        yield Remark("short", f"{len(samples) / wanted:.2f} s is shorter than the "
                     f"{at_least / wanted:.2f} s that the model hears at a time")
