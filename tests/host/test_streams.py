"""Clips joined to streams, and a model over them: the scores and events of a board."""

import itertools

import numpy as np
import pytest
import tiny_hearing
from tiny_hearing import RATE, tone

import tinysense
from tinysense import decision
from tinysense_host.errors import TinysenseError
from tinysense_host.speech import streams
from tinysense_host.speech.evaluating import OTHER, alone, clip_scores, confusion_of, score_of
from tinysense_host.speech.material import label_of, material, negative_streams
from tinysense_host.speech.streams import Clip, Stream, Track, Word, first_score_s, joined, listen
from tinysense_host.speech.tradeoff import Evidence, Setting
from tinysense_host.speech.tuning import evidence_of, setting_of

pytest.importorskip("_tinysense", reason="the extension is not built: make setup")

LOW, HIGH = 1, 2


def model(**how):
    return streams.load(tiny_hearing.build(**how))


def words(count=6):
    return [Clip(tone((500, 2000)[i % 2], level=4000 + 500 * i, seed=i), (LOW, HIGH)[i % 2], True,
                 f"clip{i}") for i in range(count)]  # fmt: skip


# ---- the model over a stream ----


class Played:
    """A driver that gives samples as a microphone does, in blocks of a size of its own."""

    channels, rate_mhz, units, full_scale = 1, RATE * 1000, "pcm", 32768
    dropped = errors = 0

    def __init__(self, frames, block):
        self._bytes, self._at, self._block = frames.astype("<i2").tobytes(), 0, 2 * block
        self.done = False

    def read_into(self, buf):
        size = min(len(buf), self._block, len(self._bytes) - self._at)
        buf[:size] = self._bytes[self._at : self._at + size]
        self._at += size
        self.done = size == 0
        return size // 2


class Kept:
    """An output that keeps what a pipeline scored and decided."""

    def __init__(self):
        self.scores, self.events = [], []

    def window(self, model, frames):
        self.scores.append(bytes(model.scores))

    def emit(self, event):
        self.events.append(event.copy())


