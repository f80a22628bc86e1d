"""Rows kept by streaming layers become one SHIFT_IN, and only they do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import tflite
from tinysense_host.convert import compile_graph
from tinysense_host.graph import Graph, Node
from tinysense_host.graph.shapes import resolve_shapes
from tinysense_host.graph.shifts import fuse_shifts
from tinysense_host.graph.states import fold_states
from tinysense_host.hostcore import HostModel

CASES = Path(__file__).parents[1] / "golden" / "cases"


def folded(name: str) -> Graph:
    return resolve_shapes(fold_states(tflite.load(CASES / f"{name}.tflite")))


def changed(graph: Graph, op: str, **new: object) -> Graph:
    """The graph with its ``op`` node changed."""
    nodes = tuple(dataclasses.replace(n, **new) if n.op == op else n for n in graph.nodes)  # type: ignore[arg-type]
    return dataclasses.replace(graph, nodes=nodes)


@pytest.mark.parametrize("name", ["stream", "stream_values", "stream_cut_first",
                                  "stream_cut_first_columns", "stream_more_new_than_kept"])
def test_fused(name: str) -> None:
    graph = folded(name)
    fused = fuse_shifts(graph)
    assert [n.op for n in fused.nodes] == ["SHIFT_IN", "MAXIMUM"]
    ((state, first),) = fused.states.items()
    ((_, before),) = graph.states.items()
    assert first.shape == fused.tensors[state].shape
    np.testing.assert_array_equal(first[:, first.shape[1] - before.shape[1] :], before)
    assert [op.name for op in compile_graph(tflite.load(CASES / f"{name}.tflite")).ops][1:] == [
        "SHIFT_IN", "MAXIMUM"]


def test_a_state_read_elsewhere_stays() -> None:
    graph = folded("stream_read_late")
    assert fuse_shifts(graph) is graph


def test_what_is_no_shift_stays() -> None:
    graph = folded("stream")
    join = next(n for n in graph.nodes if n.op == "CONCATENATION")
    swapped = (join.inputs[1], join.inputs[0])
    for other in (
        changed(graph, "CONCATENATION", inputs=swapped),
        changed(graph, "CONCATENATION", options={"axis": 1, "activation": 1}),
        changed(graph, "STRIDED_SLICE", options={"begin_mask": 15, "end_mask": 15}),
        dataclasses.replace(graph, outputs=(*graph.outputs, join.inputs[0])),
        dataclasses.replace(graph, nodes=(*graph.nodes, Node(99, "MAXIMUM", (join.inputs[0],) * 2, (0,)))),
    ):  # fmt: skip
        assert fuse_shifts(other) is other


def test_joined_along_an_inner_axis_stays() -> None:
    """New columns of every row do not lie together at the end."""
    graph = folded("stream")
    graph = changed(graph, "CONCATENATION", options={"axis": 3, "activation": 0})
    assert fuse_shifts(graph) is graph


def test_reset_begins_anew() -> None:
    from tinysense_host.convert import convert

    with np.load(CASES / "stream_values.npz") as golden:
        x, y = golden["in0"], golden["out0"]
    model = HostModel(convert(tflite.load(CASES / "stream_values.tflite")))
    for _ in range(2):
        np.testing.assert_array_equal(model.run_batch([x])[0], y)
        model.reset()
