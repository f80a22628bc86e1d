"""Parquet for notebooks: time_s, the channels in units, and the label of each row."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path

from tinysense.channels import each

from ..dataset import Label, Recording
from ..files import write_atomically
from .csv_file import facts
from .layout import frame_times, free, values

__all__ = ["write_parquet"]

_KEY = b"tinysense_export"  # not the key of a dataset's own files: these hold no counts


def write_parquet(recording: Recording, labels: Sequence[Label], folder: Path) -> list[Path]:
    """A file per recording. Units stand in each column's metadata, all facts in the file's.

    A channel that is itself named time_s or label gets a _ behind its name.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = free(folder / f"{recording.id}.parquet")
    units = each(recording.units, len(recording.channels))
    fields = [pa.field("time_s", pa.float64(), metadata={"units": "s"})]
    columns = [pa.array(frame_times(recording))]
    for name, unit, column in zip(recording.channels, units, values(recording).T, strict=True):
        own = name + "_" if name in ("time_s", "label") else name
        fields.append(pa.field(own, pa.float64(), metadata={"units": unit}))
        columns.append(pa.array(column))
    fields.append(pa.field("label", pa.dictionary(pa.int32(), pa.string())))
    columns.append(_label_column(recording, labels))
    known = json.dumps(facts(recording, labels), ensure_ascii=False).encode()
    table = pa.table(columns, schema=pa.schema(fields, metadata={_KEY: known}))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    write_atomically(path, sink.getvalue())
    return [path]


def _label_column(recording: Recording, labels: Sequence[Label]) -> object:
    import pyarrow as pa

    texts: list[str | None] = [None] * len(recording.frames)
    for label in labels:
        texts[label.start : label.end] = [label.label] * (label.end - label.start)
    return pa.array(texts, pa.string()).dictionary_encode()
