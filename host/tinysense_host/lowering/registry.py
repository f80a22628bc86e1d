"""Lower graph nodes to the core's ops: one family of ops per module, one row per op."""

from __future__ import annotations

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node
from tinysense_host.lowering import (
    activations,
    arithmetic,
    dense,
    joining,
    layout,
    mixed,
    recurrent,
    reductions,
    repeating,
    resizing,
    sixteen,
    slicing,
    stateful,
    weighted,
    windows,
)
from tinysense_host.lowering.operands import QUANTISE_HINT, Lowering
from tinysense_host.lowering.stateful import begin_states, merge_states
from tinysense_host.program import Program

__all__ = ["LOWERINGS", "lower"]

_FAMILIES = (activations, arithmetic, dense, joining, layout, mixed, recurrent, reductions,
             repeating, resizing, sixteen, slicing, stateful, weighted, windows)  # fmt: skip

# Key: the op's name, or "NAME:int16" where the type of the first input decides,
# or "NAME:int4" where that of the weights does.
LOWERINGS: dict[str, Lowering] = {
    name: row for family in _FAMILIES for name, row in family.LOWERINGS.items()
}

_SUPPORTED_HINT = "Replace the layer or train a model without it; what runs: {}"


def _row(graph: Graph, node: Node) -> Lowering | None:
    types = [graph.tensors[i].dtype for i in node.inputs[:2] if i >= 0]
    rows = (LOWERINGS.get(f"{node.op}:{dtype}") for dtype in types)
    return next((row for row in rows if row is not None), LOWERINGS.get(node.op))


def lower(graph: Graph) -> Program:
    """All nodes as ops of the core; one error that names every node that has no op."""
    _refuse_unsupported(graph)
    program = Program(graph)
    _expect_rank(graph, (*graph.inputs, *graph.outputs))
    for index in graph.inputs:
        program.row(index)
    begin_states(program)
    problems: list[TinysenseError] = []
    made = set(graph.inputs) | set(graph.states)
    made |= {t.index for t in graph.tensors if t.data is not None}
    for node in graph.nodes:
        try:
            row = _row(graph, node)
            assert row is not None
            _expect_operands(graph, node, row, made)
            row.run(program, node)
        except TinysenseError as error:
            problems.append(error)
        made.update(node.outputs)
    if problems:
        messages = dict.fromkeys(problem.message for problem in problems)
        raise TinysenseError("; ".join(messages), problems[0].hint)
    merge_states(program)
    program.finish()
    return program


def _refuse_unsupported(graph: Graph) -> None:
    missing = [n for n in graph.nodes if _row(graph, n) is None]
    if missing:
        names = ", ".join(sorted({name.partition(":")[0] for name in LOWERINGS}))
        raise TinysenseError(
            f"{len(missing)} op{'s' if len(missing) > 1 else ''} cannot run on the device: "
            + "; ".join(graph.describe(n) for n in missing),
            _SUPPORTED_HINT.format(names),
        )
    edges = ("QUANTIZE", "DEQUANTIZE")
    floats = [n for n in graph.nodes if n.op not in edges and _is_float(graph, n)]
    if floats:
        raise TinysenseError(
            f"the model is not quantised: {len(floats)} of {len(graph.nodes)} ops are float32, "
            f"first {graph.describe(floats[0])}",
            QUANTISE_HINT,
        )


def _is_float(graph: Graph, node: Node) -> bool:
    return any(graph.tensors[i].dtype.startswith("float") for i in (*node.inputs[:1], *node.outputs)
               if i >= 0)  # fmt: skip


def _expect_operands(graph: Graph, node: Node, row: Lowering, made: set[int]) -> None:
    (least, most), (fewest, outputs) = row.inputs, row.outputs
    counts = least <= len(node.inputs) <= most and fewest <= len(node.outputs) <= outputs
    if not counts or -1 in node.inputs[:least] or -1 in node.outputs:
        raise TinysenseError(
            f"{graph.describe(node)} has {len(node.inputs)} inputs and {len(node.outputs)} "
            f"outputs: expected {_span(*row.inputs)} and {_span(*row.outputs)}",
            "The file is damaged: export the model again",
        )
    if not row.any_rank:
        _expect_rank(graph, (*node.inputs, *node.outputs))
    for i in node.inputs:
        if i >= 0 and i not in made:
            raise TinysenseError(
                f"{graph.describe(node)} reads '{graph.tensors[i].name}', which no op makes",
                "The graph is damaged or its state has no initial value: export the model again",
            )


def _expect_rank(graph: Graph, indices: tuple[int, ...]) -> None:
    for tensor in (graph.tensors[i] for i in indices if i >= 0):
        if len(tensor.shape) > 4:
            raise TinysenseError(
                f"tensor '{tensor.name}' has {len(tensor.shape)} dimensions: expected at most 4"
            )


def _span(least: int, most: int) -> str:
    return f"{least}" if least == most else f"{least} to {most}"
