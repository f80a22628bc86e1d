"""sound/: files of any kind to int16 mono, what is wrong with them, and with their level."""

import math
import struct
import sys
import wave

import numpy as np
import pytest
from tone_model import silence, tone

from tinysense_host.errors import TinysenseError
from tinysense_host.sound import Meter, Remark, levels_of, read_sound, said
from tinysense_host.sound.reading import SUFFIXES

soundfile = pytest.importorskip("soundfile", reason="needs pip install 'tinysense[sound]'")


def kinds(sound):
    return [remark.kind for remark in sound.remarks]


def written(path, samples, rate=16000, **options):
    soundfile.write(path, samples, rate, **options)
    return path


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "au"])
def test_16_bits_come_back_as_they_were(tmp_path, suffix):
    samples = np.random.default_rng(1).integers(-32768, 32768, 70_000).astype(np.int16)
    found = read_sound(written(tmp_path / f"a.{suffix}", samples, subtype="PCM_16"))
    assert np.array_equal(found.samples, samples) and found.samples.dtype == np.int16
    assert (found.rate_hz, found.file_rate_hz, found.channels, found.remarks) == (16000, 16000, 1, ())
    assert found.seconds == 70_000 / 16000


@pytest.mark.parametrize(("subtype", "steps"), [("PCM_U8", 256), ("PCM_24", 0.51), ("PCM_32", 0.5),
                                                ("FLOAT", 0.5), ("DOUBLE", 0.5)])
def test_every_width_of_wav(tmp_path, subtype, steps):
    values = np.linspace(-1, 0.999, 5000)
    found = read_sound(written(tmp_path / "a.wav", values, subtype=subtype))
    assert np.abs(found.samples - values * 32768).max() <= steps + 1e-3
    assert found.remarks == ()


@pytest.mark.parametrize(("name", "options"), [("a.ogg", {"subtype": "VORBIS"}),
                                               ("a.opus", {"format": "OGG", "subtype": "OPUS"}),
                                               ("a.mp3", {})])
def test_formats_that_lose_something(tmp_path, name, options):
    values = tone(500, 1.0)
    found = read_sound(written(tmp_path / name, values, **options))
    assert name.rsplit(".", maxsplit=1)[-1] in SUFFIXES
    assert len(found.samples) == 16000 and abs(levels_of(found.samples).rms_dbfs + 9) < 0.3


@pytest.mark.parametrize(("rate", "poor"), [(8000, True), (11025, True), (44100, False),
                                            (48000, False)])
def test_other_rates_are_resampled_and_said(tmp_path, rate, poor):
    t = np.arange(rate) / rate
    found = read_sound(written(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 440 * t), rate))
    assert kinds(found) == ["resampled"] and f"from {rate} Hz to 16000 Hz" in str(found.remarks[0])
    assert ("nothing above" in str(found.remarks[0])) == poor
    assert len(found.samples) == 16000 and found.file_rate_hz == rate
    expected = 16384 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    assert np.abs(found.samples - expected)[500:-500].max() < 60


def test_what_lies_above_the_new_half_rate_is_gone(tmp_path):
    t = np.arange(48000) / 48000
    found = read_sound(written(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 12000 * t), 48000))
    assert levels_of(found.samples[500:-500]).peak_dbfs < -50


def test_channels_are_averaged_and_said(tmp_path):
    left, right = tone(500, 0.5), tone(3000, 0.5)
    found = read_sound(written(tmp_path / "a.wav", np.stack([left, right], axis=1)))
    assert kinds(found) == ["mixed"] and "2 channels" in str(found.remarks[0])
    mean = (left.astype(np.int32) + right) / 2
    assert np.abs(found.samples - mean).max() <= 0.5


def test_beyond_full_scale_is_clipped_and_said(tmp_path):
    values = np.array([0.5, 1.0, 1.5, -1.0, -2.0, 0.0])
    found = read_sound(written(tmp_path / "a.wav", values, subtype="FLOAT"))
    assert found.samples.tolist() == [16384, 32767, 32767, -32768, -32768, 0]
    assert kinds(found) == ["clipped"] and "2 samples" in str(found.remarks[0])


