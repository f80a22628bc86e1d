"""`tinysense import` of sound: clips in folders, speakers, all or nothing, remarks."""

import json

import numpy as np
import pytest
from tone_model import silence, tone
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.dataset import Dataset
from tinysense_host.errors import TinysenseError
from tinysense_host.importers import Facts, import_into, import_path

soundfile = pytest.importorskip("soundfile", reason="needs pip install 'tinysense[sound]'")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def put(path, samples, rate=16000):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


def test_a_clip_is_a_recording_of_counts(tmp_path):
    path = put(tmp_path / "0a7c2a8d_nohash_3.wav", tone(500, 0.5))
    (found,) = import_path(path, Facts(label="yes"))
    recording = found.recording
    assert np.array_equal(recording.frames[:, 0], tone(500, 0.5))
    assert (recording.units, recording.full_scale, recording.channels) == ("pcm", 32768, ("mono",))
    assert (recording.rate_mhz, recording.person) == (16000000, "0a7c2a8d")
    assert [(x.start, x.end, x.label) for x in found.labels] == [(0, 8000, "yes")]
    assert recording.source == {"file": path.name, "file_rate_hz": 16000, "file_channels": 1}


@pytest.mark.parametrize(("name", "person"), [
    ("0a7c2a8d_nohash_0", "0a7c2a8d"), ("wow_a2473d62_nohash_1", "a2473d62"),
    ("en-us+f3_nohash_12", "en-us+f3"), ("58", ""), ("some_nohash_take", ""),
])  # fmt: skip
def test_who_speaks(tmp_path, name, person):
    path = put(tmp_path / f"{name}.wav", tone(500, 0.1))
    assert import_path(path, Facts())[0].recording.person == person
    assert import_path(path, Facts(person="eve"))[0].recording.person == "eve"


def test_folders_are_labels(tmp_path):
    for label in ("yes", "no", "_silence_"):
        for speaker in ("0a7c2a8d", "1b2c3d4e"):
            put(tmp_path / f"in/{label}/{speaker}_nohash_0.wav", tone(500, 0.1))
    put(tmp_path / "in/long.flac", tone(500, 1.0))
    dataset = Dataset(tmp_path / "data")
    seen = []
    found = import_into(dataset, [tmp_path / "in"], Facts(), progress=lambda *x: seen.append(x))
    assert len(found) == 7 and seen[0] == (0, 7) and seen[-1] == (7, 7)
    assert {(s.label, s.person) for s in dataset.segments()} == {
        (label, speaker) for label in ("yes", "no", "_silence_")
        for speaker in ("0a7c2a8d", "1b2c3d4e")}  # fmt: skip
    assert "silence__1b2c3d4e_nohash_0" in dataset.ids() and "long" in dataset.ids()
    assert not list((tmp_path / "data").glob(".import*"))


def test_a_label_that_is_given_holds_for_all(tmp_path):
    for label in ("yes", "no"):
        put(tmp_path / f"in/{label}/a.wav", tone(500, 0.1))
    dataset = Dataset(tmp_path / "data")
    import_into(dataset, [tmp_path / "in"], Facts(label="word"))
    assert [(s.recording.id, s.label) for s in dataset.segments()] == [
        ("no_a", "word"), ("yes_a", "word")]  # fmt: skip


def test_one_bad_clip_and_nothing_is_imported(tmp_path):
    put(tmp_path / "in/yes/a.wav", tone(500, 0.1))
    bad = put(tmp_path / "in/yes/b.wav", tone(500, 0.1))
    bad.write_bytes(bad.read_bytes()[:-9])
    dataset = Dataset(tmp_path / "new/data")
    with pytest.raises(TinysenseError, match=r"b\.wav is cut short"):
        import_into(dataset, [tmp_path / "in"], Facts())
    assert not (tmp_path / "new").exists()
    put(bad, tone(500, 0.2))
    import_into(dataset, [tmp_path / "in"], Facts())
    put(tmp_path / "in/yes/c.wav", tone(500, 0.1))
    with pytest.raises(TinysenseError, match="already in"):
        import_into(dataset, [tmp_path / "in"], Facts())
    assert dataset.ids() == ["yes_a", "yes_b"]
    assert sorted(p.name for p in dataset.path.iterdir()) == ["labels.csv", "recordings"]


