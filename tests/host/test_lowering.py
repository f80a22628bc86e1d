"""What the lowering of each op makes, and what it refuses by name."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host import quantize as q
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, Quant, Tensor
from tinysense_host.graph.shape_rules import slice_ranges
from tinysense_host.graph.shapes import resolve_shapes
from tinysense_host.lowering.resizing import nearest
from tinysense_host.modelfile import ModelFile
from tinysense_host.tflite import flatbuf

CASES = Path(__file__).parents[1] / "golden" / "cases"


def case(name: str) -> Graph:
    return tflite.load(CASES / f"{name}.tflite")


def quant(scale: float = 0.1, zero_point: int = 0) -> Quant:
    return Quant(np.array([scale], np.float32), np.array([zero_point]))


def changed(graph: Graph, index: int, **fields: object) -> Graph:
    tensors = list(graph.tensors)
    tensors[index] = dataclasses.replace(tensors[index], **fields)
    return dataclasses.replace(graph, tensors=tuple(tensors))


def option(graph: Graph, **options: int | float) -> Graph:
    nodes = tuple(dataclasses.replace(n, options=n.options | options) for n in graph.nodes)
    return dataclasses.replace(graph, nodes=nodes)


def constant(name: str, operand: int, values: object) -> Graph:
    """A golden case with other numbers in one operand of its only op."""
    graph = case(name)
    index = graph.nodes[0].inputs[operand]
    data = np.asarray(values, np.int32)
    return changed(graph, index, data=data, shape=data.shape)


def other_quant(name: str, operand: int | None = None) -> Graph:
    """The op's output, or an operand, with a scale of its own."""
    graph = case(name)
    node = graph.nodes[0]
    index = node.outputs[0] if operand is None else node.inputs[operand]
    return changed(graph, index, quant=quant(0.77, 1))


def unfolded(name: str, operand: int) -> Graph:
    """An operand that was constant, computed: by no op, that is an input."""
    graph = case(name)
    index = graph.nodes[0].inputs[operand]
    graph = changed(graph, index, data=None)
    return dataclasses.replace(graph, inputs=(*graph.inputs, index))


def dtype(name: str, operand: int, kind: str) -> Graph:
    graph = case(name)
    return changed(graph, graph.nodes[0].inputs[operand], dtype=kind)


