"""Graph -> model file: fold, lower, plan, write, and let the core check the result."""

from __future__ import annotations

import dataclasses
from typing import Any

from tinysense_host import __version__
from tinysense_host.dilation import fold_dilation
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph
from tinysense_host.labels import check_labels
from tinysense_host.lower import lower
from tinysense_host.modelfile import Golden, ModelFile, core_fault
from tinysense_host.plan import plan
from tinysense_host.program import Program
from tinysense_host.shapes import resolve_shapes

__all__ = ["compile_graph", "convert", "default_labels"]


def convert(
    graph: Graph,
    *,
    meta: dict[str, Any] | None = None,
    feat: bytes | None = None,
    labels: list[str] | None = None,
    golden: Golden | None = None,
) -> bytes:
    """The bytes of a .tsm for ``graph``.

    ``meta`` is META without what is known here (name, made and labels are
    filled in where absent); ``feat`` the FEAT section; ``golden`` vectors from
    reference.golden(). Raises TinysenseError naming op and layer where the
    graph cannot run on the device.
    """
    program = compile_graph(graph)
    offsets, arena = plan(program)
    rows = [
        row if row.constant else dataclasses.replace(row, offset=offset)
        for row, offset in zip(program.rows, offsets, strict=True)
    ]
    first_output = rows[program.n_inputs]
    full_meta: dict[str, Any] = {"name": graph.name, "made": f"tinysense {__version__}"}
    full_meta |= meta or {}
    full_meta["labels"] = _labels(labels, full_meta, first_output.elements)
    model = ModelFile(
        full_meta, rows, program.ops, program.n_inputs, program.n_outputs, arena, feat, golden
    )
    blob = model.write()
    _core_check(blob, program)
    return blob


def compile_graph(graph: Graph) -> Program:
    """The graph as a program of core ops, memory not yet planned."""
    return lower(resolve_shapes(fold_dilation(graph)))


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


def _core_check(blob: bytes, program: Program) -> None:
    """The core's own check, with the layer named where it refuses an op."""
    fault = core_fault(blob)
    if fault is None:
        return
    if not 0 <= fault.op < len(program.origin):
        raise TinysenseError(f"the core refuses the converted model: {fault}")
    raise TinysenseError(
        f"{program.graph.describe(program.origin[fault.op])} cannot run: {fault}",
        "It is larger, or scales further, than the core allows: make the layer smaller",
    )
