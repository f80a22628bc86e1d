"""How a tensor of a window model runs in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, OptionValue, Tensor

__all__ = ["Local", "Refusal", "Rows", "Scope", "Whole", "framed"]


@dataclass(frozen=True)
class Rows:
    """A window holds ``length`` rows, each ``stride`` rows of the model's input after the last.

    They lie along ``axis``, the outermost that is not 1, ``unit`` indices to a row (more
    than 1 where a row was flattened).
    """

    length: int
    stride: int
    axis: int
    unit: int = 1

    @property
    def whole(self) -> bool:
        """Whether there is no time left: one row made of the whole window."""
        return self.length == 1

    def shape(self, of: tuple[int, ...], rows: int) -> tuple[int, ...]:
        """The shape ``of`` a window's tensor with another number of rows."""
        return (*of[: self.axis], rows * self.unit, *of[self.axis + 1 :])


@dataclass(frozen=True)
class Local:
    """An op whose rows each need only rows nearby.

    ``outputs``: one Rows for each. ``first(n)``: the first row of its inputs' window that
    the last n rows of its output need; they need all behind it. ``options`` and ``op``
    replace the node's; ``take`` is the part of all axes that a slice takes.
    """

    outputs: tuple[Rows, ...]
    first: Callable[[int], int]
    options: dict[str, OptionValue] = field(default_factory=dict)
    op: str = ""
    take: tuple[range, ...] = ()


class Whole:
    """An op that mixes all rows: it gets all of them, and runs as it did."""


class Refusal(Exception):
    """Why an op forbids streaming, and what to do: two ends of a message."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.why, self.hint = why, hint

    def named(self, graph: Graph, node: Node) -> TinysenseError:
        """The error a user sees."""
        return TinysenseError(f"cannot stream: {graph.describe(node)} {self.why}", self.hint)


def framed(shape: tuple[int, ...], length: int, stride: int) -> Rows | None:
    """The rows of a tensor with this shape over the bytes of ``length`` rows.

    None where its outermost axis does not go by rows, or by several rows.
    """
    axis = next((i for i, d in enumerate(shape) if d != 1), len(shape) - 1)
    size = shape[axis] if shape else 1
    if size % length == 0:
        return Rows(length, stride, axis, size // length)
    if length % size == 0:
        return Rows(size, stride * (length // size), axis)
    return None


class Scope:
    """What rules ask of a graph: tensors, and which of them run in time."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.rows: dict[int, Rows] = {}

    def tensor(self, node: Node, operand: int = 0) -> Tensor:
        """The tensor that is an operand."""
        return self.graph.tensors[node.inputs[operand]]

    def made(self, node: Node) -> Tensor:
        """The first output."""
        return self.graph.tensors[node.outputs[0]]

    def of(self, node: Node, operand: int = 0) -> Rows:
        """The rows of an operand that runs in time; Refusal where it does not."""
        if node.inputs[operand] not in self.rows:
            raise Refusal("weighs the rows by something made of the whole window (attention)",
                          "Train without it: pool over time first, and weigh after it")
        return self.rows[node.inputs[operand]]

    def in_time(self, node: Node) -> list[int]:
        """Which operands run in time."""
        return [k for k, i in enumerate(node.inputs) if i in self.rows]

    def integers(self, node: Node, operand: int) -> list[int]:
        """The values of a constant of whole numbers; Refusal where it is none."""
        data = self.tensor(node, operand).data
        if data is None or not np.issubdtype(data.dtype, np.integer):
            raise Refusal("has bounds or axes that are not constant",
                          "Export the model with fixed shapes and batch size 1")
        return [int(v) for v in data.reshape(-1)]
