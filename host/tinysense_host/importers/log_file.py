"""Raw captures of a terminal: lines "x,y,z" between lines "-,-,-"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..dataset import Gap, Label
from ..errors import TinysenseError
from .facts import Facts, Imported, drop_missing, is_number, recording_of

__all__ = ["SEPARATOR", "read_log"]

_AXES = ("x", "y", "z")
SEPARATOR = "-,-,-"


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
        if line.strip() == SEPARATOR:
            starts.append(len(rows))
        elif len(cells) == 3 and all(cell and is_number(cell) for cell in cells):
            rows.append([float(cell) for cell in cells])
        else:
            skipped += 1
    edges = sorted({0, *starts, len(rows)})
    values, lost = drop_missing(np.array(rows, dtype=np.float64).reshape(-1, 3))
    if len(values) != len(rows):
        raise TinysenseError(f"{path}: {sum(g.lost for g in lost)} rows hold NaN or infinity")
    label, person = _label_and_person(path)
    known = Facts(
        25.0 if facts.rate_hz is None else facts.rate_hz, facts.units or "mg", facts.label or label,
        facts.person or person, facts.session, facts.device,
    )  # fmt: skip
    gaps = [Gap(start) for start in edges[1:-1]]
    found = recording_of(path, values, _AXES, known, known.rate_hz, gaps, skipped_lines=skipped)
    spans = zip(edges, edges[1:], strict=False)
    labels = [Label(found.id, a, b, known.label) for a, b in spans if known.label]
    return Imported(found, tuple(labels), skipped)


def _label_and_person(path: Path) -> tuple[str, str]:
    """("wing", "ada") from output_wing_ada.txt; no person where digits say it is a count."""
    parts = [p for p in path.stem.split("_") if p != "output"]
    label = parts[0] if parts else ""
    person = parts[1] if len(parts) == 2 and parts[1].isalpha() else ""
    return label, person