@pytest.mark.parametrize(("warmup", "smooth", "block"), [(0, 1, 160), (5, 3, 97), (2, 12, 4000)])
def test_scores_and_events_are_those_of_a_pipeline(warmup, smooth, block):
    rule = tiny_hearing.DECISION | {"smooth": smooth, "threshold": [256, 120, 120]}
    tsm = tiny_hearing.build(warmup=warmup, decision=rule)
    (stream,) = joined(words(), RATE)
    kept = Kept()
    pipeline = tinysense.Pipeline(Played(stream.frames, block), tinysense.load(tsm), [kept])
    pipeline.run()
    heard = streams.load(tsm)
    track = listen(heard, stream)
    assert track.scores.tobytes() == b"".join(kept.scores)
    events = streams.events_of(track, decision.for_model(heard))
    assert len(events) >= 5
    assert [(heard.labels[e.label], e.score, e.end * 1000 // RATE) for e in events] == [
        (e.label, e.score, e.time) for e in kept.events]  # fmt: skip


def test_first_scores_come_when_all_has_been_seen():
    for warmup in (0, 1, 7):
        made = model(warmup=warmup)
        first = round(first_score_s(made) * RATE)
        assert first == 512 + (9 + 2 * warmup) * 320
        silence = np.zeros((first + 3 * 640, 1), np.int16)
        assert listen(made, Stream(silence)).ends.tolist() == [first + 640 * i for i in range(4)]
        assert len(listen(made, Stream(silence[: first - 1])).ends) == 0


def test_every_stream_begins_with_a_reset():
    made = model()
    (stream,) = joined(words(3), RATE)
    first = listen(made, stream)
    listen(made, Stream(stream.frames[: RATE + 77]))
    assert np.array_equal(listen(made, stream).scores, first.scores)


def test_progress_ends_with_all_frames():
    told = []
    (stream,) = joined(words(), RATE)
    listen(model(), stream, told.append)
    assert told == sorted(told) and told[-1] == len(stream.frames) and len(told) > 1


def test_what_cannot_hear_is_refused():
    with pytest.raises(TinysenseError, match="1 channels"):
        listen(model(), Stream(np.zeros((9000, 2), np.int16), name="x"))
    with pytest.raises(TinysenseError):
        streams.load(tiny_hearing.build()[:-3])
    import tiny

    with pytest.raises(TinysenseError, match="takes tensors, not sound.*--features"):
        streams.load(tiny.build(features=False))


# ---- clips joined ----


def test_words_lie_where_they_are_said_to():
    clips = words()
    (stream,) = joined(clips, RATE, lead_s=0.5, pause_s=0.25)
    assert stream.frames.dtype == np.int16 and stream.negative == 0
    assert len(stream.frames) == RATE // 2 + len(clips) * (RATE + RATE // 4)
    assert [w.label for w in stream.words] == [c.label for c in clips]
    assert stream.clips == stream.words
    edge = RATE // 100
    for word, clip in zip(stream.words, clips, strict=True):
        inside = stream.frames[word.start + edge : word.end - edge]
        assert np.array_equal(inside, clip.frames[edge:-edge])
    starts = [w.start for w in stream.words]
    assert starts == [RATE // 2 + i * (RATE + RATE // 4) for i in range(len(clips))]


def test_same_seed_same_stream():
    one, two, other = (next(joined(words(), RATE, seed=s)) for s in (1, 1, 2))
    assert np.array_equal(one.frames, two.frames)
    assert not np.array_equal(one.frames, other.frames)


def test_pauses_sound_like_the_quietest_part_of_the_clip():
    """A hum of 50 counts at 1 kHz under the words goes on between them, and nothing clicks."""
    t = np.arange(RATE) / RATE
    hum = 50 * np.sin(2 * np.pi * 1000 * t)[:, None]
    clips = [Clip(np.rint(tone(500, seed=i) + hum).astype(np.int16), LOW, True) for i in range(3)]
    (stream,) = joined(clips, RATE, lead_s=1.0, pause_s=1.0)
    for start in (0, 2 * RATE, 4 * RATE):
        pause = stream.frames[start : start + RATE, 0].astype(float)
        power = np.abs(np.fft.rfft(pause)) ** 2
        assert 25 < pause.std() < 50
        assert power[900:1100].sum() > 0.8 * power.sum()
    jumps = np.abs(np.diff(stream.frames[:, 0].astype(int)))
    assert jumps.max() <= 8000 * 2 * np.pi * 500 / RATE * 1.2 + 100


@pytest.mark.parametrize("length", [1, 2, 3, 100, 319, 320, 321])
def test_short_and_silent_clips_can_be_joined(length):
    rng = np.random.default_rng(length)
    clips = [Clip(np.zeros((length, 1), np.int16), LOW, True),
             Clip(rng.integers(-32768, 32767, (length, 1)).astype(np.int16), HIGH, True)]
    (stream,) = joined(clips, RATE, lead_s=0.01, pause_s=0.01)
    assert len(stream.frames) == 160 + 2 * (length + 160)
    assert [w.end - w.start for w in stream.words] == [length, length]


def test_long_material_becomes_several_streams():
    found = list(joined(words(7), RATE, stream_s=4.0, pause_s=1.0))
    assert [len(s.words) for s in found] == [2, 2, 2, 1]
    assert [w.label for s in found for w in s.words] == [c.label for c in words(7)]


def test_words_and_negatives_are_joined_apart():
    with pytest.raises(ValueError, match="apart"):
        list(joined([*words(1), Clip(tone(50), -1, False)], RATE))


def test_only_what_was_recorded_counts_as_negative():
    clips = [Clip(tiny_hearing.noise(s), -1, False, str(s)) for s in (1, 2, 11, 1, 30)]
    found = list(negative_streams(clips, RATE, 0.5))
    assert all(not s.words for s in found)
    long = [s for s in found if s.name in ("11", "30")]
    assert [s.negative for s in long] == [round(10.5 * RATE), round(29.5 * RATE)]
    (short,) = (s for s in found if s not in long)
    assert short.negative == 4 * RATE and len(short.frames) > 4 * RATE


# ---- material ----


@pytest.mark.parametrize(
    ("folder", "label"), [("low", 1), ("_quiet_", 0), ("quiet", 0), ("_low_", 1), ("Low", 1),
                          ("okay_nabu", 2), ("Okay Nabu", 2), ("okay-nabu", 2), ("LOW", 3),
                          ("okaynabu", -1), ("", -1), ("_", -1), ("_background_noise_", -1)]
)  # fmt: skip
def test_folders_are_labels(folder, label):
    assert label_of(folder, ("quiet", "low", "Okay Nabu", "LOW")) == label


@pytest.fixture
def folder(tmp_path):
    """Clips of two words, of quiet and of a word that is no label; and half a minute of noise."""
    soundfile = pytest.importorskip("soundfile", reason="pip install 'tinysense[sound]'")
    for name, hz in (("low", 500), ("high", 2000), ("_quiet_", 0), ("middle", 1100)):
        (tmp_path / "clips" / name).mkdir(parents=True)
        for i in range(6):
            path = tmp_path / "clips" / name / f"s{i}_nohash_0.wav"
            soundfile.write(path, tone(hz, level=6000 * (hz > 0), seed=i), RATE)
    soundfile.write(tmp_path / "noise.flac", tiny_hearing.noise(30), RATE)
    (tmp_path / "model.tsm").write_bytes(tiny_hearing.build())
    return tmp_path


def heard(folder, **how):
    tsm = tiny_hearing.build(**how)
    made = streams.load(tsm)
    found = material(made, tsm, [folder / "clips"], [folder / "noise.flac"])
    return made, found, [listen(made, s) for s in found.all_streams(made)]


def test_material_is_words_and_negatives(folder):
    made, found, tracks = heard(folder)
    assert [(n, c) for _, n, c in found.folders] == [
        (6, "negative"), (6, "high"), (6, "low"), (6, "negative"), (1, "negative")]  # fmt: skip
    evidence = evidence_of(made, tracks)
    assert evidence.words.tolist() == [0, 6, 6]
    first_s = first_score_s(made)
    assert evidence.hours * 3600 == pytest.approx(12 + 30 - first_s)
    assert found.has_words and len(list(found.clips(RATE))) == 24
    score = score_of(evidence, setting_of(made), first_s, "x")
    assert score.gestures == score.detected == 12 and score.missed == 0
    assert (score.false_events, score.total, score.right) == (0, 24, 24)


def test_a_model_without_background_has_others(folder):
    made, found, tracks = heard(folder, labels=("low",), decision={"threshold": [150]})
    score = score_of(evidence_of(made, tracks), setting_of(made), first_score_s(made))
    assert score.labels == ("low", OTHER) and score.background == (OTHER,)
    single = confusion_of(evidence_of(made, alone(made, found.clips(RATE))), setting_of(made),
                          first_score_s(made))  # fmt: skip
    for confusion in (score.confusion, single):
        assert confusion[0].sum() == 6 and confusion[1].sum() == 18


def test_alone_begins_every_clip_with_a_reset(folder):
    made, found, _ = heard(folder)
    clips = list(found.clips(RATE))
    tracks = alone(made, clips)
    for clip, track in itertools.islice(zip(clips, tracks, strict=True), 5):
        alike = listen(made, Stream(clip.frames))
        assert np.array_equal(track.scores[: len(alike.ends)], alike.scores)
    short = Clip(tone(500, seconds=0.05), LOW, True)
    (track,) = alone(made, [short])
    assert clip_scores(track, track.clips[0], 1e9, [0]) is not None


def test_clips_are_judged_when_they_have_been_heard():
    scores = np.array([[9, 1, 1], [1, 8, 1], [1, 1, 7], [5, 1, 6], [9, 1, 1]], np.uint8)
    track = Track(scores, np.array([100, 200, 300, 400, 500]))

    def judged(start, end, seen):
        found = clip_scores(track, Word(0, start, end), seen, [0])
        return None if found is None else found.tolist()

    assert judged(50, 250, 200) == [1, 1, 7]        # the first scores after its end
    assert judged(50, 300, 250) == [1, 1, 7]        # or with it
    assert judged(50, 301, 250) == [5, 1, 6]
    assert judged(50, 450, 100) == [1, 8, 1]        # longer: where a word is highest
    assert judged(250, 450, 100) == [1, 1, 7]
    assert judged(450, 900, 1000) == [9, 1, 1]      # ends after the last scores
    assert judged(500, 900, 1000) is None


def test_clips_that_are_no_label_are_left_out_where_there_is_a_choice():
    """With two background labels nobody can say which one is right."""
    track = Track(np.array([[200, 10, 10]], np.uint8), np.array([100]), (), 100, "",
                  (Word(-1, 0, 100), Word(1, 0, 100)))  # fmt: skip
    setting = Setting(1, (128,) * 3, 0)
    for background, total in ((("a", "b"), 1), (("a",), 2), ((), 2)):
        evidence = Evidence(("a", "b", "c"), background, 1000, 16000000, (track,))
        assert confusion_of(evidence, setting, 1.0).sum() == total


@pytest.mark.parametrize(
    ("data", "negatives", "said"),
    [(["none"], [], "no recordings at"), (["empty"], [], "holds no folders of clips"),
     (["clips"], ["empty"], "holds no sound files"), (["model.tsm"], [], "holds no folders"),
     (["clips"], ["none"], "no recordings at")],
)  # fmt: skip
def test_paths_without_sound_are_named(folder, data, negatives, said):
    (folder / "empty").mkdir()
    tsm = tiny_hearing.build()
    with pytest.raises(TinysenseError, match=said):
        material(streams.load(tsm), tsm, [folder / p for p in data],
                 [folder / p for p in negatives])  # fmt: skip


def test_datasets_of_sound_are_joined(folder):
    from tinysense_host.dataset import Dataset
    from tinysense_host.importers import Facts, import_into

    dataset = Dataset(folder / "set")
    import_into(dataset, [folder / "clips"], Facts())
    tsm = tiny_hearing.build()
    made = streams.load(tsm)
    found = material(made, tsm, [folder / "set"], [])
    evidence = evidence_of(made, [listen(made, s) for s in found.all_streams(made)])
    assert evidence.words.tolist() == [0, 6, 6] and found.has_words
    assert evidence.hours * 3600 == pytest.approx(12)
    assert score_of(evidence, setting_of(made), first_score_s(made)).right == 24
