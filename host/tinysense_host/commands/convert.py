"""tinysense convert."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from tinysense_host.commands.screen import console, size
from tinysense_host.errors import TinysenseError

__all__ = ["convert"]


def _labels(given: str | None) -> list[str] | None:
    """"a,b,c", or a file with one label per line."""
    if given is None:
        return None
    path = Path(given)
    if path.suffix == ".txt" or _is_file(path):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise TinysenseError(f"cannot read labels from {path}: {error}") from error
        return [line.strip() for line in lines if line.strip()]
    return [label.strip() for label in given.split(",")]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:    # too long for a path: a list of labels
        return False


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN.tflite", help="A full int8 model.")],
    output: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="OUT.tsm", help="Default: beside the input.")] = None,
    labels: Annotated[str | None, typer.Option(
        help="Labels in the order of training: a,b,c or a text file.")] = None,
    name: Annotated[str | None, typer.Option(help="The model's name; default: the file's.")] = None,
    golden: Annotated[int, typer.Option(
        min=0, max=64, help="Golden vectors to put in, from TFLite's reference kernels.")] = 4,
) -> None:
    """Turn a .tflite into a .tsm.

    Checks every op, plans the memory and packs the weights; what cannot run is
    named with its layer. Models with features come from `tinysense train`.
    """
    from tinysense_host import bench, reference, tflite, vectors
    from tinysense_host import convert as converter
    from tinysense_host.files import write_atomically
    from tinysense_host.modelfile import ModelFile

    data = tflite.read_bytes(source)
    graph = tflite.read(data, name or source.stem)
    meta = {"source": {"tflite_sha256": hashlib.sha256(data).hexdigest()}}
    given = _labels(labels)
    blob = converter.convert(graph, meta=meta, labels=given)
    model = ModelFile.read(blob)
    if golden and model.n_inputs == model.n_outputs == 1:
        tried = vectors.stack(vectors.random(model, golden), model.inputs)[0]
        kept = reference.golden(data, tried)
        blob = converter.convert(graph, meta=meta, labels=given, golden=kept)
        model = ModelFile.read(blob)
    target = output or source.with_suffix(".tsm")
    write_atomically(target, blob)
    macs = sum(bench.op_macs(model, op) for op in model.ops)
    vectors_kept = len(model.gold) if model.gold else 0
    console.print(
        f"{target}: {size(len(blob))}, arena {size(model.arena_bytes)}, {len(model.ops)} ops, "
        f"{macs} multiply-adds, {vectors_kept} golden vectors"
    )
