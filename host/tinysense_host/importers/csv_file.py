"""CSV of anybody's, and that of `tinysense export`, which comes back as it was."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense import channels

from ..dataset import Gap, Label, Recording, check_ranges
from ..errors import TinysenseError
from ..exporters import CSV_FACTS
from ..quantities import headed, in_units, units_of
from .facts import Facts, Imported, drop_missing, id_of, is_number, recording_of, sane, whole

__all__ = ["read_csv"]

_TIME_COLUMNS = {
    "t": 1.0, "time": 1.0, "time_s": 1.0, "seconds": 1.0, "timestamp": 0.0,
    "time_ms": 1e-3, "ms": 1e-3, "timestamp_ms": 1e-3,
    "time_us": 1e-6, "us": 1e-6, "timestamp_us": 1e-6,
}  # fmt: skip


def read_csv(path: Path, facts: Facts) -> Imported:
    """Reads a CSV with or without header; a time column gives rate and gaps.

    Empty cells and NaN become gaps; any other cell that is no number is
    refused with its line. Where `tinysense export` wrote the file, its line of
    facts gives units, gaps, labels and exact counts; what the user says holds.
    """
    with open(path, encoding="utf-8-sig", newline="", errors="replace") as file:
        lines = file.readlines()
    kept = _exported(path, lines[0]) if lines and lines[0].startswith(CSV_FACTS) else None
    numbered = enumerate(csv.reader(lines[1:]), 2) if kept else enumerate(csv.reader(lines), 1)
    rows = [(n, [c.strip() for c in row]) for n, row in numbered if row]
    if not rows:
        raise TinysenseError(f"{path} is empty")
    header: list[str] = []
    if any(not is_number(cell) for cell in rows[0][1]):
        header = rows.pop(0)[1]
    width = len(header or rows[0][1]) if header or rows else 0
    table = np.array([_numbers(path, n, row, width) for n, row in rows], dtype=np.float64)
    table = table.reshape(len(rows), width)
    times, columns = _time_column(header, width)
    names = [header[c] for c in columns] if header else []
    if not kept and facts.units is None:
        names, said = headed(names)
        facts = replace(facts, units=said)
    if kept:
        return _restored(path, table[:, columns], names, facts, kept)
    unit_rate = facts.rate_hz
    values, gaps = drop_missing(table[:, columns])
    if times is not None:
        stamps = table[np.isfinite(table[:, columns]).all(axis=1), times[0]] * times[1]
        measured, gaps = _clock(path, stamps, times[1])
        unit_rate = unit_rate or measured
    found = recording_of(path, values, names, facts, unit_rate, gaps)
    return Imported(found, whole(found, facts))


def _exported(path: Path, line: str) -> dict[str, Any]:
    """The facts in the first line of a CSV that write_csv made."""
    try:
        kept = json.loads(line[len(CSV_FACTS):])
        return {
            "frames": int(kept["frames"]), "rate_mhz": int(kept["rate_mhz"]),
            "scale": tuple(map(float, _list(kept["scale"]))),
            "units": " ".join(str(unit) or "none" for unit in _list(kept["units"])),
            "gaps": tuple(Gap(int(a), int(b)) for a, b in kept["gaps"]),
            "labels": [
                (int(start), int(end), str(label), str(person), str(session))
                for start, end, label, person, session in kept["labels"]
            ],
        } | {key: str(kept[key]) for key in ("device", "time", "person", "session")}
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise TinysenseError(
            f"{path} line 1: its facts do not parse ({error})",
            "remove that line, and give --rate and --units",
        ) from error


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _restored(
    path: Path, values: npt.NDArray[np.float64], names: Sequence[str], facts: Facts,
    kept: dict[str, Any],
) -> Imported:  # fmt: skip
    """The recording and the labels that were exported."""
    count = values.shape[1]
    given = units_of(path, kept["units"] if facts.units is None else facts.units, count)
    scale = kept["scale"] * count if len(kept["scale"]) == 1 else kept["scale"]
    fits = len(scale) == count
    counts = np.rint(values / np.array(scale)) if fits and all(scale) else values
    if not fits or len(values) != kept["frames"] or not (np.abs(counts) <= 32768).all():
        raise TinysenseError(
            f"{path} was changed since its export: its first line tells of {kept['frames']} int16 "
            f"frames in steps of {channels.spoken(kept['scale'])}",
            "remove that line, and give --units",
        )
    units, scale = in_units(given, scale)
    rate_mhz = kept["rate_mhz"]
    if facts.rate_hz is not None:
        rate_mhz = round(sane(path, facts.rate_hz) * 1000)
    recording = Recording(
        id=id_of(path), frames=np.clip(counts, -32768, 32767).astype(np.int16), rate_mhz=rate_mhz,
        channels=tuple(names), units=units, scale=scale,
        device=facts.device or kept["device"], time=kept["time"],
        person=facts.person or kept["person"],
        session=facts.session or kept["session"], gaps=kept["gaps"],
        source={"file": path.name},
    )  # fmt: skip
    labels = tuple(Label(recording.id, *label) for label in kept["labels"])
    check_ranges(labels, len(counts), f"{path} line 1")
    return Imported(recording, whole(recording, facts) or labels)


def _numbers(path: Path, number: int, row: list[str], width: int) -> list[float]:
    if len(row) != width:
        raise TinysenseError(f"{path} line {number}: expected {width} columns, got {len(row)}")
    for cell in row:
        if not is_number(cell):
            raise TinysenseError(
                f"{path} line {number}: {cell[:40]!r} is not a number",
                "mend the line; raw terminal logs import with --format log",
            )
    return [float(cell or "nan") for cell in row]


def _time_column(
    header: list[str], width: int
) -> tuple[tuple[int, float] | None, list[int]]:
    """((column, seconds per unit; 0 unknown) or None, the other columns)."""
    for column, name in enumerate(header):
        key = re.sub(r"[\s(\[]+", "_", name.lower()).rstrip(")] ")
        if key in _TIME_COLUMNS:
            return (column, _TIME_COLUMNS[key]), [c for c in range(width) if c != column]
    return None, list(range(width))


def _clock(
    path: Path, stamps: npt.NDArray[np.float64], known: float
) -> tuple[float | None, list[Gap]]:
    """(rate in Hz or None, gaps) from time stamps; they must ascend."""
    if known == 0 and len(stamps):
        raise TinysenseError(
            f"{path}: column 'timestamp' has no unit", "rename it to time_s, time_ms or time_us"
        )
    if len(stamps) < 2:
        return None, []
    steps = np.diff(stamps)
    if not np.isfinite(steps).all() or (steps <= 0).any():
        row = int(np.flatnonzero(~(steps > 0))[0]) + 2
        raise TinysenseError(f"{path}: time does not ascend at data row {row}", "sort the file")
    period = float(np.median(steps))
    regular = steps[steps < 1.5 * period]
    gaps = [
        Gap(int(i) + 1, max(1, round(steps[i] / period) - 1))
        for i in np.flatnonzero(steps >= 1.5 * period)
    ]
    return float(1 / regular.mean()), gaps
