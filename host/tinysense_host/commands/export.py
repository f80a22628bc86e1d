"""`tinysense export`: a dataset as files of other tools."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from ..dataset import Dataset, Recording
from ..errors import TinysenseError
from ..exporters import FORMATS, REMARKS, Options, export_recordings
from .screen import console, err

__all__ = ["KEY_VARIABLE", "export"]

KEY_VARIABLE = "EI_HMAC_KEY"


def export(
    dataset: Annotated[Path, typer.Argument(help="The dataset's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
    format: Annotated[str, typer.Option(help=f"{', '.join(FORMATS)}.")] = "csv",
    recording: Annotated[
        list[str] | None, typer.Option(help="Only this recording; may be repeated.")
    ] = None,
    split_channels: Annotated[
        bool, typer.Option("--split-channels", help="wav: a file for each channel.")
    ] = False,
    hmac_key: Annotated[Path | None, typer.Option(
        help=f"edge-impulse: file with the project's HMAC key; else {KEY_VARIABLE}, "
        "else files are not signed.")] = None,
    url_prefix: Annotated[
        str, typer.Option(help="label-studio: what stands before the names of files.")
    ] = Options.url_prefix,
) -> None:
    """Write recordings as files of other tools; existing files are never overwritten."""
    source = Dataset(dataset)
    ids = recording or source.ids()
    if not ids:
        raise TinysenseError(f"{dataset} holds no recordings", "capture or import some first")
    unknown = [name for name in ids if name not in source.ids()]
    if unknown:
        raise TinysenseError(f"no recording {unknown[0]!r} in {dataset}", "see its recordings/")
    key = _key(hmac_key) if format == "edge-impulse" else ""
    options = Options(split_channels, key, url_prefix)
    remarks: list[str] = []

    def read() -> Iterator[Recording]:
        for name in ids:
            one = source.recording(name)
            remarks.extend(REMARKS[format](one) if format in REMARKS else [])
            yield one

    written = export_recordings(read(), source.labels(), out, format, options)
    console.print(f"{len(written)} files -> {out}", highlight=False)
    if format == "edge-impulse" and not options.hmac_key:
        remarks.append(f"not signed: give --hmac-key, or set {KEY_VARIABLE}")
    for remark in remarks:
        err.print(remark, markup=False)


def _key(path: Path | None) -> str:
    """The HMAC key of a file or the environment; "" where there is none."""
    if path is None:
        return os.environ.get(KEY_VARIABLE, "").strip()
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no plain text"
        raise TinysenseError(f"cannot read the HMAC key in {path}: {said}") from error
    if not key or len(key.split()) != 1:
        raise TinysenseError(f"{path} holds no HMAC key: expected one word",
                             "copy it from the project's dashboard, Keys")  # fmt: skip
    return key
