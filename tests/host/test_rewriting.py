"""Rewriting gives the same bytes: with it and without, and both as TFLite says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite
from tinysense_host.graph import Graph, Node, Quant, Tensor
from tinysense_host.graph.dilation import fold_dilation
from tinysense_host.graph.shapes import resolve_shapes
from tinysense_host.hostcore import HostModel
from tinysense_host.lowering import lower
from tinysense_host.modelfile import ModelFile
from tinysense_host.planning import plan
from tinysense_host.program import Program
from tinysense_host.rewriting import channels, rewrite
from tinysense_host.rewriting.ranges import channel_bounds

CASES = Path(__file__).parents[1] / "golden" / "cases"
GRAPHS = sorted([*CASES.glob("graph_*.tflite"), *CASES.glob("constant_channels*.tflite"),
                 *CASES.glob("border_*.tflite"), *CASES.glob("clamp_*.tflite"),
                 *CASES.glob("keras_*.tflite")])  # fmt: skip


def plain(graph: Graph) -> Program:
    """The program as lowering makes it."""
    return lower(resolve_shapes(fold_dilation(graph)))


def rewritten(graph: Graph) -> Program:
    program = plain(graph)
    rewrite(program)
    return program


def model_of(program: Program) -> HostModel:
    planned = plan(program)
    meta = {"name": "t", "labels": []}
    return HostModel(ModelFile(meta, planned.rows, planned.ops, program.n_inputs,
                               program.n_outputs, planned.arena_bytes, n_init=planned.n_init
                               ).write())  # fmt: skip


def outputs(program: Program, seed: int = 0, count: int = 6) -> list[np.ndarray]:
    """For random inputs and the extremes."""
    model, rng = model_of(program), np.random.default_rng(seed)
    batches = []
    for t in model.file.inputs:
        ends = [np.full(t.shape, value) for value in (-128, 127)]
        batch = np.stack([*ends, *rng.integers(-128, 128, (count, *t.shape))])
        batches.append(batch.astype(t.dtype))
    return model.run_batch(batches)


def assert_same(graph: Graph, seed: int = 0) -> Program:
    after = rewritten(graph)
    for a, b in zip(outputs(plain(graph), seed), outputs(after, seed), strict=True):
        np.testing.assert_array_equal(a, b)
    return after


@pytest.mark.parametrize("path", GRAPHS, ids=lambda p: p.stem)
def test_golden_graphs_without_rewriting(path: Path) -> None:
    """With it they are in tests/golden; here what the expected outputs say of the plain program."""
    graph = tflite.load(path)
    model = model_of(plain(graph))
    with np.load(path.with_suffix(".npz")) as found:
        got = model.run_batch([found[f"in{i}"] for i in range(model.file.n_inputs)])
        for i, y in enumerate(got):
            np.testing.assert_array_equal(y, found[f"out{i}"])


# ---- small graphs, by hand ----


class Net:
    """Tensors and nodes, appended one by one."""

    def __init__(self, shape: tuple[int, ...] = (1, 6, 5, 8), seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []
        self.nodes: list[Node] = []
        self.first = self.tensor(shape, 0.1, -7)

    def tensor(self, shape: tuple[int, ...], scale: object, zero: int = 0,
               data: np.ndarray | None = None, dtype: str = "int8", axis: int = 0) -> int:  # fmt: skip
        i = len(self.tensors)
        scales = np.atleast_1d(np.asarray(scale, np.float32))
        q = Quant(scales, np.full(len(scales), zero, np.int64), axis)
        self.tensors.append(Tensor(i, f"t{i}", dtype, shape, q, data))
        return i

    def numbers(self, values: object) -> int:
        i, data = len(self.tensors), np.asarray(values, np.int32)
        self.tensors.append(Tensor(i, f"t{i}", "int32", data.shape, None, data))
        return i

    def node(self, op: str, inputs: list[int], out: int, **options: int | float) -> int:
        self.nodes.append(Node(len(self.nodes), op, tuple(inputs), (out,), dict(options)))
        return out

    def conv(self, x: int, out: int, dead: tuple[int, ...] = (), bias: dict[int, int] | None = None,
             kernel: int = 3, padding: int = 0, depthwise: bool = False, activation: int = 0,
             stride: int = 1) -> int:  # fmt: skip
        """``dead`` channels have no weights; ``bias`` gives some of them a value."""
        n, h, w, c = self.tensors[x].shape
        shape = (1, kernel, kernel, c) if depthwise else (out, kernel, kernel, c)
        axis = 3 if depthwise else 0
        weights = self.rng.integers(-90, 90, shape).astype(np.int8)
        values = self.rng.integers(-500, 500, out).astype(np.int32)
        for k in dead:
            weights[(slice(None),) * axis + (k,)] = 0
        for k, value in (bias or {}).items():
            values[k] = value
        cut = 0 if padding == 0 else kernel - 1
        size = [-(-(d - cut) // stride) for d in (h, w)]
        y = self.tensor((n, *size, out), 0.4, 11)
        operands = [x, self.tensor(shape, np.full(out, 0.01), 0, weights, axis=axis),
                    self.tensor((out,), 0.001, 0, values, "int32")]  # fmt: skip
        return self.node("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", operands, y,
                         padding=padding, stride_h=stride, stride_w=stride, dilation_h=1,
                         dilation_w=1, activation=activation)  # fmt: skip

    def like(self, x: int, op: str, *more: int, scale: float | None = None, zero: int | None = None,
             **options: int | float) -> int:  # fmt: skip
        t = self.tensors[x]
        assert t.quant is not None
        y = self.tensor(t.shape, t.quant.scale if scale is None else scale,
                        int(t.quant.zero_point[0]) if zero is None else zero)  # fmt: skip
        return self.node(op, [x, *more], y, **options)

    def graph(self, *outs: int) -> Graph:
        return Graph("t", tuple(self.tensors), tuple(self.nodes), (self.first,), outs)


def op_names(program: Program) -> list[str]:
    return [op.name for op in program.ops]


def channels_of(program: Program, name: str) -> list[int]:
    return [program.rows[op.outputs[0]].dims[3] for op in program.ops if op.name == name]


def test_channels_without_weights_go_and_nothing_changes() -> None:
    net = Net()
    x = net.conv(net.first, 16, dead=(0, 3, 4, 7, 9, 15))
    program = assert_same(net.graph(net.conv(x, 4, kernel=1)))
    assert channels_of(program, "CONV_2D") == [12, 4]     # four of six: groups of four stay whole
    assert any("4 channels removed" in line for line in program.rewrites)


def test_padding_keeps_a_constant_that_is_not_the_zero_point() -> None:
    """At the border a 3x3 kernel sees the zero point instead of the constant."""
    kept, gone = Net(), Net()
    for net, bias in ((kept, 9000), (gone, 0)):     # 0: the constant is the zero point
        x = net.conv(net.first, 8, dead=(0, 1, 2, 3), bias=dict.fromkeys(range(4), bias))
        program = assert_same(net.graph(net.conv(x, 4)))
        assert channels_of(program, "CONV_2D") == ([8, 4] if bias else [4, 4])


def test_without_padding_any_constant_goes() -> None:
    net = Net()
    x = net.conv(net.first, 8, dead=(0, 1, 2, 3), bias=dict.fromkeys(range(4), 9000))
    assert channels_of(assert_same(net.graph(net.conv(x, 4, padding=1))), "CONV_2D") == [4, 4]


def test_depthwise_layers_lose_their_channels_with_the_others() -> None:
    net = Net()
    x = net.conv(net.first, 8, dead=(0, 1, 2, 3), bias=dict.fromkeys(range(4), 0))
    x = net.conv(x, 8, depthwise=True)
    x = net.like(x, "RELU", scale=0.2)
    program = assert_same(net.graph(net.conv(x, 4, kernel=1)))
    assert channels_of(program, "DEPTHWISE_CONV_2D") == [4]
    assert channels_of(program, "LUT") == [4]


def test_a_drowned_depthwise_channel_takes_its_producer_with_it() -> None:
    """The convolution's channels vary, but the depthwise layer behind makes one value of them."""
    net = Net()
    x = net.conv(net.first, 8)
    x = net.conv(x, 8, depthwise=True, bias=dict.fromkeys((1, 2, 5, 6), -(10**8)), activation=1)
    program = assert_same(net.graph(net.conv(x, 4, kernel=1)))
    assert channels_of(program, "CONV_2D") == [4, 4]


