"""The sweep over thresholds equals the device's Decision, and the choice is the best there is."""

import itertools

import numpy as np
import pytest
import tiny_hearing

from tinysense import decision
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile
from tinysense_host.speech.streams import Track, Word, events_of, load
from tinysense_host.speech.tradeoff import Evidence, Frontier, Setting, Smoothed, poisson_bound
from tinysense_host.speech.tuning import (
    evidence_of,
    setting_of,
    smooths_of,
    tune,
    tuned_file,
    verdict,
)

LABELS = ("rest", "yes", "no")
HOP_US = 20000
RATE_MHZ = 16000000
STEP = 320


def wandering(rng, rows, labels):
    """Scores that stay near where they were, with peaks, as a network's do."""
    steps = rng.normal(0, 25, (rows, labels)).cumsum(0)
    return (np.abs((steps + 255) % 510 - 255)).astype(np.uint8)


def track(rng, rows, labels, words=(), steps=1):
    """``steps``: of the scores; large ones make many equal."""
    ends = 512 + STEP * np.arange(rows)
    scores = wandering(rng, rows, labels) // steps * steps
    return Track(scores, ends, tuple(words), 0 if words else STEP * rows)


def random_words(rng, rows, labels, count):
    starts = np.sort(rng.choice(rows - 10, count, replace=False)) * STEP + 512
    return [Word(int(rng.integers(1, labels)), int(s), int(s) + 6 * STEP) for s in starts]


def evidence(seed, labels=LABELS, background=("rest",)):
    rng = np.random.default_rng(seed)
    n = len(labels)
    tracks = [track(rng, 400, n, random_words(rng, 400, n, 9) if n > 1 else
                    [Word(0, 9000, 12000), Word(0, 40000, 50000)]),
              track(rng, 700, n), track(rng, 3, n), track(rng, 0, n),
              track(rng, 300, n, steps=64)]  # fmt: skip
    return Evidence(labels, background, HOP_US, RATE_MHZ, tuple(tracks), 0.1)


def as_decided(found, setting):
    made = [decision.Decision(found.labels, setting.smooth, list(setting.threshold),
                              found.background, setting.refractory_ms, found.hop_us)
            for _ in found.tracks]  # fmt: skip
    return [events_of(t, d) for t, d in zip(found.tracks, made, strict=True)]


@pytest.mark.parametrize("smooth", [1, 2, 3, 7, 20, 255])
@pytest.mark.parametrize(
    ("labels", "background"),
    [(LABELS, ("rest",)), (LABELS, ()), (("yes",), ()), (("a", "b", "c", "d", "e"), ("c", "a"))],
)
def test_events_are_those_of_the_device(smooth, labels, background):
    rng = np.random.default_rng(smooth)
    found = evidence(smooth + len(labels), labels, background)
    view, heard = Smoothed(found, smooth), 0
    for refractory_ms in (0, 19, 20, 21, 100, 1000, 100000):
        threshold = tuple(int(t) for t in rng.integers(0, 257, len(labels)))
        setting = Setting(smooth, threshold, refractory_ms)
        assert view.events(setting) == as_decided(found, setting)
        loose = Setting(smooth, (0,) * len(labels), refractory_ms)
        assert view.events(loose) == as_decided(found, loose)
        heard += sum(map(len, view.events(loose)))
    assert heard > 0


def counted(found, setting):
    """Counts in plain Python, from the device's events."""
    n = len(found.labels)
    words, detected, repeats, wrong, false = (np.zeros(n, int) for _ in range(5))
    for one, events in zip(found.tracks, as_decided(found, setting), strict=True):
        done = set()
        for word in one.words:
            words[word.label] += 1
        for event in events:
            begun = [i for i, w in enumerate(one.words) if w.start <= event.end]
            within = begun and event.end <= one.words[begun[-1]].end + found.tolerance
            if not one.words:
                false[event.label] += 1
            elif not within or one.words[begun[-1]].label != event.label:
                wrong[event.label] += 1
            elif begun[-1] in done:
                repeats[event.label] += 1
            else:
                detected[event.label] += 1
                done.add(begun[-1])
    return words, detected, repeats, wrong, false


@pytest.mark.parametrize("seed", range(6))
def test_counts_are_those_of_the_events(seed):
    rng = np.random.default_rng(seed)
    labels = LABELS if seed % 2 else ("yes",)
    found = evidence(seed, labels, ("rest",) if seed % 2 else ())
    total = 0
    for _ in range(5):
        setting = Setting(int(rng.integers(1, 6)), tuple(rng.integers(60, 220, len(labels)).tolist()),
                          int(rng.choice([0, 60, 200])))  # fmt: skip
        got = Smoothed(found, setting.smooth).count(setting)
        names = ("words", "detected", "repeats", "wrong", "false")
        for name, wanted in zip(names, counted(found, setting), strict=True):
            assert np.array_equal(getattr(got, name), wanted), name
            total += wanted.sum()
        assert np.array_equal(got.rejects, got.words - got.detected)
    assert total > 0


