"""What cannot stream is named: the layer, why, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streaming_nets import SAME, Net, layers
from test_streaming import gaps

from tinysense_host import streaming, tflite
from tinysense_host.convert import convert
from tinysense_host.errors import TinysenseError

CASES = Path(__file__).parents[1] / "golden" / "cases"


def same_in_time(net: Net) -> None:
    net.conv(2, (3, 3), padding=SAME)


def padded_time(net: Net) -> None:
    amounts = net.constant(np.array([[0, 0], [2, 0], [0, 0], [0, 0]]), "int32")
    net.op("PAD", [net.x, amounts], net.activation((1, 23, 4, 2), like=net.x))


def attention(net: Net) -> None:
    rows = net.conv(3, (3, 4))
    weight = net.mean(1, 2)
    net.pair("MUL", rows, weight)


def softmax_over_time(net: Net) -> None:
    net.conv(1, (3, 4))
    net.reshape((1, 19))
    net.softmax()


def uneven(net: Net) -> None:
    given = net.x
    left = net.conv(2, (3, 1), stride=(2, 1))
    net.pair("ADD", left, net.crop(given, 1, 0, 10))


def own_constants(net: Net) -> None:
    other = net.constant(net.rng.integers(-50, 50, (1, 21, 4, 2)), "int8", 0.03)
    net.op("ADD", [net.x, other], net.activation(net.shape()), activation=0)


def backward(net: Net) -> None:
    x = net.x
    bounds = [net.constant(np.array(v), "int32") for v in
              ((0, -1, 0, 0), (1, -22, 4, 2), (1, -1, 1, 1))]  # fmt: skip
    net.op("STRIDED_SLICE", [x, *bounds], net.activation((1, 21, 4, 2), like=x))


def behind_each_other(net: Net) -> None:
    a = net.x
    net.op("CONCATENATION", [a, a], net.activation((1, 42, 4, 2), like=a), axis=1, activation=0)


def unknown(net: Net) -> None:
    net.op("CUMSUM", [net.x], net.activation(net.shape(), like=net.x))


REFUSED = {
    same_in_time: r"op 0 CONV_2D \(layer 't3'\) pads along time by 2",
    padded_time: r"op 0 PAD .* pads along time \(2 before, 0 after\)",
    attention: r"op 2 MUL .* made of the whole window \(attention\)",
    softmax_over_time: r"op 2 SOFTMAX .* softmax over time",
    uneven: r"op 2 ADD .* different strides in time",
    own_constants: r"op 0 ADD .* constant of its own for each row",
    backward: r"op 0 STRIDED_SLICE .* turns time round",
    behind_each_other: r"op 0 CONCATENATION .* behind each other in time",
    unknown: r"op 0 CUMSUM .* not known to work row by row",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda f: f.__name__)
def test_refused(make: Callable[[Net], None]) -> None:
    with pytest.raises(TinysenseError, match=f"^cannot stream: {REFUSED[make]}") as caught:
        convert(layers(make), stream=True)
    assert caught.value.hint and "\n" not in str(caught.value)


def test_inputs_that_have_no_time() -> None:
    with pytest.raises(TinysenseError, match=r"input \[1, 1\] is one value"):
        streaming.stream(layers(lambda net: net.dense(2), (1, 1)))
    with pytest.raises(TinysenseError, match=r"input \[1, 40\] has no axis for time"):
        streaming.stream(layers(lambda net: net.dense(2), (1, 40)))


def test_steps_that_do_not_fit() -> None:
    graph = layers(gaps)
    with pytest.raises(TinysenseError, match="step of 12 rows does not fit .* a multiple of 8"):
        streaming.stream(graph, 12)
    with pytest.raises(TinysenseError, match="a step takes 24 rows, the window has 21"):
        streaming.stream(graph, 24)
    with pytest.raises(TinysenseError, match="expected --stream or --rows"):
        convert(graph, stream=True, rows=True)


@pytest.mark.parametrize("name", ["svdf", "stream", "lstm"])
def test_models_with_state(name: str) -> None:
    wanted = "goes over each window from a fresh state" if name == "lstm" else "keeps state"
    with pytest.raises(TinysenseError, match=wanted):
        streaming.stream(tflite.load(CASES / f"{name}.tflite"))
