"""exporters/: WAV, Parquet, Edge Impulse and Label Studio, read back as their own tools do."""

import csv
import hashlib
import hmac
import json
import wave
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
import pytest

from tinysense_host.dataset import Gap, Label, Recording
from tinysense_host.errors import TinysenseError
from tinysense_host.exporters import REMARKS, Options, export_recordings


def recording(**changes):
    counts = np.arange(-300, 300, dtype=np.int16).reshape(200, 3)
    base = Recording(id="a", frames=counts, rate_mhz=25000, channels=("x", "y", "z"),
                     units=("g", "g", "deg/s"), scale=(0.001, 0.001, 0.0625),
                     time="2026-05-01T10:00:00+00:00", device="wand")  # fmt: skip
    return replace(base, **changes)


def sound(**changes):
    counts = (np.arange(800) * 37 % 2000 - 1000).astype(np.int16)[:, None]
    return recording(frames=counts, channels=("x",), units="pcm", scale=1.0, rate_mhz=16_000_000,
                     **changes)


LABELS = [Label("a", 0, 50, "ring, left"), Label("a", 100, 150, "wing")]


# ---- WAV ----


def wav(path):
    with wave.open(str(path)) as file:
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert file.getsampwidth() == 2
        return file.getframerate(), data.reshape(-1, file.getnchannels())


def test_wav_of_all_channels(tmp_path):
    (path,) = export_recordings([recording()], [], tmp_path, "wav")
    rate, frames = wav(path)
    assert rate == 25 and np.array_equal(frames, recording().frames) and path.name == "a.wav"


def test_wav_of_one_channel_each(tmp_path):
    paths = export_recordings([recording(channels=("x", "y/2", "z"))], [], tmp_path, "wav",
                              Options(split_channels=True))
    assert [p.name for p in paths] == ["a_x.wav", "a_y_2.wav", "a_z.wav"]
    for i, path in enumerate(paths):
        assert np.array_equal(wav(path)[1][:, 0], recording().frames[:, i])


def test_wav_parts_at_gaps(tmp_path):
    paths = export_recordings([recording(gaps=(Gap(10, 3),))], [], tmp_path, "wav")
    assert [len(wav(p)[1]) for p in paths] == [10, 190]


def test_wav_says_that_it_has_whole_hz_only():
    assert REMARKS["wav"](recording()) == []
    said = REMARKS["wav"](recording(rate_mhz=99_600, gaps=(Gap(10, 3),)))
    assert said == ["a: 99.6 Hz became 100 Hz", "a: parted at gaps into 2 files"]


@pytest.mark.parametrize(("rate", "fine"), [(500, False), (501, True), (1, False)])
def test_wav_of_a_slow_sensor(tmp_path, rate, fine):
    slow = recording(rate_mhz=rate)
    if fine:
        (path,) = export_recordings([slow], [], tmp_path, "wav")
        assert wav(path)[0] == 1
    else:
        with pytest.raises(TinysenseError, match="WAV says whole Hz"):
            export_recordings([slow], [], tmp_path, "wav")


# ---- Parquet ----


def test_parquet_has_time_units_and_labels(tmp_path):
    old = recording(gaps=(Gap(10, 3),))
    (path,) = export_recordings([old], LABELS, tmp_path, "parquet")
    table = pq.read_table(path)
    assert table.column_names == ["time_s", "x", "y", "z", "label"]
    columns = table.to_pydict()
    assert columns["time_s"][:2] == [0, 0.04] and columns["time_s"][10] == pytest.approx(13 * 0.04)
    assert columns["z"][5] == pytest.approx(old.frames[5, 2] * 0.0625)
    assert columns["label"][49:51] == ["ring, left", None] and columns["label"][100] == "wing"
    units = [table.schema.field(n).metadata[b"units"] for n in ("time_s", "x", "z")]
    assert units == [b"s", b"g", b"deg/s"]
    facts = json.loads(table.schema.metadata[b"tinysense_export"])
    assert facts["gaps"] == [[10, 3]] and facts["rate_mhz"] == 25000


def test_parquet_of_channels_with_its_own_names(tmp_path):
    odd = recording(channels=("time_s", "label", "z"))
    (path,) = export_recordings([odd], [], tmp_path, "parquet")
    assert pq.read_table(path).column_names == ["time_s", "time_s_", "label_", "z", "label"]


# ---- Edge Impulse ----


def verified(path, key):
    """What their server does: the signature of the text with zeros in its place."""
    text = path.read_text()
    told = json.loads(text)
    signature = told["signature"]
    zeros = text.replace(signature, "0" * 64, 1).encode()
    assert len(signature) == 64
    assert hmac.new(key.encode(), zeros, hashlib.sha256).hexdigest() == signature
    return told


def test_edge_impulse_signs(tmp_path):
    options = Options(hmac_key="k1")
    paths = export_recordings([recording()], LABELS, tmp_path, "edge-impulse", options)
    assert [p.name for p in paths] == ["ring_left.a_000.json", "wing.a_001.json"]
    told = verified(paths[1], "k1")
    assert told["protected"] == {"ver": "v1", "alg": "HS256", "iat": 1777629600}
    payload = told["payload"]
    assert payload["interval_ms"] == 40 and payload["device_type"] == "wand"
    assert payload["sensors"][2] == {"name": "z", "units": "deg/s"}
    expected = recording().frames[100:150] * [0.001, 0.001, 0.0625]
    assert np.allclose(payload["values"], expected, rtol=1e-8)
    with pytest.raises(AssertionError):
        verified(paths[1], "k2")


