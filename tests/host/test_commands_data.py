"""The commands import, export, simulate, train and evaluate, as typed."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.dataset import Dataset


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_import_then_export_gives_the_numbers_back(tmp_path):
    (tmp_path / "wave.csv").write_text("ax,ay,az\n1,2,3\n4,5,6\n")
    done = run("import", tmp_path / "wave.csv", "-o", tmp_path / "d", "--rate", 50, "--units", "g",
               "--label", "wave", "--person", "ada")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "1 recordings, 2 frames" in done.output
    (segment,) = Dataset(tmp_path / "d").segments()
    assert (segment.label, segment.person, segment.recording.rate_mhz) == ("wave", "ada", 50000)
    done = run("export", tmp_path / "d", "-o", tmp_path / "x", "--format", "npy")
    assert done.exit_code == 0, done.output
    assert np.load(tmp_path / "x/wave.npy").tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("content", "arguments", "says"),
    [
        ("1,2\n3,x\n", ["--rate", 25], "line 2: 'x' is not a number"),
        ("1,2\n", [], "--rate"),
        ("1,2\n", ["--rate", 25, "--units", "lbs"], "units 'lbs'"),
    ],
)
def test_bad_files_are_one_line_and_status_1(tmp_path, content, arguments, says, capfd):
    (tmp_path / "a.csv").write_text(content)
    done = run("import", tmp_path / "a.csv", "-o", tmp_path / "d", *arguments)
    said = done.output + capfd.readouterr().err
    assert done.exit_code == 1 and says in said and "Traceback" not in said
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("format", "suffix"), [("dataset", "parquet"), ("csv", "csv"), ("tsr", "tsr")]
)
def test_simulate(tmp_path, format, suffix):
    done = run("simulate", "--people", 1, "--per-label", 1, "-o", tmp_path, "--format", format)
    assert done.exit_code == 0, done.output
    assert len(list(tmp_path.rglob(f"*.{suffix}"))) == 5


def test_evaluate_prints_matrix_and_json(root, tmp_path):
    run("simulate", "--people", 1, "--per-label", 2, "-o", tmp_path)
    model, recipe = root / "models/gesture/gesture.tsm", root / "models/gesture"
    done = run("evaluate", model, "--data", tmp_path, "--recipe", recipe)
    assert done.exit_code == 0, done.output
    assert "windows right" in done.output and "per hour" in done.output
    done = run("evaluate", model, "--data", tmp_path, "--recipe", recipe, "--json")
    found = json.loads(done.output)
    assert found["gestures"] == 6 and np.array(found["confusion"]).sum() == found["windows"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", "{tmp}/x.tsm"], "no model at"),
        (["evaluate", "{tmp}"], "no fold scores"),
        (["train", "{tmp}"], "holds no recipe.toml"),
        (["train", "{root}/models/gesture", "--data", "{tmp}/no"], "no recordings at"),
        (["export", "{tmp}", "-o", "{tmp}/x"], "holds no recordings"),
        (["simulate", "-o", "{tmp}/x", "--format", "xls"], "no format 'xls'"),
        (["simulate", "-o", "{tmp}/file"], "file is no folder"),
        (["simulate", "-o", "/proc/x", "--people", "1", "--per-label", "1"], "/proc/x"),
        (["simulate", "-o", "{tmp}/file", "--format", "csv"], "file: File exists"),
        (["import", "{tmp}/a.csv", "-o", "{tmp}/file", "--rate", "25"], "file is no folder"),
        (["export", "{tmp}/file", "-o", "{tmp}/x"], "file is no folder"),
        (["evaluate", "{tmp}/file", "--data", "{tmp}"], "file: damaged .tsm"),
        (["capture", "--replay", "{tmp}", "-o", "{tmp}/file"], "file is no folder"),
        (["demo", "{root}/models/gesture", "-o", "{tmp}/file"], "file is no folder"),
    ],
)
def test_what_is_missing_is_named(tmp_path, root, capfd, arguments, says):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    done = run(*(a.format(tmp=tmp_path, root=root) for a in arguments))
    said = done.output + capfd.readouterr().err
    assert done.exit_code == 1 and says in said and "Traceback" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        *(["import", "{tmp}/a.csv", "--rate", x] for x in ("nan", "inf", "-inf", "0", "-1", "1e300")),
        *(["simulate", "--rate", x] for x in ("nan", "inf", "0", "-5", "1e9")),
        *(["simulate", "--range", x] for x in ("nan", "inf", "0")),
        *(["simulate", "--seed", "-1"], ["simulate", "--people", "0"], ["simulate", "--per-label", "-1"]),
        *(["capture", "--label", "x", "--seconds", x] for x in ("nan", "inf")),
        *([command, "--seconds", "nan"] for command in ("run", "monitor")),
    ],
    ids=" ".join,
)  # fmt: skip
def test_numbers_out_of_bounds_are_a_usage_error(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    words = [a.format(tmp=tmp_path) for a in arguments]
    done = run(*words, *(["-o", tmp_path / "x"] if words[0] in ("import", "simulate") else []))
    assert done.exit_code == 2, done.output
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (PermissionError(13, "Permission denied", "/some/where"), "/some/where: Permission denied"),
        (OSError("odd"), "odd"),
        (OSError(), "OSError"),
        (MemoryError(), "not enough memory"),
        (MemoryError("Unable to allocate 146. GiB"), "not enough memory: Unable to allocate 146. GiB"),
    ],
    ids=repr,
)
def test_what_the_system_refuses_is_one_line(tmp_path, monkeypatch, raised, says):
    def fail(*_):
        raise raised

    monkeypatch.setattr("tinysense_host.commands.simulate.simulate_into", fail)
    done = run("simulate", "-o", tmp_path / "x")
    assert (done.exit_code, done.stderr) == (1, f"tinysense: {says}\n")


def test_evaluate_needs_no_recipe_where_recordings_are_given(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "own.tsm"
    model.write_bytes((root / "models/gesture/gesture.tsm").read_bytes())
    run("simulate", "--people", 1, "--per-label", 2, "-o", "d")
    done = run("evaluate", model, "--data", "d", "--json")
    assert done.exit_code == 0, done.output
    with_recipe = run("evaluate", model, "--data", "d", "--json", "--recipe", root / "models/gesture")
    assert json.loads(done.output) == json.loads(with_recipe.output)
    done = run("evaluate", model)
    assert done.exit_code == 1 and "give recordings" in done.stderr


def test_help_shows_what_stands_in_brackets():
    assert "With the values of the recipe's table quick" in run("train", "--help").output


def test_a_second_demo_leaves_the_first_alone(tmp_path, root):
    code = ("import sys; from pathlib import Path; from tinysense_host.commands.demo import _make_anew\n"
            "_make_anew(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()")
    folder = tmp_path / "demo"
    for _ in range(2):      # a folder that an earlier demo left is taken
        with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as first:  # fmt: skip
            assert first.stdout.readline() == "held\n"
            assert [p.name for p in folder.iterdir()] == [".tinysense-demo"]
            (folder / "recorded").mkdir()
            done = run("demo", root / "models/gesture", "-o", folder)
            assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
            assert "another demo works in" in done.stderr and (folder / "recorded").is_dir()
            first.stdin.close()


def test_evaluate_as_json_prints_json_alone(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "imu_magicwand_tf"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TINYSENSE_SHARED", str(tmp_path))
    rows = "".join(f"{i % 7 * 100},{i % 5 * 100},1000\n" for i in range(40))
    (folder / "ring_bob.txt").write_text(f"-,-,-\n{rows}")
    done = run("evaluate", root / "models/gesture/gesture.tsm", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["windows"] == 1 and "note: " in done.stderr
