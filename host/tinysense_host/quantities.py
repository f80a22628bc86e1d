"""Numbers and units as people write them, to int16 counts and the units of recordings."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .dataset import UNITS, Frames
from .errors import TinysenseError

__all__ = ["counted", "counts_and_scale", "headed", "in_units", "units_of"]

# What people write -> (unit of a recording, factor).
_UNIT_NAMES = {name: (name, 1.0) for name in UNITS} | {
    "none": ("", 1.0),
    "mg": ("g", 1e-3),
    "ms2": ("m/s2", 1.0),
    "m/s^2": ("m/s2", 1.0),
    "dps": ("deg/s", 1.0),
    "mdps": ("deg/s", 1e-3),
}


def counts_and_scale(values: npt.NDArray[np.float64]) -> tuple[Frames, float]:
    """Values (n, channels) to int16 counts and the scale that turns them back.

    The coarsest decimal step (1, 0.1, .. 1e-6) that loses nothing is taken;
    where there is none, the full scale is the next power of two.
    """
    peak = float(np.abs(values).max(initial=0.0))
    for digits in range(7):
        step = 10.0**-digits
        counts = np.rint(values / step)
        if peak / step > 32767:
            break
        if np.abs(counts * step - values).max(initial=0.0) <= 1e-9 * max(1.0, peak):
            return counts.astype(np.int16), step
    full_scale = 2.0 ** math.ceil(math.log2(peak)) if peak else 1.0
    scale = full_scale / 32768
    return np.clip(np.rint(values / scale), -32768, 32767).astype(np.int16), scale


def units_of(path: Path, given: str, count: int) -> tuple[str, ...]:
    """What people call the units, one for each of so many channels."""
    names = tuple(name for name in re.split(r"[,\s]+", given) if name) or ("",)
    for name in names:
        if name not in _UNIT_NAMES:
            raise TinysenseError(f"units {name!r} are not known", f"use {', '.join(_UNIT_NAMES)}")
    if len(names) not in (1, count):
        raise TinysenseError(
            f"{path} has {count} channels, but {len(names)} units are given: {given}",
            "give one for all, or one for each",
        )
    return names * count if len(names) == 1 else names


def counted(
    values: npt.NDArray[np.float64], given: Sequence[str]
) -> tuple[Frames, tuple[str, ...], tuple[float, ...]]:
    """(counts, units, scales) of values (n, channels) in units as people call them.

    Channels of one unit share a scale.
    """
    counts, steps = np.zeros(values.shape, np.int16), [1.0] * len(given)
    for kind in {_UNIT_NAMES[name] for name in given}:
        own = [i for i, name in enumerate(given) if _UNIT_NAMES[name] == kind]
        counts[:, own], step = counts_and_scale(values[:, own])
        for i in own:
            steps[i] = step
    units, scales = in_units(given, steps)
    return counts, units, scales


def in_units(
    given: Sequence[str], steps: Sequence[float]
) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """(units, scales) of recordings for names people use and the steps of their numbers."""
    known = [_UNIT_NAMES[name] for name in given]
    units = tuple(unit for unit, _ in known)
    return units, tuple(s * factor for s, (_, factor) in zip(steps, known, strict=True))


def headed(names: list[str]) -> tuple[list[str], str | None]:
    """Columns named like "ax (mg)" or "gx [dps]" say their units, where all of them do."""
    found = [re.fullmatch(r"(.*\S)\s*[(\[]\s*(\S+)\s*[)\]]", name) for name in names]
    said = [(match[1], match[2]) for match in found if match and match[2] in _UNIT_NAMES]
    if not said or len(said) != len(names):
        return names, None
    return [name for name, _ in said], " ".join(unit for _, unit in said)
