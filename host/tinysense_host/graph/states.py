"""Tensors that a model keeps between runs, with their value before the first.

A streaming model names its variables (VAR_HANDLE), sets them once
(CALL_ONCE runs another graph of the file), and then reads and assigns them;
other ops (SVDF, LSTM) own tensors that the file calls variable. Both become
``Graph.states``, and what is left to do is READ_VARIABLE from a tensor and
ASSIGN_VARIABLE to it.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, OptionValue, Tensor

__all__ = ["fold_states"]

# Where their output is as large as their input it may be the same bytes.
_MOVERS = frozenset((
    "CONCATENATION", "EXPAND_DIMS", "PACK", "RESHAPE", "SLICE", "SPLIT", "SPLIT_V", "SQUEEZE",
    "STRIDED_SLICE", "TRANSPOSE", "UNPACK",
))  # fmt: skip
_EXPORT_HINT = "Export the streaming model again, with its state initialised"


def fold_states(graph: Graph) -> Graph:
    """The same graph without handles and initialisation; its states in ``states``.

    Raises TinysenseError for a state without an initial value, and for a
    graph of the file that does anything else than set variables.
    """
    variables = _Variables(graph)
    nodes = [n for n in (variables.fold(k) for k in range(len(graph.nodes))) if n is not None]
    variables.expect_all_graphs_used()
    states = graph.states | variables.initial
    for tensor in graph.tensors:
        if tensor.variable:
            states[tensor.index] = _cleared(tensor)
    return dataclasses.replace(
        graph, tensors=tuple(variables.tensors), nodes=tuple(nodes), others=(), states=states
    )


def _cleared(tensor: Tensor) -> np.ndarray:
    """What TFLite fills an op's own state with: the zero point in int8, zeros else."""
    if tensor.dtype not in ("int8", "int16", "float32"):
        raise TinysenseError(f"state '{tensor.name}' is {tensor.dtype}: expected int8 or int16")
    value = int(tensor.quant.zero_point[0]) if tensor.quant and tensor.dtype == "int8" else 0
    return np.full(tensor.shape, value, tensor.dtype)


