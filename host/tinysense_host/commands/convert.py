"""tinysense convert."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysense_host.commands.screen import console, err, size
from tinysense_host.errors import TinysenseError

if TYPE_CHECKING:
    from tinysense_host.graph import Graph
    from tinysense_host.modelfile import ModelFile

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


def _quantised(
    data: bytes, graph: Graph, samples: Path, activations: str, made: Path
) -> bytes:
    """The quantised .tflite, kept beside the .tsm: `verify` compares with it."""
    from tinysense_host import calibrate
    from tinysense_host.files import write_atomically

    data = calibrate.quantised(data, calibrate.samples(samples, graph), activations)
    kept = made.with_suffix(f".{activations}.tflite")
    write_atomically(kept, data)
    console.print(f"{kept}: {size(len(data))}, quantised to {activations}")
    return data


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN.tflite", help="A full int8 model.")],
    output: Annotated[Path | None, typer.Option(
        "--output", "-o", metavar="OUT.tsm", help="Default: beside the input.")] = None,
    labels: Annotated[str | None, typer.Option(
        help="Labels in the order of training: a,b,c or a text file.")] = None,
    name: Annotated[str | None, typer.Option(help="The model's name; default: the file's.")] = None,
    golden: Annotated[int, typer.Option(
        min=0, max=64, help="Golden vectors to put in, from TFLite's reference kernels.")] = 4,
    target: Annotated[str, typer.Option(
        metavar="CORE", help="Pack it for one core: armv6m, armv7em, mve, rv32imc. "
        "`upload` does it by itself; a portable model runs everywhere.")] = "portable",
    rows: Annotated[bool, typer.Option(
        "--rows", help="The input comes row by row (a camera's lines, a spectrogram's frames) and "
        "is never whole in memory.")] = False,
    calibrate: Annotated[Path | None, typer.Option(
        metavar="DATA", help="Quantise a float model first, with typical inputs: a .npy, a .npz, "
        "a recipe, or a folder of recordings.")] = None,
    activations: Annotated[str, typer.Option(
        help="With --calibrate: int8, or int16 (slower, and closer to float).")] = "int8",
    smallest: Annotated[bool, typer.Option(
        "--smallest", help="As little RAM as possible, at the cost of instructions: for sequences "
        "(1-D models) often half, for up to twice the time.")] = False,
    all_channels: Annotated[bool, typer.Option(
        "--all-channels", help="Keep channels that never change; results are the same.")] = False,
    plan: Annotated[bool, typer.Option(
        "--plan", help="Show for each op where its result lies and what is alive.")] = False,
) -> None:
    """Turn a .tflite into a .tsm.

    Checks every op and plans the memory; what cannot run is named with its
    layer. Models with features come from `tinysense train`.
    """
    from tinysense_host import bench, packing, reference, tflite, vectors
    from tinysense_host import convert as converter
    from tinysense_host.files import write_atomically
    from tinysense_host.modelfile import ModelFile

    data = tflite.read_bytes(source)
    graph = tflite.read(data, name or source.stem)
    made = output or source.with_suffix(".tsm")
    if calibrate is not None:
        data = _quantised(data, graph, calibrate, activations, made)
        graph = tflite.read(data, name or source.stem)
    meta = {"source": {"tflite_sha256": hashlib.sha256(data).hexdigest()}}
    given = _labels(labels)
    packing.target_number(target)       # an unknown one is refused before the work
    model = ModelFile.read(converter.convert(
        graph, meta=meta, labels=given, rows=rows, smallest=smallest,
        constant_channels=not all_channels))
    for line in converter.compile_graph(graph, constant_channels=not all_channels).rewrites:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if golden and model.n_inputs == model.n_outputs == 1:
        tried = vectors.stack(vectors.random(model, golden), model.inputs)[0]
        model.gold = reference.golden(data, tried)
    portable, model = model, packing.pack(model, target, smallest=smallest)
    blob = model.write()
    write_atomically(made, blob)
    if target != "portable" and model is portable:
        err.print(f"{target} has no kernel for any op of this model: it stays portable")
    macs = sum(bench.op_macs(portable, op) for op in portable.ops)
    ops = sum(op.name != "SEGMENT" for op in model.ops)
    vectors_kept = len(model.gold) if model.gold else 0
    console.print(
        f"{made}: {size(len(blob))}, arena {size(model.arena_bytes)}, {ops} ops, "
        f"{macs} multiply-adds, {vectors_kept} golden vectors"
    )
    if plan:
        _print_plan(model)


def _print_plan(model: ModelFile) -> None:
    from tinysense_host.planning import layout_of, plan
    from tinysense_host.planning.report import memory_table
    from tinysense_host.planning.unplanned import input_is_pushed, unplanned

    for op, how, made, alive in memory_table(layout_of(model)):
        console.print(f"{op:28} {how:8} -> {made}", highlight=False, soft_wrap=True)
        if alive:
            console.print(f"    alive: {alive}", highlight=False, soft_wrap=True)
    if model.target == 0:
        bound = plan(unplanned(model), feed=input_is_pushed(model)).bound
        console.print(f"arena {model.arena_bytes} bytes; these ops need {bound} at least")
