"""What a streaming model consists of, what it costs, how it is proved and converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streaming_nets import Net, layers, noise
from test_streaming import expect_equal, gaps, looked_at_twice
from typer.testing import CliRunner

from tinysense_host import bench, hostcore, packing, streaming, tflite, trial, verify
from tinysense_host.barecore import load_core
from tinysense_host.cli import app
from tinysense_host.convert import compile_graph, convert
from tinysense_host.errors import TinysenseError
from tinysense_host.hostcore import HostModel
from tinysense_host.modelfile import ModelFile
from tinysense_host.tflite import reference

CASES = Path(__file__).parents[1] / "golden" / "cases"


def test_each_layer_keeps_what_it_looks_back_on() -> None:
    graph = layers(lambda net: (net.conv(3, (5, 4)), net.conv(4, (3, 1), dilation=(2, 1)),
                                net.mean(1, 2), net.dense(2)))  # fmt: skip
    streamed = streaming.stream(graph)
    shapes = [streamed.graph.tensors[i].shape for i in streamed.graph.states]
    assert shapes == [(1, 5, 4, 2), (1, 5, 1, 3), (1, 13, 1, 4)]
    assert (streamed.step_rows, streamed.window_rows, streamed.warmup) == (1, 21, 20)
    ops = [op.name for op in compile_graph(streamed.graph).ops]
    assert ops[3:] == ["SHIFT_IN", "CONV_2D", "SHIFT_IN", "CONV_2D", "SHIFT_IN", "MEAN",
                       "FULLY_CONNECTED"]  # fmt: skip


def test_layers_that_look_at_one_tensor_share_its_state() -> None:
    streamed = streaming.stream(layers(looked_at_twice))
    shapes = [streamed.graph.tensors[i].shape for i in streamed.graph.states]
    assert shapes == [(1, 6, 4, 2), (1, 4, 1, 3), (1, 16, 1, 3)]


def test_a_branch_cropped_to_its_newest_rows_costs_nothing() -> None:
    def make(net: Net) -> None:
        given = net.x
        side = net.conv(2, (4, 1))
        net.pair("ADD", side, net.crop(given, 1, 3, 18))
        net.mean(1, 2)

    ops = [op.name for op in compile_graph(streaming.stream(layers(make)).graph).ops]
    assert ops == ["FILL", "FILL", "SHIFT_IN", "CONV_2D", "ADD", "SHIFT_IN", "MEAN"]


def test_strides_make_the_step() -> None:
    graph = layers(gaps)
    assert streaming.stream(graph).step_rows == 8
    assert streaming.stream(graph, 16).graph.tensors[graph.inputs[0]].shape == (1, 16, 4, 2)


def test_a_step_costs_a_part_of_a_window() -> None:
    graph = tflite.load(CASES / "keras_keyword.tflite")
    step, window = (ModelFile.read(convert(graph, stream=s)) for s in (True, False))
    costs = [sum(bench.op_macs(m, op) for op in m.ops) for m in (step, window)]
    assert costs == [1192, 9768]


def test_one_repeated_row_is_stored_of_a_state() -> None:
    """States that begin as the window model's rows on silence, not as zeros everywhere."""
    graph = layers(lambda net: (net.conv(8, (5, 4)), net.conv(4, (9, 1)), net.mean(1, 2)))
    model = ModelFile.read(convert(graph, stream=True))
    first = model.ops[: model.n_init]
    assert [op.name for op in first] == ["FILL", "STRIDED_COPY", "STRIDED_COPY"]
    assert [model.tensors[op.inputs[0]].elements for op in first[1:]] == [8, 4]


def test_channels_that_never_change_go_from_states_too() -> None:
    def make(net: Net) -> None:
        weights = net.conv(8, (3, 4))
        node = net.nodes[-1]
        w = net.tensors[node.inputs[1]]
        assert w.data is not None
        w.data[4:] = 0
        assert weights == node.outputs[0]
        net.conv(4, (5, 1))
        net.mean(1, 2)

    graph = layers(make)
    model = expect_equal(graph)
    assert [model.tensors[op.outputs[0]].dims[3] for op in model.ops if op.name == "SHIFT_IN"] == [
        2, 4, 4]  # fmt: skip
    kept = ModelFile.read(convert(graph, stream=True, constant_channels=False))
    assert model.arena_bytes < kept.arena_bytes


@pytest.mark.parametrize("target", ["armv6m", "armv7em", "mve", "rv32imc"])
def test_packed_for_a_core(target: str) -> None:
    model = ModelFile.read(convert(tflite.load(CASES / "keras_keyword.tflite"), stream=True))
    packed = packing.pack(model, target)
    assert packed.n_init == model.n_init
    assert [op.name for op in packed.ops].count("SHIFT_IN") == 5


