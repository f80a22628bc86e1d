"""The commands import, export, simulate, train and evaluate, as typed."""

import json

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
        (["train", "{tmp}"], "no recipe at"),
        (["train", "{root}/models/gesture", "--data", "{tmp}/no"], "no recordings at"),
        (["export", "{tmp}", "-o", "{tmp}/x"], "holds no recordings"),
        (["simulate", "-o", "{tmp}/x", "--format", "wav"], "no format 'wav'"),
        (["simulate", "-o", "{tmp}/x", "--rate", "0"], "above 0"),
    ],
)
def test_what_is_missing_is_named(tmp_path, root, capfd, arguments, says):
    done = run(*(a.format(tmp=tmp_path, root=root) for a in arguments))
    said = done.output + capfd.readouterr().err
    assert done.exit_code == 1 and says in said and "Traceback" not in said