def test_shorter_than_a_window_is_said(tmp_path):
    path = written(tmp_path / "a.wav", tone(500, 0.4))
    assert read_sound(path, at_least=6400).remarks == ()
    found = read_sound(path, at_least=16000)
    assert kinds(found) == ["short"] and "0.40 s is shorter than the 1.00 s" in str(found.remarks[0])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [0, 70_001])
def test_nan_is_refused_with_its_place(tmp_path, value, at):
    values = np.zeros((80_000, 2))
    values[at, 1] = value
    path = written(tmp_path / "a.wav", values, 8000, subtype="FLOAT")
    with pytest.raises(TinysenseError, match=rf"NaN or infinity at sample {at} \({at / 8000:.3f} s"):
        read_sound(path)


@pytest.mark.parametrize(("content", "says"), [
    (b"", "is empty"),
    (b"RIFF", "is no sound file"),
    (b"hello world, I am text" * 100, "is no sound file"),
    (b"RIFF\x24\0\0\0WAVE", "chunk of sound is not there"),
    (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "chunk of sound is not there"),
    (b"OggS" + bytes(40), "the page that ends it is not there"),
    (b"fLaC" + bytes(40), "is no sound file"),
])  # fmt: skip
def test_no_sound_is_one_line(tmp_path, content, says):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(TinysenseError, match=says) as found:
        read_sound(path)
    assert "\n" not in str(found.value) and "a.wav" in str(found.value)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(TinysenseError, match="no file at"):
        read_sound(tmp_path / "a.wav")
    with pytest.raises(TinysenseError, match="is a folder"):
        read_sound(tmp_path)


def test_a_wav_without_samples(tmp_path):
    path = written(tmp_path / "a.wav", np.zeros(0, np.int16))
    with pytest.raises(TinysenseError, match="holds no samples"):
        read_sound(path)


CUT = [("wav", "PCM_16"), ("wav", "PCM_U8"), ("wav", "PCM_24"), ("wav", "FLOAT"),
       ("aiff", "PCM_16"), ("flac", "PCM_16"), ("ogg", "VORBIS"), ("mp3", "MPEG_LAYER_III")]


@pytest.mark.parametrize(("suffix", "subtype"), CUT)
def test_every_cut_is_refused(tmp_path, suffix, subtype, capfd):
    whole = written(tmp_path / f"whole.{suffix}", tone(500, 1.0), subtype=subtype).read_bytes()
    path = tmp_path / f"cut.{suffix}"
    for keep in (len(whole) - 1, len(whole) - 3, len(whole) // 2, len(whole) // 10, 60, 44, 20, 5):
        path.write_bytes(whole[:keep])
        with pytest.raises(TinysenseError, match=r"cut\.") as found:
            read_sound(path)
        assert "\n" not in str(found.value)


def test_a_wav_of_unknown_length_is_taken_as_it_is(tmp_path):
    path = written(tmp_path / "a.wav", tone(500, 0.5))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, 4, 0xFFFFFFFF)
    struct.pack_into("<I", data, 40, 0xFFFFFFFF)
    path.write_bytes(data)
    assert np.array_equal(read_sound(path).samples, tone(500, 0.5))


def test_a_flac_of_unknown_length_is_refused(tmp_path):
    data = bytearray(written(tmp_path / "a.flac", tone(500, 0.5)).read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)
    with pytest.raises(TinysenseError, match="does not say how long it is"):
        read_sound(tmp_path / "a.flac")


@pytest.mark.parametrize("rate", [25, 999, 2**31 - 1])
def test_rates_that_no_sound_has(tmp_path, rate):
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(200))
    with pytest.raises(TinysenseError, match=f"has {rate} Hz: expected sound"):
        read_sound(path)


