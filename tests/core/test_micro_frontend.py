"""The block MICRO_FRONTEND, bit for bit: against pymicro-features at its setting, an oracle in numpy
at others, and (long) TensorFlow's own op."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import math
import sys
import wave
from dataclasses import replace

import core_build
import core_files as files
import numpy as np
import pytest
from micro_oracle import Oracle

from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, Iir, MicroFrontend, Raw, Rows, single
from tinysense_host.features import micro_frontend as module
from tinysense_host.training.sources import shared_folder

PYMICRO_SCALE = 0.0390625
SPEECH = shared_folder() / "data" / "audio_speech_commands"


def program(block: MicroFrontend, hop: int = 160) -> FeatureProgram:
    return FeatureProgram(1, block.window, hop, (block,))


def stream(block: MicroFrontend, sound: np.ndarray, hop: int = 160) -> np.ndarray:
    """(windows, channels) of the core, its state going on."""
    feat = program(block, hop).to_bytes()
    code, (_, window, _, outputs, work_bytes, *_) = core_build.features_info(feat)
    assert code == 0
    lib, buffer, size = core_build.library(), core_build.aligned(feat), ctypes.c_size_t(len(feat))
    work = np.full(work_bytes // 4, 0x5A5A5A5A, np.uint32)
    sound = np.ascontiguousarray(sound, np.int16)
    found = np.zeros(((len(sound) - window) // hop + 1, outputs), np.int32)
    assert lib.ts_features_reset(core_build.pointer(buffer), size, core_build.pointer(work)) == 0
    for i, row in enumerate(found):
        frames = core_build.pointer(sound, 2 * i * hop)
        code = lib.ts_features_values(core_build.pointer(buffer), size, frames, core_build.pointer(work),
                                      core_build.pointer(row))  # fmt: skip
        assert code == 0
    return found


def clipped(x: np.ndarray) -> np.ndarray:
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


def sounds(n: int) -> dict[str, np.ndarray]:
    """Kinds of sound, n samples each: quiet, loud, and what no microphone gives."""
    rng, t = np.random.default_rng(11), np.arange(n)
    clicks, buried = np.zeros(n), rng.integers(-90, 90, n)
    clicks[::777] = buried[::777] = -32768
    sweep = np.sin(2 * np.pi * (50 + t / n * 4000) * t / 16000)
    return {name: clipped(x) for name, x in {
        "silence": np.zeros(n),
        "one step": np.where(t // 500 % 2, 1, 0),
        "full square": np.where(t // 20 % 2, 32767, -32768),
        "slow square": np.where(t // 2000 % 2, 32767, -32768),
        "pairs": np.where(t % 4 < 2, 32767, -32768),
        "noise": rng.normal(0, 3000, n),
        "any numbers": rng.integers(-32768, 32768, n),
        "hiss": rng.integers(-2, 3, n),
        "lowest": np.full(n, -32768),
        "offset": np.full(n, 12345),
        "loud sweep": 32767 * sweep,
        "quiet sweep": 30 * sweep,
        "bursts": rng.normal(0, 8000, n) * (t // 8000 % 2),
        "clicks": clicks,
        "buried clicks": buried,
    }.items()}  # fmt: skip


def pymicro(sound: np.ndarray) -> np.ndarray:
    """(windows, 40) of pymicro-features: windows of 480, 160 apart."""
    found = pytest.importorskip("pymicro_features", reason="pip install pymicro-features")
    if not usual_log1p():
        pytest.skip("this computer's log1pf is not the one of boards: weights differ by a step")
    frontend, rows = found.MicroFrontend(), []
    data = np.ascontiguousarray(sound, "<i2").tobytes()
    for at in range(0, len(data) - 319, 320):
        features = frontend.process_samples(data[at : at + 320]).features
        if features:
            rows.append(np.round(np.array(features) / PYMICRO_SCALE).astype(int))
    return np.array(rows)


def c_log1p() -> ctypes._NamedFuncPointer | None:  # type: ignore[name-defined]
    name = ctypes.util.find_library("m")
    if name is None:
        return None
    function = ctypes.CDLL(name).log1pf
    function.restype, function.argtypes = ctypes.c_float, [ctypes.c_float]
    return function


def usual_log1p() -> bool:
    """Whether C's log1pf answers as newlib's for the bins of the default setting."""
    function, bins = c_log1p(), np.arange(1, 257, dtype=np.float32) * np.float32(31.25) / np.float32(700)
    return function is not None and all(function(float(x)) == float(single.log1p(x)) for x in bins)


# ---- against references ----


@pytest.mark.parametrize("kind", sounds(1))
def test_equals_pymicro_features(kind: str) -> None:
    """The last five windows are silence: the noise estimate falls back."""
    sound = np.concatenate([sounds(48000)[kind], np.zeros(800, np.int16)])
    wanted = pymicro(sound)
    assert len(wanted) == 303
    np.testing.assert_array_equal(stream(MicroFrontend(), sound), wanted)


def test_equals_pymicro_features_for_thousands_of_windows() -> None:
    sound = np.concatenate([x for kind, x in sounds(40000).items() if kind != "silence"])
    wanted = pymicro(sound)
    assert len(wanted) > 3000
    np.testing.assert_array_equal(stream(MicroFrontend(), sound), wanted)


def test_equals_pymicro_features_on_speech() -> None:
    clips = sorted(SPEECH.glob("*/*.wav"))[::37] if SPEECH.is_dir() else []
    if not clips:
        pytest.skip(f"no {SPEECH}: recordings of speech are not in this copy")
    parts = []
    for path in clips[:60]:
        with wave.open(str(path)) as clip:
            parts.append(np.frombuffer(clip.readframes(clip.getnframes()), "<i2"))
    sound = np.concatenate(parts)
    np.testing.assert_array_equal(stream(MicroFrontend(), sound), pymicro(sound))


def test_the_oracle_equals_pymicro_features() -> None:
    sound = np.concatenate([x[:3200] for x in sounds(8000).values()])
    np.testing.assert_array_equal(Oracle(MicroFrontend()).run(sound, 160), pymicro(sound))


SETTINGS = [
    ({}, 320),
    ({"window": 200, "rate_hz": 8000, "upper_hz": 3800.0}, 80),
    ({"window": 256, "channels": 20}, 128),
    ({"window": 275, "rate_hz": 11025, "upper_hz": 5000.0, "pcan": False}, 110),
    ({"window": 640, "channels": 64}, 160),
    ({"window": 1024, "channels": 128, "lower_hz": 0.0, "upper_hz": 7900.0, "scale_shift": 11}, 512),
    ({"window": 1023, "rate_hz": 48000, "upper_hz": 20000.0}, 480),
    ({"window": 129, "channels": 1}, 129),
    ({"log": False}, 160),
    ({"log": False, "pcan": False, "noise_reduction": False}, 160),
    ({"noise_reduction": False}, 160),
    ({"smoothing_bits": 3, "gain_bits": 15, "even_smoothing": 1.0, "odd_smoothing": 0.0,
      "min_signal_remaining": 1.0}, 160),
    ({"gain_bits": 24, "pcan_offset": 20.0, "pcan_strength": 0.5, "smoothing_bits": 16}, 160),
    ({"smoothing_bits": 31, "scale_shift": 0}, 160),
]  # fmt: skip


@pytest.mark.parametrize(("setting", "hop"), SETTINGS)
def test_equals_the_oracle(setting: dict[str, float], hop: int) -> None:
    block = MicroFrontend(**setting)  # type: ignore[arg-type]
    sound = np.concatenate([x[:2600] for x in sounds(8000).values()])
    wanted = Oracle(block).run(sound, hop)
    assert wanted.max() > 0
    np.testing.assert_array_equal(stream(block, sound, hop), wanted)


def double_mel(hz: np.float32) -> np.float32:
    return np.float32(1127.0 * math.log1p(float(hz) / 700.0))


def double_hann(n: int) -> list[int]:
    step = float(np.float32(math.pi * 2 / n))
    values = [np.float32(0.5 - 0.5 * math.cos(step * (i + 0.5))) for i in range(n)]
    return [module._entry(values[i], module._q12(values[i]), values[n - 1 - i])
            for i in range((n + 1) // 2)]  # fmt: skip


@pytest.mark.full
@pytest.mark.parametrize(("setting", "ms"), [
    ({}, 10), ({}, 20), ({"window": 200, "rate_hz": 8000, "upper_hz": 3800.0}, 10),
    ({"window": 256, "channels": 20}, 8), ({"window": 330, "rate_hz": 11000, "upper_hz": 5000.0}, 10),
    ({"window": 640, "channels": 64}, 20), ({"pcan": False}, 10), ({"log": False, "pcan": False}, 10),
    ({"window": 1024, "channels": 100, "lower_hz": 20.0, "upper_hz": 7800.0, "scale_shift": 9}, 16),
    ({"smoothing_bits": 8, "gain_bits": 18, "even_smoothing": 0.3, "odd_smoothing": 0.01}, 10),
])  # fmt: skip
def test_equals_tensorflow_s_op(setting: dict[str, float], ms: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow has the same front end, but the two formulas of its tables in double precision."""
    tf = pytest.importorskip("tensorflow", reason="pip install tensorflow")
    from tensorflow.lite.experimental.microfrontend.python.ops import (  # type: ignore[import-untyped]
        audio_microfrontend_op,
    )

    monkeypatch.setattr(module, "_mel", double_mel)
    monkeypatch.setattr(module, "_hann", double_hann)
    b = MicroFrontend(**setting)  # type: ignore[arg-type]
    sound = np.concatenate(list(sounds(48000).values()))
    wanted = audio_microfrontend_op.audio_microfrontend(
        tf.constant(sound), sample_rate=b.rate_hz, window_size=b.window * 1000 // b.rate_hz,
        window_step=ms, num_channels=b.channels, upper_band_limit=b.upper_hz,
        lower_band_limit=b.lower_hz, smoothing_bits=b.smoothing_bits, even_smoothing=b.even_smoothing,
        odd_smoothing=b.odd_smoothing, min_signal_remaining=b.min_signal_remaining, enable_pcan=b.pcan,
        pcan_strength=b.pcan_strength, pcan_offset=b.pcan_offset, gain_bits=b.gain_bits,
        enable_log=b.log, scale_shift=b.scale_shift, out_scale=1, out_type=tf.uint16,
    ).numpy()  # fmt: skip
    assert len(wanted) > 2000
    np.testing.assert_array_equal(stream(b, sound, ms * b.rate_hz // 1000), wanted)


def test_log1p_is_c_s() -> None:
    function = c_log1p()
    x = np.exp(np.random.default_rng(3).uniform(math.log(1e-9), math.log(300), 4000)).astype(np.float32)
    ours = np.array([single.log1p(v) for v in x])
    exact = np.log1p(x.astype(np.float64))
    assert (np.abs(ours - exact) <= np.spacing(exact.astype(np.float32))).all()
    if function is None or not usual_log1p():
        pytest.skip("this computer's log1pf is not the one of boards")
    assert [float(v) for v in ours] == [function(float(v)) for v in x]


# ---- the program around it ----


def test_it_leaves_the_signal_as_it_is() -> None:
    blocks = (MicroFrontend(), Raw())
    made = FeatureProgram(1, 480, 160, blocks).to_bytes()
    x = sounds(480)["noise"][:, None]
    got = core_build.features(made, x)
    np.testing.assert_array_equal(got[40:], x[:, 0])
    assert got[:40].max() > 0


def test_a_reset_begins_anew() -> None:
    sound = sounds(4000)["bursts"]
    np.testing.assert_array_equal(stream(MicroFrontend(), sound), stream(MicroFrontend(), sound))


def test_ring_and_work_fit_six_kilobytes() -> None:
    """Window and hop of samples, then what the core works in; one row a step for a streaming model."""
    for blocks in ((MicroFrontend(),), (MicroFrontend(), Rows(1, 1))):
        made = FeatureProgram(1, 480, 160, blocks)
        assert core_build.features_info(made.to_bytes())[1][4] == made.work_bytes
        assert (480 + 160) * 2 + made.work_bytes <= 6 * 1024
    assert program(MicroFrontend()).work_bytes == 960 + 1024 + 160


def test_the_record_is_small() -> None:
    assert len(program(MicroFrontend()).to_bytes()) <= 1320


def test_units_and_names() -> None:
    made = program(MicroFrontend())
    assert set(made.units()) == {1 / 64}
    assert (made.names()[0], made.names()[39]) == ("mel 0 173 Hz", "mel 39 7053 Hz")


# ---- what is refused ----


@pytest.mark.parametrize(("setting", "said"), [
    ({"window": 128}, "window 128: expected 129 to 1024 samples"),
    ({"window": 1025}, "window 1025: expected 129 to 1024"),
    ({"channels": 0}, "channels 0: expected 1 to 128"),
    ({"channels": 129}, "channels 129"),
    ({"rate_hz": 900}, "rate_hz 900"),
    ({"upper_hz": 8000.0}, "from 125 to 8000 Hz"),
    ({"lower_hz": -1.0}, "from -1 to 7500 Hz"),
    ({"lower_hz": 7500.0}, "rising"),
    ({"upper_hz": 7999.99995}, "reaches bin 257"),
    ({"even_smoothing": 1.5}, "even_smoothing 1.5: expected 0 to 1"),
    ({"min_signal_remaining": float("nan")}, "min_signal_remaining nan"),
    ({"scale_shift": 12}, "scale_shift 12: expected 0 to 11"),
    ({"gain_bits": 14}, "gain_bits 14: expected 15 to 31"),
    ({"smoothing_bits": 2}, "smoothing_bits 2: expected 3 to 31 with pcan"),
    ({"pcan_offset": 0.0}, "pcan_offset 0: expected 0.001 to 1e+06"),
    ({"pcan_strength": float("inf")}, "pcan_strength inf"),
    ({"gain_bits": 31, "pcan_offset": 0.5, "pcan_strength": 4.0}, "gains fall too steeply"),
])  # fmt: skip
def test_settings_are_refused_in_a_line(setting: dict[str, float], said: str) -> None:
    block = MicroFrontend(**setting)  # type: ignore[arg-type]
    with pytest.raises(TinysenseError) as told:
        program(block, 100)
    assert said in str(told.value) and "\n" not in str(told.value)


def test_one_channel_and_its_own_window() -> None:
    with pytest.raises(TinysenseError, match="one channel, the signal has 2"):
        FeatureProgram(2, 480, 160, (MicroFrontend(),))
    with pytest.raises(TinysenseError, match="windows of 480 samples, the program's have 400"):
        FeatureProgram(1, 400, 160, (MicroFrontend(),))
    FeatureProgram(1, 480, 160, (Iir.highpass(50, rate_hz=16000), MicroFrontend()))


def section(words: list[int], window: int = 480, channels: int = 1) -> bytes:
    """A FEAT section with these parameters, which says the sizes that the block's need."""
    work = (window * channels * 2 + 3) // 4 * 4 + 2 * words[0] + 4 * words[1]
    return files.feat(channels, window, 160, [(MicroFrontend.kind, [*words, *files.IDENTITY])],
                      words[1], work)  # fmt: skip


@pytest.mark.parametrize(("at", "value", "taken"), [
    (0, 512, True), (0, 511, False), (0, 128, False), (0, 1024, False), (0, 0, False),
    (1, 41, False), (1, 39, False), (1, 0, False), (1, -1, False), (1, 2**31 - 1, False),
    (2, 7, True), (2, 8, False), (2, -1, False), (2, 5, False),
    (3, 0, True), (3, 31, True), (3, 32, False), (3, -1, False),
    (4, 16384, True), (4, 16385, False), (5, -1, False), (6, 16385, False),
    (7, 31, True), (7, 32, False), (7, -1, False), (8, 11, True), (8, 12, False), (8, -1, False),
])  # fmt: skip
def test_numbers_are_checked(at: int, value: int, taken: bool) -> None:
    """Other numbers of points and channels do not fit the tables' edges or length."""
    words = MicroFrontend().parameters()
    words[at] = value
    work = [512 if at == 0 else words[0], 40 if at == 1 else words[1]]
    made = files.feat(1, 480, 160, [(MicroFrontend.kind, [*words, *files.IDENTITY])], 40,
                      960 + 2 * work[0] + 4 * work[1])  # fmt: skip
    code, _ = core_build.features_info(made)
    assert code == (0 if taken else core_build.errors()["TS_ERR_FEATURES"])


EDGES = 9 + 120     # of the default setting, in words


@pytest.mark.parametrize(("half", "value"), [
    (0, 0), (0, 7), (1, 4), (20, 60000), (41, 257), (41, 200), (41, 0), (40, 300),
])  # fmt: skip
def test_edges_are_checked(half: int, value: int) -> None:
    words = np.array(MicroFrontend().parameters(), "<i4")
    assert core_build.features_info(section(words.tolist()))[0] == 0
    words.view("<u2")[2 * EDGES + half] = value
    code, _ = core_build.features_info(section(words.tolist()))
    assert code == core_build.errors()["TS_ERR_FEATURES"]


def test_every_length_is_checked() -> None:
    words = MicroFrontend().parameters()
    assert core_build.features_info(section(words))[0] == 0
    for n in range(len(words)):
        cut = files.feat(1, 480, 160, [(MicroFrontend.kind, words[:n])], 40, 960 + 1024 + 160)
        assert core_build.features_info(cut)[0] == core_build.errors()["TS_ERR_FEATURES"]
    for channels in (2, 3):
        assert core_build.features_info(section(words, channels=channels))[0] != 0
    assert core_build.features_info(section(words, window=481))[0] != 0
    assert core_build.features_info(section(words, window=513))[0] != 0


def test_any_table_runs() -> None:
    """Numbers without meaning give some, the same for optimised and sanitised code (test_fuzz.py)."""
    rng, words = np.random.default_rng(2), np.array(MicroFrontend().parameters(), "<i4")
    sound = sounds(480)["any numbers"][:, None]
    for _ in range(50):
        wild = words.copy()
        wild[9:EDGES] = rng.integers(-(2**31), 2**31, EDGES - 9)
        wild[EDGES + 21 :] = rng.integers(-(2**31), 2**31, len(words) - EDGES - 21)
        got = core_build.features(section(wild.tolist()), sound)
        assert (got >= 0).all() and (got <= 65535).all()


# ---- the core's tables ----


@pytest.mark.parametrize("name", ["sine_s16", "log2_q16"])
def test_tables_are_what_their_generators_write(name: str) -> None:
    spec = importlib.util.spec_from_file_location(name, core_build.CORE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    spec.loader.exec_module(made)
    sys.dont_write_bytecode = before
    assert (core_build.CORE / f"{name}.h").read_text() == made.text()


def test_settings_that_part_by_a_step_are_kept() -> None:
    """A window that is not quite symmetric, and weights whose counterparts do not add up to 1."""
    window = [entry >> 13 for entry in module._hann(480)]
    assert sorted(set(window)) in ([0, 1], [1, 2], [0, 1, 2])
    odd = replace(MicroFrontend(), rate_hz=44100, window=1024, channels=80, lower_hz=20.0, upper_hz=17640.0)
    assert program(odd, 441).to_bytes()
