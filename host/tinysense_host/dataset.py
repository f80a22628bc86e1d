"""A folder of labelled recordings.

    DIR/recordings/ID.parquet    int16 columns named after the channels, facts in the schema
    DIR/labels.csv               recording,start,end,label,person,session

Recordings are written once, whole, and never changed; what people say about
them lives apart, in ``labels.csv``. Ranges are frames, end not included.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tinysense.channels import each, joined, spoken
from tinysense.recording import UNITS as BOARD_UNITS

from .errors import TinysenseError
from .files import write_atomically

__all__ = [
    "Dataset",
    "Frames",
    "Gap",
    "Label",
    "Numbers",
    "Recording",
    "Segment",
    "Texts",
    "Window",
    "check_ranges",
    "place",
    "read_recording",
    "rescale",
    "write_recording",
]

Frames = npt.NDArray[np.int16]

# One for all channels, or a tuple with one for each where they differ.
Texts = str | tuple[str, ...]
Numbers = float | tuple[float, ...]

VERSION = 2  # 1 had one unit and one scale for all channels
UNITS = ("", *BOARD_UNITS[1:])
_KEY = b"tinysense"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}\Z")
_LABEL_COLUMNS = ["recording", "start", "end", "label", "person", "session"]


@dataclass(frozen=True)
class Gap:
    """Frames are missing right before frame ``start``; ``lost`` is -1 where nobody knows."""

    start: int
    lost: int = -1


@dataclass(frozen=True)
class Recording:
    """Raw frames (n, channels) and everything needed to read them as numbers.

    value = count * scale, in ``units``: of each a tuple, one a channel, where
    channels differ. ``rate_mhz`` is in millihertz, ``time``
    the UTC of the first frame as ISO 8601 ("" where unknown).
    """

    id: str
    frames: Frames
    rate_mhz: int
    channels: tuple[str, ...]
    units: Texts
    scale: Numbers
    device: str = ""
    time: str = ""
    person: str = ""
    session: str = ""
    gaps: tuple[Gap, ...] = ()
    source: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("units", "scale"):
            given = getattr(self, name)
            if isinstance(given, tuple) and len(given) == len(self.channels) > 0:
                object.__setattr__(self, name, joined(given))
        problem = _problem(self)
        if problem:
            raise TinysenseError(f"recording {self.id!r}: {problem}")

    @property
    def full_scale(self) -> Numbers:
        """The value of the raw count 32768, in ``units``."""
        if isinstance(self.scale, tuple):
            return tuple(scale * 32768 for scale in self.scale)
        return self.scale * 32768

    @property
    def lost(self) -> int:
        """Frames known to be lost."""
        return sum(gap.lost for gap in self.gaps if gap.lost > 0)

    def stretches(self, start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
        """The ranges without a gap inside [start, end)."""
        end = len(self.frames) if end is None else end
        cuts = [gap.start for gap in self.gaps if start < gap.start < end]
        edges = [start, *cuts, end]
        return [(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]


@dataclass(frozen=True)
class Label:
    """What frames [start, end) of a recording show.

    ``person`` and ``session`` are empty where the recording's own hold.
    """

    recording: str
    start: int
    end: int
    label: str
    person: str = ""
    session: str = ""


@dataclass(frozen=True)
class Segment:
    """A labelled range with its frames at hand (a view, gaps allowed inside)."""

    recording: Recording
    start: int
    end: int
    label: str
    person: str
    session: str

    @property
    def frames(self) -> Frames:
        """Frames (end - start, channels)."""
        return self.recording.frames[self.start : self.end]


@dataclass(frozen=True)
class Window:
    """``frames`` (window, channels) begin at frame ``start`` of ``recording``."""

    frames: Frames
    start: int
    label: str
    recording: str
    person: str
    session: str


def _problem(r: Recording) -> str:
    """Why a recording cannot be right; "" if it can."""
    if r.frames.dtype != np.int16 or r.frames.ndim != 2:
        return f"frames must be int16 (n, channels), not {r.frames.dtype} {r.frames.shape}"
    columns = r.frames.shape[1]
    starts = [gap.start for gap in r.gaps]
    ascend = starts == sorted(set(starts)) and all(0 <= s <= len(r.frames) for s in starts)
    checks = (
        (_ID.match(r.id), "id needs 1 to 100 letters, digits or _.+- and no other signs"),
        (
            columns == len(r.channels) and 1 <= columns <= 16,
            f"{len(r.channels)} channel names for {columns} columns (1 to 16 allowed)",
        ),
        (
            len(set(r.channels)) == len(r.channels),
            f"channel names repeat: {', '.join(r.channels)}",
        ),
        *_sizes(r, columns),
        (0 < r.rate_mhz <= 10**9, f"rate must be 1 to 1000000000 mHz, not {r.rate_mhz}"),
        (ascend, "gaps must ascend and lie inside the recording"),
    )
    return next((message for fine, message in checks if not fine), "")


def _sizes(r: Recording, channels: int) -> list[tuple[bool, str]]:
    """The checks of units and scale, one for all or one a channel."""
    try:
        units, scales = each(r.units, channels), each(r.scale, channels)
    except ValueError as error:
        return [(False, f"units and scale: {error}")]
    strange = next((unit for unit in units if unit not in UNITS), "")
    fine = all(isinstance(s, float | int) and s > 0 and np.isfinite(s) for s in scales)
    return [
        (not strange, f"units {strange!r} are not one of {', '.join(UNITS[1:])}"),
        (fine, f"scale must be above 0, not {spoken(r.scale)}"),
    ]


# ---- Parquet, one file per recording ----


def write_recording(path: Path, recording: Recording) -> None:
    """Writes a new Parquet file; refuses to touch one that is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.exists():
        raise TinysenseError(
            f"recording {path} exists and recordings never change", "choose another id"
        )
    facts = {key: value for key, value in vars(recording).items() if key != "frames"}
    facts |= {"version": VERSION, "gaps": [asdict(gap) for gap in recording.gaps]}
    columns = [pa.array(np.ascontiguousarray(c)) for c in recording.frames.T]
    table = pa.table(dict(zip(recording.channels, columns, strict=True)))
    table = table.replace_schema_metadata({_KEY: json.dumps(facts, sort_keys=True).encode()})
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, sink.getvalue())


