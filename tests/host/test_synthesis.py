"""Wake words from text: what sounds nearly like a phrase, and clips by synthetic voices."""

from __future__ import annotations

import os
import re
import shutil
import stat
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tinysense_host.errors import TinysenseError
from tinysense_host.speech import speaking, synthesis, voices
from tinysense_host.speech.everyday import SENTENCES, WORDS
from tinysense_host.speech.near_misses import Spoken, distance, near_misses, parse
from tinysense_host.speech.synthesis import Counts, label_of
from tinysense_host.speech.voices import Voice

espeak = pytest.mark.skipif(shutil.which("espeak-ng") is None,
                            reason="espeak-ng is not installed (apt install espeak-ng)")
PICO = parse("h_'eI p_'i:_k_oU")
VOCABULARY = {"rico": ("r", "'i:", "k", "oU"), "picnic": ("p", "'I", "k", "n", "I", "k"),
              "hay": ("h", "'eI"), "table": ("t", "'eI", "b", "@", "l")}


# ---- near misses: no program needed ----


def test_a_line_of_phonemes_becomes_words():
    assert PICO == (("h", "'eI"), ("p", "'i:", "k", "oU"))
    assert parse("  _!h_'eI _: \n") == (("!h", "'eI"), (":",)) or parse("") == ()


def test_distance_is_a_metric_over_phonemes_without_stress():
    a, b, c = ["h", "'eI"], ["h", "eI"], ["s", "'aI"]
    assert distance(a, b) == 0
    assert distance(a, c) == distance(c, a) > 0
    assert distance(a, []) > distance(a, ["'eI"]) > 0
    assert distance(["p"], ["b"]) < distance(["p"], ["t"]) < distance(["p"], ["i:"])


def test_near_misses_are_parts_changes_and_similar_words():
    found = near_misses("hey pico", PICO, VOCABULARY)
    texts, sounds = {s.text for s in found}, {s.phonemes for s in found}
    assert {"hey", "pico", "hey rico"} <= texts
    assert {"h'eI p'i:", "p'i:koU h'eI", "h'eI t'i:koU", "h'eI p'i:kaI"} <= sounds
    assert len(found) == len(set(found))
    assert found == near_misses("hey pico", PICO, VOCABULARY)


def test_what_nobody_can_tell_from_the_phrase_is_no_near_miss():
    found = near_misses("hey pico", PICO, VOCABULARY)
    assert not {"hay pico", "hey pico"} & {s.text for s in found}
    assert not {"h'eI b'i:koU", "h'eI p'i:goU", "h'eI p'i:koU"} & {s.phonemes for s in found}


def test_everyday_words_and_sentences_are_there_once():
    for rows in (WORDS, SENTENCES):
        assert Counter(rows).most_common(1)[0][1] == 1
    assert len(WORDS) > 800 and len(SENTENCES) > 100


# ---- phrases that cannot be ----


@pytest.mark.parametrize(("phrase", "said"), [
    ("", "holds no words"), ("   ", "holds no words"), ("?!,", "holds no words"),
    ("hey, pico", "holds ','"), ("hey\npico", "control sign"), ("<b>hey</b>", "holds '<'"),
    ("near miss", "names a folder"), ("other", "names a folder"), ("привет", "Latin"),
    ("word " * 20, "letters"), ("a" * 50, "32"),
])  # fmt: skip
def test_phrases_that_cannot_be_spoken_are_refused_in_one_line(phrase, said):
    with pytest.raises(TinysenseError, match=re.escape(said)) as caught:
        label_of(phrase)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize(("phrase", "label"), [
    ("hey pico", "hey_pico"), ("Computer", "computer"), ("what's up", "what_s_up"),
    ("ok  7", "ok_7"), ("café olé", "café_olé")])  # fmt: skip
def test_a_phrase_makes_a_label(phrase, label):
    assert label_of(phrase) == label


# ---- voices and programs ----


def test_a_speaker_is_a_name_for_files():
    assert Voice("espeak", "").speaker == "espeak-plain"
    assert Voice("espeak", "Mr serious").speaker == "espeak-Mr-serious"
    assert Voice("piper", "/a/en_US-joe.onnx", 12).speaker == "piper-en-US-joe-12"


