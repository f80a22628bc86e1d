"""Other people's files to recordings: CSV, NumPy, .tsr and raw terminal logs.

Nothing is interpolated: where rows are missing the recording says so with a
gap. Numbers become int16 counts without loss where a decimal step allows it.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .dataset import UNITS, Dataset, Frames, Gap, Label, Recording, check_ranges
from .errors import TinysenseError
from .exporters import CSV_FACTS

__all__ = [
    "FORMATS",
    "Facts",
    "Imported",
    "counts_and_scale",
    "import_into",
    "import_path",
    "read_csv",
    "read_log",
    "read_npy",
    "read_tsr",
]

# What people write -> (unit of a recording, factor).
_UNIT_NAMES = {name: (name, 1.0) for name in UNITS} | {
    "mg": ("g", 1e-3),
    "ms2": ("m/s2", 1.0),
    "m/s^2": ("m/s2", 1.0),
    "dps": ("deg/s", 1.0),
    "mdps": ("deg/s", 1e-3),
}
_TIME_COLUMNS = {
    "t": 1.0, "time": 1.0, "time_s": 1.0, "seconds": 1.0, "timestamp": 0.0,
    "time_ms": 1e-3, "ms": 1e-3, "timestamp_ms": 1e-3,
    "time_us": 1e-6, "us": 1e-6, "timestamp_us": 1e-6,
}  # fmt: skip
_AXES = ("x", "y", "z")
_SEPARATOR = "-,-,-"


@dataclass(frozen=True)
class Facts:
    """What the user says about a file; None or "" where the file itself should say.

    ``units`` may be a name people use (mg, dps): values are turned into the
    units of recordings.
    """

    rate_hz: float | None = None
    units: str | None = None
    label: str = ""
    person: str = ""
    session: str = ""
    device: str = ""


@dataclass(frozen=True)
class Imported:
    """A recording, its labels, and how many lines held no numbers."""

    recording: Recording
    labels: tuple[Label, ...] = ()
    skipped_lines: int = 0


def import_into(
    dataset: Dataset, paths: Sequence[Path], facts: Facts, format: str = ""
) -> list[Imported]:
    """Reads files and folders into a dataset: all of them, or none if one is bad."""
    found = [item for path in paths for item in import_path(path, facts, format)]
    if not found:
        raise TinysenseError(f"nothing to import in {', '.join(map(str, paths))}")
    taken = set(dataset.ids())
    for item in found:
        if item.recording.id in taken:
            raise TinysenseError(
                f"recording {item.recording.id!r} (from {item.recording.source.get('file')}) is "
                f"already in {dataset.path}",
                "recordings never change: import into another dataset",
            )
        taken.add(item.recording.id)
    for item in found:
        dataset.add_recording(item.recording)
    sizes = {item.recording.id: len(item.recording.frames) for item in found}
    dataset.set_labels([label for item in found for label in item.labels], sizes)
    return found


def import_path(path: Path, facts: Facts, format: str = "") -> list[Imported]:
    """Reads a file, or every file of a known kind below a folder."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and _format_of(p) in FORMATS)
        return [item for file in files for item in import_path(file, facts, format)]
    if not path.is_file():
        raise TinysenseError(f"no file at {path}", "check the path")
    kind = format or _format_of(path)
    if kind not in FORMATS:
        raise TinysenseError(
            f"{path} is of no known kind ({path.suffix or 'no suffix'})",
            f"say which with --format {'|'.join(FORMATS)}",
        )
    return [FORMATS[kind](path, facts)]


def _format_of(path: Path) -> str:
    suffix = path.suffix.lower().lstrip(".")
    if suffix != "txt":
        return suffix
    with open(path, encoding="utf-8", errors="replace") as file:
        return "log" if any(_SEPARATOR in line for line in file) else ""


# ---- Numbers ----


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


def _recording(
    path: Path, values: npt.NDArray[np.float64], names: Sequence[str], facts: Facts,
    rate_hz: float | None, gaps: Sequence[Gap], **source: Any
) -> Recording:  # fmt: skip
    if rate_hz is None:
        raise TinysenseError(f"{path} does not say its sample rate", "add --rate HZ")
    rate_mhz = round(_sane(path, rate_hz) * 1000)
    if len(values) == 0:
        raise TinysenseError(f"{path} holds no frames", "nothing was imported")
    given = facts.units or ""
    if given not in _UNIT_NAMES:
        raise TinysenseError(f"units {given!r} are not known", f"use {', '.join(_UNIT_NAMES)}")
    units, factor = _UNIT_NAMES[given]
    counts, scale = counts_and_scale(values)
    return Recording(
        id=_id(path), frames=counts, rate_mhz=rate_mhz, channels=tuple(names),
        units=units, scale=scale * factor, device=facts.device, person=facts.person,
        session=facts.session or path.stem, gaps=tuple(gaps),
        source={"file": path.name, **source},
    )  # fmt: skip


