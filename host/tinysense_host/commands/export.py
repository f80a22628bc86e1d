"""`tinysense export`: a dataset as files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..dataset import Dataset
from ..errors import TinysenseError
from ..exporters import FORMATS, export_recordings
from .screen import console

__all__ = ["export"]


def export(
    dataset: Annotated[Path, typer.Argument(help="The dataset's folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the files.")],
    format: Annotated[str, typer.Option(help=f"{', '.join(FORMATS)}.")] = "csv",
    recording: Annotated[
        list[str] | None, typer.Option(help="Only this recording; may be repeated.")
    ] = None,
) -> None:
    """Write recordings as files of other tools; existing files are never overwritten."""
    source = Dataset(dataset)
    ids = recording or source.ids()
    if not ids:
        raise TinysenseError(f"{dataset} holds no recordings", "capture or import some first")
    written = export_recordings([source.recording(i) for i in ids], source.labels(), out, format)
    console.print(f"{len(written)} files -> {out}", highlight=False)
