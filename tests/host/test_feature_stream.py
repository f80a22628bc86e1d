"""Features of a stream: rows of one window after another, gathered into inputs."""

from __future__ import annotations

import numpy as np
import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.features import FeatureProgram, Rows, Spectrum, Stats
from tinysense_host.hostcore import FeatureStream, run_features

pytest.importorskip("_tinysense", reason="the extension is not built: make setup")

BANDS = Spectrum(32, (0, 2, 5, 9, 17))


def program(rows: int, stride: int, hop: int = 16) -> FeatureProgram:
    return FeatureProgram(2, 32, hop, (BANDS, Rows(rows, stride)), gain=(1 / 60,))


def noise(frames: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3000, 3000, (frames, 2)).astype(np.int16)


def each_window(frames: np.ndarray, hop: int) -> np.ndarray:
    """int8 (windows, 8): the same blocks without Rows, every window by itself."""
    alone = FeatureProgram(2, 32, hop, (BANDS,), gain=(1 / 60,))
    starts = range(0, len(frames) - 31, hop)
    return run_features(alone.to_bytes(), np.stack([frames[at : at + 32] for at in starts]))


@pytest.mark.parametrize(("rows", "stride"), [(1, 1), (5, 1), (5, 2), (4, 4), (3, 3), (7, 6)])
@pytest.mark.parametrize("hop", [32, 16, 5])
def test_inputs_are_the_newest_rows(rows: int, stride: int, hop: int) -> None:
    frames = noise(700)
    single = each_window(frames, hop)
    stream = FeatureStream(program(rows, stride, hop).to_bytes())
    got = stream.inputs(frames)
    ends = range(rows, len(single) + 1, stride)
    assert np.array_equal(got, np.stack([single[end - rows : end].reshape(-1) for end in ends]))


@pytest.mark.parametrize("piece", [1, 7, 31, 100])
def test_a_stream_may_come_in_pieces(piece: int) -> None:
    frames, feat = noise(400), program(5, 2).to_bytes()
    whole, stream = FeatureStream(feat).inputs(frames), FeatureStream(feat)
    parts = [stream.inputs(frames[at : at + piece]) for at in range(0, len(frames), piece)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_reset_begins_anew() -> None:
    frames, stream = noise(300), FeatureStream(program(6, 2).to_bytes())
    first = stream.inputs(frames)
    stream.inputs(noise(77, seed=9))
    stream.reset()
    assert np.array_equal(stream.inputs(frames), first)


def test_values_are_those_of_single_rows() -> None:
    frames, built = noise(200), program(5, 2)
    stream = FeatureStream(built.to_bytes())
    assert stream.values(frames).shape == (1 + (200 - 32) // 16, built.row_outputs)
    assert np.array_equal(np.rint(built.floats(stream.values(frames[:0]))), np.zeros((0, 8)))


def test_new_rows_of_golden_vectors() -> None:
    built = program(5, 3)
    vectors = noise(4 * built.golden_frames).reshape(4, built.golden_frames, 2)
    got = run_features(built.to_bytes(), vectors)
    assert got.shape == (4, 3 * 8)
    for vector, rows in zip(vectors, got, strict=True):
        assert np.array_equal(rows, each_window(vector, 16).reshape(-1))
    with pytest.raises(TinysenseError, match="take 64 frames for a new input, got 63"):
        run_features(built.to_bytes(), vectors[:, :63])


@pytest.mark.parametrize(("blocks", "message"), [
    ((BANDS, Rows(0, 1)), "keeps 0: expected 1..1024"),
    ((BANDS, Rows(1025, 1)), "keeps 1025"),
    ((BANDS, Rows(4, 5)), "stride 5: expected 1..4"),
    ((Rows(4, 1), BANDS), "stands last"),
    ((BANDS, Rows(4, 1), Rows(4, 1)), "stands last, and once"),
    ((Rows(4, 1),), "emit nothing"),
])  # fmt: skip
def test_rows_that_cannot_be(blocks: tuple, message: str) -> None:
    with pytest.raises(TinysenseError, match=message):
        FeatureProgram(2, 32, 16, blocks)


def test_statistics_of_a_wide_window_in_rows() -> None:
    built = FeatureProgram(1, 100, 50, (Stats(("mean",)), Rows(9, 9)))
    frames = np.arange(1000, dtype=np.int16)
    values = FeatureStream(built.to_bytes()).values(frames)
    assert np.array_equal(values[:, 0], 256 * np.arange(0, 950, 50) + 256 * 99 // 2)
