"""What a model costs on a bare core, and what may run there."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tinysense_host import bench, convert, tflite
from tinysense_host.barecore import load_core
from tinysense_host.benchcore import costs_on_core, fit
from tinysense_host.cli import app
from tinysense_host.errors import TinysenseError
from tinysense_host.modelfile import ModelFile

CASES = Path(__file__).parents[1] / "golden" / "cases"


def blob_of(name: str) -> bytes:
    return convert.convert(tflite.load(CASES / f"{name}.tflite"))


@pytest.fixture(autouse=True)
def emulator() -> None:
    for program in ("arm-none-eabi-gcc", "qemu-system-arm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def test_ops_add_up_to_the_inference() -> None:
    core = load_core("cortex-m4")
    blob = blob_of("keras_conv1d")
    (packed,) = costs_on_core(core, [("a", *fit(blob, core.target))])
    (portable,) = costs_on_core(core, [("a", blob, None)])
    assert isinstance(packed, bench.Cost)
    assert isinstance(portable, bench.Cost)
    for cost in (packed, portable):
        alone = sum(op.cost for op in cost.ops)
        assert 0.9 * cost.total < alone < 1.3 * cost.total + 400
        assert cost.load is not None
        assert cost.load > 1000
    assert packed.macs == portable.macs > 0
    assert packed.total < portable.total


def test_a_model_for_another_core_is_refused() -> None:
    packed, portable = fit(blob_of("conv_same"), "armv7em")
    assert portable is not None
    assert fit(packed, "armv7em") == (packed, None)
    if ModelFile.read(portable).target == ModelFile.read(packed).target:
        pytest.skip("armv7em packs nothing of it")
    with pytest.raises(TinysenseError, match="is packed for armv7em, not for mve"):
        fit(packed, "mve")


def test_a_model_that_answers_otherwise_than_the_portable_one_is_an_error() -> None:
    blob = blob_of("conv_same")
    model = ModelFile.read(blob)
    other = dataclasses.replace(model, tensors=[
        dataclasses.replace(t, zero_point=t.zero_point ^ 5) if i == 0 else t
        for i, t in enumerate(model.tensors)]).write()
    (found,) = costs_on_core(load_core("cortex-m4"), [("conv", other, blob)])
    assert isinstance(found, TinysenseError)
    assert "outputs differ" in str(found)


def test_the_command_on_a_core() -> None:
    done = CliRunner().invoke(app, ["bench", str(CASES / "keras_conv1d.tflite"), "--core",
                                    "cortex-m4", "--json"])  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["instructions"] > 1000
    assert told["load"] > 1000


@pytest.mark.parametrize(("words", "said"), [
    (["--core", "cortex-m4", "--board", "QEMU_M4F"], "--core stands alone"),
    (["--core", "z80"], "unknown core 'z80'"),
    (["--core", "x86-64"], "nothing counts instructions on x86-64"),
])
def test_cores_that_cannot_be(words: list[str], said: str,
                              capfd: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    done = CliRunner().invoke(app, ["bench", str(CASES / "conv_same.tflite"), *words])
    assert done.exit_code == 1
    assert said in done.output + capfd.readouterr().err
