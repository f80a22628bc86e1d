"""`tinysense listen`: the board's pipeline on files and a fake microphone, its lines and bars."""

import io
import json
import re
import sys
import threading

import numpy as np
import pytest
from fake_sounddevice import Sound
from rich.console import Console
from tone_model import META, SENSOR, melody, silence, tone, tone_model
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.commands import hearing_screen
from tinysense_host.errors import TinysenseError
from tinysense_host.sound.drivers import Played
from tinysense_host.sound.levels import levels_of
from tinysense_host.sound.listening import Listener, first_score, load_hearing, track

soundfile = pytest.importorskip("soundfile", reason="needs pip install 'tinysense[sound]'")
tinysense = pytest.importorskip("tinysense")


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "tone.tsm"
    path.write_bytes(tone_model())
    return path


@pytest.fixture
def wav(tmp_path):
    def write(samples, name="a.wav", rate=16000):
        soundfile.write(tmp_path / name, samples, rate)
        return tmp_path / name

    return write


# ---- The listener ----


def test_a_track_is_what_the_model_says_window_by_window(model):
    hearing = load_hearing(model)
    found = track(hearing, melody())
    own, rows, times = tinysense.load(str(model)), [], []
    for end in range(480, len(melody()) + 1, 160):
        scores = own.run(np.ascontiguousarray(melody()[end - 480 : end]))
        if scores is not None:
            rows.append(list(scores))
            times.append(end / 16000)
    assert found.scores.tolist() == rows and np.allclose(found.times, times)
    assert times[0] == first_score(hearing) / 16000 == 0.12


def test_events_by_the_models_own_decision(model):
    found = track(load_hearing(model), melody())
    assert [e.label for e in found.events] == ["low", "low", "high", "high"]
    assert [round(e.seconds, 2) for e in found.events] == [0.56, 0.86, 1.56, 1.86]
    assert (found.thresholds, found.smooth, found.background) == ((256, 128, 128), 2, ("quiet",))
    means = found.smoothed()
    assert np.isnan(means[0]).all() and np.array_equal(means[5], found.scores[4:6].mean(axis=0))
    for event in found.events:
        row = int(np.argmin(np.abs(found.times - event.seconds)))
        assert means[row].max() == pytest.approx(event.score, abs=0.5)


def test_a_track_begins_anew_each_time(model):
    hearing = load_hearing(model)
    first = track(hearing, melody())
    second = track(hearing, melody())
    assert np.array_equal(first.scores, second.scores) and first.events == second.events


def test_of_a_sound_too_short_there_are_no_scores(model):
    found = track(load_hearing(model), silence(0.1))
    assert found.scores.shape == (0, 3) and found.smoothed().shape == (0, 3)


def test_warm_up_gives_no_scores(tmp_path):
    (tmp_path / "w.tsm").write_bytes(tone_model(warmup=5))
    hearing = load_hearing(tmp_path / "w.tsm")
    found = track(hearing, melody())
    assert found.times[0] == pytest.approx(first_score(hearing) / 16000) == pytest.approx(0.22)


def test_real_time_plays_blocks_when_they_are_due():
    now = [5.0]
    driver = Played(np.arange(1000, dtype=np.int16), 16000, realtime=True, now=lambda: now[0])
    buffer = bytearray(2000)
    assert driver.read_into(buffer) == 0
    now[0] = 5.0 + 0.0399
    assert driver.read_into(buffer) == 320 and not driver.done
    now[0] = 5.0 + 0.065
    assert driver.read_into(buffer) == 640
    now[0] = 5.0 + 0.081
    assert driver.read_into(buffer) == 40 and driver.done and driver.blocks == 3


@pytest.mark.parametrize(("changes", "says"), [
    ({"sensor": SENSOR | {"kind": "accelerometer"}}, "it is for accelerometer"),
    ({"sensor": None}, "listens to no microphone: it is for no sensor"),
    ({"sensor": SENSOR | {"units": "g", "full_scale": 4}}, "wants 1 channels in g at 16000 Hz"),
    ({"sensor": SENSOR | {"rate_mhz": 16000500}}, "at 16000.5 Hz: expected one in pcm"),
    ({"feat": False}, "takes tensors and not sound"),
])  # fmt: skip
def test_models_that_do_not_hear(tmp_path, changes, says):
    path = tmp_path / "m.tsm"
    path.write_bytes(tone_model(**changes))
    with pytest.raises(TinysenseError, match=says) as found:
        load_hearing(path)
    assert "\n" not in str(found.value)


