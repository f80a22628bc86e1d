"""Real models of others: those that only use our ops are equal to the bit, the rest is refused."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest

from tinysense_host import tflite, vectors, verify
from tinysense_host.convert import compile_graph, convert
from tinysense_host.errors import TinysenseError
from tinysense_host.planning import plan, track

# file -> arena bytes, at most
SUPPORTED = {
    "emlearn/mnist_cnn_int8": 1032,
    "microwakeword_esphome/v1_okay_nabu": 15264,
    "microwakeword_esphome/v2_alexa": 4432,
    "microwakeword_esphome/v2_hey_jarvis": 4160,
    "microwakeword_esphome/v2_okay_nabu": 5392,
    "microwakeword_esphome/v2_vad": 1792,
    "mlonmcu/aww": 6172,
    "mlonmcu/bigsine_quant": 20,
    "mlonmcu/cnn_s_quantized": 3892,
    "mlonmcu/micro_kws_m_quantized": 5496,
    "mlperf_tiny/ad01_int8": 768,
    "mlperf_tiny/kws_ref_model": 6172,
    "mlperf_tiny/model_ToyCar_quant_fullint": 3200,
    "mlperf_tiny/pretrainedResnet_quant": 12780,
    "mlperf_tiny/str_ww_ref_model": 3712,
    "mlperf_tiny/vww_96_int8": 28032,
    "tflm/dtln_noise_suppression": 1156,
    "tflm/hello_world_int8": 28,
    "tflm/keyword_scrambled": 10432,
    "tflm/keyword_scrambled_8bit": 5312,
    "tflm/micro_speech_lstm": 12916,
    "tflm/micro_speech_quantized": 4200,
    "tflm/person_detect": 13840,
    "tflm/trained_lstm_int8": 864,
}

FLOAT = "not quantised: .* float32, first op 0"
# file -> what the message names
REFUSED = {
    "emlearn/mnist_cnn_fp32": FLOAT + " CONV_2D",
    "mlperf_tiny/kws_ref_model_float32": FLOAT + " CONV_2D",
    "mlonmcu/magic_wand": FLOAT + " DEPTHWISE_CONV_2D",
    "mlonmcu/sine_model": FLOAT + " FULLY_CONNECTED",
    "tflm/hello_world_float": FLOAT + " FULLY_CONNECTED",
    "tflm/audio_preprocessor_int8": "op 0 CUSTOM:SignalWindow",
    "tflm/audio_preprocessor_float": "op 0 CUSTOM:SignalWindow",
    "tflm/trained_lstm": "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM",
}


def path_of(shared: Path, name: str) -> Path:
    path = shared / "models" / f"{name}.tflite"
    if not path.is_file():
        pytest.skip(f"no third-party models: {path} is absent")
    return path


@pytest.mark.parametrize("name", SUPPORTED)
def test_equal_to_the_reference_kernels(shared: Path, name: str) -> None:
    path = path_of(shared, name)
    opened = verify.open_model(path)
    case = verify.kept_vectors(path.with_suffix(".golden.npz"), opened.model)
    report = verify.compare(case, verify.HostRunner(opened.blob), opened.model.outputs)
    assert report == verify.Report(len(case.vectors), len(case.vectors), None)
    assert opened.model.arena_bytes <= SUPPORTED[name]


# Arena of TensorFlow Lite Micro with CMSIS-NN for the same models, in bytes.
OTHERS = {
    "kws_ref_model": 22_820, "pretrainedResnet_quant": 54_996, "vww_96_int8": 100_708,
    "ad01_int8": 2_580, "str_ww_ref_model": 16_596,
}  # fmt: skip


@pytest.mark.parametrize(("stream", "most"), [(False, 0.36), (True, 0.28)])
def test_arenas_beside_those_of_others(shared: Path, stream: bool, most: float) -> None:
    """Geometric mean over five models, inputs and outputs included."""
    ratios = []
    for name, theirs in OTHERS.items():
        program = compile_graph(tflite.load(path_of(shared, f"mlperf_tiny/{name}")))
        planned = plan(program, stream=stream)
        track(planned)
        ratios.append(planned.arena_bytes / theirs)
    assert math.prod(ratios) ** (1 / len(ratios)) <= most


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(shared: Path, name: str) -> None:
    with pytest.raises(TinysenseError, match=REFUSED[name]):
        convert(tflite.load(path_of(shared, name)))


def test_no_model_is_left_out(shared: Path) -> None:
    folder = shared / "models"
    found = {f"{p.parent.name}/{p.stem}" for p in folder.glob("*/*.tflite")}
    if not found:
        pytest.skip(f"no third-party models in {folder}")
    assert found == set(SUPPORTED) | set(REFUSED)


@pytest.mark.full
@pytest.mark.parametrize("name", SUPPORTED)
def test_random_and_boundary_inputs(shared: Path, name: str) -> None:
    """Needs TensorFlow: what `tinysense verify` does."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow is not installed")
    opened = verify.open_model(path_of(shared, name))
    count = 20 if opened.model.inputs[0].nbytes > 5000 else 300
    case = verify.cases_of(opened, count)
    assert len(case.vectors) >= count + len(vectors.boundary(opened.model))
    assert verify.compare(case, verify.HostRunner(opened.blob), opened.model.outputs).ok
