"""exporters.py: what is exported imports again as the same numbers."""

from dataclasses import replace

import numpy as np
import pytest

from tinysense_host.dataset import Gap, Label, Recording
from tinysense_host.errors import TinysenseError
from tinysense_host.exporters import FORMATS, export_recordings
from tinysense_host.importers import Facts, import_path


def recording(scale=0.001, gaps=(), frames=5000, units="g"):
    rng = np.random.default_rng(1)
    counts = rng.integers(-32768, 32768, (frames, 3)).astype(np.int16)
    return Recording(
        id="a", frames=counts, rate_mhz=25000, channels=("x", "y", "z"), units=units, scale=scale,
        time="2024-05-01T10:00:00+00:00", gaps=gaps,
    )  # fmt: skip


LABELS = [Label("a", 0, 5000, "wing")]


@pytest.mark.parametrize("scale", [0.001, 1.0, 4 / 32768, 0.061])
def test_csv_keeps_every_count(tmp_path, scale):
    old = recording(scale)
    (path,) = export_recordings([old], LABELS, tmp_path, "csv")
    path.write_text(path.read_text().split("\n", 1)[1])  # without its facts: any other CSV
    (found,) = import_path(path, Facts(units="g"))
    new = found.recording
    assert new.rate_mhz == 25000 and new.channels == old.channels and new.gaps == ()
    if scale in (0.001, 1.0):
        assert np.array_equal(new.frames, old.frames) and new.scale == pytest.approx(scale)
    values = np.rint(new.frames * new.scale / scale)
    assert np.abs(values - old.frames).max() <= 1


def test_csv_shows_gaps_as_time(tmp_path):
    (path,) = export_recordings([recording(gaps=(Gap(10, 3), Gap(20)))], [], tmp_path, "csv")
    path.write_text(path.read_text().split("\n", 1)[1])
    (found,) = import_path(path, Facts(units="g"))
    assert found.recording.gaps == (Gap(10, 3), Gap(20, 1))


@pytest.mark.parametrize("scale", [0.001, 1.0, 4 / 32768, 0.061, 1e-13, 123456.7])
@pytest.mark.parametrize("units", ["g", "uT", ""])
def test_csv_comes_back_whole(tmp_path, scale, units):
    gaps = (Gap(0), Gap(10, 3), Gap(20), Gap(5000, 2))
    old = replace(
        recording(scale, gaps, units=units), rate_mhz=23809, device="a, b", person="ada",
        session='"one"',
    )  # fmt: skip
    labels = [Label("a", 0, 10, "wïng, left"), Label("a", 10, 4000, "ring", "bob", "two")]
    (path,) = export_recordings([old], labels, tmp_path, "csv")
    (found,) = import_path(path, Facts())
    new = found.recording
    assert np.array_equal(new.frames, old.frames) and list(found.labels) == labels
    assert replace(new, frames=old.frames, source={}) == replace(old, source={})


def test_what_the_user_says_of_an_exported_csv_holds(tmp_path):
    (path,) = export_recordings([recording()], LABELS, tmp_path, "csv")
    (found,) = import_path(path, Facts(50.0, "mg", "ring", "eve", "late"))
    new = found.recording
    assert (new.rate_mhz, new.units, new.scale) == (50000, "g", pytest.approx(1e-6))
    assert (new.person, new.session, found.labels[0].label) == ("eve", "late", "ring")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"frames": 9', '"frames": 8', "was changed since its export"),
        ('"scale": 0.001', '"scale": 1e-9', "was changed since its export"),
        ('"scale": 0.001', '"scale": 0', "scale must be above 0"),
        ('"scale": 0.001', '"scale": "x"', "line 1: its facts do not parse"),
        ('"gaps": []', '"gaps": [3]', "line 1: its facts do not parse"),
        ('"gaps": []', '"gaps": [[30, 1]]', "gaps must ascend"),
        ("[0, 9,", "[0, 10,", "lie outside recording"),
        ("[0, 9,", '[0, 9, "x", "", ""], [3, 9,', "overlap"),
        ('"", ""]]', '"", "", ""]]', "line 1: its facts do not parse"),
        ('"units": "g"', '"units": "lbs"', "units 'lbs' are not known"),
        ("{", "", "line 1: its facts do not parse"),
        ("\n0.", "\n0.x", "line 3: '0.x"),
    ],
)
def test_a_csv_whose_facts_do_not_fit(tmp_path, old, new, says):
    labels = [Label("a", 0, 9, "wing")]
    (path,) = export_recordings([recording(frames=9)], labels, tmp_path, "csv")
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(TinysenseError, match=says):
        import_path(path, Facts())


