"""Decision at its boundaries: threshold, smoothing, background, refractory time."""

from expect import raises
from tinysense.decision import Decision, Event, for_model, thresholds
from tinysense.errors import TinysenseError

LABELS = ("rest", "ring", "wing")


def decision(**options):
    options.setdefault("background", ("rest",))
    return Decision(LABELS, **options)


def events(d, rows):
    """Index and label of every event that rows of scores make."""
    out = []
    for i, row in enumerate(rows):
        event = d.push(bytes(row), i)
        if event:
            assert event.time == i
            out.append((i, event.label))
    return out


def test_threshold_is_reached_at_its_value():
    for threshold, score, fires in ((128, 127, False), (128, 128, True), (128, 129, True),
                                    (0, 0, True), (1, 0, False), (255, 255, True),
                                    (256, 255, False)):
        d = Decision(("ring",), threshold=threshold)
        assert (d.push(bytes((score,))) is not None) == fires, (threshold, score)


def test_threshold_of_each_label():
    d = decision(threshold=[0, 200, 100])
    assert events(d, [(0, 199, 0), (0, 200, 0), (0, 0, 99), (0, 0, 100)]) == [(1, "ring"),
                                                                              (3, "wing")]


def test_threshold_is_the_winners():
    # wing is above its own threshold, but ring is higher and below its own
    assert events(decision(threshold=[0, 200, 100]), [(0, 150, 140)]) == []


def test_first_of_equals_wins():
    assert events(decision(), [(0, 130, 130)]) == [(0, "ring")]
    assert events(decision(), [(130, 130, 0)]) == []


def test_background_never_speaks():
    assert events(decision(threshold=0), [(255, 0, 0), (0, 0, 0)]) == []


def test_smoothing_waits_for_n_windows():
    for smooth in (1, 2, 3, 4):
        rows = [(0, 255, 0)] * 5
        assert events(decision(smooth=smooth), rows)[0] == (smooth - 1, "ring"), smooth


def test_smoothing_is_the_exact_average():
    for last, fires in ((127, False), (128, True), (129, True)):
        d = decision(smooth=2, threshold=128)
        assert d.push(bytes((0, 128, 0))) is None
        assert (d.push(bytes((0, last, 0))) is not None) == fires, last


