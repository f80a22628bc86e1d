"""Blocks into a dataset: what it has already stays as it is, what is new is added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..dataset import Dataset, Recording
from ..errors import TinysenseError
from .blocks import Block
from .joining import (
    Joined,
    Ranges,
    absent,
    inside,
    join,
    label_of,
    name_of,
    ranges,
    recording_of,
    united,
)
from .times import TrueTimes

__all__ = ["Source", "Stored", "store"]


@dataclass(frozen=True)
class Source:
    """Where blocks of one recording came from: first file, damaged blocks beside them."""

    file: str = ""
    damaged: int = 0


@dataclass(frozen=True)
class Stored:
    """One recording: what was there of it, and what became of that.

    ``recording`` is None where the dataset had all blocks already, or where
    ``fault`` says why they make no recording. ``absent``: ranges of numbers
    of blocks that nobody has; ``frames_missing`` with what the board lost.
    """

    joined: Joined
    label: str
    id: str
    recording: Recording | None
    absent: Ranges
    frames_missing: int
    damaged: int
    fault: str = ""

    @property
    def safe(self) -> bool:
        """Whether every block that came is in the dataset now."""
        return not self.fault and not self.joined.contrary


def store(
    dataset: Dataset, blocks: Iterable[Block], times: TrueTimes, *,
    sources: Mapping[int, Source] | None = None, person: str = "", session: str = "",
    device: str = "",
) -> list[Stored]:  # fmt: skip
    """Adds the recordings of these blocks, with their labels, as far as they are new.

    A recording that goes on after it was stored is continued in another one, since
    recordings never change: the same id with _2, _3, .. behind it.
    """
    known = _known(dataset)
    done = []
    for joined in sorted(join(blocks), key=lambda j: (j.blocks[0].boot, j.blocks[0].time_us)):
        source = (sources or {}).get(joined.id, Source())
        here = known.get(joined.id, {})
        done.append(_store_one(dataset, joined, times, source, here, (person, session, device)))
    return done


def _store_one(
    dataset: Dataset, joined: Joined, times: TrueTimes, source: Source,
    here: Mapping[str, Ranges], said: tuple[str, str, str],
) -> Stored:  # fmt: skip
    known = united(span for spans in here.values() for span in spans)
    missing = absent(united([*known, *ranges(joined.numbers)]))
    new = replace(joined, blocks=tuple(b for b in joined.blocks if not inside(known, b.index)))
    result = Stored(
        joined, joined.blocks[0].label, next(iter(here), ""), None, missing,
        joined.blocks[-1].end - sum(len(b.frames) for b in joined.blocks), source.damaged,
    )  # fmt: skip
    if not new.blocks:
        return result
    id = _free_id(dataset, result.id or name_of(joined, times))
    try:
        if not any(len(b.frames) for b in new.blocks):
            raise TinysenseError("it holds no frames")
        person, session, device = said
        recording = recording_of(
            new, id, times, person=person, session=session, device=device, file=source.file,
            damaged=source.damaged, known=known,
        )  # fmt: skip
    except TinysenseError as error:
        return replace(result, fault=error.message)
    dataset.add_recording(recording)
    labels = label_of(recording, result.label)
    if labels:
        dataset.set_labels(labels, {id: len(recording.frames)})
    return replace(result, recording=recording, id=id)


def _known(dataset: Dataset) -> dict[int, dict[str, Ranges]]:
    """By the board's number of a recording: the dataset's recordings of it, and their blocks."""
    found: dict[int, dict[str, Ranges]] = {}
    for id, source in dataset.sources():
        number, spans = source.get("tsr_id"), source.get("blocks")
        if isinstance(number, int) and isinstance(spans, list):
            fine = all(
                isinstance(span, list) and len(span) == 2
                and all(isinstance(n, int) for n in span) for span in spans
            )  # fmt: skip
            found.setdefault(number, {})[id] = united(spans) if fine else []
    return found


def _free_id(dataset: Dataset, name: str) -> str:
    taken = set(dataset.ids())
    number, id = 1, name
    while id in taken:
        number += 1
        id = f"{name}_{number}"
    return id