def test_together_labels_have_no_more_false_accepts_than_alone():
    for seed in range(8):
        found = evidence(seed, background=())
        view = Smoothed(found, 2)
        for threshold in (80, 140, 200):
            for refractory_ms in (0, 100, 400):
                setting = Setting(2, (threshold,) * 3, refractory_ms)
                wait = found.wait(refractory_ms)
                together = view.count(setting).false
                alone = [view.alone(i, threshold, wait).false[i] for i in range(3)]
                assert (together <= alone).all()


def peaks(seed, words=14, noises=10):
    """Two words whose peaks are as high as those of noises: every false accept detects more."""
    rng = np.random.default_rng(seed)
    tracks = []
    for count, is_word in ((words, True), (noises, False)):
        scores, said = np.full((100 * count, 3), 5, np.uint8), []
        for i in range(count):
            label, at = 1 + int(rng.integers(2)), 100 * i + 40
            scores[at : at + 4, label] = rng.integers(40, 250)
            said.append(Word(label, 512 + STEP * (at - 5), 512 + STEP * (at + 5)))
        tracks.append(Track(scores, 512 + STEP * np.arange(len(scores)),
                            tuple(said) if is_word else (), STEP * len(scores)))  # fmt: skip
    return Evidence(LABELS, ("rest",), HOP_US, RATE_MHZ, tuple(tracks), 0.1)


@pytest.mark.parametrize("seed", range(4))
def test_frontier_is_the_best_of_all_thresholds(seed):
    """Against trying every pair of thresholds, up to as many false accepts as are looked at."""
    found, most = peaks(seed), 7
    view = Smoothed(found, 1)
    made = Frontier(view, 200, most)
    sweep = {i: [view.alone(i, t, found.wait(200)) for t in range(257)] for i in (1, 2)}

    def errors(counts, i):
        return int(counts.rejects[i] + counts.repeats[i] + counts.wrong[i])

    pairs = [(int(a.false[1] + b.false[2]), errors(a, 1) + errors(b, 2))
             for a, b in itertools.product(sweep[1], sweep[2])]  # fmt: skip
    fewest = [min(e for f, e in pairs if f <= false) for false in range(most + 1)]
    assert len(set(fewest)) >= 4
    for false in range(most + 1):
        point = made.at(false)
        assert point.counts.false.sum() <= false
        assert point.counts.errors == fewest[false]
    assert [made.at(step).counts.errors for step in made.steps()] == sorted(
        set(fewest), reverse=True)  # fmt: skip


def spoken(score_of_word, score_of_noise, words=10, quiet_rows=18000):
    """One word after another with a peak each; then negatives with a few peaks of their own."""
    rows = 100 * words
    scores = np.full((rows, 2), 10, np.uint8)
    said = []
    for i in range(words):
        at = 100 * i + 40
        scores[at : at + 12, 1] = score_of_word[i % len(score_of_word)]
        said.append(Word(1, 512 + STEP * (at - 10), 512 + STEP * (at + 10)))
    quiet = np.full((quiet_rows, 2), 10, np.uint8)
    for i, score in enumerate(score_of_noise):
        quiet[500 * i + 100 : 500 * i + 103, 1] = score
    tracks = [Track(s, 512 + STEP * np.arange(len(s)), w, n) for s, w, n in
              ((scores, tuple(said), 0), (quiet, (), STEP * quiet_rows))]  # fmt: skip
    return Evidence(("rest", "yes"), ("rest",), HOP_US, RATE_MHZ, tuple(tracks))


NOW = Setting(1, (256, 128), 1000)


def test_words_and_noise_far_apart_get_a_threshold_between():
    found = spoken([240], [100, 120])
    tuned = tune(found, NOW, 10.0, smooths=[1])
    assert tuned.best.counts.errors == 0 and tuned.best.counts.false.sum() == 0
    assert 121 <= tuned.best.setting.threshold[1] <= 240
    assert tuned.best.margin >= 58 and not tuned.mute and tuned.nearest is None


def test_averaging_is_chosen_where_it_helps():
    """Words are twelve inferences long, noise three: as loud as it is, an average tells them."""
    found = spoken([200], [255, 255, 255])
    assert tune(found, NOW, 1.0, smooths=[1]).mute == ("yes",)
    tuned = tune(found, NOW, 1.0)
    assert tuned.best.setting.smooth > 1 and tuned.best.counts.errors == 0
    assert tuned.best.counts.false.sum() == 0


def test_budget_is_kept_and_used():
    """Six minutes hold a tenth of the budget per hour."""
    noises = [90, 110, 130, 150, 170, 190]
    found = spoken([100, 120, 140, 160, 180, 200], noises, words=12)
    assert found.hours == pytest.approx(0.1)
    errors = []
    for allowed in range(7):
        tuned = tune(found, NOW, allowed * 10.0, smooths=[1])
        assert tuned.allowed == allowed
        used = tuned.best.counts.false.sum()
        assert used == sum(n >= tuned.best.setting.threshold[1] for n in noises)
        assert used == min(allowed, 5)      # the sixth would detect no more
        errors.append(tuned.best.counts.errors)
    assert errors == [10, 8, 6, 4, 2, 0, 0]


