"""Log-mel energies and MFCC against floating point in numpy; each test states its largest error."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import core_build
import core_files as files
import numpy as np
import pytest

from tinysense_host.features import FeatureProgram, Mel

RATE = 16000.0
LOG = np.log(2) / 4096          # a step of the block


def sound(kind: str, frames: int) -> np.ndarray:
    """int16 (frames,)"""
    rng = np.random.default_rng(3)
    t = np.arange(frames)
    x = {
        "noise": rng.normal(0, 3000, frames),
        "faint noise": rng.integers(-2, 3, frames).astype(float),
        "chirp": 9000 * np.sin(t * t * 0.0021) + rng.normal(0, 30, frames),
        "vowel": sum(6000 / n * np.sin(2 * np.pi * 140 * n * t / RATE) for n in range(1, 40))
        + rng.normal(0, 10, frames),
        "square": np.where(t // 20 % 2, 32767.0, -32768.0),
        "click": np.where(t == frames // 2, 20000.0, 0.0),
        "lowest": np.full(frames, -32768.0),
        "silence": np.zeros(frames),
    }[kind]
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


KINDS = ("noise", "faint noise", "chirp", "vowel", "square", "click", "lowest", "silence")


def exact(x: np.ndarray, mel: Mel) -> np.ndarray:
    """The same in doubles: (bands,) or (coefficients,)."""
    n = len(x)
    window = np.sin(np.pi * np.arange(n) / n) ** 2 if mel.hann else np.ones(n)
    size = np.abs(np.fft.rfft(x * window, mel.points)) ** (2 if mel.power else 1)
    log = np.log(size @ exact_weights(mel) + mel.floor)
    if not mel.coefficients:
        return log
    angle = np.arange(mel.coefficients)[:, None] * (2 * np.arange(mel.bands) + 1)
    return np.sqrt(2 / mel.bands) * np.cos(np.pi * angle / (2 * mel.bands)) @ log


def exact_weights(mel: Mel) -> np.ndarray:
    """(points / 2 + 1, bands) triangles between edges that are evenly spaced in mel."""
    to_mel = lambda hz: 1127 * np.log1p(np.asarray(hz) / 700)       # noqa: E731
    edges = np.linspace(to_mel(mel.low_hz), to_mel(mel.high_hz), mel.bands + 2)
    bins = to_mel(np.arange(mel.points // 2 + 1) * mel.rate_hz / mel.points)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights = np.maximum(0, np.minimum(rise, fall))
    weights[0] = 0
    return weights


def computed(x: np.ndarray, mel: Mel) -> np.ndarray:
    program = FeatureProgram(1, len(x), len(x), (mel,))
    return program.floats(core_build.features(program.to_bytes(), x[:, None]))


PLANS = {
    "mfcc": Mel(coefficients=10),
    "mel": Mel(),
    "power": Mel(power=True, floor=1e-6 * 32768**2),
    "whole band": Mel(bands=64, low_hz=0, high_hz=8000),
    "256 points": Mel(points=256, bands=20, low_hz=100, high_hz=8000),
    "1024 points": Mel(points=1024, bands=40, coefficients=40),
    "no window": Mel(hann=False, bands=1, low_hz=300, high_hz=3400),
    "8 kHz": Mel(rate_hz=8000, points=256, bands=24, coefficients=13, low_hz=80, high_hz=4000),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plan", PLANS)
def test_follows_the_exact_one(plan: str, kind: str) -> None:
    """Each bin has a noise of the transform, 87 dB below the signal; the rest is rounding."""
    mel = PLANS[plan]
    for frames in (mel.points - 32, mel.points):
        x = sound(kind, frames)
        error = np.abs(computed(x, mel) - exact(x, mel))
        limit = bound(x, dataclasses.replace(mel, coefficients=0))
        if mel.coefficients:
            limit = np.sqrt(2 / mel.bands) * limit.sum() + mel.bands * LOG
        assert (error <= limit).all(), f"{(error / limit).max():.3f}"


def bound(x: np.ndarray, mel: Mel) -> np.ndarray:
    """(bands,) what a band's logarithm may be off."""
    window = np.sin(np.pi * np.arange(len(x)) / len(x)) ** 2 if mel.hann else 1
    noise = np.linalg.norm(x * window) * np.sqrt(mel.points / 2) * 4e-5
    bins, energy = exact_weights(mel).sum(axis=0), np.exp(exact(x, mel))
    both = 2 * noise * np.sqrt(bins * energy)
    off = noise**2 * bins + both if mel.power else noise * bins
    return 3 * LOG + 2e-4 * (2 if mel.power else 1) + off / energy


