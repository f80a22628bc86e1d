"""A model looked into: its ops and what they read, what lies in the arena when, what was fused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinysense_host.graph import Graph, Node
from tinysense_host.modelfile import ModelFile, Op
from tinysense_host.planning import Object, layout_of, objects_of
from tinysense_host.program import Program

__all__ = ["Memory", "changes", "memory_of", "readers", "remarks"]

# Ops of a graph that are another view of the same bytes.
_VIEWS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")

_ACTIVATIONS = {1: "RELU", 2: "RELU_N1_TO_1", 3: "RELU6"}   # numbers of TFLite's schema


@dataclass(frozen=True)
class Memory:
    """The arena's objects, and the op at which most bytes are alive."""

    objects: tuple[Object, ...]
    busiest: int

    def alive(self, k: int) -> list[Object]:
        """Objects needed while op k runs, from the lowest address."""
        found = [o for o in self.objects if o.first <= k <= o.last]
        return sorted(found, key=lambda o: (o.offset, o.first))


def memory_of(model: ModelFile) -> Memory:
    """What lies in the arena of a model, and when."""
    found = Memory(objects_of(layout_of(model)), 0)
    tops = [max((o.offset + o.bytes for o in found.alive(k)), default=0)
            for k in range(len(model.ops))]  # fmt: skip
    return Memory(found.objects, max(range(len(tops)), key=tops.__getitem__, default=0))


def readers(model: ModelFile) -> list[list[int]]:
    """For each op the ops whose results it reads; -1 stands for an input of the model."""
    storage = layout_of(model).storage
    maker: dict[int, int] = {storage[i]: -1 for i in range(model.n_inputs)}
    found = []
    for k, op in enumerate(model.ops):
        sources = [i for i in op.operands[: len(op.inputs)] if not model.tensors[i].constant]
        found.append([maker[storage[i]] for i in sources if storage[i] in maker])
        if op.name != "SEGMENT":
            maker |= {storage[i]: k for i in op.operands[len(op.inputs) :]}
    return found


def remarks(model: ModelFile, op: Op) -> str:
    """What is special about how an op runs."""
    notes = []
    if op.name.startswith("PACKED_") and op.name != "PACKED_ADD":
        notes.append(f"kernel {op.params[-2]}")
    if op.backward:
        notes.append("backward")
    made = model.tensors[op.outputs[0]]
    if made.ring:
        notes.append(f"{made.ring} row{'s' * (made.ring > 1)} held")
    return ", ".join(notes)


def changes(graph: Graph, program: Program) -> Iterator[str]:
    """What became of the ops of ``graph`` that no op of the program stands for, and of shapes.

    ``graph`` as it was read; ``program`` as compile_graph made it.
    """
    kept = {node.index: node for node in program.origin}
    by_input: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for i in node.inputs:
            by_input.setdefault(i, []).append(node)
    for number, name in _ACTIVATIONS.items():
        fused = [node.index for node in graph.nodes if node.options.get("activation") == number]
        if fused:
            yield f"{name} is part of op {' '.join(map(str, fused))}"
    for node in graph.nodes:
        if node.index not in kept:
            yield f"{graph.describe(node)}: {_fate(program.graph, node, kept, by_input)}"
    for op, node in zip(program.ops, program.origin, strict=True):
        yield from _resized(graph, program, op, node)


def _fate(graph: Graph, node: Node, kept: dict[int, Node], by_input: dict[int, list[Node]]) -> str:
    if node.outputs and all(graph.tensors[i].data is not None for i in node.outputs):
        return "computed when converted"
    if node.op in _VIEWS:
        return "needs no op: the same bytes in another shape"
    for i in node.outputs:
        for reader in by_input.get(i, ()):
            if reader.index in kept:
                return f"part of op {reader.index} {reader.op}"
    return "needs no op"


def _resized(graph: Graph, program: Program, op: Op, node: Node) -> Iterator[str]:
    """An op whose output has fewer channels than the graph says."""
    known = bool(node.outputs) and node.outputs[0] < len(graph.tensors)
    wanted = graph.tensors[node.outputs[0]].shape if known else ()
    made = program.rows[op.outputs[0]].shape
    if wanted and made and wanted[:-1] == made[:-1] and made[-1] < wanted[-1]:
        yield (f"{graph.describe(node)}: {wanted[-1] - made[-1]} of {wanted[-1]} channels are "
               "constant and not computed")