def test_npy_parts_at_gaps(tmp_path):
    old = recording(gaps=(Gap(10, 3),))
    paths = export_recordings([old], [], tmp_path, "npy")
    assert [p.name for p in paths] == ["a_000.npy", "a_001.npy"]
    assert np.array_equal(np.concatenate([np.load(p) for p in paths]), old.frames)


@pytest.mark.parametrize("gaps", [(), (Gap(700, 9),), (Gap(1, 1), Gap(4999, 2))])
def test_tsr_comes_back(tmp_path, gaps):
    old = recording(4 / 32768, gaps)
    (path,) = export_recordings([old], LABELS, tmp_path, "tsr")
    (found,) = import_path(path, Facts())
    new = found.recording
    assert np.array_equal(new.frames, old.frames) and new.gaps == gaps
    assert (new.rate_mhz, new.units, new.time) == (25000, "g", old.time)
    assert new.scale == pytest.approx(old.scale) and found.labels[0].label == "wing"


IMU = {"units": ("g", "", "deg/s"), "scale": (0.001, 1.0, 0.0625)}


@pytest.mark.parametrize("format", ["csv", "tsr"])
def test_channels_of_different_units_come_back(tmp_path, format):
    old = replace(recording(frames=900), **IMU)
    (path,) = export_recordings([old], [], tmp_path, format)
    (found,) = import_path(path, Facts())
    new = found.recording
    assert new.units == old.units and new.scale == pytest.approx(old.scale)
    assert np.array_equal(new.frames, old.frames)


def test_what_the_board_said_comes_back(tmp_path):
    said = {"note": "ün", "boot": 0xFFFFFFFF, "device_time_us": 1 << 41}
    (path,) = export_recordings([replace(recording(), source=said)], [], tmp_path, "tsr")
    (found,) = import_path(path, Facts())
    assert {key: found.recording.source[key] for key in said} == said
    odd = {"note": "", "boot": "x", "device_time_us": -1}
    (path,) = export_recordings([replace(recording(), id="b", source=odd)], [], tmp_path, "tsr")
    assert not set(odd) & set(import_path(path, Facts())[0].recording.source)


def test_a_tsr_has_four_runs_of_units(tmp_path):
    frames = np.zeros((4, 5), np.int16)
    five = replace(recording(), frames=frames, channels=tuple("abcde"), gaps=(),
                   units=("g", "uT", "g", "uT", "g"), scale=1.0)  # fmt: skip
    with pytest.raises(TinysenseError, match="fits no .tsr: expected at most 4 runs"):
        export_recordings([five], [], tmp_path, "tsr")


def test_damaged_tsr_block_becomes_a_gap(tmp_path):
    old = recording()
    (path,) = export_recordings([old], LABELS, tmp_path, "tsr")
    whole = bytearray(path.read_bytes())
    whole[4096 + 300] ^= 1
    path.write_bytes(whole)
    (found,) = import_path(path, Facts())
    (gap,) = found.recording.gaps
    assert gap.lost == (4096 - 192) // 6 and found.recording.source["damaged_blocks"] == 1
    assert len(found.recording.frames) == len(old.frames) - gap.lost


@pytest.mark.parametrize("content", [b"", b"TSR", b"\0" * 8192])
def test_no_tsr_is_named(tmp_path, content):
    (tmp_path / "a.tsr").write_bytes(content)
    with pytest.raises(TinysenseError, match=r"a\.tsr"):
        import_path(tmp_path / "a.tsr", Facts())


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_nothing_is_overwritten(tmp_path, format):
    export_recordings([recording()], [], tmp_path, format)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(TinysenseError, match="exists"):
        export_recordings([recording()], [], tmp_path, format)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_unknown_format(tmp_path):
    with pytest.raises(TinysenseError, match="no export format 'xls'"):
        export_recordings([recording()], [], tmp_path, "xls")