SAME = "expected the same"
REFUSED = {
    "minimum: scales": (other_quant("minimum", 1), SAME),
    "maximum: output": (other_quant("maximum"), SAME),
    "concatenation: scales": (other_quant("concatenation", 1), SAME),
    "concatenation: output": (other_quant("concatenation"), SAME),
    "concatenation: activation": (option(case("concatenation"), activation=1), "activation fused"),
    "concatenation: axis": (option(case("concatenation"), axis=4), "do not fit each other|axis 4"),
    "pack: scales": (other_quant("pack_first", 2), SAME),
    "pack: axis": (option(case("pack_first"), axis=7), "do not fit|declares|packs"),
    "unpack: scales": (other_quant("unpack"), SAME),
    "unpack: axis": (option(case("unpack"), axis=0), "do not fit each other"),
    "split: scales": (other_quant("split"), SAME),
    "split: axis": (constant("split", 0, 9), "do not fit each other"),
    "split: not even": (constant("split", 0, 1), "do not fit each other"),
    "split_v: sizes": (constant("split_v", 1, (1, 3, 3)), "declares the output"),
    "split_v: open": (unfolded("split_v", 1), "sizes that are not constant"),
    "strided_slice: scales": (other_quant("strided_slice"), SAME),
    "strided_slice: open": (unfolded("strided_slice", 1), "bounds that are not constant"),
    "strided_slice: step 0": (constant("strided_slice", 3, (1, 0, 1, 1)), "do not fit each other"),
    "strided_slice: outside": (
        option(constant("strided_slice", 1, (0, 9, 0, 1)), shrink_axis_mask=2), "do not fit"),
    "slice: beyond": (constant("slice", 1, (0, 4, 2, 0)), "not inside|declares"),
    "slice: negative": (constant("slice", 1, (0, -1, 2, 0)), "not inside|declares"),
    "transpose: scales": (other_quant("transpose"), SAME),
    "transpose: twice": (constant("transpose", 1, (0, 1, 1, 2)), "declares the output"),
    "transpose: open": (unfolded("transpose", 1), "axes that are not constant"),
    "tile: times": (constant("tile", 1, (1, 2, 0, 3)), "empty output"),
    "tanh: output": (other_quant("tanh"), "expected scale 1/128 zero point 0"),
    "hard_swish: finer": (
        changed(case("hard_swish"), case("hard_swish").nodes[0].outputs[0], quant=quant(1e-7)),
        "TFLite refuses"),
    "leaky_relu: alpha": (option(case("leaky_relu"), alpha=float("nan")), "has alpha nan"),
    "arg_max: type": (
        changed(case("arg_max"), case("arg_max").nodes[0].outputs[0], dtype="int8"),
        "as int8: expected int32 or int64"),
    "arg_max: axes": (constant("arg_max", 1, (1, 2)), "names 2 axes|declares"),
    "reduce_max: scales": (other_quant("reduce_max_channels"), "changes the quantisation"),
    "sum: axes": (constant("sum", 1, (1, 7)), r"reduces axes \[1, 7\]|declares"),
    "resize: sizes": (constant("resize_twice", 1, (8, 0)), "empty output"),
    "resize: scales": (other_quant("resize_twice"), SAME),
    "transpose_conv: stride": (option(case("transpose_conv"), stride_h=0), "stride 0: not possible"),
    "transpose_conv: shape": (constant("transpose_conv", 0, (1, 8, 6, 3)), "declares|has weights"),
    "mul: types": (dtype("mul", 1, "float32"), "expected int8"),
    "prelu: types": (dtype("prelu", 1, "float32"), "expected int8"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_layer(name: str) -> None:
    graph, says = REFUSED[name]
    with pytest.raises(TinysenseError, match=says) as caught:
        convert.convert(graph)
    node = graph.nodes[0]
    assert node.op in caught.value.message
    assert "\n" not in str(caught.value)


def weights_of(name: str, operand: int) -> tuple[Graph, Tensor]:
    graph = case(name)
    return graph, graph.tensors[graph.nodes[0].inputs[operand]]


@pytest.mark.parametrize(
    ("name", "operand"), [("conv_same", 1), ("depthwise_same", 1), ("fc_per_channel", 1),
                          ("transpose_conv", 1)])  # fmt: skip
@pytest.mark.parametrize("more", [-1, 1])
def test_scales_of_another_number_of_channels(name: str, operand: int, more: int) -> None:
    graph, w = weights_of(name, operand)
    n = len(w.quant.scale) + more
    wrong = Quant(np.resize(w.quant.scale, n), np.zeros(n, np.int64), w.quant.axis)
    if n == 1:
        return  # one scale for all is allowed
    with pytest.raises(TinysenseError, match=f"{n} weight scales for {n - more} output channels"):
        convert.convert(changed(graph, w.index, quant=wrong))


@pytest.mark.parametrize("name", ["mul", "sub", "prelu", "minimum", "concatenation", "transpose",
                                  "resize_twice", "transpose_conv", "tanh", "sum"])  # fmt: skip
@pytest.mark.parametrize("scale", [0.0, float("inf"), float("nan"), 1e-40, -1.0])
def test_impossible_scales(name: str, scale: float) -> None:
    graph = case(name)
    for index in (graph.inputs[0], graph.outputs[0]):
        with pytest.raises(TinysenseError, match=f"'{graph.tensors[index].name}' has scale"):
            convert.convert(changed(graph, index, quant=quant(scale)))


def test_operands_that_are_missing() -> None:
    for name in ("mul", "transpose", "strided_slice", "resize_twice", "transpose_conv"):
        graph = case(name)
        node = dataclasses.replace(graph.nodes[0], inputs=graph.nodes[0].inputs[:1])
        with pytest.raises(TinysenseError, match="has 1 inputs"):
            convert.convert(dataclasses.replace(graph, nodes=(node,)))


def test_more_elements_than_31_bits_hold() -> None:
    """Each dim is small enough; together they are not."""
    x = Tensor(0, "x", "int8", (1, 40000, 1, 1), quant())
    times = Tensor(1, "n", "int32", (4,), None, np.array([1, 1, 40000, 40000], np.int32))
    y = Tensor(2, "y", "int8", (1, 1, 1, 1), quant(), None, (-1, 1, 1, 1))
    graph = Graph("m", (x, times, y), (Node(0, "TILE", (0, 1), (2,)),), (0,), (2,))
    with pytest.raises(TinysenseError, match="more than 2147483647 elements"):
        convert.convert(graph)


# ---- op versions ----


def with_version(data: bytes, version: int) -> bytes:
    """The file's first op code with another version; its field is there in the golden cases."""
    row = next(flatbuf.root(data, b"TFL3", "test").tables(1))
    at = row.position(2)
    return data[:at] + struct.pack("<i", version) + data[at + 4 :]


@pytest.mark.parametrize("version", [0, -1, 9, 2**31 - 1])
def test_versions_that_nobody_knows(version: int) -> None:
    data = (CASES / "conv_same.tflite").read_bytes()
    with pytest.raises(TinysenseError, match=f"CONV_2D version {version}: known are 1 to 8"):
        tflite.read(with_version(data, version))
    assert tflite.read(with_version(data, 8)).nodes[0].op == "CONV_2D"


# ---- what is made ----


def ops_of(graph: Graph) -> list[str]:
    return [op.name for op in ModelFile.read(convert.convert(graph)).ops]


MADE = {
    "sub": ["ADD"],
    "transpose_ones": [],                           # the same bytes
    "transpose_batch": ["STRIDED_COPY"] * 2,        # four axes apart: the batch moves last
    "strided_slice_batch": ["STRIDED_COPY"] * 2,
    "split": ["STRIDED_COPY"] * 3,
    "concatenation_nine": ["CONCATENATION"] * 2,    # eight at most in one record
    "pack_last": ["CONCATENATION"],
    "reduce_max_apart": ["MAX_POOL_2D"] * 2,
    "sum_channels": ["FULLY_CONNECTED"],
    "sum": ["STRIDED_COPY", "FULLY_CONNECTED"],
    "hard_swish": ["LUT"],
    "tile": ["STRIDED_COPY"] * 2,
}


@pytest.mark.parametrize("name", MADE)
def test_ops(name: str) -> None:
    assert ops_of(case(name)) == MADE[name]


def test_concatenation_along_any_axis_is_along_the_last_of_a_view() -> None:
    for name, dims in (("concatenation_columns", (1, 3, 1, 24)), ("concatenation_rows", (1, 1, 1, 36)),
                       ("concatenation_batch", (1, 1, 1, 72))):  # fmt: skip
        model = ModelFile.read(convert.convert(case(name)))
        assert model.tensors[model.ops[0].outputs[0]].dims == dims


# ---- shape arithmetic ----


def shapes_graph(op: str, inputs: list[object], **options: int) -> Graph:
    """SHAPE of x, an op over it and constants, and a RESHAPE of x to that."""
    x = Tensor(0, "x", "int8", (2, 6, 4), quant())
    tensors = [x, Tensor(1, "s", "int32", (3,)), Tensor(2, "made", "int32", (1,), None, None, (-1,)),
               Tensor(3, "y", "int8", (1,), quant(), None, (-1,))]  # fmt: skip
    operands = []
    for value in inputs:
        if value is None:
            operands.append(1)
        else:
            data = np.asarray(value, np.int32)
            tensors.append(Tensor(len(tensors), "c", "int32", data.shape, None, data))
            operands.append(len(tensors) - 1)
    nodes = (Node(0, "SHAPE", (0,), (1,)), Node(1, op, tuple(operands), (2,), dict(options)),
             Node(2, "RESHAPE", (0, 2), (3,)))  # fmt: skip
    return Graph("m", tuple(tensors), nodes, (0,), (3,))


FOLDED = {
    "slice and shrink": (shapes_graph("STRIDED_SLICE", [None, (0,), (2,), (1,)]), None),
    "multiplied": (shapes_graph("MUL", [None, (2, 2, -1)]), None),
    "gathered": (shapes_graph("GATHER", [None, (2, 0, 1)], axis=0, batch_dims=0), (4, 2, 6)),
    "joined": (shapes_graph("CONCATENATION", [(1,), None], axis=0), (1, 2, 6, 4)),
    "divided": (shapes_graph("FLOOR_DIV", [None, (2, 1, 1)]), None),
    "product": (shapes_graph("REDUCE_PROD", [None, (0,)], keep_dims=1), (48,)),
    "larger": (shapes_graph("MAXIMUM", [None, (1, 1, 1)]), (2, 6, 4)),
    "cast": (shapes_graph("CAST", [None]), (2, 6, 4)),
}


@pytest.mark.parametrize("name", FOLDED)
def test_arithmetic_on_shapes_is_folded(name: str) -> None:
    graph, shape = FOLDED[name]
    if shape is None:  # it does not keep the number of elements: a RESHAPE to it is refused
        with pytest.raises(TinysenseError, match="RESHAPE.*do not fit"):
            resolve_shapes(graph)
        return
    resolved = resolve_shapes(graph)
    assert [n.op for n in resolved.nodes] == ["RESHAPE"]
    assert resolved.tensors[3].shape == shape


SLICES = [
    ((4, 5), ((0, 1), (4, 5), (1, 2)), {}, (4, 2)),
    ((4, 5), ((-1, -1), (-5, -6), (-1, -2)), {}, (4, 3)),
    ((4, 5), ((0, 1), (0, 0), (1, 1)), {"end_mask": 3}, (4, 4)),
    ((4, 5), ((2, 1), (3, 2), (1, 1)), {"shrink_axis_mask": 1}, (1,)),
    ((4, 5, 6), ((1,), (2,), (1,)), {"ellipsis_mask": 1}, (4, 5, 6)),
    ((4, 5, 6), ((0, 1), (0, 2), (1, 1)), {"ellipsis_mask": 1}, (4, 5, 1)),
    ((4, 5), ((0, 0, 1), (0, 0, 3), (1, 1, 1)), {"new_axis_mask": 1, "end_mask": 2}, (1, 4, 2)),
    ((9,), ((2,), (3,), (1,)), {"offset": 1}, (3,)),
]


@pytest.mark.parametrize("row", SLICES)
def test_masks_of_slices_are_numpys(row) -> None:  # type: ignore[no-untyped-def]
    shape, bounds, masks, wanted = row
    ranges, made = slice_ranges(shape, [list(b) for b in bounds], masks)
    assert made == wanted
    assert len(ranges) == len(shape)


def test_nearest_rows() -> None:
    assert nearest(4, 8, False, False) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert nearest(4, 7, True, False) == [0, 1, 1, 2, 2, 3, 3]
    assert nearest(3, 2, False, True) == [0, 2]
    assert nearest(5, 1, True, False) == [0]


# ---- tables ----


def test_tables_are_near_the_functions() -> None:
    x = q.Affine(0.05, 3)
    steps = (np.arange(-128, 128) - 3) * 0.05
    tanh = np.array(q.tanh_table(x)) / 128
    assert np.abs(tanh - np.tanh(steps)).max() <= 1 / 128
    out = q.Affine(0.04, -20)
    swish = (np.array(q.hard_swish_table(x, out)) + 20) * 0.04
    exact = np.clip(steps * np.clip(steps + 3, 0, 6) / 6, -108 * 0.04, 147 * 0.04)
    assert np.abs(swish - exact).max() <= 0.05
    leaky = (np.array(q.leaky_relu_table(x, out, 0.2)) + 20) * 0.04
    exact = np.clip(np.where(steps >= 0, steps, 0.2 * steps), -108 * 0.04, 147 * 0.04)
    assert np.abs(leaky - exact).max() <= 0.031