def test_a_branch_that_needs_a_channel_keeps_it() -> None:
    net = Net()
    a = net.conv(net.first, 8, dead=(0, 1, 2, 3))
    b = net.conv(net.first, 8)
    joined = net.like(a, "ADD", b, scale=0.5, zero=0, activation=0)
    program = assert_same(net.graph(net.conv(joined, 4, kernel=1)))
    assert channels_of(program, "ADD") == [8]


def test_an_addition_of_constants_goes_whole() -> None:
    net = Net()
    a = net.conv(net.first, 8, dead=(0, 1, 2, 3))
    b = net.conv(net.first, 8, dead=(0, 1, 2, 3, 4))
    joined = net.like(a, "ADD", b, scale=0.5, zero=0, activation=0)
    program = assert_same(net.graph(net.conv(joined, 4, kernel=1)))
    assert channels_of(program, "ADD") == [4]


def test_channels_of_an_output_stay() -> None:
    net = Net()
    x = net.conv(net.first, 8, dead=(0, 1, 2, 3))
    program = assert_same(net.graph(x, net.conv(x, 4, kernel=1)))
    assert channels_of(program, "CONV_2D") == [8, 4]


def test_a_layer_of_nothing_but_constants_keeps_a_group() -> None:
    net = Net()
    x = net.conv(net.first, 8, dead=tuple(range(8)))
    assert channels_of(assert_same(net.graph(net.conv(x, 4, kernel=1))), "CONV_2D") == [4, 4]


