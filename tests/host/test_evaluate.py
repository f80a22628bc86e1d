"""evaluate.py: windows to a confusion matrix, streams to events, by the device's own code."""

import numpy as np
import pytest

from tinysense_host.errors import TinysenseError
from tinysense_host.evaluate import (
    Score,
    choose_threshold,
    classify,
    evaluate,
    load_windows,
    save_windows,
    scores_of,
    streams_of,
)
from tinysense_host.modelfile import ModelFile
from tinysense_host.training.folds import Example, stacked

tinysense = pytest.importorskip("tinysense")


def example(frames, label=1, whole=None, start=0):
    return Example(frames, label, "ada", "r", start, whole)


def test_streams_put_rest_around_a_gesture():
    frames = np.arange(30, dtype=np.int16).reshape(10, 3)
    (stream,) = streams_of([example(frames)], 8)
    assert len(stream.frames) == 26 and not stream.long
    assert (stream.frames[:8] == frames[0]).all() and (stream.frames[-8:] == frames[-1]).all()


@pytest.mark.parametrize(
    ("tested", "frames"), [([0, 1, 2], 29), ([0, 1], 16), ([1, 2], 21), ([2], 13), ([0], 8)]
)
def test_long_background_is_streamed_once_and_only_where_tested(tested, frames):
    whole = np.arange(29 * 3, dtype=np.int16).reshape(29, 3)
    parts = [example(whole[8 * i : 8 * i + 8], 0, whole, 8 * i) for i in tested]
    (stream,) = streams_of(parts, 8)
    assert stream.long and len(stream.frames) == frames
    assert np.array_equal(stream.frames, whole[8 * tested[0] :][:frames])


@pytest.fixture(scope="module")
def shipped(root):
    path = root / "models/gesture/gesture.tsm"
    assert path.is_file(), "models/gesture has no trained model"
    return path.read_bytes()


@pytest.fixture(scope="module")
def some_windows(shipped):
    model = tinysense.load(shipped)
    rng = np.random.default_rng(1)
    return rng.integers(-8000, 8000, (5, model.window, 3)).astype(np.int16)


def test_classify_is_the_highest_score(shipped, some_windows):
    model = tinysense.load(shipped)
    expected = [bytes(model.run(np.ascontiguousarray(w))) for w in some_windows]
    assert classify(shipped, some_windows).tolist() == [s.index(max(s)) for s in expected]


def test_scores_come_once_per_hop_from_the_first_full_window(shipped, some_windows):
    model = tinysense.load(shipped)
    frames = np.concatenate(some_windows)
    scores = scores_of(model, frames)
    assert len(scores) == 1 + (len(frames) - model.window) // model.hop
    for number in (0, 1, len(scores) - 1):
        start = number * model.hop
        window = np.ascontiguousarray(frames[start : start + model.window])
        assert bytes(model.run(window)) == scores[number].tobytes()


def test_nothing_is_scored_before_a_window_is_full(shipped):
    model = tinysense.load(shipped)
    short = np.zeros((model.window - 1, 3), np.int16)
    assert scores_of(model, short).shape == (0, len(model.labels))


def test_rest_is_no_event(shipped):
    """A minute of a board that lies still, and the hours that it makes."""
    model = tinysense.load(shipped)
    count = 60 * 25
    whole = np.tile(np.array([[0, 0, 8192]], np.int16), (count, 1))
    starts = range(0, count - model.window + 1, model.window)
    parts = [Example(whole[s : s + model.window], 0, "", "still", s, whole) for s in starts]
    score = evaluate(shipped, parts, "still")
    assert score.false_events == 0 and score.hours == pytest.approx(1 / 60)
    assert score.confusion.sum() == len(parts) and score.gestures == 0


def test_threshold_needs_gestures_to_choose_by(shipped):
    still = np.tile(np.array([[0, 0, 8192]], np.int16), (300, 1))
    assert choose_threshold(shipped, [Example(still, 0, "", "still")], 205) == 205
    assert choose_threshold(shipped, [], 240) == 240


def test_threshold_is_the_middle_of_the_best(shipped, monkeypatch):
    """A gesture makes its one event between 200 and 220 only."""
    monkeypatch.setattr(
        "tinysense_host.evaluate.events_of",
        lambda model, scores, threshold: [1] if 200 <= threshold <= 220 else [],
    )
    gesture = Example(np.zeros((50, 3), np.int16), 1, "ada", "r")
    assert choose_threshold(shipped, [gesture], 0) == 210


def test_damaged_model_is_refused(shipped):
    with pytest.raises(TinysenseError):
        classify(shipped[:-10], np.zeros((1, 128, 3), np.int16))


def test_windows_are_kept_exactly(tmp_path):
    rng = np.random.default_rng(2)
    examples = [example(rng.integers(-9, 9, (n, 3)).astype(np.int16), n % 4) for n in (3, 8, 11)]
    assert save_windows(tmp_path / "w.npz", examples, 8) == 3
    windows, labels = load_windows(tmp_path / "w.npz")
    wanted = stacked(examples, 8)
    assert np.array_equal(windows, wanted[0]) and labels.tolist() == wanted[1].tolist()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"no"])
def test_no_windows_is_named(tmp_path, content):
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(TinysenseError, match="holds no test windows"):
        load_windows(tmp_path / "w.npz")


@pytest.mark.parametrize("shape", [(2, 8), (2, 8, 3)])
def test_windows_that_are_not_raw_samples_are_refused(tmp_path, shape):
    dtype = np.int16 if len(shape) == 2 else np.float32
    np.savez(tmp_path / "w.npz", windows=np.zeros(shape, dtype), labels=np.zeros(2, np.int64))
    with pytest.raises(TinysenseError, match=rf"windows are {np.dtype(dtype)} \(2, 8"):
        load_windows(tmp_path / "w.npz")


def score(confusion):
    return Score(
        "a", ("negative", "wing"), ("negative",), np.array(confusion), 1, 0.5, 0, 0, 3, 1, 205
    )


def test_score_counts():
    one = score([[5, 1], [2, 4]])
    assert (one.total, one.right, one.gestures) == (12, 9, 6)
    assert one.accuracy == pytest.approx(0.75)
    assert score([[0, 0], [0, 0]]).accuracy == 0.0


@pytest.mark.parametrize(("threshold", "least"), [(77, 77), ({"wing": 33}, 33), ([9, 8, 7, 6], 6)])
def test_threshold_is_read_as_the_board_reads_it(shipped, threshold, least):
    model = ModelFile.read(shipped)
    model.meta["decision"]["threshold"] = threshold
    frames = np.zeros((10, 3), np.int16)
    assert evaluate(model.write(), [example(frames)]).threshold == least