def _id(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "_", path.stem).lstrip("_.+-")[:100] or "recording"


def _whole(recording: Recording, facts: Facts) -> tuple[Label, ...]:
    if not facts.label:
        return ()
    return (Label(recording.id, 0, len(recording.frames), facts.label),)


def _drop_missing(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], list[Gap]]:
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


# ---- CSV ----


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
    if any(not _is_number(cell) for cell in rows[0][1]):
        header = rows.pop(0)[1]
    width = len(header or rows[0][1]) if header or rows else 0
    table = np.array([_numbers(path, n, row, width) for n, row in rows], dtype=np.float64)
    table = table.reshape(len(rows), width)
    times, columns = _time_column(header, width)
    names = [header[c] for c in columns] if header else list(_names(len(columns)))
    if kept:
        return _restored(path, table[:, columns], names, facts, kept)
    unit_rate = facts.rate_hz
    values, gaps = _drop_missing(table[:, columns])
    if times is not None:
        stamps = table[np.isfinite(table[:, columns]).all(axis=1), times[0]] * times[1]
        measured, gaps = _clock(path, stamps, times[1])
        unit_rate = unit_rate or measured
    recording = _recording(path, values, names, facts, unit_rate, gaps)
    return Imported(recording, _whole(recording, facts))


def _exported(path: Path, line: str) -> dict[str, Any]:
    """The facts in the first line of a CSV that write_csv made."""
    try:
        kept = json.loads(line[len(CSV_FACTS):])
        return {
            "frames": int(kept["frames"]), "rate_mhz": int(kept["rate_mhz"]),
            "scale": float(kept["scale"]),
            "gaps": tuple(Gap(int(a), int(b)) for a, b in kept["gaps"]),
            "labels": [
                (int(start), int(end), str(label), str(person), str(session))
                for start, end, label, person, session in kept["labels"]
            ],
        } | {key: str(kept[key]) for key in ("units", "device", "time", "person", "session")}
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise TinysenseError(
            f"{path} line 1: its facts do not parse ({error})",
            "remove that line, and give --rate and --units",
        ) from error


def _restored(
    path: Path, values: npt.NDArray[np.float64], names: Sequence[str], facts: Facts,
    kept: dict[str, Any],
) -> Imported:  # fmt: skip
    """The recording and the labels that were exported."""
    given = kept["units"] if facts.units is None else facts.units
    if given not in _UNIT_NAMES:
        raise TinysenseError(f"units {given!r} are not known", f"use {', '.join(_UNIT_NAMES)}")
    counts = np.rint(values / kept["scale"]) if kept["scale"] else values
    if len(values) != kept["frames"] or not (np.abs(counts) <= 32768).all():
        raise TinysenseError(
            f"{path} was changed since its export: its first line tells of {kept['frames']} int16 "
            f"frames in steps of {kept['scale']:g}",
            "remove that line, and give --units",
        )
    units, factor = _UNIT_NAMES[given]
    rate_mhz = kept["rate_mhz"]
    if facts.rate_hz is not None:
        rate_mhz = round(_sane(path, facts.rate_hz) * 1000)
    recording = Recording(
        id=_id(path), frames=np.clip(counts, -32768, 32767).astype(np.int16), rate_mhz=rate_mhz,
        channels=tuple(names), units=units, scale=kept["scale"] * factor,
        device=facts.device or kept["device"], time=kept["time"],
        person=facts.person or kept["person"],
        session=facts.session or kept["session"], gaps=kept["gaps"],
        source={"file": path.name},
    )  # fmt: skip
    labels = tuple(Label(recording.id, *label) for label in kept["labels"])
    check_ranges(labels, len(counts), f"{path} line 1")
    return Imported(recording, _whole(recording, facts) or labels)


def _sane(path: Path, rate_hz: float) -> float:
    if not 0.001 <= rate_hz <= 1e6:  # neither NaN nor infinity passes
        raise TinysenseError(f"{path}: a rate must be 0.001 to 1000000 Hz, not {rate_hz:g}")
    return rate_hz


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _numbers(path: Path, number: int, row: list[str], width: int) -> list[float]:
    if len(row) != width:
        raise TinysenseError(f"{path} line {number}: expected {width} columns, got {len(row)}")
    for cell in row:
        if not _is_number(cell):
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


def _names(count: int) -> tuple[str, ...]:
    return _AXES[:count] if count <= 3 else tuple(f"c{i}" for i in range(count))


# ---- NumPy ----


def read_npy(path: Path, facts: Facts) -> Imported:
    """Reads a .npy of shape (frames,) or (frames, channels), integer or float."""
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise TinysenseError(
            f"{path} is not a whole .npy file ({str(error).splitlines()[0]})",
            "copy it again",
        ) from error
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.dtype.kind not in "iuf" or not 1 <= array.shape[1] <= 16:
        raise TinysenseError(
            f"{path}: expected numbers (frames, 1 to 16 channels), "
            f"got {array.dtype} {array.shape}"
        )
    values, gaps = _drop_missing(array.astype(np.float64))
    recording = _recording(path, values, _names(array.shape[1]), facts, facts.rate_hz, gaps)
    return Imported(recording, _whole(recording, facts))


