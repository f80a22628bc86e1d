"""The feature blocks against floating point in numpy; each test states its largest error."""

from __future__ import annotations

import itertools
import math
import re

import core_build
import core_files as files
import numpy as np
import pytest

RNG_SEED = 5
EXACT = files.IDENTITY


def signal(kind: str, channels: int, frames: int, seed: int = RNG_SEED) -> np.ndarray:
    """(frames, channels) int16: noise, motion (slow, on an offset), extremes, a constant."""
    rng = np.random.default_rng(seed)
    t = np.arange(frames)[:, None]
    phase = np.arange(channels)[None, :]
    x = {
        "noise": rng.normal(0, 3000, (frames, channels)),
        "motion": 8192 + 2000 * np.sin(t / 7 + phase) + rng.normal(0, 40, (frames, channels)),
        "extremes": np.where((t + phase) % 2, 32767, -32768) + 0 * phase,
        "full": np.full((frames, channels), -32768),
        "quiet": np.full((frames, channels), 3),
        "small": rng.integers(-2, 3, (frames, channels)),
    }[kind]
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


SIGNALS = ("noise", "motion", "extremes", "full", "quiet", "small")


def one(kind: int, params: list[int], channels: int, window: int, outputs: int, scratch: int) -> bytes:
    work = (channels * window * 2 + 3) // 4 * 4 + scratch
    return files.feat(channels, window, 1, [(kind, [*params, *EXACT])], outputs, work)


