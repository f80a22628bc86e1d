"""Models of other people: converted, and equal to TFLite's reference kernels, or refused by name.

The goldens lie beside the models; the long test asks TFLite itself. Models
that keep state run through one sequence.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysense_host import convert, tflite, vectors
from tinysense_host.errors import TinysenseError
from tinysense_host.hostcore import HostModel
from tinysense_host.tflite import reference

_FLOAT, _CUSTOM = "not quantised", "CUSTOM:SignalWindow"

# model -> why it is refused, "" where it runs
MODELS = {
    "emlearn/mnist_cnn_fp32": _FLOAT,
    "emlearn/mnist_cnn_int8": "",
    "microwakeword_esphome/v1_okay_nabu": "",
    "microwakeword_esphome/v2_alexa": "",
    "microwakeword_esphome/v2_hey_jarvis": "",
    "microwakeword_esphome/v2_okay_nabu": "",
    "microwakeword_esphome/v2_vad": "",
    "mlonmcu/aww": "",
    "mlonmcu/bigsine_quant": "",
    "mlonmcu/cnn_s_quantized": "",
    "mlonmcu/magic_wand": _FLOAT,
    "mlonmcu/micro_kws_m_quantized": "",
    "mlonmcu/sine_model": _FLOAT,
    "mlperf_tiny/ad01_int8": "",
    "mlperf_tiny/kws_ref_model": "",
    "mlperf_tiny/kws_ref_model_float32": _FLOAT,
    "mlperf_tiny/model_ToyCar_quant_fullint": "",
    "mlperf_tiny/pretrainedResnet_quant": "",
    "mlperf_tiny/str_ww_ref_model": "",
    "mlperf_tiny/vww_96_int8": "",
    "tflm/audio_preprocessor_float": _CUSTOM,
    "tflm/audio_preprocessor_int8": _CUSTOM,
    "tflm/dtln_noise_suppression": "",
    "tflm/hello_world_float": _FLOAT,
    "tflm/hello_world_int8": "",
    "tflm/keyword_scrambled": "",
    "tflm/keyword_scrambled_8bit": "",
    "tflm/micro_speech_lstm": "",
    "tflm/micro_speech_quantized": "",
    "tflm/person_detect": "",
    "tflm/trained_lstm": _FLOAT,
    "tflm/trained_lstm_int8": "",
}
RUNNING = [name for name, refused in MODELS.items() if not refused]
STATEFUL = [
    name for name in RUNNING
    if name.startswith(("microwakeword", "tflm/dtln", "tflm/trained_lstm"))
    or name in ("tflm/keyword_scrambled", "tflm/micro_speech_lstm")
]
# TFLite takes its int8 state for int16, and ends in a damaged heap: the golden has to do.
BEYOND_TFLITE = "tflm/keyword_scrambled_8bit"
RANDOM = 100


def model_bytes(shared: Path, name: str) -> bytes:
    path = shared / "models" / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return path.read_bytes()


def test_every_model_is_listed(shared: Path) -> None:
    folder = shared / "models"
    found = {str(p.relative_to(folder).with_suffix("")) for p in folder.glob("*/*.tflite")}
    assert found == set(MODELS)


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name]])
def test_refused(shared: Path, name: str) -> None:
    with pytest.raises(TinysenseError, match=MODELS[name]) as caught:
        convert.convert(tflite.read(model_bytes(shared, name)))
    assert caught.value.hint


@pytest.mark.parametrize("name", RUNNING)
def test_equals_its_golden(shared: Path, name: str) -> None:
    model = HostModel(convert.convert(tflite.read(model_bytes(shared, name))))
    with np.load(shared / "models" / f"{name}.golden.npz") as golden:
        steps = sorted({int(key.rpartition("_")[2]) for key in golden.files})
        for step in steps:
            inputs = [golden[f"in{i}_{step}"][None] for i in range(model.file.n_inputs)]
            for i, got in enumerate(model.run_batch(inputs)):
                np.testing.assert_array_equal(got[0], golden[f"out{i}_{step}"], f"call {step}")


def calm(inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The same inputs, those from the 70th on close to 0: noise saturates layers."""
    return [
        x if x.dtype == np.float32 else np.concatenate([x[:70], x[70:] // 16]).astype(x.dtype)
        for x in inputs
    ]


def expect_equal(data: bytes) -> None:
    model = HostModel(convert.convert(tflite.read(data)))
    tried = vectors.boundary(model.file) + vectors.random(model.file, RANDOM)
    inputs = calm(vectors.stack(tried, model.file.inputs))
    wanted = reference.run(data, inputs)
    for got, expected in zip(model.run_batch(inputs), wanted, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in RUNNING if name != BEYOND_TFLITE])
def test_equals_tflite(shared: Path, name: str) -> None:
    """100 random inputs and the boundaries; of models with state, one sequence."""
    expect_equal(model_bytes(shared, name))


def cut_before(data: bytes, op: str) -> bytes:
    """The model up to the last ``op``, whose input is its output."""
    import flatbuffers
    from builder import S

    model = S.ModelT.InitFromObj(S.Model.GetRootAs(data))
    graph, code = model.subgraphs[0], getattr(S.BuiltinOperator, op)
    last = max(k for k, node in enumerate(graph.operators)
               if model.operatorCodes[node.opcodeIndex].builtinCode == code)  # fmt: skip
    graph.outputs = [graph.operators[last].inputs[0]]
    graph.operators = graph.operators[:last]
    model.signatureDefs = None
    packer = flatbuffers.Builder(len(data))
    packer.Finish(model.Pack(packer), b"TFL3")
    return bytes(packer.Output())


@pytest.mark.full
@pytest.mark.parametrize("name", STATEFUL)
def test_features_of_stateful_models_equal_tflite(shared: Path, name: str) -> None:
    """Scores are few and coarse: here all features before the last dense layer."""
    expect_equal(cut_before(model_bytes(shared, name), "FULLY_CONNECTED"))