def test_a_decision_that_contradicts_the_labels(tmp_path):
    path = tmp_path / "m.tsm"
    path.write_bytes(tone_model(decision=META["decision"] | {"threshold": [1, 2]}))
    with pytest.raises(TinysenseError, match="expected 3 numbers"):
        Listener(load_hearing(path), Played(melody(), 16000))


# ---- The command ----


def test_a_file_gives_events_and_counters(model, wav):
    done = run("listen", model, wav(melody()))
    assert done.exit_code == 0, done.output
    *events, counters = done.stdout.splitlines()
    assert events == ["    0.56 s  low           73%", "    0.86 s  low          100%",
                      "    1.56 s  high          62%", "    1.86 s  high         100%"]  # fmt: skip
    assert re.fullmatch(r"2\.50 s, \d+ blocks, 40000 samples, 0 lost, 248 windows, 4 events; "
                        r"peak -6\.0 dBFS, RMS -13\.0 dBFS", counters)  # fmt: skip
    assert done.stderr.splitlines() == ["    1.00 s  -12.0 dBFS  low 255",
                                        "    2.00 s  -12.0 dBFS  high 255"]  # fmt: skip


def test_json_is_one_object(model, wav):
    done = run("listen", model, wav(melody()), "--json", "--seconds", 1.2)
    found = json.loads(done.stdout)
    assert [e["label"] for e in found["events"]] == ["low", "low"]
    assert (found["samples"], found["lost"], found["windows"]) == (19200, 0, 118)
    done = run("listen", model, wav(silence(0.2)), "--json")
    assert json.loads(done.stdout)["peak_dbfs"] is None


def test_what_was_done_and_what_is_wrong_is_said(model, wav):
    loud = np.clip(3 * np.sin(np.arange(4000) / 3), -1, 1)
    done = run("listen", model, wav(np.stack([loud, loud], axis=1), rate=8000))
    assert done.exit_code == 0
    assert "a.wav: 2 channels were averaged" in done.stderr
    assert "a.wav: resampled from 8000 Hz to 16000 Hz" in done.stderr
    done = run("listen", model, wav(tone(500, 1.0, 3.0).clip(-32768, 32767)))
    assert "clipped: " not in done.stderr  # int16 has wrapped: full scale is never held
    clipped = np.clip(2.0 * 32768 * np.sin(np.arange(16000) / 5), -32768, 32767).astype(np.int16)
    assert "clipped: " in run("listen", model, wav(clipped)).stderr
    assert "silent: all samples equal" in run("listen", model, wav(silence(1))).stderr
    assert "shorter than the 0.12 s" in run("listen", model, wav(tone(500, 0.1))).stderr
    offset = (tone(500, 1) / 2 + 2000).astype(np.int16)
    assert "the mean is +6.1 %" in run("listen", model, wav(offset)).stderr


@pytest.mark.parametrize(("arguments", "says"), [
    (["{tsm}"], "expected one thing to hear"),
    (["{tsm}", "{wav}", "--mic"], "expected one thing to hear"),
    (["{tsm}", "{wav}", "--device", "1"], "--device is for --mic"),
    (["{tmp}/no.tsm", "{wav}"], "no model at"),
    (["{wav}", "{wav}"], "not a .tsm model file"),
    (["{root}/models/gesture/gesture.tsm", "{wav}"], "listens to no microphone: it is for acc"),
    (["{tsm}", "{tmp}/no.wav"], "no file at"),
    (["{tsm}", "{tmp}"], "is a folder"),
    (["{tsm}", "{tsm}"], "is no sound file"),
])  # fmt: skip
def test_bad_input_is_one_line_and_status_1(tmp_path, root, model, wav, arguments, says):
    path = wav(tone(500, 0.2))
    done = run("listen", *(a.format(tsm=model, wav=path, tmp=tmp_path, root=root)
                           for a in arguments))  # fmt: skip
    assert done.exit_code == 1 and says in done.stderr, done.output
    assert len(done.stderr.splitlines()) == 1 and "Traceback" not in done.stderr


