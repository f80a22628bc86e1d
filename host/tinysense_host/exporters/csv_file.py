"""CSV with a line of facts, which comes back as it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tinysense.channels import each

from ..dataset import Label, Recording
from ..files import write_atomically
from .layout import frame_times, free

__all__ = ["CSV_FACTS", "facts", "rows", "write_csv"]

CSV_FACTS = "# tinysense "  # how the first line of our CSV begins


def write_csv(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """A line "# tinysense {..}" of facts, then time_s and the channels in units.

    The facts (JSON: units, scale, rate, gaps, labels, ..) let `tinysense
    import` give back the very same recording and labels; others skip them as
    a comment. A gap of unknown length passes one frame of time.
    """
    path = free(folder / f"{recording.id}.csv")
    sink = io.StringIO()
    sink.write(f"{CSV_FACTS}{json.dumps(facts(recording, labels), ensure_ascii=False)}\n")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["time_s", *recording.channels])
    writer.writerows(rows(recording))
    write_atomically(path, sink.getvalue().encode())
    return [path]


def rows(recording: Recording) -> Iterator[list[str]]:
    """time_s and the channels in units, a row for each frame."""
    scales = each(recording.scale, len(recording.channels))
    for time, frame in zip(frame_times(recording), recording.frames.tolist(), strict=True):
        # Nine digits tell 65536 counts apart whatever the scale.
        values = [f"{count * scale:.9g}" for count, scale in zip(frame, scales, strict=True)]
        yield [f"{time:.6f}", *values]


def facts(r: Recording, labels: Sequence[Label]) -> dict[str, Any]:
    """What is to be known of a recording beside its frames, for JSON."""
    return {
        "frames": len(r.frames), "rate_mhz": r.rate_mhz, "units": r.units, "scale": r.scale,
        "device": r.device, "time": r.time, "person": r.person, "session": r.session,
        "gaps": [[gap.start, gap.lost] for gap in r.gaps],
        "labels": [[x.start, x.end, x.label, x.person, x.session] for x in labels],
    }  # fmt: skip