def test_dense_layers_behind_a_flattened_image() -> None:
    net = Net((1, 3, 2, 4))
    x = net.conv(net.first, 8, dead=(1, 2, 4, 7), bias={1: 700, 2: -900})
    flat = net.node("RESHAPE", [x, net.numbers((1, 48))], net.tensor((1, 48), 0.4, 11))
    w = net.rng.integers(-99, 99, (5, 48)).astype(np.int8)
    y = net.node("FULLY_CONNECTED", [flat, net.tensor((5, 48), 0.01, 0, w)],
                 net.tensor((1, 5), 1.0, 3), activation=0, weights_format=0, keep_num_dims=0)  # fmt: skip
    program = assert_same(net.graph(y))
    assert channels_of(program, "CONV_2D") == [4]
    dense = next(op for op in program.ops if op.name == "FULLY_CONNECTED")
    assert program.rows[dense.inputs[1]].shape == (5, 24)
    assert channels.multiply_adds(program) == 6 * 36 * 4 + 5 * 24


def test_it_can_be_left_off() -> None:
    net = Net()
    x = net.conv(net.first, 8, dead=(0, 1, 2, 3))
    graph = net.graph(net.conv(x, 4, kernel=1))
    program = convert.compile_graph(graph, constant_channels=False)
    assert channels_of(program, "CONV_2D") == [8, 4]
    assert channels_of(convert.compile_graph(graph), "CONV_2D") == [4, 4]


@pytest.mark.parametrize("path", GRAPHS[::2], ids=lambda p: p.stem)
def test_bounds_hold(path: Path) -> None:
    """Every value that an op of the golden graphs gives lies inside the bounds of its channel."""
    graph = resolve_shapes(fold_dilation(tflite.load(path)))
    for node in graph.nodes:
        if graph.tensors[node.outputs[0]].dtype != "int8":
            continue
        program = lower(dataclasses.replace(graph, outputs=node.outputs[:1]))
        found = channel_bounds(program).get(program.storage[program.n_inputs])
        if found is not None:
            values = outputs(program)[0].reshape(-1, len(found.low)).astype(int)
            assert (values.min(axis=0) >= found.low).all()
            assert (values.max(axis=0) <= found.high).all()


# ---- borders ----


def padded(net: Net, x: int, amounts: tuple[tuple[int, int], ...], value: int | None = None) -> int:
    t = net.tensors[x]
    shape = tuple(d + a + b for d, (a, b) in zip(t.shape, amounts, strict=True))
    assert t.quant is not None
    zero = int(t.quant.zero_point[0])
    y = net.tensor(shape, t.quant.scale, zero)
    operands = [x, net.numbers(amounts)]
    if value is not None:
        operands.append(net.tensor((1,), t.quant.scale, zero, np.array([value], np.int8)))
    return net.node("PAD" if value is None else "PADV2", operands, y)


BORDER = ((0, 0), (1, 1), (1, 1), (0, 0))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("depthwise", [False, True])
def test_a_border_of_zero_points_becomes_padding(stride: int, depthwise: bool) -> None:
    net = Net()
    y = net.conv(padded(net, net.first, BORDER), 8, padding=1, stride=stride, depthwise=depthwise)
    program = assert_same(net.graph(y))
    assert op_names(program) == ["DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"]
    assert program.ops[0].params[4:6] == (1, 1)


