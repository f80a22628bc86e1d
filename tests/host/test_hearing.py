"""A .tflite that hears: front end, decision and golden vectors in the .tsm, and equal scores."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import json
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tinysense_host import convert, hearing, streaming, tflite
from tinysense_host.cli import app
from tinysense_host.errors import TinysenseError
from tinysense_host.features import Mel, single
from tinysense_host.frontends import SENSOR, FrontEnd, front_end
from tinysense_host.hostcore import FeatureStream, HostModel
from tinysense_host.modelfile import ModelFile
from tinysense_host.tflite import reference

tinysense = pytest.importorskip("tinysense")

from tinysense.decision import for_model  # noqa: E402  after the check for the package

CASES = Path(__file__).parents[1] / "golden" / "cases"
SMALL = CASES / "fc_long.tflite"        # int8 (1, 700) -> (1, 3): 70 rows of 10
tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


# ---- what is attached ----


def test_a_window_model_gets_a_tenth_of_its_rows() -> None:
    heard = hearing.attach(tflite.load(SMALL), front_end("mlperf_kws"), labels=["a", "b", "_silence_"])
    assert (heard.program.rows.rows, heard.program.rows.stride) == (70, 7)
    assert (heard.program.window, heard.program.hop) == (480, 320)
    quant = tflite.load(SMALL).tensors[0].quant
    assert quant and heard.program.scale == pytest.approx(float(quant.scale[0]))
    assert heard.meta["sensor"] == SENSOR
    assert heard.meta["decision"]["background"] == ["_silence_"]


def test_a_model_with_state_eats_its_rows() -> None:
    """(1, 2, 1, 3) is no input of a front end; six values a row would be."""
    graph = tflite.load(CASES / "stream.tflite")
    with pytest.raises(TinysenseError, match="not made of rows of 40 values"):
        hearing.attach(graph, front_end("microwakeword"))


@pytest.mark.parametrize(("case", "name", "stride", "said"), [
    ("fc_long", "microwakeword", 0, "the input 1x700 is not made of rows of 40 values"),
    ("fc_long", "mlperf_kws", 71, "a stride of 71 rows: expected 1 to 70"),
    ("quantize_float", "mlperf_kws", 0, "the input is float32 1x200: features are int8"),
    ("fc_int16_long", "mlperf_kws", 0, "the input is int16 1x700: features are int8"),
    ("add", "mlperf_kws", 0, "the model has 2 inputs"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(case: str, name: str, stride: int, said: str) -> None:
    with pytest.raises(TinysenseError, match=said):
        hearing.attach(tflite.load(CASES / f"{case}.tflite"), front_end(name), stride=stride)


def test_a_manifest_is_for_one_output() -> None:
    from tinysense_host.manifest import Manifest

    with pytest.raises(TinysenseError, match="the model has 3 outputs: expected one"):
        hearing.attach_by_manifest(
            tflite.load(SMALL), front_end("mlperf_kws"), Manifest("a", 0.5, 5, 20)
        )


def test_speech_like_sound_is_the_same_every_time() -> None:
    sound = hearing.speech_like(16000)
    assert sound.dtype == np.int16 and len(sound) == 16000
    assert 1000 < np.abs(sound.astype(int)).max() <= 15000
    np.testing.assert_array_equal(sound[:5000], hearing.speech_like(5000))
    assert not np.array_equal(sound, hearing.speech_like(16000, seed=1))


# ---- the command ----


@tensorflow
def test_convert_a_window_model(tmp_path: Path) -> None:
    target = tmp_path / "words.tsm"
    code, said = run("convert", SMALL, "-o", target, "--features", "mlperf_kws", "--stride", 10,
                     "--labels", "left,right,unknown")  # fmt: skip
    assert code == 0, said
    model = ModelFile.load(target)
    geometry = model.feature_geometry()
    assert (geometry.rows, geometry.row_stride, geometry.window, geometry.hop) == (70, 10, 480, 320)
    assert model.labels == ["left", "right", "unknown"]
    assert model.meta["decision"]["background"] == ["unknown"]
    assert model.gold is not None and len(model.gold) == 4
    assert model.gold.windows.shape[1] == 480 + 9 * 320
    assert tinysense.load(str(target)).selftest(quiet=True) == (4, 4)


@tensorflow
def test_a_streaming_form_hears(tmp_path: Path) -> None:
    """Rows of 8 bands for a window of 24 rows, which takes new rows only."""
    front = FrontEnd("small", "of this test", 20, 8, lambda peak: Mel(bands=8))
    source = CASES / "keras_keyword.tflite"
    streamed = streaming.stream(tflite.load(source))
    heard = hearing.attach(streamed.graph, front, labels=["a", "b", "unknown"])
    assert heard.program.rows.rows == heard.program.rows.stride == streamed.step_rows < 24
    shape = streamed.graph.tensors[streamed.graph.inputs[0]].shape
    golden = hearing.golden(source.read_bytes(), heard.program, shape, 6, streamed)
    target = tmp_path / "m.tsm"
    target.write_bytes(convert.convert(
        tflite.load(source), meta=heard.meta, feat=heard.feat, labels=heard.labels, golden=golden,
        stream=streamed.step_rows))  # fmt: skip
    model = tinysense.load(str(target))
    assert model.selftest(quiet=True) == (6, 6)
    assert model.warmup == streamed.warmup > 0


def test_options_that_do_not_go_together(tmp_path: Path) -> None:
    code, said = run("convert", SMALL, "-o", tmp_path / "a.tsm", "--features", "mlperf_kws", "--rows")
    assert code == 1 and "--features or --rows, not both" in said
    code, said = run("convert", SMALL, "-o", tmp_path / "a.tsm", "--features", "mel")
    assert code == 1 and "unknown front end 'mel'" in said
    code, said = run("convert", SMALL, "-o", tmp_path / "a.tsm", "--manifest", tmp_path / "none.json")
    assert code == 1 and "cannot read" in said
    assert list(tmp_path.iterdir()) == []


# ---- published models ----


def words(shared: Path, clips: int) -> np.ndarray:
    """int16: recorded words, one after another, quiet at the start."""
    folder = shared / "data" / "audio_speech_commands"
    if not folder.is_dir():
        pytest.skip(f"no recorded words: {folder} is absent")
    parts = [np.zeros(4000, np.int16)]
    for path in sorted(folder.glob("*/*.wav"))[:: 1475 // clips][:clips]:
        with wave.open(str(path)) as file:
            parts.append(np.frombuffer(file.readframes(16000), "<i2"))
    return np.concatenate(parts)


def converted(shared: Path, folder: Path, path: str, *options: object) -> tuple[bytes, Path]:
    """(the .tflite, the .tsm made of it)"""
    source = shared / "models" / path
    if not source.is_file():
        pytest.skip(f"{source} is absent")
    target = folder / "model.tsm"
    code, said = run("convert", source, "-o", target, *options)
    assert code == 0, said
    return source.read_bytes(), target


def heard(target: Path, sound: np.ndarray) -> list[bytes]:
    """Scores of the package's own Model, window by window, as a board gives them."""
    model = tinysense.load(str(target))
    model.warmup = model._cold = 0
    found = []
    for at in range(0, len(sound) - model.window + 1, model.hop):
        scores = model.run(sound[at : at + model.window].tobytes())
        if scores is not None:
            found.append(bytes(scores))
    return found


