"""Graph -> model file: fold, lower, plan, write, and let the core check the result."""

from __future__ import annotations

from typing import Any

from tinysense_host import __version__, streaming
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph
from tinysense_host.graph.dilation import fold_dilation
from tinysense_host.graph.shapes import resolve_shapes
from tinysense_host.graph.shifts import fuse_shifts
from tinysense_host.graph.states import fold_states
from tinysense_host.labels import check_labels
from tinysense_host.lowering import lower
from tinysense_host.modelfile import Golden, ModelFile, core_fault
from tinysense_host.planning import Planned, plan, track
from tinysense_host.program import Program
from tinysense_host.rewriting import rewrite

__all__ = ["compile_graph", "convert", "default_labels", "settled_stream"]

# Arenas beyond any board's are not tracked byte by byte: it takes as long as they are large.
_TRACKED_MAX = 4 << 20


def convert(
    graph: Graph,
    *,
    meta: dict[str, Any] | None = None,
    feat: bytes | None = None,
    labels: list[str] | None = None,
    golden: Golden | None = None,
    rows: bool = False,
    smallest: bool = False,
    constant_channels: bool = True,
    stream: bool | int = False,
) -> bytes:
    """The bytes of a portable .tsm for ``graph``; packing.pack() makes one for a core of it.

    ``meta`` is META without what is known here (name, made and labels are
    filled in where absent); ``feat`` the FEAT section; ``golden`` vectors from
    reference.golden(). ``rows``: the input is pushed row by row, and never
    whole in memory; ``smallest``: an arena as small as it gets, at the cost of
    instructions; ``constant_channels``: channels that never change are removed.
    ``stream``: the streaming form of a window model (streaming.stream), True or how many
    rows a step takes; ``feat`` and ``golden`` are those of a step, META gets "warmup" and
    "stream", and the outputs are compared with the window model's.
    Raises TinysenseError naming op and layer where the graph cannot run on the
    device.
    """
    if stream:
        if rows:
            raise TinysenseError("a streaming model takes its rows as they come: expected "
                                 "--stream or --rows, not both", "Leave out --rows")
        streamed = settled_stream(graph, None if stream is True else stream)
        said = {"warmup": streamed.warmup,
                "stream": {"window": streamed.window_rows, "step": streamed.step_rows}}
        options = {"smallest": smallest, "constant_channels": constant_channels}
        blob = _build(streamed.graph, said | (meta or {}), feat, labels, golden, **options)
        streaming.prove(streamed, _build(streamed.window, constant_channels=False), blob)
        return blob
    return _build(graph, meta, feat, labels, golden, rows=rows, smallest=smallest,
                  constant_channels=constant_channels)


def settled_stream(graph: Graph, step_rows: int | None = None) -> streaming.Streamed:
    """The streaming form, its states those that rows of the input's zero point leave."""
    streamed = streaming.stream(graph, step_rows)
    return streaming.settled(streamed, _build(streamed.graph, constant_channels=False))


def _build(
    graph: Graph,
    meta: dict[str, Any] | None = None,
    feat: bytes | None = None,
    labels: list[str] | None = None,
    golden: Golden | None = None,
    *,
    rows: bool = False,
    smallest: bool = False,
    constant_channels: bool = True,
) -> bytes:
    program = compile_graph(graph, constant_channels=constant_channels)
    planned = plan(program, feed=rows, smallest=smallest)
    first_output = program.rows[program.n_inputs]
    full_meta: dict[str, Any] = {"name": graph.name, "made": f"tinysense {__version__}"}
    full_meta |= meta or {}
    full_meta["labels"] = _labels(labels, full_meta, first_output.elements)
    model = ModelFile(
        full_meta, planned.rows, planned.ops, program.n_inputs, program.n_outputs,
        planned.arena_bytes, feat, golden, n_init=planned.n_init,
    )  # fmt: skip
    blob = model.write()
    _core_check(blob, program, planned)
    if planned.arena_bytes <= _TRACKED_MAX:
        track(planned)
    return blob


def compile_graph(graph: Graph, *, constant_channels: bool = True) -> Program:
    """The graph as a program of core ops, memory not yet planned.

    ``constant_channels``: channels that never change are removed, exactly.
    """
    program = lower(fuse_shifts(resolve_shapes(fold_dilation(fold_states(graph)))))
    rewrite(program, constant_channels=constant_channels)
    return program


def default_labels(n: int) -> list[str]:
    """What classes are called when nobody named them."""
    return [f"class {i}" for i in range(n)]


def _labels(given: list[str] | None, meta: dict[str, Any], classes: int) -> list[str]:
    labels = given if given is not None else meta.get("labels")
    if labels is None:
        # Many outputs are no classes (an autoencoder's reconstruction): no names.
        return default_labels(classes) if classes <= 64 else []
    check_labels(labels)
    if labels and len(labels) != classes:
        raise TinysenseError(
            f"{len(labels)} labels were given, the model has {classes} outputs",
            "Give one label per output, in the order of training",
        )
    return list(labels)


def _core_check(blob: bytes, program: Program, planned: Planned) -> None:
    """The core's own check, with the layer named where it refuses an op."""
    fault = core_fault(blob)
    if fault is None:
        return
    if not 0 <= fault.op < len(planned.origin):
        raise TinysenseError(f"the core refuses the converted model: {fault}")
    raise TinysenseError(
        f"{program.graph.describe(program.origin[planned.origin[fault.op]])} cannot run: {fault}",
        "It is larger, or scales further, than the core allows: make the layer smaller",
    )