def test_voices_are_chosen_by_engine_name_pattern_and_without():
    there = [Voice("espeak", "f1"), Voice("espeak", "m1"), Voice("flite", "slt")]
    assert voices.chosen(there, "all") == there
    assert voices.chosen(there, "flite") == there[2:]
    assert voices.chosen(there, "espeak-F*, flite-slt") == [there[0], there[2]]
    assert voices.chosen(there, "espeak,!espeak-m1") == there[:1]
    assert voices.chosen(there, "!flite") == there[:2]
    for wrong in ("nobody", "espeak,!nobody", "espeak-m1,!espeak"):
        with pytest.raises(TinysenseError):
            voices.chosen(there, wrong)


def test_without_espeak_the_line_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TinysenseError, match="apt install espeak-ng"):
        voices.installed()


def program(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_a_program_that_fails_is_quoted(monkeypatch, tmp_path):
    program(tmp_path, "espeak-ng", "echo no such voice >&2; exit 3")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(TinysenseError, match="espeak-ng failed: no such voice"):
        voices.phonemes(["hey"])


@pytest.mark.parametrize(("facts", "said"), [
    (None, "no Piper voice"), ("{", "does not describe"), ("[]", "does not describe")])  # fmt: skip
def test_a_piper_voice_that_is_none_is_named(monkeypatch, tmp_path, facts, said):
    program(tmp_path, "piper", "")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    voice = tmp_path / "v.onnx"
    if facts is not None:
        voice.write_bytes(b"")
        Path(f"{voice}.json").write_text(facts)
    with pytest.raises(TinysenseError, match=said):
        voices._piper(voice)


def test_piper_speaks_lines_in_their_order(monkeypatch, tmp_path):
    # It names files by its clock: 9 comes before 10.
    program(tmp_path, "piper", 'while [ $# -gt 0 ]; do [ "$1" = --output_dir ] && to=$2; shift; done\n'
            'n=9; while read line; do echo "$line" > "$to/$n.wav"; n=$((n+1)); done')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    out = tmp_path / "out"
    out.mkdir()
    said = [speaking.Utterance(Voice("piper", "v.onnx", 3), t, (), t) for t in ("one", "two", "six")]
    assert [f.read_text().strip() for f in speaking.speak(said, out)] == ["one", "two", "six"]


def test_ssml_escapes_what_would_be_markup():
    rng = np.random.default_rng(1)
    marked = [speaking._marked("cats & <dogs>", rng) for _ in range(20)]
    assert all("cats" in m and "&amp;" in m and "&lt;dogs&gt;" in m for m in marked)


def test_silence_is_cut_off_and_the_level_set():
    tone = 3000 * np.sin(np.arange(8000) * 0.2)
    sound = np.concatenate([np.zeros(5000), tone, np.zeros(7000)]).astype(np.int16)
    cut = synthesis.trimmed(sound)
    assert 8000 <= len(cut) <= 8000 + 2 * 640 and abs(cut).max() == 16384
    assert len(synthesis.trimmed(np.zeros(5000, np.int16))) == 0


# ---- spoken ----


@pytest.fixture(scope="module")
def spoken(tmp_path_factory) -> tuple[Path, list[Voice]]:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (apt install espeak-ng)")
    folder = tmp_path_factory.mktemp("synth") / "clips"
    speakers = voices.chosen(voices.installed(), "espeak-f*,espeak-m1")
    synthesis.synthesise(["Hey Pico"], folder, speakers, Counts(8, 8, 8), seed=3)
    return folder, speakers


def clips(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*.wav"))}


def test_every_label_gets_its_clips_as_16_khz_mono(spoken):
    folder, speakers = spoken
    made = clips(folder)
    assert Counter(name.split("/")[0] for name in made) == {"hey_pico": 8, "near_miss": 8, "other": 8}
    for name in made:
        with wave.open(str(folder / name)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
            assert 0.1 < file.getnframes() / 16000 < 10
    assert {n.split("/")[1].split("_nohash_")[0] for n in made} <= {v.speaker for v in speakers}
    assert len({bytes(b) for b in made.values()}) == 24


def test_the_listing_says_what_is_said_and_how(spoken):
    lines = (spoken[0] / "clips.tsv").read_text().splitlines()
    assert len(lines) == 25
    rows = [line.split("\t") for line in lines[1:]]
    assert {row[3] for row in rows if row[0].startswith("hey_pico")} == {"hey pico"}
    assert all("hey pico" not in row[3].lower() for row in rows if not row[0].startswith("hey_pico"))


def test_a_seed_repeats_and_a_folder_is_completed_and_enlarged(spoken, tmp_path):
    folder, speakers = spoken
    new = tmp_path / "again"
    synthesis.synthesise(["Hey Pico"], new, speakers, Counts(4, 4, 4), seed=3)
    next(new.rglob("*.wav")).unlink()
    kept = {f: f.stat().st_mtime_ns for f in new.rglob("*.wav")}
    calls: list[tuple[int, int]] = []
    synthesis.synthesise(["Hey Pico"], new, speakers, Counts(8, 8, 8), seed=3,
                         progress=lambda *now: calls.append(now))
    assert clips(new) == clips(folder)
    assert kept == {f: f.stat().st_mtime_ns for f in kept}
    assert calls[0] == (11, 24) and calls[-1] == (24, 24)


def test_a_folder_of_something_else_is_left_alone(spoken):
    folder, speakers = spoken
    before = clips(folder)
    for phrase, seed, who in (("hey pico pico", 3, speakers), ("Hey Pico", 4, speakers),
                              ("Hey Pico", 3, speakers[1:])):
        with pytest.raises(TinysenseError, match="holds clips made with other"):
            synthesis.synthesise([phrase], folder, who, Counts(9, 9, 9), seed=seed)
    assert clips(folder) == before


@espeak
def test_a_phrase_without_sounds_and_one_that_is_there_twice():
    plain = [Voice("espeak", "")]
    with pytest.raises(TinysenseError, match="twice"):
        synthesis.planned(["hey pico", "Hey  pico"], plain, Counts(1, 1, 1), 1)
    with pytest.raises(TinysenseError, match="phonemes"):
        synthesis.planned(["a"], plain, Counts(1, 1, 1), 1)


@espeak
def test_accents_pronounce_the_phrase_nearly_as_english_does():
    others = voices.foreign("hey pico")
    assert {"en-us", "en-gb"} <= set(voices.accents()) and "nl" in others
    assert "pl" not in others and "en-us" not in others     # Polish says "pitso"


@espeak
def test_a_full_disk_is_one_line_and_leaves_no_half_clip(monkeypatch, tmp_path):
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    plain = [Voice("espeak", "")]
    synthesis.synthesise(["hey pico"], tmp_path / "a", plain, Counts(1, 0, 0))
    monkeypatch.setattr("tinysense_host.files.os.fsync", full)
    with pytest.raises(TinysenseError, match="No space left"):
        synthesis.synthesise(["hey pico"], tmp_path / "a", plain, Counts(3, 0, 0))
    assert not list(tmp_path.rglob("*.part"))
    assert len(clips(tmp_path)) == 1


@espeak
def test_the_command_speaks_and_says_what_it_made(tmp_path):
    from tinysense_host.cli import app

    out = tmp_path / "words"
    done = CliRunner().invoke(app, ["synth", "yes", "no", "-o", str(out), "--voices", "espeak-f1",
                                    "--count", "2", "--near", "0", "--other", "1"])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert Counter(name.split("/")[0] for name in clips(out)) == {"yes": 2, "no": 2, "other": 1}
    listed = CliRunner().invoke(app, ["synth", "--voices", "list"])
    assert "espeak-f1" in listed.output.splitlines()


@espeak
@pytest.mark.parametrize(("args", "said"), [
    ([], "a phrase and a folder are needed"), (["hey pico"], "a phrase and a folder"),
    (["?", "-o", "x"], "holds no words"), (["hey pico", "-o", "x", "--voices", "bob"], "no voice"),
    (["hey pico", "-o", "x", "--piper", "no.onnx"], "no"),
    (["hey pico", "-o", "/dev/null/x"], "cannot make /dev/null/x"),
])  # fmt: skip
def test_what_cannot_be_is_one_line_and_status_1(args, said, tmp_path, monkeypatch, capfd):
    from tinysense_host.cli import app

    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["synth", *args])
    told = capfd.readouterr().err + done.stderr
    assert done.exit_code == 1 and said in told
    assert len(told.strip().splitlines()) == 1, told


def test_a_spoken_is_hashable_so_that_none_comes_twice():
    assert len({Spoken("a"), Spoken("a"), Spoken("", "a")}) == 2
