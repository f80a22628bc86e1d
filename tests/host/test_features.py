"""The builder of FEAT sections: what it writes is what the core takes."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.features import (
    STATISTICS,
    Decimate,
    FeatureProgram,
    Iir,
    Magnitude,
    Raw,
    Rows,
    Spectrum,
    Stats,
)

core = pytest.importorskip("_tinysense", reason="the extension is not built: make setup")

PROGRAMS = {
    "raw": FeatureProgram(3, 10, 5, (Raw(),)),
    "raw of one": FeatureProgram(1, 7, 7, (Raw(centred=True),)),
    "stats": FeatureProgram(3, 50, 10, (Stats(),)),
    "some stats": FeatureProgram(2, 9, 1, (Stats(("energy", "mean")),)),
    "spectrum": FeatureProgram(2, 130, 8, (Spectrum(64, (0, 1, 5, 33), keep=True, step=9),)),
    "short spectrum": FeatureProgram(1, 20, 8, (Spectrum(32, (1, 4), scale="root"),)),
    "all": FeatureProgram(
        3, 128, 32,
        (Iir.highpass(0.5, rate_hz=50, order=3), Magnitude(shift=1), Decimate(2), Stats(),
         Spectrum(64, (1, 3, 9, 32)), Magnitude(replace=True), Raw(centred=True)),
    ),
    "rows": FeatureProgram(2, 40, 20, (Stats(("mean", "rms")), Rows(7, 3))),
    "16 channels": FeatureProgram(16, 3, 1, (Raw(),)),
    "largest": FeatureProgram(15, 8192, 8192, (Magnitude(), Stats(("rms",)))),
}  # fmt: skip


def values(program: FeatureProgram, frames: np.ndarray) -> np.ndarray:
    out = np.zeros(program.row_outputs, np.int32)
    work = bytearray(program.work_bytes)
    assert core.features_values(program.to_bytes(), frames.astype(np.int16), work, out) == 0
    return out


def quantised(program: FeatureProgram, frames: np.ndarray) -> np.ndarray:
    out = np.zeros(program.outputs, np.int8)
    work = bytearray(program.work_bytes)
    assert core.features_run(program.to_bytes(), frames.astype(np.int16), work, out) == 1
    return out


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_core_takes_what_is_written(name: str) -> None:
    program, info = PROGRAMS[name], np.zeros(8, np.uint32)
    assert core.features_info(program.to_bytes(), info) == 0
    assert info.tolist() == [
        program.channels, program.window, program.hop, program.outputs, program.work_bytes,
        program.rows.rows, program.rows.stride, program.row_outputs,
    ]  # fmt: skip
    assert len(program.names()) == len(set(program.names())) == program.row_outputs


def test_units_are_those_of_the_values() -> None:
    frames = np.random.default_rng(1).normal(1000, 300, (50, 3)).round()
    program = PROGRAMS["stats"]
    got = dict(zip(program.names(), program.floats(values(program, frames)), strict=True))
    for c in range(3):
        assert abs(got[f"mean ch{c}"] - frames[:, c].mean()) < 0.01
        assert abs(got[f"deviation ch{c}"] - frames[:, c].std()) < 0.1
        assert got[f"maximum ch{c}"] == frames[:, c].max()


@pytest.mark.parametrize(("scale", "zero_point"), [(1.0, 0), (0.05, -3), (37.5, 100), (3e-4, -128)])
@pytest.mark.parametrize("name", ["raw", "stats", "all", "spectrum"])
def test_int8_input_is_the_float_one_quantised(name: str, scale: float, zero_point: int) -> None:
    program = PROGRAMS[name]
    rng = np.random.default_rng(2)
    frames = rng.normal(0, 2000, (program.window, program.channels)).round()
    found = values(program, frames)
    offset = found + rng.integers(-3, 4, found.shape)
    gain = program.units() * rng.uniform(0.5, 2, found.shape)
    fitted = program.normalised(gain, offset).quantised(scale, zero_point)
    exact = fitted.floats(values(fitted, frames)).astype(np.float64) / scale + zero_point
    got = quantised(fitted, frames)
    assert np.abs(got - np.clip(exact, -128, 127)).max() <= 0.5 + 1e-3


def test_entries_repeat_where_they_can() -> None:
    plain = len(PROGRAMS["raw"].to_bytes())
    by_channel = PROGRAMS["raw"].normalised([1.0, 2.0, 3.0] * 10, [5] * 30)
    by_value = PROGRAMS["raw"].normalised(np.arange(1.0, 31.0), [0])
    assert len(by_channel.to_bytes()) == plain + 2 * 12
    assert len(by_value.to_bytes()) == plain + 29 * 12


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("cutoff", [0.5, 5.0, 20.0, 49.0])
@pytest.mark.parametrize("high", [False, True])
def test_butterworth_has_its_response(order: int, cutoff: float, high: bool) -> None:
    make = Iir.highpass if high else Iir.lowpass
    sections = make(cutoff, rate_hz=100.0, order=order).sections
    for frequency in (0.01, 0.3, cutoff, 33.0, 49.9):
        z = np.exp(-2j * np.pi * frequency / 100)
        gain = 1.0
        for b0, b1, b2, a1, a2 in sections:
            gain *= abs((b0 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z))
        ratio = math.tan(math.pi * frequency / 100) / math.tan(math.pi * cutoff / 100)
        exact = 1 / math.sqrt(1 + (1 / ratio if high else ratio) ** (2 * order))
        assert gain == pytest.approx(exact, rel=1e-6, abs=1e-9)


def test_gain_at_rest_is_exact_in_28_bits() -> None:
    for block, gain in ((Iir.lowpass(0.1, rate_hz=100, order=4), 1), (Iir.highpass(3, rate_hz=100), 0)):
        words = block.parameters()
        for i in range(words[0]):
            b0, b1, b2, a1, a2 = words[1 + 5 * i : 6 + 5 * i]
            assert b0 + b1 + b2 == gain * (2**28 + a1 + a2)


REFUSED = [
    (lambda: FeatureProgram(0, 8, 8, (Raw(),)), "0 channels"),
    (lambda: FeatureProgram(17, 8, 8, (Raw(),)), "17 channels"),
    (lambda: FeatureProgram(1, 0, 1, (Raw(),)), "window of 0"),
    (lambda: FeatureProgram(1, 8193, 1, (Raw(),)), "window of 8193"),
    (lambda: FeatureProgram(1, 8, 9, (Raw(),)), "hop 9"),
    (lambda: FeatureProgram(1, 8, 0, (Raw(),)), "hop 0"),
    (lambda: FeatureProgram(1, 8, 8, ()), "0 blocks"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),) * 17), "17 blocks"),
    (lambda: FeatureProgram(1, 8, 8, (Decimate(2),)), "emit nothing"),
    (lambda: FeatureProgram(16, 8, 8, (Magnitude(), Raw())), "17 channels"),
    (lambda: FeatureProgram(1, 8, 8, (Magnitude(shift=9), Raw())), "shift 9"),
    (lambda: FeatureProgram(1, 8, 8, (Decimate(9), Raw())), "leaves none"),
    (lambda: FeatureProgram(1, 8, 8, (Decimate(1), Raw())), "factor 1"),
    (lambda: FeatureProgram(1, 8, 8, (Stats(("median",)),)), "median"),
    (lambda: FeatureProgram(1, 8, 8, (Stats(()),)), "no statistics"),
    (lambda: FeatureProgram(1, 8, 8, (Stats(("mean", "mean")),)), "each once"),
    (lambda: FeatureProgram(1, 8, 8, (Spectrum(48, (0, 1)),)), "48 points"),
    (lambda: FeatureProgram(1, 8, 8, (Spectrum(32, (0,)),)), "edges"),
    (lambda: FeatureProgram(1, 8, 8, (Spectrum(32, (3, 3)),)), "edges"),
    (lambda: FeatureProgram(1, 8, 8, (Spectrum(32, (0, 18)),)), "edges"),
    (lambda: FeatureProgram(1, 8, 8, (Spectrum(32, (-1, 4)),)), "edges"),
    (lambda: FeatureProgram(1, 8, 8, (Spectrum(32, (0, 4), scale="db"),)), "'db'"),
    (lambda: FeatureProgram(1, 8, 8, (Iir(((5.0, 0.0, 0.0, 0.0, 0.0),)), Raw())), "beyond"),
    (lambda: FeatureProgram(1, 8, 8, (Iir(((1.0, 0.0, 0.0, 0.0, 1.0),)), Raw())), "not stable"),
    (lambda: FeatureProgram(1, 8, 8, (Iir(()), Raw())), "0 sections"),
    (lambda: Iir.lowpass(50, rate_hz=100), "cutoff"),
    (lambda: Iir.lowpass(0, rate_hz=100), "cutoff"),
    (lambda: Iir.lowpass(5, rate_hz=100, order=17), "order 17"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),)).normalised([1.0] * 3, [0]), "3 gains"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),)).normalised([0.0], [0]), "gain"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),)).normalised([1.0], [2**31]), "offset"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),)).quantised(0.0, 0), "scale"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),)).quantised(1.0, 128), "zero point 128"),
    (lambda: FeatureProgram(1, 8, 8, (Raw(),)).quantised(1e-12, 0).to_bytes(), "int8 steps"),
]


@pytest.mark.parametrize("row", REFUSED, ids=[text for _, text in REFUSED])
def test_what_is_refused(row) -> None:  # type: ignore[no-untyped-def]
    make, text = row
    with pytest.raises(TinysenseError, match=text):
        make()


def test_statistics_are_in_the_order_of_the_mask() -> None:
    feat = FeatureProgram(1, 8, 8, (Stats(("energy", "mean")),)).to_bytes()
    assert struct.unpack_from("<i", feat, 20)[0] == 0b1000001
    assert list(STATISTICS).index("mean") == 0 and list(STATISTICS).index("energy") == 6
