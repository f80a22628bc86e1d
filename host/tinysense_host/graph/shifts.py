"""Rows kept from run to run, made in place: one SHIFT_IN for what streaming layers spell out.

A streaming layer keeps its last rows as state. Two spellings are common:

    joined = concat(state, new); use(joined); state = joined[n:]
    state = concat(state[n:], new); use(state)

In both, a tensor that lives on from run to run drops its oldest rows and takes
the new ones at its end; nothing else need be kept, and nothing is copied
twice. In the first the state's own tensor goes: it is the end of the joined
one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from tinysense_host.graph import Graph, Node
from tinysense_host.graph.shape_rules import Scope, UnknownShape, slice_ranges

__all__ = ["fuse_shifts"]


@dataclass(frozen=True)
class _Shift:
    """``joined`` becomes a state with this first value; ``dropped`` nodes go."""

    state: int
    joined: int
    value: np.ndarray
    join: Node
    new: int
    dropped: tuple[Node, ...]


def fuse_shifts(graph: Graph) -> Graph:
    """The same graph with SHIFT_IN where its states are rows that move up."""
    uses = _Uses(graph)
    found = [shift for s in graph.states if (shift := _shift_of(uses, s)) is not None]
    if not found:
        return graph
    instead = {s.join.index: Node(s.join.index, "SHIFT_IN", (s.new,), (s.joined,)) for s in found}
    gone = {node.index for shift in found for node in shift.dropped}
    states = {i: v for i, v in graph.states.items() if i not in {s.state for s in found}}
    states |= {s.joined: s.value for s in found}
    nodes = tuple(instead.get(n.index, n) for n in graph.nodes if n.index not in gone)
    return dataclasses.replace(graph, nodes=nodes, states=states)


class _Uses:
    """Who reads and who makes each tensor."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.scope = Scope(graph)
        self.readers: dict[int, list[Node]] = {}
        self.makers: dict[int, list[Node]] = {}
        for node in graph.nodes:
            for i in set(node.inputs):
                self.readers.setdefault(i, []).append(node)
            for i in node.outputs:
                self.makers.setdefault(i, []).append(node)

    def only_reader(self, tensor: int) -> Node | None:
        """The one node that reads a tensor, which is no output of the model."""
        found = self.readers.get(tensor, [])
        return found[0] if len(found) == 1 and tensor not in self.graph.outputs else None

    def only_maker(self, tensor: int) -> Node | None:
        found = self.makers.get(tensor, [])
        return found[0] if len(found) == 1 else None


def _shift_of(uses: _Uses, state: int) -> _Shift | None:
    read, assign = uses.only_reader(state), uses.only_maker(state)
    if read is None or assign is None or read.options.get("copy"):
        return None
    if (read.op, assign.op) != ("READ_VARIABLE", "ASSIGN_VARIABLE"):
        return None
    old, value = read.outputs[0], assign.inputs[0]
    user, maker = uses.only_reader(old), uses.only_maker(value)
    if user is None or maker is None:
        return None
    if user.op == "CONCATENATION" and maker.op == "STRIDED_SLICE":
        return _joined_then_cut(uses, state, (read, user, maker, assign))
    if user.op == "STRIDED_SLICE" and maker.op == "CONCATENATION":
        return _cut_then_joined(uses, state, (read, user, maker, assign))
    return None


_Four = tuple[Node, Node, Node, Node]


def _joined_then_cut(uses: _Uses, state: int, nodes: _Four) -> _Shift | None:
    read, join, cut, assign = nodes
    joined = join.outputs[0]
    alone = uses.only_reader(cut.outputs[0]) is assign and cut.inputs[0] == joined
    if not alone or not _appends(uses, join, read.outputs[0]):
        return None
    kept, whole = uses.graph.tensors[state].shape, uses.graph.tensors[joined].shape
    if not _is_end(uses, cut, kept):
        return None
    value = uses.graph.states[state]
    # The rows in front are shifted out before they are read: any value will do.
    axis = next(i for i, (w, k) in enumerate(zip(whole, kept, strict=True)) if w != k)
    spare = (*kept[:axis], whole[axis] - kept[axis], *kept[axis + 1 :])
    filled = np.concatenate([np.full(spare, value.reshape(-1)[0], value.dtype), value], axis)
    return _Shift(state, joined, filled, join, join.inputs[1], (read, cut, assign))


def _cut_then_joined(uses: _Uses, state: int, nodes: _Four) -> _Shift | None:
    read, cut, join, assign = nodes
    rest, joined = cut.outputs[0], join.outputs[0]
    if uses.only_reader(rest) is not join or not _appends(uses, join, rest):
        return None
    tensors = uses.graph.tensors
    same = tensors[joined].shape == tensors[state].shape
    if not same or not _is_end(uses, cut, tensors[rest].shape):
        return None
    value = uses.graph.states[state]
    return _Shift(state, joined, value, join, join.inputs[1], (read, cut, assign))


def _appends(uses: _Uses, join: Node, first: int) -> bool:
    """Whether the node puts one other tensor behind ``first``, along the outermost axis."""
    tensors = uses.graph.tensors
    if len(join.inputs) != 2 or join.inputs[0] != first or join.inputs[1] == first:
        return False
    axis = int(join.options["axis"]) % max(1, len(tensors[first].shape))
    new = tensors[join.inputs[1]]
    outermost = all(d == 1 for d in tensors[join.outputs[0]].shape[:axis])
    return outermost and new.data is None and not join.options.get("activation")


def _is_end(uses: _Uses, cut: Node, shape: tuple[int, ...]) -> bool:
    """Whether a slice of this shape is the end of its input: bytes that lie together."""
    source = uses.graph.tensors[cut.inputs[0]].shape
    try:
        bounds = [uses.scope.integers(cut, i) for i in (1, 2, 3)]
        ranges, made = slice_ranges(source, bounds, cut.options)
    except (UnknownShape, ValueError, IndexError):
        return False
    if made != shape or len(ranges) != len(source):
        return False
    ends = all(r == range(d - len(r), d) for r, d in zip(ranges, source, strict=True))
    differ = [i for i, (r, d) in enumerate(zip(ranges, source, strict=True)) if len(r) != d]
    return ends and len(differ) == 1 and all(d == 1 for d in source[: differ[0]])