def read_recording(path: Path) -> Recording:
    """Reads one Parquet file; TinysenseError if it is missing, damaged or of another version."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise TinysenseError(f"no recording at {path}", "check the id and the dataset folder")
    try:
        table = pq.read_table(path, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise TinysenseError(
            f"{path} is damaged: not a Parquet file ({str(error).splitlines()[0]})",
            "capture or import it again",
        ) from error
    facts = _facts(path, table.schema.metadata or {})
    names = facts["channels"]
    if table.column_names != names or any(str(t) != "int16" for t in table.schema.types):
        raise TinysenseError(
            f"{path} is damaged: expected int16 columns {names}, "
            f"got {table.column_names} {[str(t) for t in table.schema.types]}"
        )
    if any(column.null_count for column in table.columns):
        raise TinysenseError(f"{path} is damaged: it holds empty cells")
    frames = np.stack([column.to_numpy() for column in table.columns], axis=1)
    try:
        facts["gaps"] = tuple(Gap(**gap) for gap in facts["gaps"])
        facts["channels"] = tuple(names)
        for name in ("units", "scale"):
            facts[name] = tuple(facts[name]) if isinstance(facts[name], list) else facts[name]
        return Recording(frames=np.ascontiguousarray(frames, dtype=np.int16), **facts)
    except (TypeError, KeyError) as error:
        raise TinysenseError(f"{path} is damaged: its facts are incomplete ({error})") from error


def _facts(path: Path, metadata: dict[bytes, bytes]) -> dict[str, Any]:
    if _KEY not in metadata:
        raise TinysenseError(
            f"{path} is a Parquet file but not a recording of tinysense",
            "use `tinysense import` for other people's files",
        )
    try:
        facts = json.loads(metadata[_KEY])
        version = facts.pop("version")
        facts["channels"] = [str(name) for name in facts["channels"]]
        facts["gaps"] = list(facts["gaps"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TinysenseError(f"{path} is damaged: its facts do not parse") from error
    if version not in (1, VERSION):
        raise TinysenseError(
            f"{path} has version {version}, this tinysense reads up to {VERSION}",
            "update tinysense",
        )
    return dict(facts)


# ---- Frames ----


def rescale(frames: Frames, scale: Numbers, full_scale: Numbers) -> Frames:
    """Counts of ``scale`` units to counts of ``full_scale`` / 32768, rounded and saturated."""
    factor = np.asarray(scale, np.float64) * 32768 / np.asarray(full_scale, np.float64)
    if (np.abs(factor - 1) < 1e-6).all():
        return frames
    counts = np.rint(frames.astype(np.float64) * factor)
    return np.clip(counts, -32768, 32767).astype(np.int16)


def place(frames: Frames, window: int) -> Frames:
    """Puts a segment in the middle of a window (window, channels).

    What is missing before and after is held still at the first and the last
    frame, which is what a resting hand gives; a longer one loses both ends.
    """
    if len(frames) == 0:
        raise TinysenseError("a segment without frames fits no window")
    spare = window - len(frames)
    if spare < 0:
        start = -spare // 2
        return frames[start : start + window]
    before = spare // 2
    return np.concatenate(
        [np.repeat(frames[:1], before, 0), frames, np.repeat(frames[-1:], spare - before, 0)]
    )


# ---- The folder ----


class Dataset:
    """Recordings and labels in one folder; made when the first recording comes."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if self.path.exists() and not self.path.is_dir():
            raise TinysenseError(f"{self.path} is no folder", "a dataset is a folder")
        self._labels_path = self.path / "labels.csv"

    def add_recording(self, recording: Recording) -> Path:
        """Writes a recording; TinysenseError if its id is taken. Returns the file."""
        path = self._file(recording.id)
        write_recording(path, recording)
        return path

    def new_id(self, stem: str) -> str:
        """A free id: ``stem``_001, _002, ..."""
        stem = re.sub(r"[^A-Za-z0-9_.+-]+", "_", stem).lstrip("_.+-") or "recording"
        taken = set(self.ids())
        number = 1
        while f"{stem}_{number:03}" in taken:
            number += 1
        return f"{stem}_{number:03}"

    def ids(self) -> list[str]:
        """Ids of all recordings, sorted."""
        return sorted(p.stem for p in (self.path / "recordings").glob("*.parquet"))

    def recording(self, id: str) -> Recording:
        """Reads one recording."""
        found = read_recording(self._file(id))
        if found.id != id:
            raise TinysenseError(f"{self._file(id)} says it is recording {found.id!r}")
        return found

    def recordings(self) -> Iterator[Recording]:
        """Reads all recordings, by id."""
        return (self.recording(id) for id in self.ids())

    def sources(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(id, source) of all recordings, without reading their frames."""
        import pyarrow.parquet as pq

        for id in self.ids():
            path = self._file(id)
            source = _facts(path, pq.read_schema(path).metadata or {}).get("source")
            yield id, source if isinstance(source, dict) else {}

    def labels(self) -> list[Label]:
        """All labels, sorted by recording and start; every row is checked."""
        if not self._labels_path.is_file():
            return []
        text = self._labels_path.read_text(encoding="utf-8")
        rows = list(csv.reader(io.StringIO(text)))
        if not rows or rows[0] != _LABEL_COLUMNS:
            raise TinysenseError(
                f"{self._labels_path} line 1: expected {','.join(_LABEL_COLUMNS)}",
                "put that line back",
            )
        labels = [self._label(number, row) for number, row in enumerate(rows[1:], 2) if row]
        return sorted(labels, key=lambda x: (x.recording, x.start, x.end))

    def set_label(
        self,
        recording: str,
        label: str,
        start: int = 0,
        end: int | None = None,
        person: str = "",
        session: str = "",
    ) -> None:
        """Labels frames [start, end); a label of exactly that range is replaced.

        An empty ``label`` removes it. TinysenseError outside the recording
        or where another label overlaps.
        """
        frames = len(self.recording(recording).frames)
        new = Label(recording, start, frames if end is None else end, label, person, session)
        self.set_labels([new], {recording: frames})

    def set_labels(self, new: Iterable[Label], frames: dict[str, int] | None = None) -> None:
        """Sets many labels in one write; see set_label. ``frames`` spares reading lengths."""
        sizes = dict(frames or {})
        kept = {(x.recording, x.start, x.end): x for x in self.labels()}
        for label in new:
            if label.recording not in sizes:
                sizes[label.recording] = len(self.recording(label.recording).frames)
            _check_range(label, sizes[label.recording], f"label {label.label!r}")
            kept.pop((label.recording, label.start, label.end), None)
            if label.label:
                kept[(label.recording, label.start, label.end)] = label
        ordered = [kept[key] for key in sorted(kept)]
        _check_overlap(ordered)
        sink = io.StringIO()
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(_LABEL_COLUMNS)
        writer.writerows(
            [x.recording, x.start, x.end, x.label, x.person, x.session] for x in ordered
        )
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomically(self._labels_path, sink.getvalue().encode())

    def segments(self) -> list[Segment]:
        """All labelled ranges; TinysenseError if a label lies outside its recording."""
        loaded: dict[str, Recording] = {}
        segments = []
        for row in self.labels():
            if row.recording not in loaded:
                loaded[row.recording] = self.recording(row.recording)
            recording = loaded[row.recording]
            _check_range(row, len(recording.frames), str(self._labels_path))
            person = row.person or recording.person
            session = row.session or recording.session
            segments.append(Segment(recording, row.start, row.end, row.label, person, session))
        return segments

    def windows(self, window: int, hop: int) -> Iterator[Window]:
        """Every whole window of the labelled ranges; none spans a gap or two labels."""
        if window < 1 or not 1 <= hop <= window:
            raise TinysenseError(f"need window >= hop >= 1, got window {window}, hop {hop}")
        for s in self.segments():
            for a, b in s.recording.stretches(s.start, s.end):
                for at in range(a, b - window + 1, hop):
                    frames = s.recording.frames[at : at + window]
                    yield Window(frames, at, s.label, s.recording.id, s.person, s.session)

    def split(
        self, names: Sequence[str], by: str = "person"
    ) -> tuple[list[Segment], list[Segment]]:
        """(rest, chosen): segments of everybody else, and of these persons or sessions."""
        if by not in ("person", "session"):
            raise TinysenseError(f"split by person or session, not by {by!r}")
        segments = self.segments()
        known = {str(getattr(s, by)) for s in segments}
        missing = [name for name in names if name not in known]
        if missing:
            raise TinysenseError(
                f"no {by} named {', '.join(missing)} in {self.path}",
                f"there are: {', '.join(sorted(known - {''}))}",
            )
        chosen = set(names)
        rest = [s for s in segments if getattr(s, by) not in chosen]
        return rest, [s for s in segments if getattr(s, by) in chosen]

    def _file(self, id: str) -> Path:
        if not _ID.match(id):
            raise TinysenseError(f"{id!r} is not a recording id")
        return self.path / "recordings" / f"{id}.parquet"

    def _label(self, number: int, row: list[str]) -> Label:
        try:
            recording, start, end, label, person, session = row
            return Label(recording, int(start), int(end), label, person, session)
        except ValueError as error:
            raise TinysenseError(
                f"{self._labels_path} line {number}: expected {','.join(_LABEL_COLUMNS)}, "
                f"got {','.join(row)!r}"
            ) from error


def check_ranges(labels: Sequence[Label], frames: int, where: str) -> None:
    """TinysenseError where labels of one recording of so many frames leave it or overlap."""
    for label in labels:
        _check_range(label, frames, where)
    _check_overlap(sorted(labels, key=lambda x: (x.start, x.end)))


def _check_range(label: Label, frames: int, where: str) -> None:
    if not 0 <= label.start < label.end <= frames:
        raise TinysenseError(
            f"{where}: frames {label.start} to {label.end} lie outside recording "
            f"{label.recording!r}, which has {frames} frames"
        )


def _check_overlap(ordered: Sequence[Label]) -> None:
    for a, b in zip(ordered, ordered[1:], strict=False):
        if a.recording == b.recording and b.start < a.end:
            raise TinysenseError(
                f"labels {a.label!r} {a.start}-{a.end} and {b.label!r} {b.start}-{b.end} of "
                f"recording {a.recording!r} overlap",
                "remove one first",
            )
