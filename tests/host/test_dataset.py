"""dataset.py: what is written comes back; what is damaged is refused by name."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tinysense_host.dataset import (
    Dataset,
    Gap,
    Label,
    Recording,
    place,
    read_recording,
    rescale,
)
from tinysense_host.errors import TinysenseError


def recording(id="a", frames=10, **facts):
    counts = np.arange(frames * 3, dtype=np.int16).reshape(frames, 3) - 7
    known = {
        "rate_mhz": 25000, "channels": ("x", "y", "z"), "units": "g", "scale": 0.001,
        "device": "board", "time": "2024-05-01T10:00:00Z", "person": "ada", "session": "s1",
    }  # fmt: skip
    return Recording(id=id, frames=counts, **(known | facts))


@pytest.fixture
def dataset(tmp_path):
    return Dataset(tmp_path / "data")


def test_recording_comes_back_whole(dataset):
    old = recording(gaps=(Gap(3, 2), Gap(7)), source={"file": "x.csv"})
    path = dataset.add_recording(old)
    new = dataset.recording("a")
    assert np.array_equal(new.frames, old.frames) and new.frames.dtype == np.int16
    assert {k: v for k, v in vars(new).items() if k != "frames"} == {
        k: v for k, v in vars(old).items() if k != "frames"
    }
    assert new.lost == 2
    assert new.full_scale == pytest.approx(32.768)
    assert [p.name for p in path.parent.iterdir()] == ["a.parquet"]


def test_columns_are_named_int16(dataset):
    schema = pq.read_schema(dataset.add_recording(recording()))
    assert [(f.name, str(f.type)) for f in schema] == [(name, "int16") for name in "xyz"]


def test_recordings_never_change(dataset):
    path = dataset.add_recording(recording())
    before = path.read_bytes()
    with pytest.raises(TinysenseError, match="never change"):
        dataset.add_recording(recording(frames=3))
    dataset.set_label("a", "wing")
    assert path.read_bytes() == before


def test_failed_write_leaves_nothing(dataset, monkeypatch):
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(TinysenseError, match="disk full"):
        dataset.add_recording(recording())
    assert list((dataset.path / "recordings").iterdir()) == []


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"id": "../a"}, "id needs"),
        ({"id": ""}, "id needs"),
        ({"id": "a" * 101}, "id needs"),
        ({"frames": np.zeros((2, 3), np.int32)}, "int16"),
        ({"frames": np.zeros(3, np.int16)}, "int16"),
        ({"channels": ("x", "y")}, "2 channel names for 3 columns"),
        ({"channels": ("x", "x", "z")}, "repeat"),
        ({"units": "mg"}, "units 'mg'"),
        ({"units": ("g", "g", "mg")}, "units 'mg'"),
        ({"units": ("g", "deg/s")}, "expected 3 values.* got 2"),
        ({"scale": (1.0, 2.0)}, "expected 3 values.* got 2"),
        ({"scale": (1.0, 2.0, 0.0)}, "scale"),
        ({"scale": (1.0, 2.0, "3")}, "scale"),
        ({"scale": ()}, "got 0"),
        ({"scale": 0.0}, "scale"),
        ({"scale": float("nan")}, "scale"),
        ({"rate_mhz": 0}, "rate"),
        ({"gaps": (Gap(11),)}, "gaps"),
        ({"gaps": (Gap(5), Gap(5))}, "gaps"),
    ],
)
def test_impossible_recordings_are_refused(facts, says):
    with pytest.raises(TinysenseError, match=says):
        replace(recording(), **facts)


@pytest.mark.parametrize("keep", [0, 1, 4, 100, -1])
def test_cut_file_is_named(dataset, keep):
    path = dataset.add_recording(recording(frames=500))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(TinysenseError, match=r"a\.parquet is damaged"):
        dataset.recording("a")


def test_missing_recording(dataset):
    with pytest.raises(TinysenseError, match="no recording at"):
        dataset.recording("nobody")


def rewritten(path, change):
    table = pq.read_table(path)
    facts = json.loads(table.schema.metadata[b"tinysense"])
    pq.write_table(change(table, facts), path)
    return path


IMU = {"units": ("g", "g", "deg/s"), "scale": (0.001, 0.002, 0.05)}


def test_channels_of_different_units(dataset):
    old = recording(**IMU)
    dataset.add_recording(old)
    new = dataset.recording("a")
    assert (new.units, new.scale) == (IMU["units"], IMU["scale"])
    assert new.full_scale == pytest.approx((32.768, 65.536, 1638.4))


def test_units_that_all_channels_share_are_one(dataset):
    same = recording(units=("g", "g", "g"), scale=(0.5, 0.5, 0.5))
    assert (same.units, same.scale) == ("g", 0.5)


def test_version_1_is_read(dataset):
    def change(table, facts):
        return table.replace_schema_metadata({b"tinysense": json.dumps(facts | {"version": 1})})

    path = rewritten(dataset.add_recording(recording()), change)
    assert (read_recording(path).units, read_recording(path).scale) == ("g", 0.001)


def test_rescaling_is_per_channel():
    frames = np.array([[100, 100, 100], [-100, 20000, 1]], np.int16)
    found = rescale(frames, (4 / 32768, 8 / 32768, 1000 / 32768), (4, 4, 500))
    assert found.tolist() == [[100, 200, 200], [-100, 32767, 2]]
    assert rescale(frames, 4 / 32768, (4, 4, 4)) is frames


def test_future_version_is_refused(dataset):
    def change(table, facts):
        return table.replace_schema_metadata({b"tinysense": json.dumps(facts | {"version": 3})})

    path = rewritten(dataset.add_recording(recording()), change)
    with pytest.raises(TinysenseError, match="version 3, this tinysense reads up to 2"):
        read_recording(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t, f: t.replace_schema_metadata(None), "not a recording of tinysense"),
        (lambda t, f: t.replace_schema_metadata({b"tinysense": b"{"}), "do not parse"),
        (lambda t, f: t.replace_schema_metadata({b"tinysense": b"[]"}), "do not parse"),
        (
            lambda t, f: t.replace_schema_metadata(
                {b"tinysense": json.dumps({k: v for k, v in f.items() if k != "scale"})}
            ),
            "incomplete",
        ),
        (lambda t, f: t.drop_columns(["y"]), "expected int16 columns"),
        (lambda t, f: t.set_column(0, "x", pa.array([0.5] * 10)), "expected int16 columns"),
        (
            lambda t, f: t.set_column(0, "x", pa.array([None] * 10, type=pa.int16())),
            "empty cells",
        ),
    ],
)
def test_foreign_parquet_is_refused(dataset, change, says):
    path = rewritten(dataset.add_recording(recording()), change)
    with pytest.raises(TinysenseError, match=says):
        read_recording(path)


def test_labels_live_apart(dataset):
    dataset.add_recording(recording())
    dataset.set_label("a", "wing", 0, 5, person="bob")
    dataset.set_label("a", "ring", 5)
    assert dataset.labels() == [Label("a", 0, 5, "wing", "bob"), Label("a", 5, 10, "ring")]
    dataset.set_label("a", "slope", 0, 5)
    assert [x.label for x in dataset.labels()] == ["slope", "ring"]
    dataset.set_label("a", "", 0, 5)
    assert [x.label for x in dataset.labels()] == ["ring"]


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (0, 11), (5, 5), (6, 5), (10, 11)])
def test_label_outside_is_refused(dataset, start, end):
    dataset.add_recording(recording())
    with pytest.raises(TinysenseError, match="outside recording 'a', which has 10 frames"):
        dataset.set_label("a", "wing", start, end)
    assert dataset.labels() == []


def test_label_file_edited_by_hand_is_checked(dataset):
    dataset.add_recording(recording())
    dataset.set_label("a", "wing")
    path = dataset.path / "labels.csv"
    good = path.read_text()
    for bad, says in [
        (good.replace(",10,", ",99,"), "outside recording"),
        (good.replace(",10,", ",ten,"), "line 2"),
        (good.replace("a,0,10", "a,0"), "line 2"),
        (good.replace("recording,", "id,"), "line 1"),
        (good.replace("a,0", "b,0"), "no recording at"),
    ]:
        path.write_text(bad)
        with pytest.raises(TinysenseError, match=says):
            dataset.segments()


def test_labels_may_touch_but_not_overlap(dataset):
    dataset.add_recording(recording())
    dataset.set_label("a", "wing", 0, 5)
    with pytest.raises(TinysenseError, match="overlap"):
        dataset.set_label("a", "ring", 4, 10)


def test_segments_take_person_from_label_first(dataset):
    dataset.add_recording(recording())
    dataset.set_label("a", "wing", 0, 5, person="bob")
    dataset.set_label("a", "ring", 5, 10)
    assert [(s.person, s.session) for s in dataset.segments()] == [("bob", "s1"), ("ada", "s1")]
    assert np.array_equal(dataset.segments()[1].frames, recording().frames[5:])


@pytest.mark.parametrize(
    ("window", "hop", "starts"),
    [(4, 2, [0, 4, 6]), (4, 4, [0, 4]), (4, 1, [0, 4, 5, 6]), (10, 1, []), (1, 1, list(range(10)))],
)
def test_windows_never_span_a_gap(dataset, window, hop, starts):
    dataset.add_recording(recording(gaps=(Gap(4, 1),)))
    dataset.set_label("a", "wing")
    found = list(dataset.windows(window, hop))
    assert [w.start for w in found] == starts
    for w in found:
        assert np.array_equal(w.frames, recording().frames[w.start : w.start + window])


@pytest.mark.parametrize(("window", "hop"), [(0, 1), (4, 0), (4, 5)])
def test_windows_check_their_arguments(dataset, window, hop):
    with pytest.raises(TinysenseError, match="window >= hop >= 1"):
        next(dataset.windows(window, hop))


def test_split_keeps_people_together(dataset):
    for number, person in enumerate(["ada", "bob", "ada", "eve"]):
        dataset.add_recording(recording(f"r{number}", person=person))
        dataset.set_label(f"r{number}", "wing")
    rest, chosen = dataset.split(["ada"])
    assert {s.person for s in rest} == {"bob", "eve"} and {s.person for s in chosen} == {"ada"}
    with pytest.raises(TinysenseError, match="no person named zoe.*there are: ada, bob, eve"):
        dataset.split(["zoe"])
    with pytest.raises(TinysenseError, match="not by 'window'"):
        dataset.split(["ada"], by="window")


@pytest.mark.parametrize("frames", [1, 7, 8, 9, 12])
def test_place_centres_and_holds(frames):
    x = recording(frames=frames).frames
    w = place(x, 8)
    assert w.shape == (8, 3)
    if frames <= 8:
        before = (8 - frames) // 2
        assert np.array_equal(w[before : before + frames], x)
        assert (w[:before] == x[0]).all() and (w[before + frames :] == x[-1]).all()
    else:
        start = (frames - 8) // 2
        assert np.array_equal(w, x[start : start + 8])


def test_rescale_rounds_and_saturates():
    x = np.array([[0, 1, -1, 1000, 4000, -4001]], np.int16)
    assert rescale(x, 0.001, 4).tolist() == [[0, 8, -8, 8192, 32767, -32768]]
    assert rescale(x, 4 / 32768, 4) is x


def test_new_id_is_free(dataset):
    assert dataset.new_id("wing ada") == "wing_ada_001"
    dataset.add_recording(recording("wing_ada_001"))
    assert dataset.new_id("wing ada") == "wing_ada_002"


def test_a_file_is_no_dataset(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(TinysenseError, match="file is no folder"):
        Dataset(tmp_path / "file")