def test_smoothing_forgets_the_oldest():
    d = decision(smooth=3, threshold=1)
    rows = [(0, 3, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    assert events(d, rows) == [(2, "ring")]


def test_a_wake_word_is_averaged_alone():
    # one label, no background. The last ten: 7 x 255 + 214 = 1999 is not enough yet
    d = Decision(("hey",), smooth=10, threshold=200)
    rows = [(0,)] * 12 + [(255,)] * 7 + [(214,)] + [(215,)] + [(0,)] * 12
    assert [i for i, _ in events(d, rows)] == [20, 21]
    assert d.push(b"\0") is None


def test_long_averages_are_exact_at_every_step():
    for smooth in (2, 3, 19, 20, 21, 255):
        d = Decision(LABELS, smooth, [128, 126, 130])
        rows, seed = [], 7
        for _ in range(2 * smooth + 30):
            row = []
            for _ in LABELS:
                seed = (seed * 1109 + 12345) & 0xFFFF
                row.append(seed >> 8)
            rows.append(row)
        got = {}
        for i, row in enumerate(rows):
            event = d.push(bytes(row), i)
            if event:
                got[i] = event.label, event.score
        for i in range(len(rows)):
            sums = [sum(row[k] for row in rows[i - smooth + 1 : i + 1]) for k in range(3)]
            best = sums.index(max(sums))
            fires = i >= smooth - 1 and sums[best] >= (128, 126, 130)[best] * smooth
            expected = (LABELS[best], (sums[best] + smooth // 2) // smooth) if fires else None
            assert got.get(i) == expected, (smooth, i)
        assert got


def test_after_a_gap_nothing_old_is_in_the_average():
    d = Decision(("hey",), smooth=20, threshold=128)
    assert events(d, [(255,)] * 19) == []
    d.clear()
    assert events(d, [(255,)] * 19 + [(0,)]) == [(19, "hey")]
    d.clear()
    assert events(d, [(127,)] * 40) == []


def test_score_is_the_rounded_average():
    d = decision(smooth=2, threshold=1)
    d.push(bytes((0, 100, 0)))
    assert d.push(bytes((0, 101, 0))).score == 101
    assert d.push(bytes((0, 101, 0))).score == 101


def test_refractory_counts_whole_hops():
    # hop of 100 ms: an event at window 0 keeps windows closer than refractory_ms silent
    for refractory_ms, following in ((0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (200, 2),
                                     (201, 3), (1000, 10)):
        d = decision(refractory_ms=refractory_ms, hop_us=100000)
        got = events(d, [(0, 255, 0)] * 12)
        assert [i for i, _ in got[:2]] == [0, following], (refractory_ms, got)


def test_refractory_holds_for_all_labels():
    d = decision(refractory_ms=300, hop_us=100000)
    assert events(d, [(0, 255, 0), (0, 0, 255), (0, 0, 255), (0, 0, 255)]) == [(0, "ring"),
                                                                              (3, "wing")]


def test_clear_forgets_scores_but_not_the_pause():
    d = decision(smooth=2, refractory_ms=300, hop_us=100000)
    assert events(d, [(0, 255, 0), (0, 255, 0)]) == [(1, "ring")]
    d.clear()
    assert events(d, [(0, 255, 0)] * 3) == [(2, "ring")]
    d.clear()
    assert d.push(bytes((0, 255, 0))) is None


def test_event_is_used_again_and_can_be_copied():
    d = decision()
    first = d.push(bytes((0, 255, 0)), 1)
    kept = first.copy()
    second = d.push(bytes((0, 0, 255)), 2)
    assert first is second
    assert (kept.label, kept.score, kept.time) == ("ring", 255, 1)
    assert repr(kept) == "Event('ring', score=255, time=1)"
    assert isinstance(kept, Event)


def test_refuses_what_does_not_fit():
    raises(TinysenseError, ("no label 'sing'", "rest ring wing"), decision_with, "threshold",
           {"sing": 3})
    raises(TinysenseError, ("no label", "background"), decision_with, "background", ("x",))
    raises(TinysenseError, ("0 to 256", "257"), decision_with, "threshold", 257)
    raises(TinysenseError, ("0 to 256", "-1"), decision_with, "threshold", [1, -1, 3])
    raises(TinysenseError, "3 numbers, one per label, got 2", decision_with, "threshold", [1, 2])
    raises(TinysenseError, "smooth", decision_with, "smooth", 0)
    raises(TinysenseError, "smooth", decision_with, "smooth", 256)
    raises(TinysenseError, "refractory_ms", decision_with, "refractory_ms", -1)


def decision_with(name, value):
    return decision(**{name: value})


def test_thresholds_from_any_form():
    assert thresholds(LABELS, 7) == [7, 7, 7]
    assert thresholds(LABELS, (1, 2, 3)) == [1, 2, 3]
    assert thresholds(LABELS, {"wing": 9}) == [128, 128, 9]
    assert thresholds(LABELS, {"wing": 9}, [1, 2, 3]) == [1, 2, 9]


class FakeSensor:
    rate_mhz = 25000


class FakeModel:
    labels = LABELS
    sensor = FakeSensor()
    features = None
    hop = 10

    def __init__(self, **decision):
        self.decision = decision


def test_model_decides_and_config_overrides():
    meta = {"smooth": 3, "threshold": [255, 200, 190], "background": ["rest"],
            "refractory_ms": 1500}
    d = for_model(FakeModel(**meta))
    assert (d.smooth, d.threshold, d.background) == (3, [255, 200, 190], ("rest",))
    assert d.refractory_windows == 4  # 1500 ms in hops of 400 ms, rounded up
    d = for_model(FakeModel(**meta), {"smooth": 1, "threshold": {"ring": 90}, "refractory_ms": 0})
    assert (d.smooth, d.threshold, d.refractory_windows) == (1, [255, 90, 190], 0)
    d = for_model(FakeModel(**meta), {"smooth": -1, "threshold": {}, "refractory_ms": -1})
    assert (d.smooth, d.threshold, d.refractory_windows) == (3, [255, 200, 190], 4)
    d = for_model(FakeModel())
    assert (d.smooth, d.threshold, d.background) == (1, [128, 128, 128], ())


class FakeRows:
    row_stride = 3


class FakeHearing(FakeModel):
    features = FakeRows()
    hop = 320

    class sensor:
        rate_mhz = 16000000


def test_refractory_counts_inferences_where_rows_are_gathered():
    # a row every 20 ms, an inference every three rows: 60 ms
    for refractory_ms, windows in ((0, 0), (60, 1), (61, 2), (1000, 17)):
        d = for_model(FakeHearing(refractory_ms=refractory_ms))
        assert d.refractory_windows == windows, refractory_ms


def test_damaged_decision_in_a_model_is_refused():
    for bad in ({"smooth": "3"}, {"smooth": 1.5}, {"threshold": [1]}, {"threshold": "x"},
                {"background": "rest"}, {"background": ["x"]}, {"refractory_ms": None},
                {"threshold": [True, 1.5, 3]}):
        raises(TinysenseError, (), for_model, FakeModel(**bad))