def test_edge_impulse_without_a_key_says_none(tmp_path):
    (path,) = export_recordings([recording(time="", units="", gaps=())], [], tmp_path,
                                "edge-impulse")
    told = json.loads(path.read_text())
    assert path.name == "unlabeled.a.json" and told["signature"] == "0" * 64
    assert told["protected"] == {"ver": "v1", "alg": "none"}
    assert told["payload"]["sensors"][0]["units"] == "N/A"


def test_edge_impulse_takes_sound_as_counts(tmp_path):
    (path,) = export_recordings([sound()], [Label("a", 0, 800, "yes.no")], tmp_path, "edge-impulse")
    payload = json.loads(path.read_text())["payload"]
    assert path.name == "yes_no.a.json" and payload["interval_ms"] == 0.0625
    assert payload["sensors"] == [{"name": "audio", "units": "wav"}]
    assert payload["values"] == sound().frames[:, 0].tolist()


def test_edge_impulse_parts_at_gaps(tmp_path):
    gaps = (Gap(20, 3), Gap(120, -1))
    paths = export_recordings([recording(gaps=gaps)], LABELS, tmp_path, "edge-impulse")
    assert [len(json.loads(p.read_text())["payload"]["values"]) for p in paths] == [20, 30, 20, 30]
    assert "parted at 2 gaps" in REMARKS["edge-impulse"](recording(gaps=gaps))[0]


# ---- Label Studio ----


def test_label_studio_tasks_name_their_files(tmp_path):
    old = recording(gaps=(Gap(10, 3),))
    paths = export_recordings([old], LABELS, tmp_path, "label-studio")
    assert [p.name for p in paths] == ["a.csv", "tasks.json", "config.xml"]
    (task,) = json.loads(paths[1].read_text())
    assert task["data"]["csv"] == "/data/local-files/?d=a.csv"
    rows = list(csv.reader(paths[0].read_text().splitlines()))
    assert rows[0] == ["time_s", "x", "y", "z"] and len(rows) == 201
    (prediction,) = task["predictions"]
    first, second = prediction["result"]
    assert first["value"] == {"start": 0.0, "end": pytest.approx(52 * 0.04), "instant": False,
                              "timeserieslabels": ["ring, left"]}
    assert second["value"]["start"] == pytest.approx(float(rows[101][0]))
    config = ElementTree.parse(paths[2]).getroot()
    assert [x.get("value") for x in config.iter("Label")] == ["ring, left", "wing"]
    series = config.find("TimeSeries")
    assert (series.get("value"), series.get("timeColumn")) == ("$csv", "time_s")
    assert [(c.get("column"), c.get("units")) for c in series] == [
        ("x", "g"), ("y", "g"), ("z", "deg/s")]
    # What a task's labels refer to is there.
    assert {first["from_name"]} == {config.find("TimeSeriesLabels").get("name")}
    assert {first["to_name"]} == {series.get("name")}


def test_label_studio_takes_sound_as_wav(tmp_path):
    labels = [Label("a", 0, 400, "<yes> & \"no\"")]
    paths = export_recordings([sound()], labels, tmp_path, "label-studio",
                              Options(url_prefix="https://example.com/"))
    assert [p.name for p in paths] == ["a.wav", "tasks.json", "config.xml"]
    (task,) = json.loads(paths[1].read_text())
    assert task["data"]["audio"] == "https://example.com/a.wav"
    (found,) = task["predictions"][0]["result"]
    assert found["type"] == "labels" and found["value"]["end"] == 0.025
    config = ElementTree.parse(paths[2]).getroot()
    assert config.find("Audio").get("value") == "$audio"
    assert [x.get("value") for x in config.iter("Label")] == ["<yes> & \"no\""]
    (said,) = REMARKS["label-studio"](sound(gaps=(Gap(4, 1),)))
    assert said == "a: 1 gaps are closed up in its sound"


def test_label_studio_offers_what_the_model_thought_of_a_near_miss(tmp_path):
    near = recording(source={"note": "near miss: left ring=112 wing=90"})
    paths = export_recordings([near, replace(near, id="b", source={"note": "near miss: "})], [],
                              tmp_path, "label-studio")
    first, second = json.loads(paths[2].read_text())
    (prediction,) = first["predictions"]
    assert prediction["score"] == 112 / 256
    assert prediction["result"][0]["value"]["timeserieslabels"] == ["left ring"]
    assert second["predictions"] == []


def test_label_studio_keeps_recordings_of_other_channels_apart(tmp_path):
    other = recording(id="b", channels=("p", "q", "r"))
    paths = export_recordings([recording(), other, sound(id="c")], [], tmp_path, "label-studio")
    assert sorted(p.name for p in paths if p.suffix != ".csv") == [
        "c.wav", "config.xml", "config_2.xml", "config_3.xml", "tasks.json", "tasks_2.json",
        "tasks_3.json"]
