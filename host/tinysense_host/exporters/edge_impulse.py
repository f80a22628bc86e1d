"""Edge Impulse's data acquisition format, version 1: signed JSON, a file per labelled range.

Fields and signature as its specification has them: an HMAC-SHA256, in hex, of
the file with 64 zeros where the signature goes. Its uploader takes the label
from the file's name, up to the first dot.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tinysense.channels import each

from ..dataset import Label, Recording
from ..files import write_atomically
from .layout import Options, file_name, free, is_audio, values

__all__ = ["edge_impulse_remarks", "signed", "write_edge_impulse"]

_UNSIGNED = "0" * 64


def write_edge_impulse(
    recording: Recording, labels: Sequence[Label], folder: Path, options: Options
) -> list[Path]:
    """LABEL.ID.json for each label, parted at gaps; what has no label is called unlabeled."""
    spans = [(x.label, x.start, x.end) for x in labels] or [("", 0, len(recording.frames))]
    pieces = [(label, a, b) for label, start, end in spans
              for a, b in recording.stretches(start, end)]
    written = []
    for number, (label, start, end) in enumerate(pieces):
        part = f"_{number:03}" if len(pieces) > 1 else ""
        path = free(folder / f"{file_name(label)}.{recording.id}{part}.json")
        text = signed(_payload(recording, start, end), options.hmac_key, _seconds(recording.time))
        write_atomically(path, text.encode())
        written.append(path)
    return written


def signed(payload: dict[str, Any], key: str, created_s: int | None = None) -> str:
    """The file of a payload; an empty key leaves it unsigned."""
    protected: dict[str, Any] = {"ver": "v1", "alg": "HS256" if key else "none"}
    if created_s is not None:
        protected["iat"] = created_s
    head = f'{{"protected":{json.dumps(protected)},"signature":"'
    tail = f'","payload":{json.dumps(payload, separators=(",", ":"))}}}'
    signature = _UNSIGNED
    if key:
        message = (head + _UNSIGNED + tail).encode()
        signature = hmac.new(key.encode(), message, hashlib.sha256).hexdigest()
    return head + signature + tail


def edge_impulse_remarks(recording: Recording) -> list[str]:
    """What its files cannot say of this recording."""
    if not recording.gaps:
        return []
    return [f"{recording.id}: parted at {len(recording.gaps)} gaps, which its files cannot hold"]


def _payload(recording: Recording, start: int, end: int) -> dict[str, Any]:
    count = len(recording.channels)
    units = each(recording.units, count)
    if is_audio(recording) and count == 1:  # its form of sound: plain counts
        sensors, found = [{"name": "audio", "units": "wav"}], recording.frames[start:end, 0]
        rows: list[Any] = found.tolist()
    else:
        sensors = [{"name": name, "units": unit or "N/A"}
                   for name, unit in zip(recording.channels, units, strict=True)]
        # Nine digits tell 65536 counts apart whatever the scale.
        rows = [[float(f"{value:.9g}") for value in frame]
                for frame in values(recording)[start:end].tolist()]
    return {
        "device_type": recording.device or "tinysense",
        "interval_ms": float(f"{1e6 / recording.rate_mhz:.9g}"),
        "sensors": sensors, "values": rows,
    }  # fmt: skip


def _seconds(time: str) -> int | None:
    """Seconds since 1970 of a recording's beginning, where it is known."""
    if not time:
        return None
    return int(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())