def test_weights_are_the_exact_triangles() -> None:
    for mel in PLANS.values():
        assert np.abs(mel.weights() - exact_weights(mel)).max() <= 1 / 65536


@pytest.mark.parametrize("level", [1, 3, 100, 9000, 32767])
def test_louder_is_an_offset(level: int) -> None:
    """The transform has the same room at all levels: k times louder is log(k) more, but for its
    noise."""
    x = np.where(np.arange(480) % 37 == 0, level, 0).astype(np.int16)
    quiet = Mel(floor=0)
    steps = np.round((computed(x, quiet) - computed(np.sign(x), quiet) - np.log(level)) / LOG)
    assert np.abs(steps).max() <= 8


def test_channels_go_one_after_another() -> None:
    x = np.stack([sound("vowel", 200), sound("noise", 200)], axis=1)
    mel = Mel(points=256, bands=12, coefficients=5)
    both = core_build.features(FeatureProgram(2, 200, 200, (mel,)).to_bytes(), x)
    for c in range(2):
        alone = core_build.features(FeatureProgram(1, 200, 200, (mel,)).to_bytes(), x[:, c : c + 1])
        np.testing.assert_array_equal(both[5 * c : 5 * c + 5], alone)


def test_shortest_windows() -> None:
    """One sample is where Hann's window is 0: silence."""
    mel = Mel(points=256, bands=8)
    silent = computed(np.zeros(256, np.int16), mel)
    np.testing.assert_array_equal(computed(np.array([30000], np.int16), mel), silent)
    assert np.abs(silent - np.log(mel.floor)).max() < 2 * LOG
    x = np.array([500, -700, 900], np.int16)
    assert np.abs(computed(x, mel) - exact(x, mel)).max() < 1e-3


# ---- what is refused ----

Q = files.IDENTITY
# points flags floor floor_bits first bands coefficients, then counts and weights
GOOD = [256, 1, 1000, 20, 1, 2, 0, 3 | 4 << 8 | 2 << 16, *[0x4000_8000] * 5]

BOUNDARIES = [
    # place in GOOD, value, frames, values, taken
    (0, 256, 200, 2, True), (0, 128, 100, 2, False), (0, 512, 200, 2, True),
    (0, 1024, 200, 2, True), (0, 2048, 200, 2, False), (0, 300, 200, 2, False),
    (0, 256, 256, 2, True), (0, 256, 257, 2, False),
    (1, 3, 200, 2, True), (1, 4, 200, 2, False), (1, -1, 200, 2, False),
    (2, 0, 200, 2, True), (2, -1, 200, 2, False), (2, 2**31 - 1, 200, 2, True),
    (3, 13, 200, 2, False), (3, 14, 200, 2, True), (3, 63, 200, 2, True), (3, 64, 200, 2, False),
    (4, 0, 200, 2, True), (4, -1, 200, 2, False), (4, 120, 200, 2, True), (4, 121, 200, 2, False),
    (4, 2**31 - 1, 200, 2, False),
    (5, 0, 200, 0, False), (5, 3, 200, 3, True), (5, 4, 200, 4, False), (5, 65, 200, 65, False), (5, -1, 200, 2, False),
    (6, 1, 200, 1, True), (6, 2, 200, 2, True), (6, 3, 200, 3, False), (6, -1, 200, 2, False),
    (7, 3 | 4 << 8 | 3 << 16, 200, 2, True), (7, 3 | 5 << 8 | 3 << 16, 200, 2, False),
    (7, 0, 200, 2, False), (7, 0x00FF_FFFF, 200, 2, False),
    (7, 3 | 4 << 8 | 2 << 16 | 0x7F00_0000, 200, 2, True),          # behind the last count
]  # fmt: skip


