from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.errors import TinysenseError
from tinysense_host.graph import Graph, Node, Quant, Tensor
from tinysense_host.modelfile import ModelFile

CASES = Path(__file__).parents[1] / "golden" / "cases"


def case(name: str) -> Graph:
    return tflite.load(CASES / f"{name}.tflite")


def changed(graph: Graph, index: int, **fields: object) -> Graph:
    tensors = list(graph.tensors)
    tensors[index] = dataclasses.replace(tensors[index], **fields)
    return dataclasses.replace(graph, tensors=tuple(tensors))


def rescaled(tensor: Tensor, value: float, at: int = 0) -> Quant:
    scale = tensor.quant.scale.copy()
    scale[at] = value
    return dataclasses.replace(tensor.quant, scale=scale)


def operand(graph: Graph, i: int) -> Tensor:
    return graph.tensors[graph.nodes[0].inputs[i]]


def quant(scale: float, zero_point: int = 0) -> Quant:
    return Quant(np.array([scale], np.float32), np.array([zero_point]))


def chain(*ops: str, dtype: str = "int8", shape: tuple[int, ...] = (1, 8)) -> Graph:
    """x -> ops[0] -> ops[1] -> ..., all of one shape and type."""
    q = quant(0.1) if dtype == "int8" else None
    tensors = tuple(Tensor(i, f"t{i}", dtype, shape, q) for i in range(len(ops) + 1))
    nodes = tuple(Node(i, op, (i,), (i + 1,)) for i, op in enumerate(ops))
    return Graph("chain", tensors, nodes, (0,), (len(ops),))


# ---- what is refused, and what the message says ----


def test_all_unsupported_ops_are_named_with_index_and_layer() -> None:
    with pytest.raises(TinysenseError) as caught:
        convert.convert(chain("RELU", "ELU", "RELU", "CUSTOM:Magic"))
    text = str(caught.value)
    assert "2 ops cannot run" in text
    assert "op 1 ELU (layer 't2')" in text
    assert "op 3 CUSTOM:Magic (layer 't4')" in text
    assert "SOFTMAX" in caught.value.hint  # what there is instead
    assert "\n" not in text


def test_float_models_are_refused_with_the_recipe() -> None:
    with pytest.raises(TinysenseError, match=r"not quantised: 2 of 2 ops are float32.*'t1'") as e:
        convert.convert(chain("RELU", "SOFTMAX", dtype="float32"))
    assert "representative_dataset" in e.value.hint
    assert "TFLITE_BUILTINS_INT8" in e.value.hint


def test_int16_activations_are_refused() -> None:
    with pytest.raises(TinysenseError, match=r"'t0' as int16: expected int8|int16"):
        convert.convert(chain("RELU", dtype="int16"))


def test_several_subgraphs() -> None:
    graph = dataclasses.replace(case("fc"), others=(case("fc"),))
    with pytest.raises(TinysenseError, match="2 graphs, and graph 1 does more than set variables"):
        convert.convert(graph)


SCALES = [0.0, -1.0, float("inf"), float("-inf"), float("nan"), 1e-40]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("which", [0, 1])
def test_impossible_scales_are_refused_with_the_tensor(which: int, scale: float) -> None:
    graph = case("conv_same")
    tensor = operand(graph, which)
    with pytest.raises(TinysenseError, match=f"tensor '{tensor.name}' has scale"):
        convert.convert(changed(graph, tensor.index, quant=rescaled(tensor, scale)))


def test_one_bad_channel_is_named() -> None:
    graph = case("conv_same")
    weights = operand(graph, 1)
    bad = changed(graph, weights.index, quant=rescaled(weights, float("nan"), 2))
    with pytest.raises(TinysenseError, match="'w' has scale nan of channel 2"):
        convert.convert(bad)


def test_scales_apart_by_more_than_the_arithmetic_can() -> None:
    graph = case("conv_same")
    x = operand(graph, 0)
    with pytest.raises(TinysenseError, match=r"op 0 CONV_2D .*more than 2\^30"):
        convert.convert(changed(graph, x.index, quant=rescaled(x, 1e30)))


def test_wrong_number_of_channel_scales() -> None:
    graph = case("conv_same")
    w = operand(graph, 1)
    short = Quant(w.quant.scale[:3], w.quant.zero_point[:3])
    with pytest.raises(TinysenseError, match="3 weight scales for 4 output channels"):
        convert.convert(changed(graph, w.index, quant=short))


def test_weights_with_a_zero_point() -> None:
    graph = case("fc")
    w = operand(graph, 1)
    shifted = Quant(w.quant.scale, w.quant.zero_point + 1)
    with pytest.raises(TinysenseError, match="weights with a zero point"):
        convert.convert(changed(graph, w.index, quant=shifted))


