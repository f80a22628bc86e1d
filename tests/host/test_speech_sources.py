"""speech/sources.py and `tinysense train`: clips given, shared or fetched, and what is missing."""

import hashlib
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from tone_clips import RECIPE, write_tones
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.errors import TinysenseError
from tinysense_host.speech.course import Course
from tinysense_host.speech.sources import found_sources
from tinysense_host.training.recipe import load_any_recipe


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYSENSE_SHARED", str(tmp_path / "shared"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "recipe.toml").write_text(RECIPE)
    return load_any_recipe(tmp_path)


@pytest.fixture
def archived(tmp_path, recipe):
    """The recipe with its clips in an archive, and the archive."""
    clips, archive = write_tones(tmp_path / "made", speakers=3, each=1), tmp_path / "clips.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for word in clips.iterdir():
            tar.add(word, word.name)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    source = replace(recipe.source, url=archive.as_uri(), sha256=digest)
    return replace(recipe, source=source), archive


def test_the_shared_folder_comes_before_the_archive(tmp_path, archived):
    recipe = replace(archived[0], source=replace(archived[0].source, folder="tones", noise="hum"))
    write_tones(tmp_path / "shared" / "data" / "tones", speakers=2, each=1)
    found = found_sources(recipe, None, tmp_path)
    assert len(found.clips) == 8 and not (tmp_path / "cache").exists()
    given = found_sources(recipe, tmp_path / "made", tmp_path)
    assert len(given.clips) == 12 and given.where[0].endswith("made")


def test_the_archive_is_fetched_once(tmp_path, archived):
    recipe, archive = archived
    heard = []
    found = found_sources(recipe, None, tmp_path, lambda *said: heard.append(said))
    size = archive.stat().st_size
    assert len(found.clips) == 12 and heard[-1] == ("downloading", size, size)
    archive.unlink()
    assert len(found_sources(recipe, None, tmp_path).clips) == 12
    assert [p.name for p in (tmp_path / "cache" / "tinysense").iterdir()] == [
        f"clips-{recipe.source.sha256[:12]}"
    ]


def test_another_archive_than_the_recipe_says(tmp_path, archived):
    recipe = replace(archived[0], source=replace(archived[0].source, sha256="0" * 64))
    with pytest.raises(TinysenseError, match="the recipe says 0000000000000000"):
        found_sources(recipe, None, tmp_path)
    assert not any((tmp_path / "cache" / "tinysense").iterdir())


def test_no_network(tmp_path, archived):
    recipe, archive = archived
    archive.unlink()
    with pytest.raises(TinysenseError, match=r"cannot fetch file:.*--data"):
        found_sources(recipe, None, tmp_path)


def test_more_folders_are_for_training_only(tmp_path, recipe):
    write_tones(tmp_path / "more", speakers=2, each=1)
    with_more = replace(recipe, source=replace(recipe.source, extra=("more",)))
    clips = write_tones(tmp_path / "clips")
    course = Course(with_more, clips, tmp_path)
    assert len(course.sources.extra) == 8
    assert sum(len(course.clips_of(p)) for p in range(3)) == len(course.sources.clips) == 72


def test_many_clips_get_fewer_copies(tmp_path, recipe):
    clips = write_tones(tmp_path / "clips")
    few = replace(recipe, augmentation=replace(recipe.augmentation, windows=150))
    assert Course(few, clips, tmp_path).recipe.augmentation.copies == 2
    assert Course(recipe, clips, tmp_path).recipe.augmentation.copies == 4


def test_a_teacher_that_is_not_there_is_left_out(tmp_path, recipe):
    clips = write_tones(tmp_path / "clips")
    taught = replace(recipe, teacher=replace(recipe.teacher, model="x/y.tflite", weight=0.5))
    course = Course(taught, clips, tmp_path)
    assert course.teacher is None and course.recipe.teacher.model == ""


def test_a_teacher_that_is_another_file(tmp_path, recipe):
    model = tmp_path / "shared" / "models" / "y.tflite"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"something else")
    taught = replace(recipe, teacher=replace(recipe.teacher, model="y.tflite", sha256="0" * 64))
    with pytest.raises(TinysenseError, match="the teacher y.tflite has SHA-256"):
        Course(taught, write_tones(tmp_path / "clips"), tmp_path)


def command(folder: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "tinysense_host.cli", "train", str(folder), *options],
        capture_output=True, text=True, check=False, cwd=folder,
    )  # fmt: skip


@pytest.mark.parametrize(
    "options, said",
    [
        ((), "the recipe names no clips"),
        (("--data", "nowhere"), "no folder of clips at nowhere"),
        (("--only", "someone"), "--only is for recipes for motion"),
        (("--card", "none.md"), "no model card at none.md"),
    ],
)
def test_the_command_says_what_is_missing(tmp_path, recipe, options, said, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["train", str(tmp_path), *options])
    told = capfd.readouterr().err + done.stderr
    assert done.exit_code == 1 and said in told
    assert len(told.strip().splitlines()) == 1


@pytest.mark.full
def test_the_whole_command(tmp_path, recipe):
    """Also: what it writes loads, and its numbers are shown."""
    pytest.importorskip("tensorflow")
    write_tones(tmp_path / "clips")
    done = command(tmp_path, "--data", "clips", "--quick", "--out", "made")
    assert done.returncode == 0, done.stderr
    assert {p.name for p in (tmp_path / "made").iterdir()} >= {"tones.tflite", "tones.tsm"}
    assert "72 clips of 9 speakers" in done.stdout and "unheard speakers" in done.stdout
    assert "others: rejects" in done.stdout and "chosen for 0.5 per hour (threshold" in done.stdout
