"""Label Studio: tasks, their data as CSV or WAV, and the labelling interface for them.

Labels of the dataset come along as predictions, to be confirmed or moved; so
does what the model thought of a near miss, with its score.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from tinysense.channels import each

from ..dataset import Label, Recording
from ..files import write_atomically
from .csv_file import rows
from .layout import Items, Options, frame_times, free, is_audio
from .wav_file import wav_bytes

__all__ = ["export_label_studio", "label_studio_remarks"]

_NEAR_MISS = re.compile(r"near miss: (.+?)=([0-9]{1,3})(?: |$)")
Kind = tuple[bool, tuple[str, ...], tuple[str, ...]]  # sound, channels, units


def export_label_studio(items: Items, folder: Path, options: Options) -> list[Path]:
    """tasks.json and config.xml with the files they name; tasks_2.json, .. for other channels.

    A project has one interface, so recordings of other channels need another one.
    """
    groups: dict[Kind, list[dict[str, Any]]] = {}
    names: dict[Kind, set[str]] = {}
    written = []
    for recording, labels in items:
        units = each(recording.units, len(recording.channels))
        kind = (is_audio(recording), recording.channels, units)
        written.append(_write_data(recording, folder))
        task = _task(recording, labels, options.url_prefix + quote(written[-1].name))
        groups.setdefault(kind, []).append(task)
        names.setdefault(kind, set()).update(_labels_of(task))
    for number, (kind, tasks) in enumerate(groups.items(), 1):
        suffix = f"_{number}" if number > 1 else ""
        path = free(folder / f"tasks{suffix}.json")
        write_atomically(path, json.dumps(tasks, ensure_ascii=False, indent=1).encode())
        config = free(folder / f"config{suffix}.xml")
        write_atomically(config, _config(kind, sorted(names[kind])).encode())
        written += [path, config]
    return written


def label_studio_remarks(recording: Recording) -> list[str]:
    """What its files cannot say of this recording."""
    if is_audio(recording) and recording.gaps:
        return [f"{recording.id}: {len(recording.gaps)} gaps are closed up in its sound"]
    return []


def _write_data(recording: Recording, folder: Path) -> Path:
    if is_audio(recording):
        path = free(folder / f"{recording.id}.wav")
        write_atomically(path, wav_bytes(recording.frames, recording))
        return path
    path = free(folder / f"{recording.id}.csv")
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(["time_s", *recording.channels])
    writer.writerows(rows(recording))
    write_atomically(path, sink.getvalue().encode())
    return path


def _task(recording: Recording, labels: Sequence[Label], url: str) -> dict[str, Any]:
    sound = is_audio(recording)
    note = str(recording.source.get("note", ""))
    predictions = []
    if labels:
        spans = [(x.label, x.start, x.end) for x in labels]
        predictions.append(_prediction(recording, "labels of the dataset", 1.0, spans))
    near = _NEAR_MISS.match(note)
    if near and not labels:
        span = (near[1], 0, len(recording.frames))
        predictions.append(_prediction(recording, "near miss", int(near[2]) / 256, [span]))
    data = {"audio" if sound else "csv": url, "recording": recording.id, "note": note,
            "time": recording.time, "person": recording.person}
    return {"data": data, "predictions": predictions}


def _prediction(
    recording: Recording, version: str, score: float, spans: Sequence[tuple[str, int, int]]
) -> dict[str, Any]:
    sound = is_audio(recording)
    kind = "labels" if sound else "timeserieslabels"
    times = frame_times(recording)
    result = []
    for number, (label, start, end) in enumerate(spans):
        if sound:   # by frames: its file has no gaps
            edges = start * 1000 / recording.rate_mhz, end * 1000 / recording.rate_mhz
        else:       # by values of the time column
            edges = float(times[start]), float(times[end - 1])
        value = {"start": round(edges[0], 6), "end": round(edges[1], 6), kind: [label]}
        if not sound:
            value["instant"] = False
        result.append({"id": f"{recording.id}_{number}", "from_name": "label", "to_name": "data",
                       "type": kind, "value": value})
    return {"model_version": version, "score": score, "result": result}


def _labels_of(task: dict[str, Any]) -> set[str]:
    return {
        label for prediction in task["predictions"] for found in prediction["result"]
        for label in found["value"][found["type"]]
    }  # fmt: skip


def _config(kind: Kind, labels: Sequence[str]) -> str:
    """The labelling interface."""
    sound, channels, units = kind
    tag = "Labels" if sound else "TimeSeriesLabels"
    lines = ["<View>", f'  <{tag} name="label" toName="data">']
    lines += [f"    <Label value={quoteattr(label)}/>" for label in labels or ["label"]]
    lines.append(f"  </{tag}>")
    if sound:
        lines.append('  <Audio name="data" value="$audio"/>')
    else:
        lines.append('  <TimeSeries name="data" valueType="url" value="$csv" sep="," '
                     'timeColumn="time_s">')
        lines += [f"    <Channel column={quoteattr(name)} units={quoteattr(unit)} "
                  f"legend={quoteattr(name)}/>" for name, unit in zip(channels, units, strict=True)]
        lines.append("  </TimeSeries>")
    return "\n".join([*lines, "</View>", ""])
