"""Named front ends against the code that published models were trained with."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, Raw
from tinysense_host.frontends import (
    FRONT_ENDS,
    RATE_HZ,
    SENSOR,
    WINDOW,
    front_end,
    normalised,
)
from tinysense_host.hearing import speech_like
from tinysense_host.hostcore import FeatureStream, run_features

KWS_SCALE, KWS_ZERO_POINT = 0.5847029089927673, 83      # of MLPerf Tiny's kws_ref_model
SPEECH_RAM = 6 * 1024       # ring of the window and work space


def test_all_fit_a_small_board() -> None:
    for name, front in FRONT_ENDS.items():
        program = front_end(name).program(1, 1)
        assert program.row_outputs == front.values
        ring = 2 * (program.window + program.hop)
        assert ring + program.work_bytes <= SPEECH_RAM, name
        assert (program.channels, program.window) == (len(SENSOR["channels"]), WINDOW)
        assert program.hop == front.step_ms * RATE_HZ // 1000


def test_what_is_refused() -> None:
    with pytest.raises(TinysenseError, match=r"unknown front end 'mfcc'.*mlperf_kws"):
        front_end("mfcc")
    for step_ms in (-1, 31):
        with pytest.raises(TinysenseError, match="expected 1..30 ms"):
            front_end("microwakeword").program(3, 3, step_ms=step_ms)


# ---- the int8 of firmware out there ----


@pytest.mark.parametrize("name", ["micro_speech", "microwakeword"])
@pytest.mark.parametrize("scale", [0.10196079, 0.10217524, 0.10171568])
def test_int8_is_that_of_the_firmware(name: str, scale: float) -> None:
    """(256 v + 333) / 666 - 128 for every value, of micro_speech, and of ESPHome."""
    front = front_end(name)
    chosen = front.quantised(front.program(), scale, -128)
    values = np.arange(8192)
    raw = FeatureProgram(1, 8192, 8192, (Raw(),), gain=front.gain, scale=chosen.scale,
                         zero_point=chosen.zero_point)  # fmt: skip
    made = run_features(raw.to_bytes(), values.astype(np.int16)[None, :, None])[0]
    wanted = np.clip((256 * values + 333) // 666 - 128, -128, 127)
    np.testing.assert_array_equal(made, wanted)


def test_other_quantisations_are_the_models_own() -> None:
    front = front_end("microwakeword")
    for scale, zero_point in ((0.2, -128), (0.10196079, -127)):
        chosen = front.quantised(front.program(), scale, zero_point)
        assert (chosen.scale, chosen.zero_point) == (scale, zero_point)
    kws = front_end("mlperf_kws")
    assert kws.quantised(kws.program(), 0.1016, -128).scale == 0.1016


# ---- MLPerf Tiny's MFCC ----


def steps_off(clips: list[np.ndarray]) -> np.ndarray:
    """How many int8 steps the core's features are from TensorFlow's, of every value.

    As get_dataset.py of the benchmark has them: the clip divided by its largest sample, and
    quantised to the nearest step.
    """
    tf = pytest.importorskip("tensorflow", reason="needs pip install 'tinysense[train]'")
    front = front_end("mlperf_kws")
    off = []
    weights = tf.signal.linear_to_mel_weight_matrix(40, 257, RATE_HZ, 20.0, 4000.0)
    for clip in clips:
        spectra = tf.abs(tf.signal.stft((clip / max(1, clip.max())).astype(np.float32), 480, 320))
        logs = tf.math.log(tf.tensordot(spectra, weights, 1) + 1e-6)
        floats = tf.signal.mfccs_from_log_mel_spectrograms(logs).numpy()[:, :10]
        wanted = np.clip(np.round(floats / KWS_SCALE) + KWS_ZERO_POINT, -128, 127)
        program = front.program(49, 49, peak=max(1, int(clip.max())))
        feat = front.quantised(program, KWS_SCALE, KWS_ZERO_POINT).to_bytes()
        off.append(np.abs(FeatureStream(feat).inputs(clip).reshape(49, 10) - wanted))
    found: np.ndarray = np.concatenate(off).astype(int)
    print("steps off, values:", dict(enumerate(np.bincount(found.ravel()).tolist())))
    return found


def read_wav(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        clip = np.frombuffer(file.readframes(RATE_HZ), "<i2")
    return np.pad(clip, (0, RATE_HZ - len(clip)))


def test_mfcc_of_made_up_sound_are_tensorflows() -> None:
    rng, t = np.random.default_rng(1), np.arange(RATE_HZ)
    clips = [
        *(speech_like(RATE_HZ, seed) for seed in range(6)),
        rng.normal(0, 2000, RATE_HZ).round().astype(np.int16),
        rng.integers(-3, 4, RATE_HZ).astype(np.int16),
        np.rint(7000 * np.sin(t * t * 4e-5) + rng.normal(0, 20, RATE_HZ)).astype(np.int16),
        np.where((t > 5000) & (t < 9000), rng.normal(0, 900, RATE_HZ), 0).astype(np.int16),
    ]
    off = steps_off(clips)
    assert (off == 0).mean() > 0.998 and off.max() <= 1


def test_mfcc_of_spoken_words_are_tensorflows(shared: Path) -> None:
    folder = shared / "data" / "audio_speech_commands"
    if not folder.is_dir():
        pytest.skip(f"no recorded words: {folder} is absent")
    off = steps_off([read_wav(p) for p in sorted(folder.glob("*/*.wav"))[::12]])
    assert (off == 0).mean() > 0.998 and off.max() <= 1


def test_normalised_clips() -> None:
    loud = normalised(np.array([100, -200, 50], np.int16))
    assert loud.tolist() == [8192, -16384, 4096]
    assert normalised(np.array([10, -1000], np.int16)).tolist() == [8192, -32768]
    assert normalised(np.zeros(4, np.int16)).tolist() == [0] * 4
    assert normalised(np.full(3, -5, np.int16)).tolist() == [-32768] * 3
