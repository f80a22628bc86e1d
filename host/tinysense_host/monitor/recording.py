"""Keeping what a watched board sends: frames as recordings of a dataset, the rest line by line.

    DIR/recordings/monitor_001.parquet    raw frames, gaps included, no label
    DIR/monitor/<begin>.jsonl             hello, scores, events, signal, counters, breaks

What did not come is not made up: where the link carries no raw frames, only the lines are
written, and a break is a gap of unknown length.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from tinysense.channels import each, per_count
from tinysense_host.dataset import Dataset, Gap, Recording
from tinysense_host.link.transport import LinkError
from tinysense_host.link.wire import End, Frames, Hello, Log, Message, Ready

__all__ = ["MonitorRecording"]

# A recording is written at its end, so it ends before much could be lost with this process.
SECONDS = 300
_STEM = "monitor"


class MonitorRecording:
    """Takes a watch's messages; close() writes what has come.

    ids: of the recordings written; path: the file of lines.
    """

    def __init__(self, folder: Path, session: str = "") -> None:
        begin = datetime.now(timezone.utc)
        self._session = session or begin.strftime("%Y%m%dT%H%M%S")
        self._dataset = Dataset(folder)
        self.path = _free(folder / _STEM, self._session)
        self._file: TextIO | None = None    # until there is something to write
        self.ids: list[str] = []
        self._hello: Hello | None = None
        self._clear()

    def _clear(self) -> None:
        self._pieces: list[Frames] = []
        self._gaps: list[Gap] = []
        self._have = 0
        self._time = ""

    def __call__(self, message: Message) -> None:
        """Keeps a message. LinkError where frames contradict what was announced."""
        if isinstance(message, Hello):
            self._begin(message)
        if isinstance(message, Frames):
            self._take(message)
        else:
            row = _row(message)
            if row:
                self._write(row)

    def broke(self, why: str) -> None:
        """The link broke off: what comes next follows a gap."""
        self._write({"type": "break", "why": why})

    def _write(self, row: dict[str, Any]) -> None:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("x", encoding="utf-8", buffering=1)
        stamped = {"t": round(time.time(), 3)} | row
        self._file.write(json.dumps(stamped, ensure_ascii=False) + "\n")

    def _begin(self, hello: Hello) -> None:
        before, self._hello, self._next = self._hello, hello, 0
        if before is None or self._have == 0:
            return
        same = ("rate_mhz", "channels", "units", "full_scale")
        if all(getattr(before, name) == getattr(hello, name) for name in same):
            self._gap(-1)
        else:
            self._save(before)

    def _gap(self, lost: int) -> None:
        """Frames are missing here; -1: nobody knows how many."""
        if self._gaps and self._gaps[-1].start == self._have:
            known = self._gaps.pop().lost
            lost = known + lost if known >= 0 and lost >= 0 else -1
        self._gaps.append(Gap(self._have, lost))

    def _take(self, piece: Frames) -> None:
        hello = self._hello
        if hello is None or piece.samples.shape[1] != len(hello.channels):
            raise LinkError(f"the board sent frames of {piece.samples.shape[1]} channels that its "
                            "HELLO did not announce", "run `tinysense setup` and try again")
        missing = piece.first - self._next
        if missing < 0:
            raise LinkError(f"the board went back to frame {piece.first} after {self._next}",
                            "try again")
        if not self._have:
            spent = timedelta(seconds=len(piece.samples) * 1000 / hello.rate_mhz)
            at = datetime.now(timezone.utc) - spent
            self._time = at.isoformat(timespec="milliseconds")
        if missing:
            self._gap(missing)
        self._pieces.append(piece)
        self._have += len(piece.samples)
        self._next = piece.first + len(piece.samples)
        if self._have * 1000 >= SECONDS * hello.rate_mhz:
            self._save(hello)

    def _save(self, hello: Hello) -> None:
        if not self._have:
            return
        name = self._dataset.new_id(_STEM)
        n = len(hello.channels)
        self._dataset.add_recording(Recording(
            id=name, frames=np.concatenate([p.samples for p in self._pieces]),
            rate_mhz=hello.rate_mhz, channels=hello.channels,
            units=tuple("" if unit == "none" else unit for unit in each(hello.units, n)),
            scale=per_count(hello.full_scale), device=str(hello.facts.get("device", "")),
            time=self._time, session=self._session, gaps=tuple(self._gaps),
            source={"driver": hello.facts.get("driver", ""), "monitor": self.path.name}))
        self.ids.append(name)
        self._write({"type": "recording", "id": name, "frames": self._have,
                     "lost": sum(gap.lost for gap in self._gaps if gap.lost > 0)})
        self._clear()

    def close(self) -> None:
        """Writes the frames that came since the last recording."""
        try:
            if self._hello is not None:
                self._save(self._hello)
        finally:
            if self._file is not None:
                self._file.close()

    @property
    def empty(self) -> bool:
        """Whether nothing has come."""
        return self._file is None


def _free(folder: Path, name: str) -> Path:
    """A file of that name that is not there yet."""
    path, number = folder / f"{name}.jsonl", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.jsonl"
    return path


def _row(message: Message) -> dict[str, Any]:
    """A message as JSON; {} for what nobody wants to read again."""
    kind = type(message).__name__.lower()
    if isinstance(message, Hello | End):
        return {"type": kind} | message.facts
    if isinstance(message, Ready) or isinstance(message, Log) and not message.text:
        return {}
    return {"type": kind} | {name: value.tolist() if isinstance(value, np.ndarray) else value
                             for name, value in vars(message).items()}