@pytest.mark.parametrize("row", BOUNDARIES)
def test_boundaries_of_parameters(row: tuple[int, int, int, int, bool]) -> None:
    place, value, frames, outputs, taken = row
    params = [*GOOD]
    params[place] = value
    points = value if place == 0 else 256
    section = files.feat(1, frames, frames, [(files.MEL, [*params, *Q])], outputs,
                         (frames * 2 + 3) // 4 * 4 + 4 * points)  # fmt: skip
    code, _ = core_build.features_info(section)
    assert code == (0 if taken else core_build.errors()["TS_ERR_FEATURES"])


@pytest.mark.parametrize("words", range(len(GOOD) + len(Q)))
def test_no_record_is_cut(words: int) -> None:
    cut = [*GOOD, *Q][:words]
    code, _ = core_build.features_info(files.feat(1, 200, 200, [(files.MEL, cut)], 2, 400 + 1024))
    assert code == core_build.errors()["TS_ERR_FEATURES"]


# ---- the transform ----


def plain_fft(x: np.ndarray) -> np.ndarray:
    """ts_fft_s32 as its first page would have it: radix 2, every twiddle product rounded once."""
    n = len(x)
    table = np.round(np.sin(2 * np.pi * np.arange(n) / n) * 32768).astype(np.int64)
    sin = lambda k: table[k % n]                                    # noqa: E731
    cos = lambda k: table[(k + n // 4) % n]                         # noqa: E731
    turn = lambda a, c, b, s: (a * c + b * s + (1 << 14)) >> 15     # noqa: E731
    m = n // 2
    order = np.array([int(f"{i:0{m.bit_length() - 1}b}"[::-1], 2) for i in range(m)])
    re, im = x[0::2].astype(np.int64)[order], x[1::2].astype(np.int64)[order]
    half = 1
    while half < m:
        k = np.arange(half)
        c, s = cos(k * (n // (2 * half))), sin(k * (n // (2 * half)))
        re, im = re.reshape(-1, 2, half), im.reshape(-1, 2, half)
        t_re = turn(re[:, 1], c, im[:, 1], s)
        t_im = turn(im[:, 1], c, re[:, 1], -s)
        re = np.stack([re[:, 0] + t_re, re[:, 0] - t_re], axis=1).reshape(-1)
        im = np.stack([im[:, 0] + t_im, im[:, 0] - t_im], axis=1).reshape(-1)
        half *= 2
    out = np.zeros(n, np.int64)
    out[0], out[1] = 2 * (re[0] + im[0]), 2 * (re[0] - im[0])
    for k in range(1, m // 2 + 1):
        even_re, even_im = re[k] + re[m - k], im[k] - im[m - k]
        odd_re, odd_im = im[k] + im[m - k], re[m - k] - re[k]
        a, b = turn(odd_re, cos(k), odd_im, sin(k)), turn(odd_im, cos(k), odd_re, -sin(k))
        out[2 * k], out[2 * k + 1] = even_re + a, even_im + b
        out[2 * (m - k)], out[2 * (m - k) + 1] = even_re - a, b - even_im
    return out


@pytest.mark.parametrize("points", [32, 64, 128, 256, 512, 1024])
def test_fft_is_the_plain_one(points: int) -> None:
    rng, most = np.random.default_rng(points), (1 << 29) // points
    for x in (rng.integers(-most, most + 1, points), rng.choice([-most, most], points),
              np.full(points, most), np.full(points, -most), rng.integers(-9, 10, points)):  # fmt: skip
        made = np.ascontiguousarray(x, np.int32)
        core_build.library().ts_fft_s32(core_build.pointer(made), points)
        np.testing.assert_array_equal(made, plain_fft(x))


def test_root_table_is_what_its_generator_writes() -> None:
    made = subprocess.run([sys.executable, str(core_build.CORE / "root.py")], capture_output=True,
                          text=True, check=True).stdout  # fmt: skip
    assert made == (core_build.CORE / "root.h").read_text()