def test_ctrl_c_ends_with_the_counters(model, wav, monkeypatch):
    def interrupted(self, listener):
        if listener.seconds > 0.6:
            raise KeyboardInterrupt

    monkeypatch.setattr(hearing_screen.HearingScreen, "scores", interrupted)
    done = run("listen", model, wav(melody()))
    assert done.exit_code == 130 and "Traceback" not in done.output
    assert "0.56 s  low" in done.stdout and "1 events" in done.stdout


# ---- The microphone ----


def test_the_microphone_is_heard(model, monkeypatch):
    module = Sound()
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    opened = module.RawInputStream

    def sending(**options):
        stream = opened(**options)
        sound = melody()
        threading.Timer(0.05, lambda: (stream.send(sound[:16000]),
                                       stream.send(sound[16000:28800], lost=3200))).start()
        return stream

    module.RawInputStream = sending
    done = run("listen", model, "--mic", "--device", "Headset", "--seconds", 1.8)
    assert done.exit_code == 0, done.output
    assert "listening to Headset; Ctrl-C ends it" in done.stderr
    assert "0.56 s  low" in done.stdout
    assert "1.80 s, 90 blocks, 28800 samples, 3200 LOST" in done.stdout
    assert "the microphone overran 1 times" in done.stderr
    assert not module.stream.running


def test_a_loss_moves_the_time_of_what_comes_later(model):
    class Losing(Played):
        def _take(self, room):
            if self._at == 8000 and self.dropped == 0:
                self.dropped = 16000
            return super()._take(room)

    heard = []
    listener = Listener(load_hearing(model), Losing(melody(), 16000), on_event=heard.append)
    listener.run()
    assert heard[0].label == "low" and 1.4 < heard[0].seconds < 1.8
    assert "16000 LOST" in listener.summary()


def test_a_microphone_that_is_pulled_out_ends_with_the_counters(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", Sound())
    monkeypatch.setattr("tinysense_host.sound.microphone.SILENCE_S", 0.0)
    done = run("listen", model, "--mic")
    assert done.exit_code == 1 and "0.00 s, 0 blocks" in done.stdout
    assert "Desk microphone gave no sound" in done.stderr.splitlines()[-1]


def test_no_microphone_is_one_line(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", Sound(devices=[]))
    done = run("listen", model, "--mic")
    assert (done.exit_code, len(done.stderr.splitlines())) == (1, 1)
    assert "this computer has no microphone" in done.stderr


# ---- The picture ----


def test_bars_on_a_terminal(model, monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=100, height=30,
                       highlight=False)
    monkeypatch.setattr(hearing_screen, "console", terminal)
    screen = hearing_screen.HearingScreen(lines=False, now=iter(np.arange(0, 1e4, 1.0)).__next__)
    listener = Listener(load_hearing(model), Played(melody(), 16000), screen.scores, screen.event)
    with screen:
        listener.run()
    shown = terminal.file.getvalue()
    assert "low" in shown and "dBFS, peak" in shown and "█" in shown and "│" in shown
    assert "    0.56 s  low           73%" in shown


def test_a_dead_microphone_is_seen_while_it_listens(model, monkeypatch):
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120, height=30)
    monkeypatch.setattr(hearing_screen, "console", terminal)
    for samples, seen in ((silence(4), True), (np.tile(melody(), 2), False)):
        screen = hearing_screen.HearingScreen(False, now=iter(np.arange(0, 1e4, 1.0)).__next__)
        with screen:
            Listener(load_hearing(model), Played(samples, 16000), screen.scores).run()
        assert ("is it muted?" in terminal.file.getvalue()) == seen
        terminal.file.truncate(0)


def test_a_meter_shows_level_and_clipping():
    quiet = hearing_screen.level_line(levels_of(tone(500, 0.1, 0.01))).plain
    loud = hearing_screen.level_line(levels_of(tone(500, 0.1, 0.99)), True).plain
    assert quiet.count("█") < loud.count("█") <= hearing_screen.WIDTH
    assert "-43.0 dBFS, peak -40.0 dBFS" in quiet and "CLIPPED" in loud and "CLIPPED" not in quiet
    nothing = hearing_screen.level_line(levels_of(np.zeros(0, np.int16))).plain
    assert "█" not in nothing and "-inf dBFS" in nothing
