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
    from tinysense_host.hearing import Hearing
    from tinysense_host.modelfile import ModelFile
    from tinysense_host.streaming import Streamed

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


def _hearing(
    graph: Graph, features: str | None, manifest: Path | None, stride: int | None,
    labels: list[str] | None,
) -> Hearing:
    """What --features and --manifest give the graph that will run."""
    from tinysense_host import frontends, hearing
    from tinysense_host import manifest as manifests

    front = frontends.front_end(features or "microwakeword")
    if manifest is None:
        return hearing.attach(graph, front, stride=stride or 0, labels=labels)
    return hearing.attach_by_manifest(
        graph, front, manifests.read_manifest(manifest), stride=stride or 0, labels=labels
    )


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
    stream: Annotated[bool, typer.Option(
        "--stream", help="Make a window model (rows in time) a streaming one: it takes the new "
        "rows only and keeps what its layers need of the past. Outputs stay equal.")] = False,
    stride: Annotated[int | None, typer.Option(
        min=1, metavar="ROWS", help="With --stream: new rows a step takes; default: as few as the "
        "model's strides in time allow. With --features: rows between two inferences; default: a "
        "tenth of the input's, or all where the model keeps state.")] = None,
    features: Annotated[str | None, typer.Option(
        metavar="NAME", help="Hear through a front end: micro_speech, microwakeword or mlperf_kws. "
        "The .tsm then takes sound.")] = None,
    manifest: Annotated[Path | None, typer.Option(
        metavar="JSON", help="A microWakeWord model's manifest: its front end, wake word and "
        "decision.")] = None,
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
    layer, and so is what cannot stream. With --features or --manifest a model trained elsewhere
    hears: it gets its front end, a microphone as its sensor, and a decision.
    """
    from tinysense_host import convert as converter
    from tinysense_host import hearing, packing, streaming, tflite, vectors
    from tinysense_host.files import write_atomically
    from tinysense_host.modelfile import ModelFile
    from tinysense_host.tflite import reference

    data = tflite.read_bytes(source)
    graph = tflite.read(data, name or source.stem)
    made = output or source.with_suffix(".tsm")
    if calibrate is not None:
        data = _quantised(data, graph, calibrate, activations, made)
        graph = tflite.read(data, name or source.stem)
    meta = {"source": {"tflite_sha256": hashlib.sha256(data).hexdigest()}}
    packing.target_number(target)       # an unknown one is refused before the work
    hears = features is not None or manifest is not None
    if hears and rows:
        raise TinysenseError("features make whole inputs: expected --features or --rows, not both",
                             "Leave out --rows")
    streamed = converter.settled_stream(graph, stride) if stream or (stride and not hears) else None
    run = streamed.graph if streamed else graph
    heard = _hearing(run, features, manifest, stride, _labels(labels)) if hears else None
    given = heard.labels if heard else _labels(labels)
    model = ModelFile.read(converter.convert(
        graph, meta=meta | (heard.meta if heard else {}), feat=heard.feat if heard else None,
        labels=given, rows=rows, smallest=smallest,
        constant_channels=not all_channels, stream=streamed.step_rows if streamed else False))
    for line in converter.compile_graph(run, constant_channels=not all_channels).rewrites:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if golden and heard:
        model.gold = hearing.golden(data, heard.program, model.inputs[0].shape, golden, streamed)
    elif golden and model.n_inputs == model.n_outputs == 1:
        tried = vectors.stack(vectors.random(model, golden), model.inputs)[0]
        model.gold = (streaming.golden(data, streamed, tried) if streamed else
                      reference.golden(data, tried))
    portable, model = model, packing.pack(model, target, smallest=smallest)
    blob = model.write()
    write_atomically(made, blob)
    if target != "portable" and model is portable:
        err.print(f"{target} has no kernel for any op of this model: it stays portable")
    macs = _multiply_adds(portable)
    ops = sum(op.name != "SEGMENT" for op in model.ops)
    vectors_kept = len(model.gold) if model.gold else 0
    console.print(
        f"{made}: {size(len(blob))}, arena {size(model.arena_bytes)}, {ops} ops, "
        f"{macs} multiply-adds, {vectors_kept} golden vectors"
    )
    if streamed:
        window = converter.convert(graph, smallest=smallest, constant_channels=not all_channels)
        _print_stream(streamed, macs, portable, ModelFile.read(window))
    if plan:
        _print_plan(model)


def _multiply_adds(model: ModelFile) -> int:
    from tinysense_host import bench

    return sum(bench.op_macs(model, op) for op in model.ops)


def _print_stream(streamed: Streamed, macs: int, model: ModelFile, window: ModelFile) -> None:
    """What a step costs beside the window model run at the same rate."""
    before, step = _multiply_adds(window), streamed.step_rows
    row = "row" if step == 1 else f"{step} rows"
    console.print(
        f"per {row}: {macs} multiply-adds, as a window model {before}"
        f"{f' ({before / macs:.1f} times as many)' if macs else ''}; arena "
        f"{size(model.arena_bytes)}, as a window model {size(window.arena_bytes)}", soft_wrap=True)
    console.print(
        f"equal to the window model on random rows; {streamed.warmup} steps after a reset until "
        f"its window of {streamed.window_rows} rows is full", soft_wrap=True)


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
