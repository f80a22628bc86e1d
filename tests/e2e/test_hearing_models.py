"""Wake words of others hear on emulated boards: their golden vectors, from sound to scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner
from virtual_bench import PRODUCTS, ROOT

from tinysense_host.cli import app
from tinysense_host.modelfile import ModelFile

MODELS = ["v2_okay_nabu", "v2_alexa", "v2_hey_jarvis", "v2_vad", "v1_okay_nabu"]
BOARDS = ["QEMU_M4F", "QEMU_M0", "QEMU_RV32"]
EVERYWHERE = [pytest.param(board, name, marks=() if (board, name) == (BOARDS[0], MODELS[0])
                           else pytest.mark.full) for board in BOARDS for name in MODELS]


def ran(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(("board", "name"), EVERYWHERE)
def test_golden_vectors_of_microwakeword(board: str, name: str, shared: Path, tmp_path: Path,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow", reason="golden vectors are made by TensorFlow")
    if not (ROOT / "build" / "firmware" / PRODUCTS[board]).is_file():
        pytest.skip(f"no firmware: make firmware BOARD={board}")
    monkeypatch.setenv("TINYSENSE_RUN", str(tmp_path))
    source, made = shared / "models" / "microwakeword_esphome" / name, tmp_path / f"{name}.tsm"
    ran("convert", source.with_suffix(".tflite"), "--manifest", source.with_suffix(".json"),
        "--output", made)
    gold = ModelFile.load(made).gold
    assert gold is not None and gold.windows.shape[1] > 0
    said = ran("verify", made, "--board", board)
    assert f"{2 * len(gold)}/{2 * len(gold)} outputs equal on {board}" in said
