"""A model as a graph of named tensors and ops: what readers make, what convert takes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Graph", "Node", "OptionValue", "Quant", "Tensor"]

OptionValue = int | float | bool | str


@dataclass(frozen=True)
class Quant:
    """real = scale * (q - zero_point), per tensor (one entry) or along ``axis``."""

    scale: np.ndarray  # float32 (1,) or (channels,)
    zero_point: np.ndarray  # int64, same length
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """Whether every channel has a scale of its own."""
        return len(self.scale) > 1


@dataclass(frozen=True)
class Tensor:
    """``data`` holds a constant's values in ``shape``; None for activations."""

    index: int
    name: str
    dtype: str  # numpy's name, or the schema's where numpy has none
    shape: tuple[int, ...]
    quant: Quant | None = None
    data: np.ndarray | None = None
    # -1 where the exporter left a dimension open; shape then holds a stand-in.
    signature: tuple[int, ...] = ()
    variable: bool = False  # an op's own state: kept between runs, changed in place

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Node:
    """One op. ``inputs`` may hold -1 for an operand that was left out."""

    index: int
    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, OptionValue] = field(default_factory=dict)
    intermediates: tuple[int, ...] = ()  # tensors that only lend the op their quantisation


@dataclass(frozen=True)
class Graph:
    """Nodes stand in the order in which they run.

    ``others`` are the graphs of the file behind the first; those that only set
    variables are folded into ``states`` (states.py), any other is refused.
    ``states`` holds, for each tensor that is kept between runs, its value
    before the first.
    """

    name: str
    tensors: tuple[Tensor, ...]
    nodes: tuple[Node, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: tuple[Graph, ...] = ()
    states: dict[int, np.ndarray] = field(default_factory=dict)

    def layer(self, node: Node) -> str:
        """What a user would call the node: the name of its first output."""
        return self.tensors[node.outputs[0]].name if node.outputs else f"op {node.index}"

    def describe(self, node: Node) -> str:
        """Number, op and layer of a node, for messages."""
        return f"op {node.index} {node.op} (layer '{self.layer(node)}')"

    def operands(self, node: Node) -> Iterator[Tensor]:
        """The inputs that are there: an optional one left out is skipped."""
        for i in node.inputs:
            if i >= 0:
                yield self.tensors[i]
