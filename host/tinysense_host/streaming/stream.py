"""A window model as one that takes rows as they come, and keeps what it needs of the past.

A step brings the newest S rows of the window. Of every tensor it makes the
newest rows only; an op that looks further back reads a state, which moves up
by the new rows (SHIFT_IN). Every op stays what it was, on fewer rows, so the
outputs are those of the window model on its last T rows, to the bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, Tensor
from tinysense_host.graph.dilation import fold_dilation
from tinysense_host.graph.shapes import resolve_shapes
from tinysense_host.graph.states import fold_states
from tinysense_host.streaming.emitting import Emitter
from tinysense_host.streaming.rows import Local, Refusal, Rows, Scope, Whole
from tinysense_host.streaming.rules import RECURRENT, RECURRENT_REFUSAL, rule_of

__all__ = ["Streamed", "stream"]


@dataclass(frozen=True)
class Streamed:
    """A streaming model, and how it relates to the window model it was made from.

    ``graph`` takes ``step_rows`` rows a run, in the layout of the window model's input,
    which holds ``window_rows``. From a reset on, the window before the first row is filled
    with rows of the input's zero point; the ``warmup`` first runs give outputs that these
    rows still have a part in. ``window`` is the window model, its shapes resolved.
    """

    graph: Graph
    step_rows: int
    warmup: int
    window_rows: int
    window: Graph

    def windows(self, steps: np.ndarray) -> np.ndarray:
        """(n, *window shape): what the window model sees at each of n steps after a reset.

        ``steps`` (n, *step shape), in the input's dtype.
        """
        given = self.window.tensors[self.window.inputs[0]]
        row = given.elements // self.window_rows
        past = np.full((self.window_rows, row), rest_value(given), steps.dtype)
        rows = np.concatenate([past, steps.reshape(-1, row)])
        last = range(self.step_rows, len(rows) - self.window_rows + 1, self.step_rows)
        found = np.stack([rows[i : i + self.window_rows] for i in last])
        return found.reshape(len(steps), *given.shape)


def rest_value(tensor: Tensor) -> int:
    """What stands for "nothing yet": the zero point, which is a real 0."""
    return int(tensor.quant.zero_point[0]) if tensor.quant else 0


def stream(graph: Graph, step_rows: int | None = None) -> Streamed:
    """The streaming form of a window model (its shapes need not be resolved yet).

    ``step_rows``: rows of the input that one run takes; None for as few as the model's
    strides in time allow. Time is the outermost axis of the input that is not 1, as in
    (1, T, F), (1, T, F, 1), (1, 1, T, F), or a flat (1, T x F) that a RESHAPE makes one of
    these. States begin at the zero point here; convert() gives them the values that rows of the
    input's zero point would have left. Raises TinysenseError naming the layer that forbids
    it, why, and what to do.
    """
    window = resolve_shapes(fold_dilation(fold_states(graph)))
    given = _input_rows(window)
    least = _least_step(_Analysis(window, given, None))
    step = least if step_rows is None else step_rows
    if step < 1 or step % least:
        raise TinysenseError(
            f"a step of {step} rows does not fit the model's strides in time",
            f"Give a multiple of {least}",
        )
    if step >= given.length:
        raise TinysenseError(
            f"cannot stream: a step takes {step} rows, the window has {given.length}: no row is "
            "seen twice", "Stream a model with a longer window or smaller strides in time",
        )  # fmt: skip
    found = _Analysis(window, given, step)
    emitter = Emitter(window, found.scope.rows, step, rest_value)
    for node, rule in found.rules:
        emitter.ask(node, rule)
    emitter.ask_outputs()
    made = emitter.begin()
    for node, rule in found.rules:
        made += emitter.emit(node, rule)
    return Streamed(emitter.finish(made), step, -(-given.length // step) - 1, given.length, window)


# ---- the input's rows ----


def _input_rows(graph: Graph) -> Rows:
    if graph.states:
        first = next(iter(graph.states))
        fresh = [n for n in graph.nodes if first in n.inputs and n.op in RECURRENT]
        if fresh:
            raise RECURRENT_REFUSAL.named(graph, fresh[0])
        state = graph.tensors[first].name
        raise TinysenseError(f"cannot stream: the model keeps state '{state}' already",
                             "It takes its rows as they come as it is: leave out --stream")
    if len(graph.inputs) != 1:
        raise TinysenseError(f"cannot stream: the model has {len(graph.inputs)} inputs: expected "
                             "one, rows in time")  # fmt: skip
    tensor = graph.tensors[graph.inputs[0]]
    axis = next((i for i, d in enumerate(tensor.shape) if d != 1), None)
    if axis is None or tensor.elements == 1:
        raise TinysenseError(f"cannot stream: the input {list(tensor.shape)} is one value")
    size = tensor.shape[axis]
    if axis < len(tensor.shape) - 1:
        return Rows(size, 1, axis)
    length = _rows_of_flat(graph, tensor.index)
    if length is None or size % length:
        raise TinysenseError(
            f"cannot stream: the input {list(tensor.shape)} has no axis for time",
            "Train with an input of (time, features), or reshape to it in the model's first layer",
        )
    return Rows(length, 1, axis, size // length)


def _rows_of_flat(graph: Graph, index: int) -> int | None:
    """How many rows the first RESHAPE behind a flat input gives it."""
    for node in graph.nodes:
        if index not in node.inputs[:1]:
            continue
        shape = graph.tensors[node.outputs[0]].shape
        if node.op in ("RESHAPE", "EXPAND_DIMS"):
            wide = [d for d in shape if d != 1]
            if len(wide) > 1:
                return wide[0]
        elif node.op not in ("QUANTIZE", "DEQUANTIZE"):
            return None
        index = node.outputs[0]
    return None


class _Analysis:
    """What each node that reads rows does with them, and which tensors run in time.

    ``step`` None: how small a step may be is not known yet.
    """

    def __init__(self, graph: Graph, given: Rows, step: int | None) -> None:
        self.scope = Scope(graph)
        self.scope.rows[graph.inputs[0]] = given
        self.rules: list[tuple[Node, Local | Whole | None]] = []
        for node in graph.nodes:
            if not self.scope.in_time(node):
                self.rules.append((node, None))
                continue
            try:
                rule = rule_of(self.scope, node)
            except Refusal as refusal:
                raise refusal.named(graph, node) from None
            self.rules.append((node, rule))
            if isinstance(rule, Local):
                for index, rows in zip(node.outputs, rule.outputs, strict=True):
                    if not rows.whole and (step is None or rows.length * rows.stride > step):
                        self.scope.rows[index] = rows


def _least_step(found: _Analysis) -> int:
    return math.lcm(*(rows.stride for rows in found.scope.rows.values()))
