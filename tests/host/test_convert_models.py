"""Real models of others: those that only use our ops are equal to the bit, the rest is refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tinysense_host import tflite, vectors, verify
from tinysense_host.convert import convert
from tinysense_host.errors import TinysenseError

# file -> (arena bytes, ops)
SUPPORTED = {
    "mlperf_tiny/kws_ref_model": (16000, 12),
    "mlperf_tiny/str_ww_ref_model": (6656, 10),
    "mlperf_tiny/pretrainedResnet_quant": (49152, 15),
    "mlperf_tiny/ad01_int8": (768, 10),
    "mlperf_tiny/vww_96_int8": (55296, 30),
    "mlperf_tiny/model_ToyCar_quant_fullint": (3200, 12),
    "tflm/hello_world_int8": (32, 3),
    "tflm/micro_speech_quantized": (5960, 3),
    "tflm/person_detect": (55296, 30),
    "mlonmcu/micro_kws_m_quantized": (39040, 10),
    "mlonmcu/cnn_s_quantized": (9760, 6),
    "mlonmcu/bigsine_quant": (28, 5),
    "mlonmcu/aww": (16000, 12),
    "emlearn/mnist_cnn_int8": (2136, 6),
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
    "tflm/dtln_noise_suppression": "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM .*op 1 UNI",
    "tflm/micro_speech_lstm": "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM",
    "tflm/trained_lstm": "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM",
    "tflm/trained_lstm_int8": "op 0 UNIDIRECTIONAL_SEQUENCE_LSTM",
    "tflm/keyword_scrambled": "op 1 SVDF",
    "tflm/keyword_scrambled_8bit": "op 1 SVDF",
    "microwakeword_esphome/v1_okay_nabu": "CALL_ONCE .*VAR_HANDLE",
    "microwakeword_esphome/v2_alexa": "CALL_ONCE .*VAR_HANDLE",
    "microwakeword_esphome/v2_hey_jarvis": "CALL_ONCE .*VAR_HANDLE",
    "microwakeword_esphome/v2_okay_nabu": "CALL_ONCE .*VAR_HANDLE",
    "microwakeword_esphome/v2_vad": "CALL_ONCE .*VAR_HANDLE",
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
    assert report == verify.Report(4, 4, None)
    assert (opened.model.arena_bytes, len(opened.model.ops)) == SUPPORTED[name]


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
