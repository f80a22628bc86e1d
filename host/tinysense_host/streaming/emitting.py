"""The nodes of a streaming graph: each op on its newest rows, states where it looks back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from tinysense_host.graph import Graph, Node, Tensor
from tinysense_host.streaming.rows import Local, Rows, Whole

__all__ = ["Emitter"]

_VIEWS = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")


class Emitter:
    """First asked what every node needs, then asked for the nodes, in the same order.

    ``rows``: which tensors run in time; of each, a step makes the newest rows under the
    tensor's own number. Tensors over the same bytes share one state.
    """

    def __init__(self, graph: Graph, rows: dict[int, Rows], step: int,
                 rest: Callable[[Tensor], int]) -> None:  # fmt: skip
        self.graph, self.rows, self.step, self.rest = graph, rows, step, rest
        self.tensors = list(graph.tensors)
        self.states: dict[int, np.ndarray] = {}
        self._root: dict[int, int] = {}
        self._needed: dict[int, int] = {}       # rows of a root that somebody looks at
        self._kept: dict[int, int] = {}         # root -> its state
        self._views: dict[tuple[int, int], int] = {}
        self._outputs: dict[int, int] = {}
        for index in rows:
            self._resize(index, self.new(index))

    def new(self, index: int) -> int:
        """Rows of a tensor that one step brings."""
        return self.step // self.rows[index].stride

    def _resize(self, index: int, rows: int) -> None:
        tensor = self.tensors[index]
        shape = self.rows[index].shape(tensor.shape, rows)
        self.tensors[index] = dataclasses.replace(tensor, shape=shape, signature=())

    # ---- what is needed ----

    def ask(self, node: Node, rule: Local | Whole | None) -> None:
        """Note how far the node looks back."""
        if isinstance(rule, Local) and node.op in _VIEWS and rule.outputs[0].stride == (
                self.rows[node.inputs[0]].stride):  # fmt: skip
            self._root[node.outputs[0]] = self._root.get(node.inputs[0], node.inputs[0])
        if rule is not None:
            for index in set(node.inputs) & self.rows.keys():
                self._need(index, self._look(node, rule, index))

    def ask_outputs(self) -> None:
        """Outputs that run in time are given whole, as the window model gives them."""
        for index in set(self.graph.outputs) & self.rows.keys():
            self._need(index, self.rows[index].length)

    def _need(self, index: int, rows: int) -> None:
        root = self._root.get(index, index)
        self._needed[root] = max(rows, self._needed.get(root, 0))

    def _look(self, node: Node, rule: Local | Whole, index: int) -> int:
        """How many of the newest rows of a tensor the node looks at."""
        length = self.rows[index].length
        if isinstance(rule, Whole):
            return length
        return length - rule.first(self._made(node, rule))

    def _made(self, node: Node, rule: Local) -> int:
        """Rows of its outputs that the node makes in a step: the new ones, or the only ones."""
        if node.outputs[0] in self.rows:
            return self.new(node.outputs[0])
        return rule.outputs[0].length

    # ---- nodes ----

    def begin(self) -> list[Node]:
        """What comes in front of all nodes: the input's state, if it needs one."""
        return self._keep(self.graph.inputs[0])

    def emit(self, node: Node, rule: Local | Whole | None) -> list[Node]:
        """The node as it runs in a step, with what has to run before and after it."""
        made: list[Node] = []
        if rule is None:
            return [node]
        if isinstance(rule, Local) and rule.take:
            made = self._emit_slice(node, rule)
        else:
            inputs = [self._source(i, self._look(node, rule, i), made) if i in self.rows else
                      self._constant(node, rule, i) for i in node.inputs]
            made.append(self._changed(node, rule, tuple(inputs)))
        for index in node.outputs:
            if index in self.rows:
                made += self._keep(index)
        return made

    def _changed(self, node: Node, rule: Local | Whole, inputs: tuple[int, ...]) -> Node:
        if isinstance(rule, Whole):
            return dataclasses.replace(node, inputs=inputs)
        options = dict(node.options) | rule.options
        if rule.op:
            return Node(node.index, rule.op, inputs[:1], node.outputs)
        return dataclasses.replace(node, inputs=inputs, options=options)

    def _keep(self, index: int) -> list[Node]:
        """The state of a tensor just made, where somebody looks further back than a step."""
        needed = self._needed.get(index, 0)
        if index in self._root or needed <= self.new(index):
            return []
        state = self._add(index, "rows", needed)
        value = np.full(self.tensors[state].shape, self.rest(self.tensors[index]),
                        self.tensors[index].dtype)  # fmt: skip
        self.states[state] = value
        self._kept[index] = state
        return [Node(-1, "SHIFT_IN", (index,), (state,))]

    def _add(self, index: int, what: str, rows: int) -> int:
        """A tensor like ``index`` with other rows."""
        like = self.graph.tensors[index]
        shape = self.rows[index].shape(like.shape, rows)
        return self._append(dataclasses.replace(
            like, name=f"{like.name}/{what}", shape=shape, signature=()))

    def _append(self, tensor: Tensor) -> int:
        self.tensors.append(dataclasses.replace(tensor, index=len(self.tensors)))
        return len(self.tensors) - 1

    def _held(self, index: int, made: list[Node]) -> tuple[int, int]:
        """(tensor, rows): the most there is of the newest rows of a tensor, in its layout."""
        root = self._root.get(index, index)
        if root not in self._kept:
            return index, self.new(index)
        rows = self._needed[root]
        if root == index:
            return self._kept[root], rows
        if (index, rows) not in self._views:
            view = self._add(index, "rows", rows)
            made.append(Node(-1, "RESHAPE", (self._kept[root],), (view,)))
            self._views[index, rows] = view
        return self._views[index, rows], rows

    def _source(self, index: int, rows: int, made: list[Node]) -> int:
        """A tensor with just the newest rows; nodes that make it are added to ``made``."""
        if rows == self.new(index):
            return index
        held, there = self._held(index, made)
        if rows == there:
            return held
        part = self._add(index, "newest rows", rows)
        take = [range(d) for d in self.tensors[held].shape]
        unit = self.rows[index].unit
        take[self.rows[index].axis] = range((there - rows) * unit, there * unit)
        made.append(self._slice(held, take, part))
        return part

    # ---- slices and constants ----

    def _slice(self, source: int, take: list[range], made: int) -> Node:
        """STRIDED_SLICE of all axes; an end before the first index is left open."""
        ends = sum(1 << i for i, r in enumerate(take) if r.stop < 0)
        bounds = [[r.start for r in take], [r.stop for r in take], [r.step for r in take]]
        constants = [self._append(Tensor(0, "bounds", "int32", (len(take),),
                                         data=np.array(b, np.int32))) for b in bounds]
        return Node(-1, "STRIDED_SLICE", (source, *constants), (made,), {"end_mask": ends})

    def _emit_slice(self, node: Node, rule: Local) -> list[Node]:
        """The rows that are new in the part of the window that a slice takes."""
        made: list[Node] = []
        index, y = node.inputs[0], node.outputs[0]
        x, n = self.rows[index], self._made(node, rule)
        wanted = x.length - rule.first(n)
        held, there = ((index, self.new(index)) if wanted <= self.new(index) else
                       self._held(index, made))  # fmt: skip
        take, step = list(rule.take), rule.take[x.axis].step
        if x.unit > 1:      # all rows, and nothing beside them to be cut off
            take[x.axis] = range((there - n) * x.unit, there * x.unit)
        else:
            first = there - wanted
            take[x.axis] = range(first, first + (n - 1) * step + 1, step)
        shape = tuple(len(r) for r in take)
        part = y if shape == self.tensors[y].shape else self._append(
            dataclasses.replace(self.tensors[y], shape=shape))  # fmt: skip
        made.append(dataclasses.replace(self._slice(held, take, part), index=node.index))
        return made if part == y else [*made, Node(node.index, "RESHAPE", (part,), (y,))]

    def _constant(self, node: Node, rule: Local | Whole, index: int) -> int:
        """A constant with an entry for each row of a window, all the same: as many as needed."""
        y = node.outputs[0]
        if index < 0 or isinstance(rule, Whole) or y not in self.rows or node.op not in (
                "ADD", "CONCATENATION", "MAXIMUM", "MINIMUM", "MUL", "PRELU", "SUB"):  # fmt: skip
            return index
        tensor, x = self.tensors[index], self.rows[y]
        axis = x.axis - len(self.tensors[y].shape)
        if tensor.data is None or len(tensor.shape) < -axis or tensor.shape[axis] == 1:
            return index
        data = np.take(tensor.data, range(self.new(y) * x.unit), axis)
        return self._append(dataclasses.replace(tensor, data=data, shape=data.shape))

    def finish(self, nodes: list[Node]) -> Graph:
        """The graph; nodes that are new are numbered as the layer they serve."""
        for index in self.graph.outputs:
            if index in self.rows:
                self._outputs[index] = self._source(index, self.rows[index].length, nodes)
        outputs = tuple(self._outputs.get(i, i) for i in self.graph.outputs)
        return dataclasses.replace(self.graph, tensors=tuple(self.tensors), nodes=tuple(nodes),
                                   outputs=outputs, states=self.states)  # fmt: skip
