"""Window models become streaming ones, and their outputs stay the same to the bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streaming_nets import SAME, Net, layers, noise, random_net

from tinysense_host import streaming, tflite
from tinysense_host.convert import convert
from tinysense_host.features import FeatureProgram, Raw, Rows
from tinysense_host.graph import Graph
from tinysense_host.hostcore import FeatureStream, HostModel
from tinysense_host.modelfile import ModelFile

CASES = Path(__file__).parents[1] / "golden" / "cases"


def expect_equal(graph: Graph, step: int | None = None) -> ModelFile:
    """Stream a graph and compare with windows cut from the same rows by hand, step by step."""
    streamed = streaming.stream(graph, step)
    made = convert(graph, stream=streamed.step_rows)
    window, model = HostModel(convert(graph)), HostModel(made)
    steps = noise(streamed.graph, streamed.warmup + 12)
    row = window.file.inputs[0].nbytes // streamed.window_rows
    rows = steps.reshape(-1, row)
    compared = 0
    for k, given in enumerate(steps):
        found = model.run([given.tobytes()])
        end = (k + 1) * streamed.step_rows
        if end >= streamed.window_rows:
            seen = rows[end - streamed.window_rows : end].tobytes()
            assert found == window.run([seen]), f"step {k}"
            compared += 1
    assert compared == 12 and model.file.meta["warmup"] == streamed.warmup
    return model.file


@pytest.mark.parametrize("seed", range(24))
def test_random_models(seed: int) -> None:
    graph = random_net(seed)
    least = streaming.stream(graph).step_rows
    expect_equal(graph)
    window = streaming.stream(graph).window_rows
    expect_equal(graph, min(3, (window - 1) // least) * least)


@pytest.mark.full
def test_many_random_models() -> None:
    for seed in range(24, 1000):
        expect_equal(random_net(seed))


def split(net: Net) -> None:
    x, axis = net.x, net.constant(np.array(3), "int32")
    shape = (*net.shape()[:3], 1)
    a, b = net.activation(shape, like=x), net.activation(shape, like=x)
    net.op("SPLIT", [axis, x], a, num_splits=2)
    net.nodes[-1] = dataclasses.replace(net.nodes[-1], outputs=(a, b))
    net.x = a
    net.conv(3, (4, 2))
    left, net.x = net.x, b
    net.conv(3, (2, 2))
    right = net.crop(net.x, 1, 2, net.shape(left)[1])
    net.pair("ADD", left, right)
    net.mean(1, 2)


def transposed(net: Net) -> None:
    x = net.x
    order = net.constant(np.array([0, 1, 3, 2]), "int32")
    net.op("TRANSPOSE", [x, order], net.activation((1, 21, 2, 4), like=x))
    net.conv(3, (3, 2))
    net.mean(1, 2)


def padded_features(net: Net) -> None:
    x = net.x
    amounts = net.constant(np.array([[0, 0], [0, 0], [1, 2], [0, 0]]), "int32")
    net.op("PAD", [x, amounts], net.activation((1, 21, 7, 2), like=x))
    net.conv(3, (3, 3), stride=(2, 1))
    net.pool("AVERAGE_POOL_2D", (2, 3), (2, 2), padding=SAME)
    net.dense(2)


def every_third_row(net: Net) -> None:
    net.crop(net.x, 1, 1, 19, step=3)
    net.conv(3, (2, 2))
    net.mean(1, 2)


def features_turned_round(net: Net) -> None:
    for begin, end in (((0, 2, 3, 0), (1, 20, 0, 2)), ((0, 1, 2, 0), (1, 18, -4, 2))):
        x = net.x
        bounds = [net.constant(np.array(v), "int32") for v in (begin, end, (1, 1, -1, 1))]
        shape = (1, end[1] - begin[1], 3, 2)
        net.op("STRIDED_SLICE", [x, *bounds], net.activation(shape, like=x))
    net.conv(3, (3, 2))
    net.mean(1, 2)


def newest_row(net: Net) -> None:
    net.conv(3, (3, 2))
    net.crop(net.x, 1, net.shape()[1] - 1, 1)
    net.dense(2)


def shared_constant(net: Net) -> None:
    rows = np.tile(net.rng.integers(-50, 50, (1, 1, 4, 2)), (1, 21, 1, 1))
    other = net.constant(rows, "int8", 0.03)
    net.op("MUL", [net.x, other], net.activation(net.shape()), activation=0)
    net.conv(3, (5, 4))
    net.mean(1, 2)


def looked_at_twice(net: Net) -> None:
    """Two layers that look back differently far share one state."""
    given = net.x
    left = net.conv(3, (6, 4))
    net.x = given
    net.conv(3, (3, 4))
    net.pair("ADD", left, net.crop(net.x, 1, 0, net.shape(left)[1]))
    net.mean(1, 2)


def gaps(net: Net) -> None:
    """A kernel smaller than its stride, and rows left over at the end of the window."""
    net.conv(3, (1, 2), stride=(4, 1))
    net.conv(2, (2, 1), stride=(2, 2))
    net.dense(2)


def rows_joined(net: Net) -> None:
    """A reshape that makes one row of three."""
    net.reshape((1, 7, 12, 2))
    net.conv(3, (2, 5))
    net.mean(1, 2)


def softmax_of_each_row(net: Net) -> None:
    net.softmax()
    net.conv(2, (2, 4))
    net.mean(1)


SHAPES = [split, transposed, padded_features, every_third_row, features_turned_round,
          newest_row, shared_constant, looked_at_twice, gaps, rows_joined, softmax_of_each_row]  # fmt: skip


@pytest.mark.parametrize("make", SHAPES, ids=lambda f: f.__name__)
def test_layers(make: Callable[[Net], object]) -> None:
    expect_equal(layers(make))


@pytest.mark.parametrize("name", ["keras_keyword", "keras_keyword2d"])
def test_what_keras_exports(name: str) -> None:
    expect_equal(tflite.load(CASES / f"{name}.tflite"))


def test_outputs_in_time_are_given_whole() -> None:
    graph = layers(lambda net: (net.conv(3, (4, 2)), net.table("LOGISTIC")))
    model = expect_equal(graph)
    assert model.outputs[0].shape == (1, 18, 3, 3)


def test_from_the_first_step_the_window_model_with_rows_of_zero_in_front() -> None:
    graph = random_net(5)
    streamed = streaming.stream(graph)
    window, model = HostModel(convert(graph)), HostModel(convert(graph, stream=True))
    steps = noise(streamed.graph, 5)
    given = graph.tensors[graph.inputs[0]]
    assert given.quant is not None
    for run in range(2):
        for step, seen in zip(steps, streamed.windows(steps), strict=True):
            assert model.run([step.tobytes()]) == window.run([seen.tobytes()]), run
        model.reset()
    assert (streamed.windows(steps)[0].reshape(-1)[0] == given.quant.zero_point).all()


def test_behind_features_that_come_as_a_stream() -> None:
    """A feature program hands a step its new rows only; the window model gets all of them."""
    graph = tflite.load(CASES / "keras_keyword.tflite")
    streamed = streaming.stream(graph)
    given = graph.tensors[graph.inputs[0]]
    assert given.quant is not None

    def program(rows: int, stride: int) -> bytes:
        made = FeatureProgram(1, 8, 8, (Raw(), Rows(rows, stride)), gain=(1 / 4000,))
        return made.quantised(float(given.quant.scale[0]), int(given.quant.zero_point[0])).to_bytes()

    step, window = streamed.step_rows, streamed.window_rows
    feat, whole = program(step, step), program(window, step)
    frames = np.random.default_rng(4).integers(-9000, 9000, 8 * 70).astype(np.int16)
    model, other = HostModel(convert(graph, feat=feat, stream=True)), HostModel(convert(graph))
    found = [model.run([x.tobytes()]) for x in FeatureStream(feat).inputs(frames)]
    wanted = [other.run([x.tobytes()]) for x in FeatureStream(whole).inputs(frames)]
    assert len(wanted) == 24 and found[streamed.warmup :] == wanted
