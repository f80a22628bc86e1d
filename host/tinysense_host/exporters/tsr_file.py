"""The format of the board."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from tinysense.channels import each

from ..dataset import Label, Recording
from ..errors import TinysenseError
from .layout import free

__all__ = ["write_tsr"]


def write_tsr(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """The format of the board; a label of the whole recording goes into it.

    What the board said of note, boot and device time goes back into it.
    """
    from tinysense import recording as tsr

    path = free(folder / f"{recording.id}.tsr")
    names = {label.label for label in labels}
    label = names.pop() if len(names) == 1 else ""
    channels = recording.frames.shape[1]
    units = tuple(unit or "none" for unit in each(recording.units, channels))
    said = recording.source
    lost = {gap.start: max(1, gap.lost) for gap in recording.gaps}
    try:
        with tsr.Writer(
            str(path), recording.rate_mhz, channels, units, recording.full_scale, label,
            _utc_us(recording.time), str(said.get("note", "")), _whole(said.get("boot"), 32),
        ) as writer:  # fmt: skip
            time_us = _whole(said.get("device_time_us"), 63)
            for start, end in recording.stretches():
                frames = recording.frames[start:end].astype("<i2").tobytes()
                writer.write(frames, end - start, lost.get(start, 0), -1 if start else time_us)
    except ValueError as error:
        raise TinysenseError(f"recording {recording.id!r} fits no .tsr: {error}") from error
    return [path]


def _whole(value: object, bits: int) -> int:
    """What a recording's source says, 0 where that is no number of so many bits."""
    return value if isinstance(value, int) and 0 <= value < 1 << bits else 0


def _utc_us(time: str) -> int:
    if not time:
        return 0
    return round(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1e6)
