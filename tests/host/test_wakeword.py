"""The committed wake word: its size, its proof, and what it hears.

Voices that training never heard speak here, so the numbers are those of the
model, not of its memory; how many of them is said in models/wakeword/README.md.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.modelfile import ModelFile, core_fault
from tinysense_host.sound.reading import read_sound
from tinysense_host.speech import streams, synthesis, voices
from tinysense_host.speech.clips import part_of
from tinysense_host.speech.tradeoff import Smoothed
from tinysense_host.speech.tuning import evidence_of, setting_of
from tinysense_host.training.recipe import load_any_recipe
from tinysense_host.verify import HostRunner, cases_of, compare, open_model

KILO = 1024


@pytest.fixture(scope="module")
def path(root):
    return root / "models/wakeword/wakeword.tsm"


@pytest.fixture(scope="module")
def model(path):
    return streams.load(path.read_bytes())


@pytest.fixture(scope="module")
def recipe(root):
    return load_any_recipe(root / "models/wakeword")


def heard(model, clips):
    """Counts of the model's own decision over clips, joined, in a quiet room."""
    rng, tracks = np.random.default_rng(5), []
    for made in streams.joined(clips, 16000, lead_s=streams.first_score_s(model) + 1):
        room = np.rint(rng.normal(0, 30, made.frames.shape))
        frames = np.clip(made.frames + room, -32768, 32767).astype(np.int16)
        tracks.append(streams.listen(model, replace(made, frames=frames)))
    evidence = evidence_of(model, tracks)
    setting = setting_of(model)
    return Smoothed(evidence, setting.smooth).count(setting), evidence


def test_it_fits_small_boards(path):
    assert path.stat().st_size <= 40 * KILO
    blob = path.read_bytes()
    assert core_fault(blob) is None
    assert ModelFile.read(blob).arena_bytes <= 16 * KILO


def test_it_streams_and_says_what_it_is(path, model, recipe):
    meta = ModelFile.load(path).meta
    assert tuple(model.labels) == recipe.labels == ("other", "hey_pico")
    assert meta["sensor"]["kind"] == "microphone" and meta["decision"]["background"] == ["other"]
    assert meta["decision"]["smooth"] == recipe.decision.smooth
    assert meta["decision"]["threshold"] == [256, recipe.decision.threshold]
    assert meta["warmup"] > 0


def test_it_gives_its_golden_vectors(path):
    opened = open_model(path)
    assert opened.model.gold is not None and len(opened.model.gold) >= 2
    report = compare(cases_of(opened, 0), HostRunner(opened.blob), opened.model.outputs)
    assert report.ok, report


def test_silence_noise_and_tones_are_no_phrase(model):
    rng, n = np.random.default_rng(1), 20 * 16000
    t = np.arange(n) / 16000
    sounds = [np.zeros(n), rng.normal(0, 3000, n), 8000 * np.sin(2 * np.pi * 440 * t),
              np.cumsum(rng.normal(0, 300, n)) % 20000 - 10000]  # fmt: skip
    clips = [streams.Clip(s.astype(np.int16)[:, None], -1, False) for s in sounds]
    counts, evidence = heard(model, clips)
    assert evidence.hours > 0.02 and counts.false.sum() == 0


def test_voices_it_never_heard_are_heard(model, recipe, tmp_path):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (apt install espeak-ng)")
    spec = recipe.training
    unheard = [v for v in voices.installed() if v.engine == "espeak"
               and part_of(v.speaker, spec.folds) == spec.tested]  # fmt: skip
    plan = synthesis.synthesise(["hey pico"], tmp_path, unheard, synthesis.Counts(20, 20, 10), seed=99)
    words, rest = [], []
    for one in plan:
        frames = read_sound(tmp_path / one.path).samples[:, None]
        (words if one.label == "hey_pico" else rest).append(
            streams.Clip(frames, int(one.label == "hey_pico"), one.label == "hey_pico"))
    said, _ = heard(model, words)
    assert said.words[1] == 20 and said.detected[1] >= 15
    other, _ = heard(model, rest)
    assert other.false[1] <= 5


def test_real_speech_is_no_phrase(model, shared):
    files = sorted((shared / "data/audio_speech_commands").glob("[a-z]*/*.wav"))[::12]
    clips = [streams.Clip(read_sound(f).samples[:, None], -1, False, f.name) for f in files]
    counts, evidence = heard(model, clips)
    assert evidence.hours > 0.02
    assert counts.false[1] == 0


QUICK = """
[quick.source]
spoken = [80, 30, 80]
[quick.training]
steps = 250
average_from = 0.8
mining = 1
mined = 4
folds = 3
calibration = 40
"""


@pytest.mark.full
def test_a_phrase_becomes_a_model_that_hears_it(root, tmp_path):
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (apt install espeak-ng)")
    text = (root / "models/wakeword/recipe.toml").read_text()
    text = text.split("[quick")[0].replace("hey pico", "open sesame").replace("hey_pico", "open_sesame")
    (tmp_path / "recipe.toml").write_text(text + QUICK)
    done = CliRunner().invoke(app, ["train", str(tmp_path), "--quick", "-o", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "false accepts" in done.output and (tmp_path / "out/tradeoff.png").is_file()
    model = streams.load((tmp_path / "out/wakeword.tsm").read_bytes())
    assert tuple(model.labels) == ("other", "open_sesame")
    made = sorted((tmp_path / "out/spoken").glob("*/*.wav"))
    assert len(made) == 190
    # It has learnt something: the phrase scores higher than other speech.
    means = []
    for folder in ("open_sesame", "other"):
        clips = [streams.Clip(read_sound(f).samples[:, None], 1, True)
                 for f in made if f.parent.name == folder][:20]  # fmt: skip
        stream = next(streams.joined(clips, 16000, lead_s=2.0))
        track = streams.listen(model, stream)
        heard = [(track.ends > w.start) & (track.ends < w.end + 4000) for w in stream.words]
        means.append(np.mean([track.scores[which, 1].max() for which in heard]))
    assert means[0] > means[1] + 30