def test_a_budget_that_cannot_be_met_names_the_nearest_point():
    found = spoken([150], [200, 210, 220])
    tuned = tune(found, NOW, 1.0, smooths=[1])
    assert tuned.mute == ("yes",)
    assert tuned.nearest is not None and tuned.nearest.counts.false.sum() == 3
    assert tuned.nearest.counts.errors == 0
    hopeless = spoken([5], [200])
    assert tune(hopeless, NOW, 1.0, smooths=[1]).nearest is None


def test_refractory_time_is_long_enough_for_one_event_a_word():
    found = spoken([240], [], words=6)
    short = Smoothed(found, 1).count(Setting(1, (256, 128), 60))
    assert short.repeats[1] == 18
    tuned = tune(found, NOW, 1.0, smooths=[1], refractories=[60, 100, 400])
    assert tuned.best.counts.errors == 0 and tuned.best.setting.refractory_ms == 400
    assert tuned.best.counts.repeats.sum() == 0


def test_a_label_without_words_keeps_its_threshold_or_goes_up():
    found = evidence(5)
    only_yes = tuple(Track(t.scores, t.ends, tuple(w for w in t.words if w.label == 1),
                           t.negative) for t in found.tracks)  # fmt: skip
    found = Evidence(LABELS, ("rest",), HOP_US, RATE_MHZ, only_yes[:2], 0.1)
    now = Setting(1, (256, 128, 190), 200)
    loose = tune(found, now, 1e6, smooths=[1], refractories=[200])
    assert loose.best.setting.threshold[2] == 190
    strict = tune(found, now, 0.0, smooths=[1], refractories=[200])
    assert strict.best.setting.threshold[2] > 190 and strict.best.counts.false.sum() == 0


def test_without_negatives_or_words_nothing_is_tuned():
    found = spoken([240], [100])
    only = Evidence(found.labels, found.background, HOP_US, RATE_MHZ, found.tracks[:1])
    with pytest.raises(TinysenseError, match="no negatives.*--negatives"):
        tune(only, NOW, 1.0)
    only = Evidence(found.labels, found.background, HOP_US, RATE_MHZ, found.tracks[1:])
    with pytest.raises(TinysenseError, match="expected yes"):
        tune(only, NOW, 1.0)


def test_averages_end_where_they_come_too_late():
    found = spoken([240], [100])
    assert max(smooths_of(found)) * HOP_US == 600000
    slow = Evidence(found.labels, found.background, 800000, RATE_MHZ, found.tracks)
    assert smooths_of(slow) == (1,)


@pytest.mark.parametrize(
    ("count", "bound"), [(0, 2.9957), (1, 4.7439), (2, 6.2958), (10, 16.9622), (100, 118.08)]
)
def test_poisson_bound(count, bound):
    """Half the quantiles of chi-square with 2 count + 2 degrees of freedom, from tables."""
    assert poisson_bound(count) == pytest.approx(bound, abs=0.005)


def test_verdict_says_what_the_hours_prove():
    said = verdict(0, 0.1, 0.5)
    assert "0 false accepts in 0.10 h" in said and "below 29.96" in said
    assert verdict(1, 10.0, 0.5).endswith("0.10 per hour, with 95 % confidence below 0.47")
    said = verdict(3, 2.0, 0.5)
    assert "to prove 0.5 takes 6.0 h" in said


# ---- into the file ----


@pytest.fixture(scope="module")
def hearing():
    pytest.importorskip("_tinysense", reason="the extension is not built: make setup")
    return tiny_hearing.build()


def test_only_the_decision_of_the_file_changes(hearing):
    model = load(hearing)
    rng = np.random.default_rng(1)
    found = evidence_of(model, [track(rng, 300, 3)])
    assert (found.hop_us, found.background) == (40000, ("quiet",))
    assert setting_of(model) == Setting(1, (256, 160, 160), 500)
    made = tuned_file(hearing, Setting(4, (7, 201, 99), 750), found)
    old, new = ModelFile.read(hearing), ModelFile.read(made)
    assert new.meta["decision"] == {"smooth": 4, "threshold": [256, 201, 99],
                                    "background": ["quiet"], "refractory_ms": 750}  # fmt: skip
    assert {k: v for k, v in new.meta.items() if k != "decision"} == {
        k: v for k, v in old.meta.items() if k != "decision"}  # fmt: skip
    old.meta = new.meta
    assert old.write() == made


def test_a_file_whose_events_differ_is_never_made(hearing, monkeypatch):
    model = load(hearing)
    rng = np.random.default_rng(1)
    found = evidence_of(model, [track(rng, 300, 3)])
    monkeypatch.setattr(Smoothed, "events", lambda self, setting: [[None]])
    with pytest.raises(AssertionError, match="differ"):
        tuned_file(hearing, Setting(1, (256, 100, 100), 0), found)