class _Variables:
    """The named variables of a graph: each becomes a tensor behind those there are."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.tensors = list(graph.tensors)
        self.initial: dict[int, np.ndarray] = {}
        self._tensor_of: dict[tuple[str, str], int] = {}
        self._used: set[int] = set()
        self._handles = _handles(graph)
        for node in graph.nodes:
            if node.op == "CALL_ONCE":
                self._initialise(node)

    def _initialise(self, call: Node) -> None:
        number = int(call.options["subgraph"])
        if not 1 <= number <= len(self.graph.others):
            raise TinysenseError(
                f"damaged .tflite file: {self.graph.describe(call)} runs graph {number} of "
                f"{len(self.graph.others) + 1}"
            )
        self._used.add(number)
        other = self.graph.others[number - 1]
        handles = _handles(other)
        for node in other.nodes:
            if node.op == "ASSIGN_VARIABLE":
                self._set(handles, other, node)
            elif node.op != "VAR_HANDLE":
                raise TinysenseError(
                    f"the graph that sets the states runs {other.describe(node)}: expected only "
                    "constants that are assigned to variables", _EXPORT_HINT,
                )  # fmt: skip

    def _set(self, handles: dict[int, tuple[str, str]], graph: Graph, node: Node) -> None:
        handle, value = _assigned(handles, graph, node)
        constant = graph.tensors[value]
        if constant.data is None:
            raise TinysenseError(
                f"state '{_name(handle)}' begins as '{constant.name}', which is not a constant",
                _EXPORT_HINT,
            )
        index = self._tensor_of.setdefault(handle, len(self.tensors))
        tensor = dataclasses.replace(constant, index=index, name=_name(handle), data=None)
        self.tensors[index:] = [tensor]
        self.initial[index] = constant.data

    def fold(self, position: int) -> Node | None:
        """What becomes of a node: nothing, another, or itself."""
        node = self.graph.nodes[position]
        if node.op in ("CALL_ONCE", "VAR_HANDLE"):
            return None
        if node.op == "READ_VARIABLE":
            state = self._state(node)
            self._expect_fit(node, state, node.outputs[0])
            late: dict[str, OptionValue] = {"copy": self._is_needed_late(position, state)}
            return dataclasses.replace(node, inputs=(state,), options=late)
        if node.op == "ASSIGN_VARIABLE":
            value = _assigned(self._handles, self.graph, node)[1]
            state = self._state(node)
            self._expect_fit(node, state, value)
            return dataclasses.replace(node, inputs=(value,), outputs=(state,))
        return node

    def _state(self, node: Node) -> int:
        handle = self._handles.get(node.inputs[0]) if node.inputs else None
        if handle is None:
            raise TinysenseError(
                f"{self.graph.describe(node)} names no variable that the graph has", _EXPORT_HINT
            )
        if handle not in self._tensor_of:
            raise TinysenseError(f"state '{_name(handle)}' has no initial value", _EXPORT_HINT)
        return self._tensor_of[handle]

    def _expect_fit(self, node: Node, state: int, other: int) -> None:
        a, b = self.tensors[state], self.tensors[other]
        if a.dtype != b.dtype or a.shape != b.shape:
            raise TinysenseError(
                f"{self.graph.describe(node)}: state '{a.name}' is {a.dtype} {list(a.shape)}, "
                f"'{b.name}' is {b.dtype} {list(b.shape)}", _EXPORT_HINT,
            )  # fmt: skip

    def _is_needed_late(self, position: int, state: int) -> bool:
        """Whether the value read is needed after the state was given another."""
        seen = set(self.graph.nodes[position].outputs)
        assigned = False
        for node in self.graph.nodes[position + 1 :]:
            reads = seen & set(node.inputs)
            if reads and assigned:
                return True
            if reads and node.op in _MOVERS:
                seen.update(i for i in node.outputs if self._are_alike(i, state))
            assigned |= node.op == "ASSIGN_VARIABLE" and self._state(node) == state
        return assigned and not seen.isdisjoint(self.graph.outputs)

    def _are_alike(self, a: int, b: int) -> bool:
        x, y = self.tensors[a], self.tensors[b]
        return (x.dtype, x.elements) == (y.dtype, y.elements)

    def expect_all_graphs_used(self) -> None:
        """Refuse loops and conditions: graphs that something else runs."""
        unused = [k for k in range(1, len(self.graph.others) + 1) if k not in self._used]
        if unused:
            raise TinysenseError(
                f"the .tflite has {len(self.graph.others) + 1} graphs, and graph {unused[0]} does "
                "more than set variables: expected one graph",
                "Export one model without loops and conditions",
            )


def _handles(graph: Graph) -> dict[int, tuple[str, str]]:
    """(container, name) of the variable that a tensor of type resource stands for."""
    return {
        n.outputs[0]: (str(n.options["container"]), str(n.options["shared_name"]))
        for n in graph.nodes
        if n.op == "VAR_HANDLE" and n.outputs
    }


def _name(handle: tuple[str, str]) -> str:
    return "/".join(part for part in handle if part)


def _assigned(
    handles: dict[int, tuple[str, str]], graph: Graph, node: Node
) -> tuple[tuple[str, str], int]:
    """(variable, tensor it is given) of an ASSIGN_VARIABLE."""
    if len(node.inputs) != 2 or node.inputs[0] not in handles:
        raise TinysenseError(
            f"{graph.describe(node)} names no variable that the graph has", _EXPORT_HINT
        )
    if not 0 <= node.inputs[1] < len(graph.tensors):
        raise TinysenseError(f"damaged .tflite file: {graph.describe(node)} assigns no tensor")
    return handles[node.inputs[0]], node.inputs[1]