def test_weights_and_bias_that_are_computed() -> None:
    graph = case("fc")
    with pytest.raises(TinysenseError, match="reads 'w', which no op makes"):
        convert.convert(changed(graph, operand(graph, 1).index, data=None))
    with pytest.raises(TinysenseError, match="reads 'b', which no op makes"):
        convert.convert(changed(graph, operand(graph, 2).index, data=None))


def test_zero_sized_dimension() -> None:
    graph = chain("RELU", shape=(1, 0))
    with pytest.raises(TinysenseError, match=r"empty output \[1, 0\]|no dimension may be 0"):
        convert.convert(graph)


def test_open_input_shape() -> None:
    graph = changed(chain("RELU", shape=(1, 1, 8)), 0, signature=(-1, -1, 8))
    with pytest.raises(TinysenseError, match=r"input 't0' has an open shape \[-1, -1, 8\]"):
        convert.convert(graph)
    batch_only = changed(chain("RELU"), 0, signature=(-1, 8))
    assert convert.convert(batch_only)


def test_a_shape_that_does_not_follow_from_the_operands() -> None:
    graph = case("conv_same")
    out = graph.outputs[0]
    says = r"declares the output \[1, 7, 7, 4\].*give \[1, 7, 6, 4\]"
    with pytest.raises(TinysenseError, match=says):
        convert.convert(changed(graph, out, shape=(1, 7, 7, 4)))


def test_kernel_larger_than_a_valid_input() -> None:
    graph = case("conv_valid")
    x = operand(graph, 0)
    with pytest.raises(TinysenseError, match="kernel is larger than its input"):
        convert.convert(changed(graph, x.index, shape=(1, 2, 6, 3)))


def test_changing_quantisation_where_the_kernel_cannot() -> None:
    for name in ("max_pool", "average_pool", "pad"):
        graph = case(name)
        y = graph.tensors[graph.outputs[0]]
        other = Quant(y.quant.scale * np.float32(1.5), y.quant.zero_point)
        with pytest.raises(TinysenseError, match="changes the quantisation"):
            convert.convert(changed(graph, y.index, quant=other))


def test_scores_of_another_scale() -> None:
    for name in ("softmax", "logistic"):
        graph = case(name)
        out = graph.outputs[0]
        with pytest.raises(TinysenseError, match="expected scale 1/256 zero point -128"):
            convert.convert(changed(graph, out, quant=quant(1 / 128, -128)))


def test_unknown_fused_activation() -> None:
    graph = case("conv_same")
    node = dataclasses.replace(graph.nodes[0], options=graph.nodes[0].options | {"activation": 4})
    with pytest.raises(TinysenseError, match="TANH fused"):
        convert.convert(dataclasses.replace(graph, nodes=(node,)))


def test_five_dimensions() -> None:
    with pytest.raises(TinysenseError, match="5 dimensions: expected at most 4"):
        convert.convert(chain("RELU", shape=(1, 1, 1, 2, 2)))


def test_what_the_core_refuses_is_told_with_the_layer() -> None:
    """Sums of more than 65535 products: only the core knows that limit."""
    n = 65536
    graph = Graph(
        "wide",
        (Tensor(0, "x", "int8", (1, n), quant(0.1)),
         Tensor(1, "w", "int8", (1, n), quant(0.1), np.ones((1, n), np.int8)),
         Tensor(2, "wide layer", "int8", (1, 1), quant(1.0))),
        (Node(0, "FULLY_CONNECTED", (0, 1), (2,),
              {"activation": 0, "weights_format": 0, "keep_num_dims": False}),),
        (0,), (2,),
    )  # fmt: skip
    with pytest.raises(TinysenseError, match=r"FULLY_CONNECTED \(layer 'wide layer'\) cannot run"):
        convert.convert(graph)


def test_too_many_inputs() -> None:
    tensors = tuple(Tensor(i, f"t{i}", "int8", (1, 4), quant(0.1)) for i in range(10))
    graph = Graph("many", tensors, (Node(0, "RELU", (0,), (9,)),), tuple(range(9)), (9,))
    with pytest.raises(TinysenseError, match="9 inputs: expected 1 to 8"):
        convert.convert(graph)


def test_number_of_labels() -> None:
    with pytest.raises(TinysenseError, match="3 labels were given, the model has 5 outputs"):
        convert.convert(case("fc"), labels=["a", "b", "c"])


# ---- how it is lowered ----


def ops_of(name: str) -> list[str]:
    return [op.name for op in ModelFile.read(convert.convert(case(name))).ops]