def test_on_an_emulated_core() -> None:
    """TFLite's answers to whole windows, from steps on a Cortex-M4."""
    path = CASES / "keras_keyword.tflite"
    graph = tflite.load(path)
    streamed = streaming.stream(graph)
    model = ModelFile.read(convert(graph, stream=True))
    blob = packing.pack(model, "armv7em").write()
    with np.load(path.with_suffix(".npz")) as found:
        windows, wanted = found["in0"], verify.join_outputs([found["out0"]])
    steps = windows.reshape(-1, *streamed.graph.tensors[graph.inputs[0]].shape)
    case = trial.Case("steps", (model.write(), blob), tuple(s.tobytes() for s in steps))
    try:
        (result,) = trial.try_cases(load_core("cortex-m4"), [case], keep_outputs=True)
    except TinysenseError as error:
        if "not installed" not in error.message:
            raise
        pytest.skip(error.message)
    assert not result.problem, result.problem
    each = streamed.window_rows // streamed.step_rows
    assert list(result.outcomes[-1].outputs[each - 1 :: each]) == wanted


# ---- the proof ----


def test_a_form_that_differs_is_found() -> None:
    graph = layers(lambda net: (net.conv(3, (5, 4)), net.conv(4, (3, 1)), net.mean(1, 2)))
    streamed = streaming.stream(graph)
    window, made = convert(graph), convert(graph, stream=True)
    assert streaming.prove(streamed, window, made) > 2 * streamed.window_rows
    wrong = layers(lambda net: (net.conv(3, (4, 4)), net.conv(4, (4, 1)), net.mean(1, 2)))
    with pytest.raises(TinysenseError, match="internal error: .* differs"):
        streaming.prove(streamed, window, convert(wrong, stream=True))
    unsettled = convert(streamed.graph)     # its states begin at the zero point
    with pytest.raises(TinysenseError, match="differs from its window model at step 0"):
        streaming.prove(streamed, window, unsettled)


# ---- golden vectors ----


def test_golden_vectors_are_tflites(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow", reason="TensorFlow is not installed: make setup")
    data = (CASES / "keras_keyword.tflite").read_bytes()
    graph = tflite.read(data)
    streamed = streaming.stream(graph)
    gold = streaming.golden(data, streamed, noise(streamed.graph, 30))
    model = HostModel(convert(graph, stream=True, golden=gold))
    assert model.file.gold is not None and len(model.file.gold) == 30
    assert [model.run([x.tobytes()])[0] for x in gold.inputs] == [y.tobytes() for y in gold.outputs]


def test_verify_gives_the_reference_the_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (CASES / "keras_keyword.tflite").read_bytes()
    path = tmp_path / "word.tflite"
    path.write_bytes(data)
    path.with_suffix(".tsm").write_bytes(convert(tflite.read(data), stream=True))
    opened = verify.open_model(path.with_suffix(".tsm"), path)
    window = hostcore.HostModel(convert(tflite.read(data)))
    monkeypatch.setattr(reference, "run", lambda _, batches: window.run_batch(batches))
    case = verify.cases_of(opened, 30)
    report = verify.compare(case, verify.HostRunner(opened.blob), opened.model.outputs)
    assert report.ok and report.total == 36


# ---- the command ----


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, " ".join(done.output.split())


def test_convert_stream(tmp_path: Path) -> None:
    made = tmp_path / "word.tsm"
    source = CASES / "keras_keyword.tflite"
    code, said = run("convert", source, "-o", made, "--stream", "--golden", 0)
    assert code == 0, said
    assert "per 2 rows: 1192 multiply-adds, as a window model 9768 (8.2 times as many)" in said
    assert "11 steps after a reset until its window of 24 rows is full" in said
    model = ModelFile.load(made)
    assert model.meta["warmup"] == 11 and model.meta["stream"] == {"window": 24, "step": 2}
    code, said = run("convert", source, "-o", made, "--stream", "--stride", 4, "--golden", 0)
    assert code == 0 and ModelFile.load(made).inputs[0].shape == (1, 4, 8)


def test_convert_names_the_layer_that_cannot_stream(tmp_path: Path) -> None:
    made = tmp_path / "out.tsm"
    code, said = run("convert", CASES / "keras_conv1d.tflite", "-o", made, "--stream")
    assert code == 1 and "cannot stream: op 1 CONV_2D" in said and "padding='valid'" in said
    assert not made.exists()