def as_firmware(values: np.ndarray) -> np.ndarray:
    """(n, 40) raw values to int8, by ESPHome's and micro_speech's integers."""
    return np.clip((256 * values + 333) // 666 - 128, -128, 127).astype(np.int8)


def pymicro(sound: np.ndarray) -> np.ndarray:
    """(n, 40) raw values of pymicro-features, every 10 ms."""
    package = pytest.importorskip("pymicro_features", reason="pip install pymicro-features")
    frontend, rows, data = package.MicroFrontend(), [], sound.astype("<i2").tobytes()
    for at in range(0, len(data) - 319, 320):
        features = frontend.process_samples(data[at : at + 320]).features
        if features:
            rows.append(np.rint(np.array(features) * 25.6))
    return np.array(rows).astype(int)


def usual_log1p() -> bool:
    """Whether C's log1pf here answers as boards' (features/single.py)."""
    name = ctypes.util.find_library("m")
    if name is None:
        return False
    function = ctypes.CDLL(name).log1pf
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    bins = np.arange(1, 257, dtype=np.float32) * np.float32(31.25) / np.float32(700)
    return all(function(float(x)) == float(single.log1p(x)) for x in bins)


@tensorflow
@pytest.mark.parametrize("name", [
    "v2_okay_nabu", pytest.param("v2_alexa", marks=pytest.mark.full),
    pytest.param("v2_hey_jarvis", marks=pytest.mark.full),
    pytest.param("v2_vad", marks=pytest.mark.full),
])  # fmt: skip
def test_wake_words_hear_what_esphome_hears(name: str, shared: Path, tmp_path: Path) -> None:
    """From samples to scores: pymicro-features, ESPHome's int8, TFLite's reference kernels."""
    folder = shared / "models" / "microwakeword_esphome"
    data, target = converted(shared, tmp_path, f"microwakeword_esphome/{name}.tflite",
                             "--manifest", folder / f"{name}.json")  # fmt: skip
    if not usual_log1p():
        pytest.skip("this computer's log1pf is not the one of boards: weights differ by a step")
    said, model = json.loads((folder / f"{name}.json").read_text()), ModelFile.load(target)
    assert model.labels == [said["wake_word"]]
    assert model.meta["decision"]["smooth"] == said["micro"]["sliding_window_size"] == 5
    assert model.meta["warmup"] == 20       # and five to smooth: 75 windows
    sound = words(shared, 12)
    steps = as_firmware(pymicro(sound))
    steps = steps[: len(steps) // 3 * 3].reshape(-1, 1, 3, 40)
    (wanted,) = reference.run(data, [steps])
    assert len(steps) > 350
    assert name != "v2_okay_nabu" or len(np.unique(wanted)) > 3     # others only ever say 0 here
    assert heard(target, sound) == [row.tobytes() for row in wanted]


def spoken(text: str) -> np.ndarray:
    """int16 at 16 kHz: espeak-ng says it, faint hiss before and after."""
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed: apt install espeak-ng")
    signal = pytest.importorskip("scipy.signal", reason="pip install 'tinysense[sound]'")
    said = subprocess.run(["espeak-ng", "-v", "en-us", "-s", "150", "--stdout", text],
                          capture_output=True, check=True).stdout  # fmt: skip
    rate = int.from_bytes(said[24:28], "little")
    samples = np.frombuffer(said[44 : len(said) // 2 * 2], "<i2") * 0.6
    hiss = np.random.default_rng(0).normal(0, 20, (2, 24000))
    return np.rint(np.concatenate(
        [hiss[0], signal.resample_poly(samples, 16000, rate), hiss[1]])).astype(np.int16)  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [
    ("v2_okay_nabu", "okay nabu"),
    pytest.param("v2_alexa", "alexa", marks=pytest.mark.full),
])  # fmt: skip
def test_wake_words_fire(name: str, text: str, shared: Path, tmp_path: Path) -> None:
    """Once for the word, by the manifest's own decision, and not for another."""
    folder = shared / "models" / "microwakeword_esphome"
    target = converted(shared, tmp_path, f"microwakeword_esphome/{name}.tflite", "--golden", 0,
                       "--manifest", folder / f"{name}.json")[1]  # fmt: skip
    model = tinysense.load(str(target))
    for words, events in ((text, 1), ("good morning", 0)):
        model.reset()
        decision, sound = for_model(model), spoken(words)
        found = []
        for at in range(0, len(sound) - model.window + 1, model.hop):
            scores = model.run(sound[at : at + model.window].tobytes())
            event = decision.push(scores) if scores is not None else None
            found += [event.label] if event else []
        assert found == list(model.labels) * events


@tensorflow
@pytest.mark.parametrize(("path", "options", "shape", "stride"), [
    pytest.param("microwakeword_esphome/v1_okay_nabu.tflite",
                 ("--manifest", "{}/v1_okay_nabu.json"), (1, 1, 40), 1, marks=pytest.mark.full),
    ("tflm/micro_speech_quantized.tflite",
     ("--features", "micro_speech", "--stride", 3, "--labels", "silence,unknown,yes,no"),
     (1, 1960), 3),
])  # fmt: skip
def test_models_of_20_ms_steps(
    path: str, options: tuple[object, ...], shape: tuple[int, ...], stride: int, shared: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    """The front end's values are the core's own (tests/core has an oracle for 20 ms)."""
    folder = shared / "models" / "microwakeword_esphome"
    chosen = [str(o).format(folder) for o in options]
    data, target = converted(shared, tmp_path, path, *chosen, "--golden", 0)
    sound = words(shared, 6)
    values = FeatureStream(front_end("micro_speech").program().to_bytes()).values(sound)
    rows = shape[-1] // 40
    starts = range(0, len(values) - rows + 1, stride)
    steps = np.stack([as_firmware(values[i : i + rows]) for i in starts]).reshape(-1, *shape)
    (wanted,) = reference.run(data, [steps])
    scores = wanted if wanted.dtype == np.uint8 else (wanted.view(np.uint8) ^ 0x80)
    assert len(steps) > 80 and len(np.unique(scores)) > 3
    assert heard(target, sound) == [row.tobytes() for row in scores]


@tensorflow
def test_keywords_of_mlperf(shared: Path, tmp_path: Path) -> None:
    """Features are the core's (test_frontends.py compares them with TensorFlow's)."""
    data, target = converted(shared, tmp_path, "mlperf_tiny/kws_ref_model.tflite",
                             "--features", "mlperf_kws", "--golden", 0)  # fmt: skip
    sound, model = words(shared, 6), ModelFile.load(target)
    assert model.feat is not None and model.feature_geometry().row_stride == 5
    inputs = FeatureStream(model.feat).inputs(sound).reshape(-1, 49, 10, 1)
    (wanted,) = reference.run(data, [inputs])
    assert len(inputs) > 50
    assert heard(target, sound) == [(row.view(np.uint8) ^ 0x80).tobytes() for row in wanted]
    made = HostModel(target.read_bytes()).run([inputs[-1].tobytes()])[0]
    assert made == wanted[-1].tobytes()
