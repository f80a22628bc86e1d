"""What people say about a file, and what every importer does with numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense import channels

from ..dataset import Gap, Label, Recording
from ..errors import TinysenseError
from ..quantities import counted, units_of
from ..sound.remarks import Remark

__all__ = ["Facts", "Imported", "drop_missing", "id_of", "is_number", "recording_of", "sane",
           "whole"]


@dataclass(frozen=True)
class Facts:
    """What the user says about a file; None or "" where the file itself should say.

    ``units`` may be a name people use (mg, dps): values are turned into the
    units of recordings. Several, with commas or spaces between, are those of
    the channels one by one.
    """

    rate_hz: float | None = None
    units: str | None = None
    label: str = ""
    person: str = ""
    session: str = ""
    device: str = ""


@dataclass(frozen=True)
class Imported:
    """A recording, its labels, and how many lines held no numbers, or blocks were damaged.

    ``remarks``: what was done to a sound to read it, and what is wrong with its level.
    """

    recording: Recording
    labels: tuple[Label, ...] = ()
    skipped_lines: int = 0
    damaged_blocks: int = 0
    remarks: tuple[Remark, ...] = ()


def recording_of(
    path: Path, values: npt.NDArray[np.float64], names: Sequence[str], facts: Facts,
    rate_hz: float | None, gaps: Sequence[Gap], **source: Any
) -> Recording:  # fmt: skip
    """Values (frames, channels) as a recording; TinysenseError where something is not known."""
    if rate_hz is None:
        raise TinysenseError(f"{path} does not say its sample rate", "add --rate HZ")
    rate_mhz = round(sane(path, rate_hz) * 1000)
    if len(values) == 0:
        raise TinysenseError(f"{path} holds no frames", "nothing was imported")
    given = units_of(path, facts.units or "", values.shape[1])
    counts, units, scale = counted(values, given)
    return Recording(
        id=id_of(path), frames=counts, rate_mhz=rate_mhz,
        channels=tuple(names) or channels.names(len(units), units),
        units=units, scale=scale, device=facts.device, person=facts.person,
        session=facts.session or path.stem, gaps=tuple(gaps),
        source={"file": path.name, **source},
    )  # fmt: skip


def id_of(path: Path) -> str:
    """The id of a recording by its file's name."""
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", path.stem).lstrip("_.+-")[:100] or "recording"


def whole(recording: Recording, facts: Facts) -> tuple[Label, ...]:
    """The user's label, for all of a recording."""
    if not facts.label:
        return ()
    return (Label(recording.id, 0, len(recording.frames), facts.label),)


def drop_missing(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], list[Gap]]:
    """Takes out rows with NaN or infinity and marks where they were."""
    good: npt.NDArray[np.bool_] = np.isfinite(values).all(axis=-1).reshape(len(values))
    gaps, lost, kept = [], 0, 0
    for ok in good.tolist():
        if not ok:
            lost += 1
            continue
        if lost:
            gaps.append(Gap(kept, lost))
            lost = 0
        kept += 1
    if lost:
        gaps.append(Gap(kept, lost))
    return values[good], gaps


def sane(path: Path, rate_hz: float) -> float:
    """A rate in Hz that a recording can have; TinysenseError else."""
    if not 0.001 <= rate_hz <= 1e6:  # neither NaN nor infinity passes
        raise TinysenseError(f"{path}: a rate must be 0.001 to 1000000 Hz, not {rate_hz:g}")
    return rate_hz


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, or nothing."""
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True