LOWERED = {
    "keras_conv1d": ["CONV_2D", "MAX_POOL_2D", "CONV_2D", "MEAN", "FULLY_CONNECTED", "SOFTMAX"],
    # SHAPE, STRIDED_SLICE and PACK in front of Flatten's RESHAPE are folded away
    "keras_conv1d_flatten": ["CONV_2D", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "FULLY_CONNECTED",
                             "SOFTMAX"],
    # GlobalMaxPooling1D is REDUCE_MAX in the file
    "keras_depthwise1d": ["DEPTHWISE_CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "MAX_POOL_2D",
                          "FULLY_CONNECTED", "SOFTMAX"],
    # SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND are folded into the convolution
    # and so is the causal padding of the second
    "keras_dilated1d": ["CONV_2D", "LUT", "CONV_2D", "LUT", "CONV_2D", "MEAN",
                        "FULLY_CONNECTED", "LUT"],
    "keras_residual1d": ["CONV_2D", "ADD", "FULLY_CONNECTED", "FULLY_CONNECTED"],
    "keras_float_edges": ["QUANTIZE", "CONV_2D", "FULLY_CONNECTED", "LUT", "DEQUANTIZE"],
    "keras_unsigned_edges": ["LUT", "CONV_2D", "PAD", "FULLY_CONNECTED", "LUT"],
    "reduce_max_1d": ["MAX_POOL_2D"],
}  # fmt: skip


@pytest.mark.parametrize("name", LOWERED)
def test_ops(name: str) -> None:
    assert ops_of(name) == LOWERED[name]


def test_dilation_comes_back() -> None:
    model = ModelFile.read(convert.convert(case("keras_dilated1d")))
    first, second, third = (op for op in model.ops if op.name == "CONV_2D")
    assert first.params[:6] == (1, 1, 1, 2, 0, 2)
    assert second.params[:6] == (1, 1, 1, 4, 0, 8)
    assert third.params[:6] == (1, 1, 1, 3, 0, 0)


def test_a_detour_that_is_no_dilation_is_refused_by_name() -> None:
    graph = case("keras_dilated1d")
    last = next(n for n in graph.nodes if n.op == "BATCH_TO_SPACE_ND")
    block = graph.tensors[last.inputs[1]]
    wrong = dataclasses.replace(block, index=len(graph.tensors), data=block.data + 1)
    nodes = tuple(
        dataclasses.replace(n, inputs=(n.inputs[0], wrong.index, n.inputs[2])) if n is last else n
        for n in graph.nodes
    )
    other = dataclasses.replace(graph, tensors=(*graph.tensors, wrong), nodes=nodes)
    with pytest.raises(TinysenseError, match=r"SPACE_TO_BATCH_ND .*layer"):
        convert.convert(other)


def test_reshapes_cost_nothing() -> None:
    q = quant(0.5, 3)
    shapes = [(1, 12), (1, 3, 4), (1, 1, 3, 4), (3, 4)]
    tensors = [Tensor(i, f"t{i}", "int8", s, q) for i, s in enumerate(shapes)]
    tensors.append(Tensor(4, "axis", "int32", (), None, np.array(1, np.int32)))
    nodes = (Node(0, "RESHAPE", (0,), (1,)), Node(1, "EXPAND_DIMS", (1, 4), (2,)),
             Node(2, "SQUEEZE", (2,), (3,)))  # fmt: skip
    model = ModelFile.read(convert.convert(Graph("views", tuple(tensors), nodes, (0,), (3,))))
    assert model.ops == []
    assert model.arena_bytes == 12
    assert model.inputs[0].offset == model.outputs[0].offset


def test_an_output_that_is_an_input_or_comes_twice() -> None:
    graph = dataclasses.replace(chain("RELU"), outputs=(1, 0, 1))
    model = ModelFile.read(convert.convert(graph))
    assert model.n_outputs == 3
    assert model.outputs[0].offset == model.outputs[2].offset
    assert model.outputs[1].offset == model.inputs[0].offset != model.outputs[0].offset


def test_a_constant_output_is_copied() -> None:
    tensors = (*chain("RELU").tensors,
               Tensor(2, "fixed", "int8", (3,), quant(1.0), np.array([1, -2, 3], np.int8)))
    graph = Graph("m", tensors, chain("RELU").nodes, (0,), (1, 2))
    from tinysense_host.hostcore import HostModel

    model = HostModel(convert.convert(graph))
    assert np.frombuffer(model.run([bytes(8)])[1], np.int8).tolist() == [1, -2, 3]


def test_meta() -> None:
    model = ModelFile.read(convert.convert(case("fc"), meta={"name": "x", "extra": [1]}))
    assert model.meta["name"] == "x"
    assert model.meta["extra"] == [1]
    assert model.meta["made"].startswith("tinysense ")
    assert model.labels == [f"class {i}" for i in range(5)]
    named = ModelFile.read(convert.convert(case("fc"), labels=list("abcde")))
    assert named.labels == list("abcde")
