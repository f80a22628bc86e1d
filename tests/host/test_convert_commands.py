"""The commands convert, verify and bench as a user types them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tinysense_host.cli import app
from tinysense_host.corefiles import target_numbers
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

CASES = Path(__file__).parents[1] / "golden" / "cases"
tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_convert_without_golden_vectors(tmp_path: Path) -> None:
    target = tmp_path / "out.tsm"
    code, said = run("convert", CASES / "keras_conv1d.tflite", "-o", target, "--golden", "0",
                     "--labels", "negative, ring,slope,wing", "--name", "gesture")  # fmt: skip
    assert code == 0, said
    assert "6 ops" in said
    assert "0 golden vectors" in said
    model = ModelFile.load(target)
    assert (model.name, model.labels) == ("gesture", ["negative", "ring", "slope", "wing"])
    assert len(model.meta["source"]["tflite_sha256"]) == 64
    assert list(tmp_path.iterdir()) == [target]


def test_convert_for_one_core(tmp_path: Path) -> None:
    source, target = CASES / "conv_same.tflite", tmp_path / "m.tsm"
    code, said = run("convert", source, "-o", target, "--golden", "0", "--target", "armv6m")
    assert code == 0, said
    model = ModelFile.load(target)
    assert (model.target, model.ops[0].name) == (target_numbers()["armv6m"], "PACKED_CONV_2D")
    code, said = run("convert", CASES / "softmax.tflite", "-o", target, "--golden", "0",
                     "--target", "armv6m")  # fmt: skip
    assert code == 0
    assert "it stays portable" in said
    assert ModelFile.load(target).target == 0
    code, said = run("convert", source, "-o", target, "--target", "cortex-m4")
    assert code == 1
    assert "no target 'cortex-m4'" in said


def test_convert_for_an_input_that_comes_by_rows(tmp_path: Path) -> None:
    target = tmp_path / "m.tsm"
    code, said = run("convert", CASES / "keras_dilated2d.tflite", "-o", target, "--golden", "0",
                     "--rows", "--plan")  # fmt: skip
    assert code == 0, said
    model = ModelFile.load(target)
    assert model.tensors[0].ring > 0
    assert "0 SEGMENT" in said
    assert "in rows" in said
    assert f"input t0@{model.tensors[0].offset}+" in said
    code, said = run("convert", CASES / "fc.tflite", "-o", target, "--golden", "0", "--rows")
    assert code == 1
    assert "cannot be pushed row by row" in said


def test_convert_for_the_smallest_arena(tmp_path: Path) -> None:
    arenas = []
    for how in ([], ["--smallest"]):
        target = tmp_path / "m.tsm"
        run("convert", CASES / "keras_conv1d.tflite", "-o", target, "--golden", "0", *how)
        arenas.append(ModelFile.load(target).arena_bytes)
    assert arenas[1] < 0.6 * arenas[0]


@tensorflow
def test_convert_then_verify_what_came_out(tmp_path: Path) -> None:
    source, labels = tmp_path / "m.tflite", tmp_path / "labels.txt"
    shutil.copy(CASES / "keras_conv1d.tflite", source)
    labels.write_text("a\nb\n\nc\nd\n")
    code, said = run("convert", source, "--labels", labels)
    assert code == 0, said
    assert len(ModelFile.load(tmp_path / "m.tsm").gold) == 4
    for given in ([], ["--tflite", source]):  # beside it, it is found
        code, said = run("verify", tmp_path / "m.tsm", *given, "--count", "20")
        assert (code, said.strip()) == (0, "m.tsm: 30/30 outputs equal")


@tensorflow
@pytest.mark.parametrize("beside", ["", "add.tflite"])
def test_without_its_source_a_model_has_its_golden_vectors_alone(
    tmp_path: Path, beside: str
) -> None:
    run("convert", CASES / "keras_conv1d.tflite", "-o", tmp_path / "m.tsm")
    if beside:  # of another model
        shutil.copy(CASES / beside, tmp_path / "m.tflite")
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "m.tsm")])
    assert (done.exit_code, done.stdout) == (0, "m.tsm: 4/4 outputs equal\n")
    assert done.stderr == ""
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "m.tsm"), "--count", "100"])
    assert (done.exit_code, done.stdout) == (0, "m.tsm: 4/4 outputs equal\n")
    assert done.stderr == "no random inputs: they need the .tflite, --tflite FILE\n"


@tensorflow
def test_a_difference_ends_with_status_1_and_names_the_element(tmp_path: Path) -> None:
    path = tmp_path / "m.tsm"
    run("convert", CASES / "fc.tflite", "-o", path)
    model = ModelFile.load(path)
    outputs = model.gold.outputs.copy()
    outputs[1, 4] ^= 8
    model.gold = type(model.gold)(model.gold.windows, model.gold.inputs, outputs)
    path.write_bytes(model.write())
    code, said = run("verify", path)
    assert code == 1
    assert "m.tsm: 3/4 outputs equal" in said
    assert "first difference: golden 1: output 0 element 4: expected" in said


REFUSED = [
    (["convert", "nothing.tflite"], "cannot read"),
    (["convert", str(CASES / "fc.tflite"), "-o", "no/such/folder/x.tsm", "--golden", "0"], "cannot write"),
    (["convert", str(CASES / "fc.tflite"), "--labels", "a,b", "--golden", "0"], "2 labels"),
    (["convert", str(CASES / "fc.tflite"), "-o", ".", "--golden", "0"], ". is a folder"),
    (["convert", str(CASES / "fc.tflite"), "-o", "/", "--golden", "0"], "/ is a folder"),
    (["convert", str(CASES / "fc.tflite"), "--labels", "a,a,c,d,e", "--golden", "0"], "'a' is there"),
    (["convert", str(CASES / "fc.tflite"), "--labels", "a" * 3000, "--golden", "0"], "3000 bytes"),
    (["convert", str(CASES / "fc.tflite"), "--labels", "a,,c,d,e", "--golden", "0"], "0 bytes"),
    (["verify", "nothing.tsm"], "cannot read"),
    (["bench", str(CASES / "fc.npz")], "not a .tflite"),
]


@pytest.mark.parametrize(("words", "says"), REFUSED, ids=lambda v: " ".join(v)[-30:])
def test_errors_are_one_line_and_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    words: list[str], says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code, said = run(*words)
    except TinysenseError as error:  # pragma: no cover - the app turns it into a line
        raise AssertionError from error
    said += capfd.readouterr().err
    assert code == 1
    assert says in said
    assert len(said.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_bench_json_is_one_object() -> None:
    code, said = run("bench", CASES / "keras_conv1d.tflite", "--json")
    assert code == 0, said
    told = json.loads(said)
    assert {"instructions", "arena_bytes", "model_bytes", "macs", "ops"} <= set(told)
    assert [op["op"] for op in told["ops"]][-1] == "SOFTMAX"
    assert sum(op["macs"] for op in told["ops"]) == told["macs"]