def changed(kind: int, params: list[int], frames: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The signal (frames, channels) behind one block, seen through RAW."""
    window, channels = frames.shape
    largest = max(channels * window, shape[0] * shape[1])
    work = (largest * 2 + 3) // 4 * 4 + 4 * shape[1]
    section = files.feat(channels, window, 1, [(kind, params), (files.RAW, [0, *EXACT])],
                         shape[0] * shape[1], work)  # fmt: skip
    return core_build.features(section, frames).reshape(shape)


# ---- RAW ----


@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize("centred", [0, 1])
def test_raw_is_the_window(kind: str, centred: int) -> None:
    frames = signal(kind, 3, 17)
    got = core_build.features(one(files.RAW, [centred], 3, 17, 51, 12), frames).reshape(17, 3)
    mean = frames.astype(float).mean(axis=0) if centred else 0
    rounded = np.trunc(mean + np.copysign(0.5, mean))
    np.testing.assert_array_equal(got, frames - rounded)


# ---- quantisation ----

QUANT = [
    # value, offset, mult, shift, zero point, int8: halves go up
    (10, 0, 1 << 30, 1, 0, 10), (3, 0, 1 << 30, 0, 0, 2), (-3, 0, 1 << 30, 0, 0, -1),
    (5, 2, 1 << 30, 0, 0, 2), (126, 0, 1 << 30, 1, 1, 127), (127, 0, 1 << 30, 1, 1, 127),
    (-128, 0, 1 << 30, 1, 0, -128), (-129, 0, 1 << 30, 1, 0, -128), (-120, 0, 1 << 30, 1, -9, -128),
    (32767, -(2**31), (1 << 31) - 1, 30, 0, 127), (-32768, (1 << 31) - 1, (1 << 31) - 1, 30, 0, -128),
    (1000, 0, 0, 0, 7, 7), (32767, 0, (1 << 31) - 1, -31, 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(("value", "offset", "mult", "shift", "zero_point", "wanted"), QUANT)
def test_quantisation(value, offset, mult, shift, zero_point, wanted) -> None:  # type: ignore[no-untyped-def]
    q = files.quant(zero_point, (offset, mult, shift))
    section = files.feat(1, 1, 1, [(files.RAW, [0, *q])], 1, 4 + 4)
    got = core_build.features(section, np.array([[value]]), quantised=True)
    assert got.tolist() == [wanted]


def test_quantisation_entries_are_used_in_turn() -> None:
    q = files.quant(0, *[(100 * c, 1 << 30, 1) for c in range(3)])
    section = files.feat(3, 4, 1, [(files.RAW, [0, *q]), (files.STATS, [1, *files.quant(9, (0, 0, 0))])],
                         15, 24 + 12)  # fmt: skip
    frames = np.arange(12).reshape(4, 3) + np.array([0, 100, 200])
    got = core_build.features(section, frames, quantised=True)
    assert got.tolist() == [*range(12), 9, 9, 9]


# ---- STATS ----


@pytest.mark.parametrize("frames", [1, 2, 3, 64, 8192])
@pytest.mark.parametrize("kind", SIGNALS)
def test_statistics(kind: str, frames: int) -> None:
    x = signal(kind, 2, frames)
    got = core_build.features(one(files.STATS, [127], 2, frames, 14, 0), x).reshape(2, 7)
    f = x.astype(np.float64)
    above = f >= f.mean(axis=0)
    wanted = np.stack([
        f.mean(axis=0), f.std(axis=0), np.sqrt((f * f).mean(axis=0)), f.min(axis=0), f.max(axis=0),
        np.abs(np.diff(above.astype(int), axis=0)).sum(axis=0), (f * f).mean(axis=0),
    ], axis=1)  # fmt: skip
    unit = np.array([1 / 256, 1 / 16, 1 / 16, 1, 1, 1, 1])
    # Half a unit of rounding; a unit where a root is rounded down.
    limit = np.array([0.5, 1.5, 1.0, 0.0, 0.0, 0.0, 0.5])
    assert (np.abs(got - wanted / unit) <= limit + 1e-6).all()


@pytest.mark.parametrize("mask", [1, 2, 4, 8, 16, 32, 64, 0b1010001])
def test_mask_chooses_statistics(mask: int) -> None:
    x = signal("motion", 3, 20)
    every = core_build.features(one(files.STATS, [127], 3, 20, 21, 0), x).reshape(3, 7)
    chosen = [i for i in range(7) if mask >> i & 1]
    got = core_build.features(one(files.STATS, [mask], 3, 20, 3 * len(chosen), 0), x)
    np.testing.assert_array_equal(got.reshape(3, -1), every[:, chosen])


# ---- MAGNITUDE, DECIMATE ----


@pytest.mark.parametrize("shift", [0, 1, 8])
@pytest.mark.parametrize("kind", SIGNALS)
def test_magnitude(kind: str, shift: int) -> None:
    x = signal(kind, 3, 9)
    length = [math.isqrt(int(s) >> 2 * shift) for s in (x.astype(np.int64) ** 2).sum(axis=1)]
    wanted = np.minimum(length, 32767)
    more = changed(files.MAGNITUDE, [0, shift], x, (9, 4))
    np.testing.assert_array_equal(more, np.column_stack([x, wanted]))
    only = changed(files.MAGNITUDE, [1, shift], x, (9, 1))
    np.testing.assert_array_equal(only[:, 0], wanted)


@pytest.mark.parametrize("factor", [2, 3, 7, 20, 21])
def test_decimation(factor: int) -> None:
    x, kept = signal("noise", 2, 21), 21 // factor
    first = changed(files.DECIMATE, [factor, 0], x, (kept, 2))
    np.testing.assert_array_equal(first, x[: kept * factor : factor])
    mean = changed(files.DECIMATE, [factor, 1], x, (kept, 2))
    exact = x[: kept * factor].reshape(kept, factor, 2).astype(float).mean(axis=1)
    assert np.abs(mean - exact).max() <= 0.5


# ---- IIR ----


def biquads(sections: list[tuple[float, ...]]) -> list[int]:
    return [len(sections), *(round(c * 2**28) for s in sections for c in s)]


def filtered(words: list[int], x: np.ndarray) -> np.ndarray:
    """Direct form I in doubles with the same coefficients, settled on the first frame."""
    y = x.astype(np.float64)
    for i in range(words[0]):
        b0, b1, b2, a1, a2 = (c / 2**28 for c in words[1 + 5 * i : 6 + 5 * i])
        gain = (b0 + b1 + b2) / (1 + a1 + a2)
        out, x1, x2, y1, y2 = np.empty_like(y), y[0], y[0], gain * y[0], gain * y[0]
        for n, v in enumerate(y):
            out[n] = b0 * v + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            x1, x2, y1, y2 = v, x1, out[n], y1
        y = out
    return y


def designs() -> dict[str, list[int]]:
    from tinysense_host.features import Iir

    return {
        "low 5 of 100": Iir.lowpass(5, rate_hz=100).parameters(),
        "low 0.5 of 100, order 5": Iir.lowpass(0.5, rate_hz=100, order=5).parameters(),
        "low 0.5 of 1000": Iir.lowpass(0.5, rate_hz=1000).parameters(),
        "high 0.3 of 25": Iir.highpass(0.3, rate_hz=25).parameters(),
        "high 0.5 of 100, order 4": Iir.highpass(0.5, rate_hz=100, order=4).parameters(),
        "low 40 of 100, order 16": Iir.lowpass(40, rate_hz=100, order=16).parameters(),
        "order 1": Iir.highpass(1, rate_hz=100, order=1).parameters(),
    }


# Largest error in counts: half a count of rounding, and what 12 fractional
# bits leave of the recursion's noise, which grows as the cutoff falls.
LIMITS = {"low 0.5 of 1000": 2.0}


@pytest.mark.parametrize("kind", ["noise", "motion", "quiet", "small", "full"])
@pytest.mark.parametrize("name", ["low 5 of 100", "low 0.5 of 100, order 5", "low 0.5 of 1000",
                                  "high 0.3 of 25", "high 0.5 of 100, order 4",
                                  "low 40 of 100, order 16", "order 1"])  # fmt: skip
def test_filters_follow_the_exact_ones(name: str, kind: str) -> None:
    words, x = designs()[name], signal(kind, 2, 600)
    got = changed(files.IIR, words, x, (600, 2))
    error = np.abs(got - np.clip(filtered(words, x), -32768, 32767)).max()
    assert error <= LIMITS.get(name, 0.6), f"{name} on {kind}: {error:.3f} counts"


@pytest.mark.parametrize("level", [-32768, -1, 0, 1, 8192, 32767])
def test_a_constant_gives_no_transient(level: int) -> None:
    x = np.full((50, 1), level)
    low = changed(files.IIR, designs()["low 5 of 100"], x, (50, 1))
    high = changed(files.IIR, designs()["high 0.3 of 25"], x, (50, 1))
    assert (low == level).all() and (high == 0).all()


def test_overflow_saturates() -> None:
    words = biquads([(3.9, 0.0, 0.0, 0.0, 0.0)] * 8)
    got = changed(files.IIR, words, np.array([[1000], [-1000], [0], [20]]), (4, 1))
    assert got[:, 0].tolist() == [32767, -32768, 0, 32767]


# ---- SPECTRUM ----


def spectrum(x: np.ndarray, points: int, edges: list[int], flags: int, step: int = 16, scale: int = 0,
             shift: int = 0) -> np.ndarray:  # fmt: skip
    """Values (segments, channels, bands)."""
    frames, channels = x.shape
    bands = len(edges) - 1
    segments = 1 + max(0, frames - points) // step if flags & 4 and frames > points else 1
    params = [points, step, flags, scale, shift, bands, *edges]
    section = one(files.SPECTRUM, params, channels, frames, segments * channels * bands, 4 * points)
    return core_build.features(section, x).reshape(segments, channels, bands)


def exact_spectrum(x: np.ndarray, points: int, edges: list[int], flags: int, step: int = 16) -> np.ndarray:
    """The same energies, (segments, channels, bands), in doubles."""
    frames, _ = x.shape
    starts = range(0, frames - points + 1, step) if frames > points else [0]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(points) / points) if flags & 2 else np.ones(points)
    found = []
    for start in starts:
        part = x[start : start + points].astype(np.float64)
        part = part - (np.round(part.mean(axis=0)) if flags & 1 else 0)
        part = np.concatenate([part, np.zeros((points - len(part), x.shape[1]))])
        power = np.abs(np.fft.rfft(part * window[:, None], axis=0)) ** 2
        found.append([[power[a:b, c].sum() for a, b in itertools.pairwise(edges)]
                      for c in range(x.shape[1])])  # fmt: skip
    return np.array(found) if flags & 4 else np.array(found).mean(axis=0, keepdims=True)


@pytest.mark.parametrize("flags", range(8))
@pytest.mark.parametrize("points", [32, 64, 128, 256, 512, 1024])
def test_energies_follow_the_exact_ones(points: int, flags: int) -> None:
    edges = [0, 1, 2, 5, points // 4, points // 2, points // 2 + 1]
    for kind in ("noise", "motion", "small"):
        for frames in (points - 1, points, points + 40):
            x = signal(kind, 2, frames)
            got = spectrum(x, points, edges, flags, scale=1)        # roots: within 31 bits
            wanted = np.sqrt(exact_spectrum(x, points, edges, flags))
            total = np.sqrt((wanted**2).sum(axis=2, keepdims=True))
            # A root rounded down, samples rounded, and noise of the transform 94 dB below the signal.
            limit = 1 + max(0.5, (points / 2048) ** 0.5) + total * 2e-5
            error = np.abs(got - wanted)
            assert (error <= limit).all(), f"{kind} {frames}: {(error / total).max():.2e} of the signal"


@pytest.mark.parametrize("bin_", [0, 1, 7, 16, 31, 32])
def test_a_tone_falls_into_its_bin(bin_: int) -> None:
    x = np.round(10000 * np.cos(2 * np.pi * bin_ * np.arange(64) / 64))[:, None].astype(np.int16)
    edges = [*range(32), 33]        # one band for each bin, but the last two share one
    got = spectrum(x, 64, edges, 0, scale=1)[0, 0]
    band = min(bin_, 31)
    assert got.argmax() == band
    others = np.delete(got, band)
    assert others.max() * 1000 < got[band]      # 60 dB


@pytest.mark.parametrize("points", [32, 512])
@pytest.mark.parametrize("flags", [0, 1, 2, 3])
def test_extremes_do_not_overflow(points: int, flags: int) -> None:
    for x in (signal("full", 1, points), signal("extremes", 1, points),
              np.where(np.arange(points) < points // 2, 32767, -32768)[:, None]):  # fmt: skip
        got = spectrum(x, points, [0, points // 2 + 1], flags, scale=1)
        wanted = np.sqrt(exact_spectrum(x, points, [0, points // 2 + 1], flags))
        assert np.abs(got - wanted).max() <= 2 + wanted.max() * 1e-4


@pytest.mark.parametrize("shift", [0, 1, 10, 40])
def test_scales_and_shift(shift: int) -> None:
    x, edges = signal("noise", 2, 64), [1, 4, 9, 33]
    energy = exact_spectrum(x, 64, edges, 2) / 2.0**shift
    linear = spectrum(x, 64, edges, 2, scale=0, shift=shift)
    assert (np.abs(linear - np.minimum(energy, 2**31 - 1)) <= 2 + energy * 4e-4).all()
    root = spectrum(x, 64, edges, 2, scale=1, shift=shift)
    assert (np.abs(root - np.sqrt(energy)) <= 2 + np.sqrt(energy) * 2e-4).all()
    log = spectrum(x, 64, edges, 2, scale=2, shift=shift)
    if shift < 40:
        assert np.abs(log - 256 * np.log2(1 + energy)).max() <= 2


def test_logarithm_is_exact_to_a_step() -> None:
    """Energies that are known: a constant of v over 32 points puts (32 v)^2 into bin 0."""
    for v in (0, 1, 2, 3, 5, 100, 181, 32767, -32768):
        x = np.full((32, 1), v)
        got = int(spectrum(x, 32, [0, 1], 0, scale=2)[0, 0, 0])
        exact = 256 * math.log2(1 + (32 * v) ** 2)
        assert exact - 1.0001 <= got <= exact + 0.0001


# ---- what is refused ----

Q = EXACT
F31 = 2**31 - 1
SECTION = [1 << 26, 1 << 27, 1 << 26, 0, 0]

# kind, parameters, window, frames and channels behind it, values, scratch; taken or not.
BOUNDARIES = [
    (files.IIR, [0], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, *SECTION], 8, 8, 2, 0, 0, True),
    (files.IIR, [8, *SECTION * 8], 8, 8, 2, 0, 0, True),
    (files.IIR, [9, *SECTION * 9], 8, 8, 2, 0, 0, False),
    (files.IIR, [2, *SECTION], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, *SECTION, 0], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, 1 << 30, 0, -(1 << 30), 0, 0], 8, 8, 2, 0, 0, True),
    (files.IIR, [1, (1 << 30) + 1, 0, 0, 0, 0], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, 0, 0, -(1 << 30) - 1, 0, 0], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, 0, 0, 0, 0, (1 << 28) - 1], 8, 8, 2, 0, 0, True),
    (files.IIR, [1, 0, 0, 0, 0, 1 << 28], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, 0, 0, 0, 0, 1 - (1 << 28)], 8, 8, 2, 0, 0, True),
    (files.IIR, [1, 0, 0, 0, 0, -(1 << 28)], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, 0, 0, 0, (1 << 28) + 4, 5], 8, 8, 2, 0, 0, True),
    (files.IIR, [1, 0, 0, 0, (1 << 28) + 5, 5], 8, 8, 2, 0, 0, False),
    (files.IIR, [1, 0, 0, 0, -(1 << 28) - 4, 5], 8, 8, 2, 0, 0, True),
    (files.IIR, [1, 0, 0, 0, -(1 << 28) - 5, 5], 8, 8, 2, 0, 0, False),
    (files.MAGNITUDE, [0, 8], 8, 8, 3, 0, 0, True),
    (files.MAGNITUDE, [2, 0], 8, 8, 1, 0, 0, False),
    (files.MAGNITUDE, [0, 9], 8, 8, 3, 0, 0, False),
    (files.MAGNITUDE, [0, -1], 8, 8, 3, 0, 0, False),
    (files.MAGNITUDE, [1], 8, 8, 1, 0, 0, False),
    (files.DECIMATE, [1, 0], 8, 8, 2, 0, 0, False),
    (files.DECIMATE, [2, 1], 8, 4, 2, 0, 0, True),
    (files.DECIMATE, [2, 2], 8, 4, 2, 0, 0, False),
    (files.DECIMATE, [8, 0], 8, 1, 2, 0, 0, True),
    (files.DECIMATE, [9, 0], 8, 0, 2, 0, 0, False),
    (files.DECIMATE, [64, 0], 64, 1, 2, 0, 0, True),
    (files.DECIMATE, [65, 0], 65, 1, 2, 0, 0, False),
    (files.RAW, [0, *Q], 8, 8, 2, 16, 8, True),
    (files.RAW, [2, *Q], 8, 8, 2, 16, 8, False),
    (files.RAW, [0], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 0, 0], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 128, 1, 0, 0, 0], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, -128, 1, 0, 0, 0], 8, 8, 2, 16, 8, True),
    (files.RAW, [0, 0, 1, 0, -1, 0], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 0, 1, 0, 0, 31], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 0, 1, 0, 0, -32], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 0, 1, -F31, F31, 30], 8, 8, 2, 16, 8, True),
    (files.RAW, [0, 0, 2, *[0] * 6], 8, 8, 2, 16, 8, True),
    (files.RAW, [0, 0, 3, *[0] * 9], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 0, 2, *[0] * 3], 8, 8, 2, 16, 8, False),
    (files.RAW, [0, 0, -1, *[0] * 3], 8, 8, 2, 16, 8, False),
    (files.STATS, [0, *Q], 8, 8, 2, 0, 0, False),
    (files.STATS, [127, *Q], 8, 8, 2, 14, 0, True),
    (files.STATS, [128, *Q], 8, 8, 2, 2, 0, False),
    (files.SPECTRUM, [16, 1, 0, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 64, False),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 128, True),
    (files.SPECTRUM, [33, 1, 0, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 132, False),
    (files.SPECTRUM, [512, 1, 0, 0, 0, 1, 0, 257, *Q], 8, 8, 2, 2, 2048, True),
    (files.SPECTRUM, [1024, 1, 0, 0, 0, 1, 0, 513, *Q], 8, 8, 2, 2, 4096, True),
    (files.SPECTRUM, [2048, 1, 0, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 8192, False),
    (files.SPECTRUM, [32, 0, 0, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 8192, 7, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 128, True),
    (files.SPECTRUM, [32, 8193, 0, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 8, 0, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 0, 3, 0, 1, 0, 1, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 0, 0, 40, 1, 0, 1, *Q], 8, 8, 2, 2, 128, True),
    (files.SPECTRUM, [32, 1, 0, 0, 41, 1, 0, 1, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 0, 0, *Q], 8, 8, 2, 0, 128, False),
    (files.SPECTRUM, [64, 1, 0, 0, 0, 32, *range(33), *Q], 8, 8, 2, 64, 256, True),
    (files.SPECTRUM, [128, 1, 0, 0, 0, 33, *range(34), *Q], 8, 8, 2, 66, 512, False),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 1, -1, 1, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 1, 3, 3, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 1, 0, 17, *Q], 8, 8, 2, 2, 128, True),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 1, 0, 18, *Q], 8, 8, 2, 2, 128, False),
    (files.SPECTRUM, [32, 1, 0, 0, 0, 9, 0, 1], 8, 8, 2, 18, 128, False),
    (4, [], 8, 8, 2, 0, 0, False),
    (0, [], 8, 8, 2, 0, 0, False),
]


@pytest.mark.parametrize("row", BOUNDARIES)
def test_boundaries_of_parameters(row) -> None:  # type: ignore[no-untyped-def]
    """What emits nothing is followed by a RAW that shows the signal."""
    kind, params, window, frames, channels, emits, scratch, taken = row
    started = channels - 1 if kind == files.MAGNITUDE and params[0] == 0 else 2
    blocks, outputs = [(kind, params)], emits
    if kind in (files.IIR, files.MAGNITUDE, files.DECIMATE):
        blocks.append((files.RAW, [0, *Q]))
        outputs, scratch = frames * channels, 4 * channels
    planes = max(started * window, channels * frames)
    section = files.feat(started, window, 1, blocks, outputs, (planes * 2 + 3) // 4 * 4 + scratch)
    code, _ = core_build.features_info(section)
    assert code == (0 if taken else core_build.errors()["TS_ERR_FEATURES"])


@pytest.mark.parametrize(("factor", "taken"), [(8, True), (9, False)])
def test_no_block_meets_an_empty_signal(factor: int, taken: bool) -> None:
    blocks = [(files.DECIMATE, [factor, 0]), (files.STATS, [1, *Q])]
    code, _ = core_build.features_info(files.feat(2, 8, 1, blocks, 2, 32))
    assert code == (0 if taken else core_build.errors()["TS_ERR_FEATURES"])


# ---- the list of blocks ----


def test_kinds_agree() -> None:
    from tinysense_host import features

    rows = re.findall(r"^X\((\w+),\s*(\d+)\)", (core_build.CORE / "blocks.def").read_text(), re.MULTILINE)
    made = {re.sub(r"(?<!^)(?=[A-Z])", "_", c.__name__).upper(): c.kind for c in features.Block.__subclasses__()}
    assert made == {name: int(kind) for name, kind in rows}
    page = (core_build.ROOT / "models" / "FORMAT.md").read_text()
    listed = dict(re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", page.split("### FEAT")[1].split("\n## ")[0],
                             re.MULTILINE))
    assert listed == {kind: name for name, kind in rows}