@pytest.mark.parametrize(
    ("amounts", "value"),
    [(((0, 0), (3, 0), (0, 0), (0, 0)), None), (BORDER, 5), (((0, 0), (0, 0), (0, 0), (1, 0)), None),
     (((0, 0), (0, 5), (0, 0), (0, 0)), None)],
)  # fmt: skip
def test_other_borders_stay(amounts: tuple[tuple[int, int], ...], value: int | None) -> None:
    """Wider than the kernel reaches, of another value, in channels, beyond the last position."""
    net = Net()
    program = assert_same(net.graph(net.conv(padded(net, net.first, amounts, value), 4, padding=1)))
    assert op_names(program) == ["PAD", "CONV_2D"]


def test_a_border_that_two_convolutions_read() -> None:
    net = Net()
    wide = padded(net, net.first, BORDER)
    program = assert_same(net.graph(net.conv(wide, 4, padding=1), net.conv(wide, 8, padding=1)))
    assert op_names(program) == ["CONV_2D", "CONV_2D"]


def test_a_border_that_something_else_reads_stays() -> None:
    net = Net()
    wide = padded(net, net.first, BORDER)
    program = assert_same(net.graph(net.conv(wide, 4, padding=1), net.like(wide, "RELU", scale=0.2)))
    assert "PAD" in op_names(program)


def test_pools_skip_the_lowest_value_only() -> None:
    for value, fused in ((-128, True), (None, False)):
        net = Net()
        wide = padded(net, net.first, BORDER, value)
        y = net.tensor((1, 6, 5, 8), 0.1, -7)
        net.node("MAX_POOL_2D", [wide], y, padding=1, stride_h=1, stride_w=1, filter_h=3,
                 filter_w=3, activation=0)  # fmt: skip
        assert ("PAD" not in op_names(assert_same(net.graph(y)))) == fused


# ---- tables, constants, what nobody reads ----


def test_two_tables_are_one() -> None:
    net = Net()
    x = net.like(net.first, "RELU", scale=0.05, zero=3)
    y = net.like(x, "LEAKY_RELU", scale=0.09, alpha=0.3)
    assert op_names(assert_same(net.graph(net.like(y, "QUANTIZE", scale=0.2)))) == ["LUT"]


def test_a_clamp_joins_the_activation() -> None:
    net = Net()
    x = net.conv(net.first, 8, activation=1)
    program = assert_same(net.graph(net.like(x, "RELU6")))
    assert op_names(program) == ["CONV_2D"]
    assert program.ops[0].params[6:] == (11, 26)      # 6 / 0.4 steps above the zero point 11


def test_a_clamp_of_what_others_read_stays() -> None:
    net = Net()
    x = net.conv(net.first, 8)
    assert op_names(assert_same(net.graph(x, net.like(x, "RELU6")))) == ["CONV_2D", "LUT"]


def test_a_table_that_changes_nothing_is_dropped() -> None:
    net = Net()
    x = net.conv(net.first, 4)
    y = net.like(net.like(x, "QUANTIZE"), "ADD", x, scale=0.7, activation=0)
    assert op_names(assert_same(net.graph(y))) == ["CONV_2D", "ADD"]


def test_ops_over_constants_are_run_now() -> None:
    net = Net((1, 2, 3, 4))
    c = net.tensor((1, 2, 3, 4), 0.1, 0, net.rng.integers(-128, 128, (1, 2, 3, 4)).astype(np.int8))
    c = net.like(c, "MUL", c, scale=0.05, zero=4, activation=0)
    turned = net.tensor((1, 2, 3, 4), 0.05, 4)
    net.node("RESHAPE", [c, net.numbers((1, 2, 3, 4))], turned)
    program = assert_same(net.graph(net.like(net.first, "SUB", turned, scale=0.3, activation=0)))
    assert op_names(program) == ["ADD"]
    assert "folded" in program.rewrites[0]


def test_parts_that_nobody_reads_are_not_made() -> None:
    net = Net()
    outs = [net.tensor((1, 6, 5, 2), 0.1, -7) for _ in range(4)]
    net.nodes.append(Node(0, "SPLIT", (net.numbers(3), net.first), tuple(outs)))
    program = assert_same(net.graph(outs[2]))
    assert op_names(program) == ["STRIDED_COPY"]
    assert sum("nothing reads it" in line for line in program.rewrites) == 3


def test_a_program_without_anything_to_do_is_left_alone() -> None:
    program = rewritten(tflite.load(CASES / "fc.tflite"))
    assert program.rewrites == []
    assert op_names(program) == ["FULLY_CONNECTED"]