def test_a_disk_that_is_full_in_the_middle_leaves_nothing(tmp_path, monkeypatch):
    for number in range(4):
        put(tmp_path / f"in/yes/{number}.wav", tone(500, 0.1))
    dataset = Dataset(tmp_path / "data")
    import_into(dataset, [tmp_path / "in/yes/0.wav"], Facts(label="yes"))
    moved = []

    def full(source, target):
        if len(moved) == 2:
            raise OSError(28, "No space left on device", str(target))
        moved.append(target)
        source.replace(target)

    monkeypatch.setattr("tinysense_host.importers.importing.os.rename", full)
    with pytest.raises(OSError, match="No space left"):
        import_into(dataset, [tmp_path / "in"], Facts())
    assert dataset.ids() == ["0"] and len(dataset.labels()) == 1


def test_two_files_of_one_name(tmp_path):
    put(tmp_path / "in/a.wav", tone(500, 0.1))
    put(tmp_path / "in/a.flac", tone(500, 0.1))
    with pytest.raises(TinysenseError, match="comes from two files of one name"):
        import_into(Dataset(tmp_path / "data"), [tmp_path / "in"], Facts())


@pytest.mark.parametrize(("facts", "says"), [
    (Facts(units="g"), "is sound, in units pcm, not 'g'"),
    (Facts(rate_hz=25), "1000 to 768000 whole Hz, not 25"),
    (Facts(rate_hz=16000.5), "whole Hz, not 16000.5"),
])  # fmt: skip
def test_facts_that_do_not_fit_sound(tmp_path, facts, says):
    path = put(tmp_path / "a.wav", tone(500, 0.1))
    with pytest.raises(TinysenseError, match=says):
        import_path(path, facts)


def test_a_rate_is_resampled_to(tmp_path):
    path = put(tmp_path / "a.wav", tone(500, 0.5))
    (found,) = import_path(path, Facts(rate_hz=8000))
    assert (found.recording.rate_mhz, len(found.recording.frames)) == (8000000, 4000)
    assert [r.kind for r in found.remarks] == ["resampled"]


def test_the_command_shows_a_summary_and_remarks(tmp_path):
    for number in range(55):
        put(tmp_path / f"in/yes/{number:08x}_nohash_0.wav", tone(500, 0.1))
    for number in range(5):
        put(tmp_path / f"in/no/{number:08x}_nohash_0.wav", silence(0.1))
    put(tmp_path / "in/no/x.wav", np.stack([tone(500, 0.1)] * 2, axis=1), 8000)
    done = run("import", tmp_path / "in", "-o", tmp_path / "data")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines() if "yes" in line or " no " in line]
    assert [[cell for cell in row if cell != "│"] for row in rows] == [
        ["no", "6", "0.7", "5"], ["yes", "55", "5.5", "55"]]  # fmt: skip
    assert "61 recordings" in done.stdout
    said = done.stderr.splitlines()
    assert "no_00000000_nohash_0: silent" in said[0] and "and 2 more files are silent" in said
    assert any("no_x: 2 channels were averaged" in line for line in said)


def test_what_was_imported_is_exported_as_the_same_wav(tmp_path):
    put(tmp_path / "a.wav", tone(500, 0.5))
    run("import", tmp_path / "a.wav", "-o", tmp_path / "data")
    done = run("export", tmp_path / "data", "-o", tmp_path / "x", "--format", "wav")
    assert done.exit_code == 0, done.output
    back, rate = soundfile.read(tmp_path / "x/a.wav", dtype="int16")
    assert rate == 16000 and np.array_equal(back, tone(500, 0.5))


@pytest.mark.parametrize("arguments", [["--format", "sound"], []])
def test_a_text_that_says_it_is_sound(tmp_path, arguments):
    (tmp_path / "a.wav").write_text(json.dumps({"no": "sound"}))
    done = run("import", tmp_path / "a.wav", "-o", tmp_path / "data", *arguments)
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert "is no sound file" in done.stderr


def test_a_format_that_is_none(tmp_path):
    done = run("import", tmp_path, "-o", tmp_path / "data", "--format", "wave")
    assert done.exit_code == 1 and "no import format 'wave'" in done.stderr


def test_real_clips(shared, tmp_path):
    dataset = Dataset(tmp_path / "data")
    folder = shared / "data/audio_speech_commands/_unknown_"
    found = import_into(dataset, [folder], Facts(label="_unknown_"))
    assert len(found) == 125 and len({item.person for item in found}) == 110