# ---- Terminal logs ----


def read_log(path: Path, facts: Facts) -> Imported:
    """Reads a raw terminal capture of "x,y,z" lines between "-,-,-" lines.

    Lines that are no numbers (escape codes, prompts) are skipped and counted.
    Every stretch between separators gets a label and begins with a gap of
    unknown length. Label and person come from names like wing_ada.txt or
    output_wing_ada.txt where the user gives none. Default: mg at 25 Hz.
    """
    rows: list[list[float]] = []
    starts: list[int] = []
    skipped = 0
    text = path.read_text(encoding="utf-8", errors="replace")
    for line in text.split("\n"):  # not splitlines: form feeds occur inside lines
        cells = line.strip().split(",")
        if line.strip() == _SEPARATOR:
            starts.append(len(rows))
        elif len(cells) == 3 and all(cell and _is_number(cell) for cell in cells):
            rows.append([float(cell) for cell in cells])
        else:
            skipped += 1
    edges = sorted({0, *starts, len(rows)})
    values, lost = _drop_missing(np.array(rows, dtype=np.float64).reshape(-1, 3))
    if len(values) != len(rows):
        raise TinysenseError(f"{path}: {sum(g.lost for g in lost)} rows hold NaN or infinity")
    label, person = _label_and_person(path)
    known = Facts(
        25.0 if facts.rate_hz is None else facts.rate_hz, facts.units or "mg", facts.label or label,
        facts.person or person, facts.session, facts.device,
    )  # fmt: skip
    gaps = [Gap(start) for start in edges[1:-1]]
    recording = _recording(path, values, _AXES, known, known.rate_hz, gaps, skipped_lines=skipped)
    spans = zip(edges, edges[1:], strict=False)
    labels = [Label(recording.id, a, b, known.label) for a, b in spans if known.label]
    return Imported(recording, tuple(labels), skipped)


def _label_and_person(path: Path) -> tuple[str, str]:
    """("wing", "ada") from output_wing_ada.txt; no person where digits say it is a count."""
    parts = [p for p in path.stem.split("_") if p != "output"]
    label = parts[0] if parts else ""
    person = parts[1] if len(parts) == 2 and parts[1].isalpha() else ""
    return label, person


# ---- .tsr ----


def read_tsr(path: Path, facts: Facts) -> Imported:
    """Reads a recording made on a board; lost frames and damaged blocks become gaps."""
    from tinysense import recording as tsr

    try:
        with tsr.Reader(str(path), skip_damaged=True) as reader:
            blocks = [_Block.of(block) for block in reader]
            damaged = int(reader.damaged)
    except (OSError, ValueError) as error:
        raise TinysenseError(f"{path}: {error}", "copy it from the board again") from error
    if not blocks:
        raise TinysenseError(f"{path} holds no readable block", "copy it from the board again")
    head = blocks[0]
    frames = np.concatenate([block.frames for block in blocks])
    starts = np.cumsum([0] + [len(block.frames) for block in blocks])
    gaps = [
        Gap(int(at), block.missing)
        for at, block in zip(starts, blocks, strict=False)
        if block.missing
    ]
    recording = Recording(
        id=_id(path), frames=frames, rate_mhz=blocks[-1].rate_mhz,
        channels=_names(frames.shape[1]), units=head.units, scale=head.scale,
        device=facts.device, time=_iso(head.utc_us), person=facts.person,
        session=facts.session or path.stem, gaps=tuple(gaps),
        source={"file": path.name, "tsr_id": head.id, "damaged_blocks": damaged},
    )  # fmt: skip
    return Imported(recording, _whole(recording, replace(facts, label=facts.label or head.label)))


@dataclass(frozen=True)
class _Block:
    """What is kept of a block: the reader uses its memory again for the next."""

    frames: Frames
    id: int
    missing: int
    rate_mhz: int
    scale: float
    units: str
    utc_us: int
    label: str

    @classmethod
    def of(cls, block: Any) -> _Block:
        frames = np.frombuffer(bytes(block.frames), "<i2").reshape(-1, block.channels)
        return cls(
            frames.astype(np.int16), block.id, block.missing,
            block.measured_rate_mhz or block.rate_mhz, float(block.scale),
            "" if block.units == "none" else block.units, block.utc_us, block.label,
        )  # fmt: skip


def _iso(utc_us: int) -> str:
    if not utc_us:
        return ""
    return datetime.fromtimestamp(utc_us / 1e6, timezone.utc).isoformat()


FORMATS: dict[str, Callable[[Path, Facts], Imported]] = {
    "csv": read_csv,
    "npy": read_npy,
    "log": read_log,
    "tsr": read_tsr,
}