def test_chunks_before_the_sound_are_passed_over(tmp_path):
    data = written(tmp_path / "a.wav", tone(500, 0.1)).read_bytes()
    odd = b"LIST" + struct.pack("<I", 5) + b"INFOx\0"
    (tmp_path / "a.wav").write_bytes(data[:36] + odd + data[36:])
    assert np.array_equal(read_sound(tmp_path / "a.wav").samples, tone(500, 0.1))


def test_without_libsndfile_it_is_said(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(written(tmp_path / "b.wav", tone(500, 0.1)).read_bytes())
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(ModuleNotFoundError):  # cli.py makes the line with the extra of this
        read_sound(tmp_path / "a.wav")


# ---- Levels ----


def test_levels_of_a_sine():
    found = levels_of(tone(500, 1.0, 0.5))
    assert found.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert found.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert found.remarks() == [] and not found.silent


@pytest.mark.parametrize(("runs", "clipped"), [
    ([1, 2], 0), ([3], 3), ([2, 3, 1, 5], 8), ([400], 400),
])  # fmt: skip
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("block", [1, 2, 7, 10_000])
def test_runs_at_full_scale_also_over_blocks(runs, clipped, sign, block):
    parts = [np.full(n, (sign * 32768) - (sign > 0)) for n in runs]
    samples = np.concatenate([x for part in parts for x in (part, [5, -5])]).astype(np.int16)
    meter = Meter()
    for at in range(0, len(samples), block):
        meter.push(samples[at : at + block])
    found = meter.levels()
    assert (found.clipped, found.runs) == (clipped, sum(n >= 3 for n in runs))
    assert [r.kind for r in found.remarks() if r.kind == "clipped"] == ["clipped"] * (clipped > 0)


def test_blocks_give_what_the_whole_gives():
    samples = np.random.default_rng(3).integers(-40_000, 40_000, 5000).clip(-32768, 32767).astype(np.int16)
    for size in (1, 13, 160, 4999):
        meter = Meter()
        for at in range(0, len(samples), size):
            meter.push(samples[at : at + size])
        assert meter.levels() == levels_of(samples)


def test_silence_and_offset():
    assert [r.kind for r in levels_of(silence(1)).remarks()] == ["silent"]
    assert "all samples equal" in str(levels_of(silence(1)).remarks()[0])
    assert [r.kind for r in levels_of(tone(500, 1, 0.0008)).remarks()] == ["silent"]
    found = levels_of((tone(500, 1, 0.1) + 1600).astype(np.int16))
    assert [r.kind for r in found.remarks()] == ["off zero"] and "+4.9 %" in str(found.remarks()[0])
    assert found.peak == pytest.approx(0.1, abs=0.001)  # an offset is no loudness
    stuck = levels_of(np.full(1000, 12345, np.int16))
    assert {r.kind for r in stuck.remarks()} == {"silent", "off zero"}


def test_nothing_has_no_level():
    found = levels_of(np.zeros(0, np.int16))
    assert (found.samples, found.peak_dbfs, found.remarks()) == (0, -math.inf, [])


def test_recent_begins_anew():
    meter = Meter()
    meter.push(tone(500, 0.1, 0.9))
    assert meter.recent().peak > 0.89
    meter.push(tone(500, 0.1, 0.1))
    assert meter.recent().peak < 0.11 and meter.recent().samples == 0
    assert meter.levels().peak > 0.89


def test_many_remarks_are_grouped():
    many = [(f"{i}.wav", Remark("clipped", "clipped")) for i in range(9)]
    many.insert(4, ("x.wav", Remark("mixed", "2 channels")))
    assert said(many) == ["0.wav: clipped", "1.wav: clipped", "2.wav: clipped",
                          "and 6 more files are clipped", "x.wav: 2 channels"]


def test_real_clips_come_as_they_are(shared):
    paths = sorted((shared / "data/audio_speech_commands/yes").glob("*.wav"))[:20]
    assert paths
    for path in paths:
        with wave.open(str(path)) as file:
            frames = file.readframes(file.getnframes())
        assert np.array_equal(read_sound(path).samples, np.frombuffer(frames, "<i2"))
