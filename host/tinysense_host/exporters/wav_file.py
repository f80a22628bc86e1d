"""WAV: counts as 16-bit PCM, a file per stretch without a gap."""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..dataset import Frames, Label, Recording
from ..errors import TinysenseError
from ..files import write_atomically
from .layout import Options, free

__all__ = ["wav_bytes", "wav_rate", "wav_remarks", "write_wav"]


def write_wav(
    recording: Recording, labels: Sequence[Label], folder: Path, options: Options
) -> list[Path]:
    """A file of all channels, or with split_channels one for each, named ID_CHANNEL."""
    wav_rate(recording)
    stretches, written = recording.stretches(), []
    for number, (start, end) in enumerate(stretches):
        part = f"_{number:03}" if len(stretches) > 1 else ""
        frames = recording.frames[start:end]
        files = {"": frames}
        if options.split_channels:
            files = {f"_{c}": frames[:, i : i + 1] for i, c in enumerate(_names(recording))}
        for channel, own in files.items():
            path = free(folder / f"{recording.id}{part}{channel}.wav")
            write_atomically(path, wav_bytes(own, recording))
            written.append(path)
    return written


def wav_rate(recording: Recording) -> int:
    """The rate that a WAV can say: whole Hz."""
    rate = round(recording.rate_mhz / 1000)
    if rate < 1:
        raise TinysenseError(
            f"recording {recording.id!r} has {recording.rate_mhz / 1000:g} Hz; a WAV says whole Hz",
            "export it as csv or parquet")  # fmt: skip
    return rate


def wav_bytes(frames: Frames, recording: Recording) -> bytes:
    """A WAV of frames (n, channels) of a recording."""
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(2)
        file.setframerate(wav_rate(recording))
        file.writeframes(np.ascontiguousarray(frames, "<i2").tobytes())
    return sink.getvalue()


def wav_remarks(recording: Recording) -> list[str]:
    """What a WAV cannot say of this recording."""
    said = []
    if recording.rate_mhz % 1000:
        said.append(f"{recording.id}: {recording.rate_mhz / 1000:g} Hz became "
                    f"{wav_rate(recording)} Hz")
    if len(recording.stretches()) > 1:
        said.append(f"{recording.id}: parted at gaps into {len(recording.stretches())} files")
    return said


def _names(recording: Recording) -> list[str]:
    """Channels as parts of file names."""
    plain = ["".join(c if c.isalnum() and c.isascii() else "_" for c in name)
             for name in recording.channels]
    return plain if len(set(plain)) == len(plain) else [f"c{i}" for i in range(len(plain))]
